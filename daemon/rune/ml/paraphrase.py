"""Paraphrases: a base that reads well words the questions of its lessons anew, for training alone.

A wording counts only where the base reads the lesson's answer out of its passage when it is asked so
(round-trip consistency: Alberti et al. 2019, arXiv:1906.05416). What asks for something else is left out by
that, and so is all that a base says which cannot paraphrase. None is a probe or holds what is to be recalled.
"""

from __future__ import annotations

import re
from collections import Counter
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
_MARKS = re.compile(r"^\s*(?:[-*•>#]+\s+|\d+[.)]\s+)")
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
    said = yield from engine.all_answering([prompt for _, prompt in asked], None, TOKENS, BATCH)
    known = {_plain(text) for lesson in lessons for text in (*lesson.questions, *lesson.probes)}
    told = {(place, _plain(text := line(raw))): text for (place, _), raw in zip(asked, said, strict=True)}
    fresh = [(place, text) for (place, plain), text in told.items() if plain not in known]
    able = [(place, text) for place, text in fresh if fits(lessons[place], text)]
    reading = [_reading(engine, lessons, passages, *one) for one in able]
    read = yield from engine.all_answering(reading, None, READ, BATCH)
    right = [one for one, answer in zip(able, read, strict=True) if holds(answer, lessons[one[0]].keys)]
    owners = Counter(_plain(text) for _, text in right)
    kept = [(place, text) for place, text in right if owners[_plain(text)] == 1]  # two answers teach neither
    return tuple(
        replace(lesson, questions=(*lesson.questions, *(text for at, text in kept if at == place)))
        for place, lesson in enumerate(lessons)
    )


def line(raw: str) -> str:
    """The question in what was said: the first line that announces nothing, without marks and quotes.

    >>> line("Sure! Here it is:\\n\\n**Question:** Where do retries live?\\nIt asks for a file.")
    'Where do retries live?'
    """
    said = [_MARKS.sub("", one).replace("**", "").strip() for one in raw.splitlines()]
    said = [one for one in said if one]
    first = next((one for one in said if not one.endswith(":")), "")
    head, _, rest = first.partition(": ")
    return (rest if rest and len(head.split()) <= 3 else first).strip(" \"'*`")


def fits(lesson: Lesson, text: str) -> bool:
    """Whether a wording may be trained: no order to a model, and no giveaway of what is to be recalled."""
    plain = text.lower()
    return (
        FEWEST <= len(plain.split()) <= MOST
        and not any(key.lower() in plain for key in lesson.keys)
        and not orders.instructs(text)
    )


def _plain(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))


def more(taught: Sequence[Lesson], lessons: Sequence[Lesson]) -> int:
    """How many wordings were found."""
    return sum(len(one.questions) for one in taught) - sum(len(one.questions) for one in lessons)


def _reading(
    engine: Engine, lessons: Sequence[Lesson], passages: Sequence[str], place: int, text: str
) -> str:
    return reader.prompt(near(engine.base, passages[place], lessons[place].keys), text)
