"""Probes asked of an adapter: does it answer what it was taught, in words that it was not taught in?"""

from __future__ import annotations

from collections.abc import Sequence

from rune.ml import lora
from rune.ml.base import Base
from rune.ml.engine import ROW_TOKENS, Engine, Guess
from rune.probing import Probe, holds, probes
from rune.records.card import Lesson
from rune.units import Work, done

__all__ = ["holds", "probes", "score"]

BATCH = 24
SHORTEST, LONGEST = 48, 128
"""Tokens of an answer; in between as the taught answer is long."""
SPARE = 24
"""Tokens of an answer beyond the taught one."""


def score(
    engine: Engine, adapter: lora.Adapter | None, lessons: Sequence[Lesson]
) -> dict[str, float | None]:
    """Shares of right answers by kind of probe; None where there was nothing to ask."""
    return done(scoring(engine, adapter, lessons))


def scoring(
    engine: Engine, adapter: lora.Adapter | None, lessons: Sequence[Lesson], row_tokens: int = ROW_TOKENS
) -> Work[dict[str, float | None]]:
    """``score`` in units; one pass checks no more than so many tokens of foreseen answers."""
    asked = probes(lessons)
    right: dict[str, list[bool]] = {"trained": [], "heldout": [], "composed": [], "unrelated": []}
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        answers = yield from engine.checking([guess(engine, probe) for probe in part], adapter, row_tokens)
        for probe, answer in zip(part, answers, strict=True):
            right[probe.kind].append(holds(answer, probe.keys))
    return {kind: round(sum(marks) / len(marks), 4) if marks else None for kind, marks in right.items()}


def guess(engine: Engine, probe: Probe) -> Guess:
    """A probe with the taught answer, and as many tokens as that is long and a few more."""
    return Guess(probe.question, probe.answer, room(engine.base, probe.answer))


def room(base: Base, answer: str) -> int:
    """Tokens of an answer where this one was taught."""
    return min(max(base.count(answer) + SPARE, SHORTEST), LONGEST)
