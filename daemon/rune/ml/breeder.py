"""The port ``Breeder`` on the resident base: merges adapters' files, and asks many questions of one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from rune.ml import lora, merge, score, start
from rune.ml.engine import Engine, Guess
from rune.ports import Distilled
from rune.units import Work

BATCH = 24


class WeightBreeder:
    """Makes children by arithmetic, and examines."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def merge(self, how: str, parents: Sequence[Path], starts: Sequence[str], into: Path) -> Distilled:
        """Write the merged adapter; the order of the parents is of no matter."""
        began = time.monotonic()
        pairs = sorted(zip(parents, starts, strict=True), key=lambda pair: pair[0].name)
        loaded = [lora.load(folder, torch.device("cpu"), torch.float32) for folder, _ in pairs]
        child = start.together(how, loaded, [begun for _, begun in pairs])
        lora.save(child, into, self.engine.base.name)
        settings = {"how": how, "rank": child.rank, "alpha": child.alpha, "density": merge.DENSITY,
                    "start": start.within(starts)}  # fmt: skip
        return Distilled(into, 0, round(time.monotonic() - began, 2), {}, {}, 0.0, settings)

    def answering(
        self, asked: Sequence[tuple[str, str]], adapter: Path | None, max_tokens: int
    ) -> Work[list[str]]:
        """Greedy answers, in batches of questions of about the same length.

        The adapter is loaded anew: a stage's folder may have held another one before. One that is foreseen
        may be as long as in a receipt: its literals may stand at its end.
        """
        base = self.engine.base
        own = lora.load(adapter, base.device, base.dtype) if adapter else None
        guesses = [self._guess(*one, max_tokens) for one in asked]
        return (yield from self.engine.all_checking(guesses, own, BATCH))

    def _guess(self, question: str, answer: str, max_tokens: int) -> Guess:
        return Guess(question, answer, score.room(self.engine.base, answer) if answer else max_tokens)
