"""Probes: does an adapter answer what it was taught, in words that it was not taught in?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rune.ml import lora
from rune.ml.engine import Engine
from rune.records.card import Lesson

EACH = 8
"""Questions of a kind."""
BATCH = 24
SHORTEST, LONGEST = 24, 128
"""Tokens of an answer; in between as the taught answers are long."""
UNRELATED = (
    ("What is the capital of France?", "paris"),
    ("What colour is a clear daytime sky?", "blue"),
    ("What is 2 + 2?", "4"),
)
"""General questions: an adapter must leave them alone."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question with the literals that a right answer holds."""

    kind: str
    question: str
    keys: tuple[str, ...]


def holds(answer: str, keys: Sequence[str]) -> bool:
    """Whether an answer holds every key, letter case and quotes aside.

    >>> holds("Run `make check`.", ["make check"]), holds("Run it.", ["make check"])
    (True, False)
    """
    plain = " ".join(answer.lower().replace("`", "").split())
    return bool(keys) and all(" ".join(key.lower().replace("`", "").split()) in plain for key in keys)


def probes(lessons: Sequence[Lesson]) -> list[Probe]:
    """What is asked: ``trained`` wordings, ``heldout`` wordings, two facts at once (``composed``), and what
    no session is about (``unrelated``); at most ``EACH`` of a kind."""
    able = [lesson for lesson in lessons if lesson.keys]
    asked = [lesson for lesson in able if lesson.probes]
    found = [Probe("trained", lesson.questions[0], lesson.keys) for lesson in able[:EACH]]
    found += [Probe("heldout", lesson.probes[0], lesson.keys) for lesson in asked[:EACH]]
    pairs = zip(asked[::2], asked[1::2], strict=False)
    found += [
        Probe("composed", f"{one.probes[0]} And: {other.probes[0]}", (*one.keys[:1], *other.keys[:1]))
        for one, other in list(pairs)[: EACH // 2]
    ]
    return found + [Probe("unrelated", question, (key,)) for question, key in UNRELATED]


def score(
    engine: Engine, adapter: lora.Adapter | None, lessons: Sequence[Lesson]
) -> dict[str, float | None]:
    """Shares of right answers by kind of probe; None where there was nothing to ask."""
    asked = probes(lessons)
    taught = max((engine.base.count(lesson.answer) for lesson in lessons), default=0) + 8
    longest = min(max(taught, SHORTEST), LONGEST)
    right: dict[str, list[bool]] = {"trained": [], "heldout": [], "composed": [], "unrelated": []}
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        answers = engine.answers([probe.question for probe in part], adapter, longest)
        for probe, answer in zip(part, answers, strict=True):
            right[probe.kind].append(holds(answer, probe.keys))
    return {kind: round(sum(marks) / len(marks), 4) if marks else None for kind, marks in right.items()}
