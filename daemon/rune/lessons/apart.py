"""Lessons kept apart: one lesson per answer, one answer per question, and no probe that was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rune import arcs, orders
from rune.records.card import Lesson


def distinct(lessons: Sequence[Lesson]) -> list[Lesson]:
    """One lesson per answer, with all its phrasings; one answer per question: two would teach neither."""
    answers: dict[str, int] = {}
    cues: set[str] = set()
    kept: list[Lesson] = []
    for lesson in map(_without_orders, lessons):
        if not lesson.questions or not lesson.answer or arcs.unfit(lesson.answer):
            continue
        cue = lesson.questions[0].lower()
        if (place := answers.get(lesson.answer.lower())) is not None:
            kept[place] = _joined(kept[place], lesson)
        elif cue not in cues:
            answers[lesson.answer.lower()] = len(kept)
            kept.append(lesson)
        cues.add(cue)
    return list(_apart(kept))


def _without_orders(lesson: Lesson) -> Lesson:
    """The same lesson, asked in no words that give orders to a model."""
    questions = tuple(text for text in lesson.questions if not orders.instructs(text))
    probes = tuple(text for text in lesson.probes if not orders.instructs(text))
    return replace(lesson, questions=questions, probes=probes)


def _apart(lessons: Sequence[Lesson]) -> Iterator[Lesson]:
    """No question with two answers: the first lesson has it. No probe trained, shared, or holding a key."""
    owners: dict[str, int] = {}
    for place, lesson in enumerate(lessons):
        for question in lesson.questions:
            owners.setdefault(_plain(question), place)
    probed: set[str] = set()
    for place, lesson in enumerate(lessons):
        questions = tuple(text for text in lesson.questions if owners[_plain(text)] == place)
        fair = [text for text in lesson.probes if not any(key.lower() in text.lower() for key in lesson.keys)]
        probes = tuple(text for text in fair if _plain(text) not in owners and _plain(text) not in probed)
        probed |= {_plain(text) for text in probes}
        if questions:
            yield replace(lesson, questions=questions, probes=probes)


def _plain(question: str) -> str:
    return " ".join(question.lower().split())


def _joined(one: Lesson, other: Lesson) -> Lesson:
    def both(name: str, limit: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*getattr(one, name), *getattr(other, name))))[:limit]

    questions = both("questions", 40)
    probes = tuple(probe for probe in both("probes", 4) if probe not in questions)
    keys = tuple(key for key in one.keys if key.lower() not in " ".join(questions).lower())
    at, evidence = max(one.at, other.at), both("evidence", 40)
    return Lesson(one.kind, one.answer, questions, probes, evidence, keys or one.keys, at)
