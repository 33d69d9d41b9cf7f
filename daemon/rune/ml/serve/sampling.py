"""The next token of a row: greedy, or drawn with a generator of the request's own.

One uniform number is drawn for each token and looked up in the cumulative distribution, so that the same
seed and prompt give the same tokens, whoever shares the batch. Logits differ in their last bits with the
size of the batch: where two tokens tie that closely, the choice may differ, too.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor

from rune.serving.types import Sampling


class Chooser:
    """Chooses the tokens of one request."""

    def __init__(self, sampling: Sampling) -> None:
        self.temperature = sampling.temperature
        self.top_p = sampling.top_p
        self._random = random.Random(sampling.seed)

    @property
    def greedy(self) -> bool:
        """Whether the most likely token is taken."""
        return self.temperature <= 0

    def choose(self, logits: Tensor) -> int:
        """A token id out of logits [V]."""
        if self.greedy:
            return int(logits.argmax())
        chances = (logits.double() / self.temperature).softmax(-1)
        if self.top_p >= 1:
            return _drawn(chances, self._random.random())
        chances, order = chances.sort(descending=True, stable=True)
        before = chances.cumsum(-1) - chances
        kept = chances[before < self.top_p]  # the first one always: nothing is before it
        kept = kept if len(kept) else chances[:1]
        return int(order[_drawn(kept, self._random.random())])


def _drawn(chances: Tensor, share: float) -> int:
    """The place at which the cumulative sum passes ``share`` of the whole."""
    total = chances.cumsum(-1)
    return min(int(torch.searchsorted(total, share * total[-1], right=True)), len(chances) - 1)


def choose(choosers: list[Chooser], logits: Tensor) -> list[int]:
    """A token id for each row of logits [N, V]."""
    best: list[int] = logits.argmax(-1).tolist()
    return [
        token if chooser.greedy else chooser.choose(row)
        for chooser, token, row in zip(choosers, best, logits, strict=True)
    ]
