"""What a training step is measured by: cross-entropy of the answers, and divergence from two teachers.

The student sees the question and never the session. Its targets are the answer's tokens; where the base
reads well, also what that says with the passage in its prompt (``rune.ml.teacher``). On neutral questions it
is held to what the base says (``rune.ml.neutral``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rune.ml import neutral
from rune.ml.neutral import Neutral
from rune.ml.packing import Example
from rune.ml.teacher import Teacher

FIRST, FIRST_WEIGHT = 4, 2.0
"""The first tokens of an answer count double: they decide which one it is."""


@dataclass(frozen=True, slots=True)
class Objective:
    """How much what counts."""

    neutral: Neutral
    neutral_weight: float
    teacher: Teacher | None = None
    context_weight: float = 0.0
    """The teacher's share of an answer's loss; the rest is the cross-entropy's."""

    def loss(self, row: Sequence[Example], logits: Tensor, targets: Tensor) -> Tensor:
        """The mean over a row's A targets, those of lessons first: logits [A, V], targets [A]."""
        ours = [one for one in row if one.owner >= 0]
        at = sum(one.targets for one in ours)
        total = self._taught(ours, logits[:at], targets[:at])
        for one in row[len(ours) :]:
            shares = self.neutral.shares[-1 - one.owner].to(logits.device)
            total = total + self.neutral_weight * neutral.divergence(shares, logits[at : at + one.targets])
            at += one.targets
        return total / len(targets)

    def _taught(self, ours: Sequence[Example], logits: Tensor, targets: Tensor) -> Tensor:
        """Of the answers' tokens, summed; where the teacher has read something it has its share."""
        counts = [FIRST_WEIGHT if at < FIRST else 1.0 for one in ours for at in range(one.targets)]
        each = functional.cross_entropy(logits, targets, reduction="none")
        if self.teacher is not None and ours:
            sizes = [one.targets for one in ours]
            parts = zip(ours, logits.split(sizes), each.split(sizes), strict=True)
            each = torch.cat([self._led(self.teacher, one, own, plain) for one, own, plain in parts])
        return (each * torch.tensor(counts, device=logits.device)).sum()

    def _led(self, teacher: Teacher, one: Example, logits: Tensor, plain: Tensor) -> Tensor:
        apart = teacher.divergence(one.owner, logits)
        return plain if apart is None else (1 - self.context_weight) * plain + self.context_weight * apart
