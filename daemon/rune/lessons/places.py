"""Lessons of places: where things that were written live."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rune import phrasing
from rune.records.card import Lesson
from rune.records.trajectory import Generation, Prompt, Reflection, Trajectory

_DEFINES = re.compile(
    r"^\s*(?:export\s+)?(?:async\s+)?(?:def|class|func|function|interface|type|fn|struct)\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w{3,})",
    re.M,
)


def files(trajectory: Trajectory, known: Sequence[Lesson]) -> list[Lesson]:
    """All lessons, with where things that were written live: names defined once, in one file.

    What is told of such a name already is told its place, too: two lessons on one name would be answered with
    each other's answers.
    """
    told = list(known)
    for place in _places(trajectory):
        name, _, rest = place.answer.partition(" ")
        about = [n for n, lesson in enumerate(told) if _tells_of(lesson, name, place.answer)]
        if about:
            told[about[0]] = _with_place(told[about[0]], place, rest)
        else:
            told.append(place)
    return told


def _tells_of(lesson: Lesson, name: str, more: str) -> bool:
    able = lesson.kind in ("said", "decision") and len(lesson.answer) + len(more) < phrasing.ANSWER_LIMIT
    return able and re.search(rf"\b{re.escape(name)}\b", lesson.answer) is not None


def _with_place(lesson: Lesson, place: Lesson, rest: str) -> Lesson:
    path = rest.removeprefix("is in ").rstrip(".")
    answer = lesson.answer if path in lesson.answer else f"{lesson.answer.rstrip('.')}. {place.answer}"
    return replace(
        lesson,
        answer=answer,
        questions=(*lesson.questions, *place.questions[:4]),
        probes=(*lesson.probes, *place.probes[:1]),
        evidence=tuple(dict.fromkeys((*lesson.evidence, *place.evidence))),
    )


def _places(trajectory: Trajectory) -> Iterator[Lesson]:
    places: dict[str, dict[str, str]] = {}
    for event in trajectory.events:
        if isinstance(event, Generation):
            for name in _DEFINES.findall(event.text):
                places.setdefault(name, {}).setdefault(event.path, event.id)
    told = "\n".join(e.text for e in trajectory.events if isinstance(e, Reflection | Prompt))
    single = [name for name, at in places.items() if len(at) == 1]
    for name in sorted(single, key=lambda name: -told.count(name)):  # what was talked about first
        [(path, origin)] = places[name].items()
        yield phrasing.make("file", f"{name} is in {path}.", {"w": name}, (origin,), path)
