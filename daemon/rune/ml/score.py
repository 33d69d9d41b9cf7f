"""Probes asked of an adapter: does it answer what it was taught, in words that it was not taught in?"""

from __future__ import annotations

from collections.abc import Sequence

from rune.ml import lora
from rune.ml.engine import Engine
from rune.probing import holds, probes
from rune.records.card import Lesson

__all__ = ["holds", "probes", "score"]

BATCH = 24
SHORTEST, LONGEST = 24, 128
"""Tokens of an answer; in between as the taught answers are long."""


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
