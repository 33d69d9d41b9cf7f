"""A request on its way through the engine: asked, then in a row; and which prompts are read side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rune.ml.serve.rows import Bound
from rune.ml.serve.sampling import Chooser
from rune.ml.serve.text import Stream
from rune.serving.types import GenerateRequest

MOST = 8
"""Prompts that are read side by side."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its prompt as token ids."""

    request: GenerateRequest
    ids: list[int]

    @property
    def id(self) -> str:
        """The request's."""
        return self.request.id

    @property
    def client(self) -> str:
        """Who asks."""
        return self.request.client

    @property
    def length(self) -> int:
        """Places that its keys and values take at most."""
        return len(self.ids) + max(1, self.request.sampling.max_tokens)


@dataclass(slots=True)
class Row:
    """A request that has a row."""

    asked: Asked
    adapters: Bound
    chooser: Chooser
    stream: Stream
    began: float
    read: int = 0
    """Tokens whose keys and values are there."""
    last: int = 0
    """The newest token, which the next step reads."""
    tokens: list[int] = field(default_factory=list)
    """What was generated, without the token that ends it."""

    @property
    def id(self) -> str:
        """The request's."""
        return self.asked.id


def fit(lengths: Sequence[int], budget: int) -> bool:
    """Whether prompts of these lengths, padded to the longest, are worth reading in one pass of the budget.

    A third of the pass may be padding; more would cost more than one pass after the other. So would many
    prompts of many lengths: the vocabulary is projected at every length's end in every row.

    >>> fit([60, 50, 64], 256), fit([60] * 5, 256), fit([100, 10], 256), fit([9] * 9, 256)
    (True, False, False, False)
    """
    padded = max(lengths) * len(lengths)
    return len(lengths) <= MOST and padded <= budget and 2 * padded <= 3 * sum(lengths)
