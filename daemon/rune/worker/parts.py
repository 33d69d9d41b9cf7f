"""What the composition root puts into a model process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rune.config import Config
from rune.evolving.breeding import Nursery
from rune.ports import Breeder, Distiller
from rune.recall import Recaller
from rune.records.tokens import Turn
from rune.serving.types import EngineStats, GenerateRequest, Part, TokenEvent


class Runner(Protocol):
    """The engine, as the loop drives it: nothing happens between two calls."""

    @property
    def busy(self) -> bool:
        """Whether a step has something to do."""

    def submit(self, request: GenerateRequest) -> None:
        """Take a request in.

        Raises:
            EngineBusy, PromptTooLong, AdapterError: it is not taken.
        """

    def cancel(self, id: str) -> None:
        """Drop a request; its last event comes with the next step."""

    def step(self) -> list[TokenEvent]:
        """Prefill a piece or decode one token of every running request."""

    def prefetch(self, part: Part) -> None:
        """Bring an adapter near."""

    def stats(self) -> EngineStats:
        """What it holds."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What the composition root gives a worker that only learns."""

    base_name: str
    base_hash: str
    distiller: Distiller
    config: Config
    breeder: Breeder

    @property
    def nursery(self) -> Nursery:
        """What evolution needs of it."""
        return Nursery(self.base_name, self.base_hash, self.distiller, self.breeder, self.config)


@dataclass(frozen=True, slots=True)
class Parts(Learner):
    """What it gives a worker that answers, too."""

    recaller: Recaller
    runner: Runner
    render: Callable[[Sequence[Turn]], str]
    """A conversation as the base's prompt."""
