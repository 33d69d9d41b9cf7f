"""Paraphrases: a base that reads well words the questions of its lessons anew, for training alone.

A wording counts only where the base reads the lesson's answer out of its passage when it is asked so
(round-trip consistency: Alberti et al. 2019, arXiv:1906.05416). What asks for something else is left out by
that, and so is all that a base says which cannot paraphrase. None is a probe or holds what is to be recalled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rune import orders, reader
from rune.ml.engine import Engine
from rune.ml.teacher import near
from rune.probing import holds
from rune.records.card import Lesson
from rune.units import Work

WAYS = (
    "Ask the following question in other words, in one sentence. Question: {question}",
    "How would somebody ask this who is new here? Answer with the question alone. Question: {question}",
    "Make a search query of three to six words of this question, in other words. Question: {question}",
)
"""How the base is asked; each way gives one wording."""
TOKENS = 40
"""Of a wording."""
READ = 48
"""Tokens of what the base reads out of the passage."""
BATCH = 8
FEWEST, MOST = 2, 32
"""Words of a question."""


def worded(engine: Engine, lessons: Sequence[Lesson], passages: Sequence[str]) -> Work[tuple[Lesson, ...]]:
    """The lessons, each with the wordings that ask the same beside its own."""
    asked = [
        (place, way.format(question=lesson.questions[0]))
        for place, lesson in enumerate(lessons)
        if lesson.keys and passages[place].strip()
        for way in WAYS
    ]
    said = yield from _answers(engine, [prompt for _, prompt in asked], TOKENS)
    told = [(place, text) for (place, _), raw in zip(asked, said, strict=True) if (text := _line(raw))]
    able = [(place, text) for place, text in dict.fromkeys(told) if fits(lessons[place], text)]
    read = yield from _answers(engine, [_reading(engine, lessons, passages, *one) for one in able], READ)
    kept: dict[int, list[str]] = {}
    for (place, text), answer in zip(able, read, strict=True):
        if holds(answer, lessons[place].keys):
            kept.setdefault(place, []).append(text)
    return tuple(
        replace(lesson, questions=(*lesson.questions, *kept.get(place, ())))
        for place, lesson in enumerate(lessons)
    )


def _line(raw: str) -> str:
    """The first line of what was said, without what announces it and without quotes.

    >>> _line('Question: "Where do retries live?"\\nIt asks for a file.')
    'Where do retries live?'
    """
    line = next((line for line in raw.splitlines() if line.strip()), "")
    head, colon, rest = line.partition(": ")
    return (rest if colon and len(head.split()) <= 3 and rest else line).strip(" \"'*`")


def fits(lesson: Lesson, text: str) -> bool:
    """Whether a wording may be trained: new, no probe, no order to a model, no giveaway of the answer."""
    known = {" ".join(one.lower().split()) for one in (*lesson.questions, *lesson.probes)}
    plain = " ".join(text.lower().split())
    return (
        FEWEST <= len(plain.split()) <= MOST
        and plain not in known
        and not any(key.lower() in plain for key in lesson.keys)
        and not orders.instructs(text)
    )


def more(taught: Sequence[Lesson], lessons: Sequence[Lesson]) -> int:
    """How many wordings were found."""
    return sum(len(one.questions) for one in taught) - sum(len(one.questions) for one in lessons)


def _reading(
    engine: Engine, lessons: Sequence[Lesson], passages: Sequence[str], place: int, text: str
) -> str:
    return reader.prompt(near(engine.base, passages[place], lessons[place].keys), text)


def _answers(engine: Engine, prompts: Sequence[str], tokens: int) -> Work[list[str]]:
    told: list[str] = []
    for start in range(0, len(prompts), BATCH):
        told += yield from engine.answering(prompts[start : start + BATCH], None, tokens)
    return told
