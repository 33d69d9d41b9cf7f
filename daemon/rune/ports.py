"""The seams of Rune: narrow protocols, each with a fake in ``rune.testing``; no tensors pass through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rune.records.card import Card, Lesson
from rune.records.message import Serve, Serving
from rune.units import Work


@dataclass(frozen=True, slots=True)
class Distilled:
    """What a distillation made: a staged folder with PEFT files, and everything the receipt needs to know."""

    folder: Path
    steps: int
    seconds: float
    probes_before: dict[str, float | None]
    probes_after: dict[str, float | None]
    peak_mb: float
    settings: dict[str, Any]
    """All that it was made with; ``rank``, ``alpha`` and ``targets`` where they are not those configured."""
    engine: str = "gradient"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a distillation stands."""

    step: int
    steps: int
    """At most; 0 while the base is asked, before the first step."""
    loss: float


@dataclass(frozen=True, slots=True)
class Heritage:
    """Adapters that know lessons already: training may begin at what they add up to."""

    parents: tuple[Path, ...]
    """Their folders."""
    starts: tuple[str, ...]
    """For each the name of the start that its own training began at; empty where that was nothing."""
    epochs: int
    """How many are enough from there."""
    course: int = 0
    """How often the same lessons were learnt so before: each time they are asked in other words."""


class Distiller(Protocol):
    """Turns lessons into adapter weights."""

    def distil(
        self, lessons: Sequence[Lesson], into: Path, heritage: Heritage | None = None,
        passages: Sequence[str] = (),
    ) -> Iterator[Progress | Distilled]:  # fmt: skip
        """Work in small units: yield Progress after each, and Distilled last.

        ``heritage`` may be used or not; it is no other memory, the lessons are the same. So may ``passages``:
        for each lesson what its session says of it, or nothing.

        Raises:
            OutOfMemory: not even the smallest batch fits.
        """


class Generator(Protocol):
    """Answers from weights alone."""

    def answer(self, question: str, adapter: Path | None, max_tokens: int) -> str:
        """The greedy answer of the base with this adapter; the prompt is the question and nothing else."""

    def sureness(self, question: str, answer: str, adapter: Path) -> float:
        """The probability of the least likely token at the beginning of an adapter's answer."""


class Breeder(Protocol):
    """Makes one adapter of several by their weights, and asks adapters many questions at once."""

    def merge(self, how: str, parents: Sequence[Path], starts: Sequence[str], into: Path) -> Distilled:
        """Write the merged adapter's PEFT files into ``into``; the same parents give the same files.

        ``starts`` has for each parent the name of the start that its training began at, or nothing.

        Raises:
            AdapterError: there is no such way, or a parent's files cannot be read.
        """

    def answering(
        self, asked: Sequence[tuple[str, str]], adapter: Path | None, max_tokens: int
    ) -> Work[list[str]]:
        """The greedy answers of the base with this adapter, each as it would be alone.

        Beside each question stands the answer that is foreseen, or nothing: a right one saves time, a wrong
        one changes nothing but that the answer may be as long as it, and a little longer; ``max_tokens`` is
        for those of which none is foreseen.
        """


class Embedder(Protocol):
    """Sentences to unit vectors."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text."""


class Door(Protocol):
    """The HTTP endpoint, as far as the daemon minds it."""

    @property
    def url(self) -> str:
        """Where it listens; empty while it is closed."""

    async def answer(self, request: Serve) -> Serving:
        """Open it or close it, as somebody asks.

        Raises:
            ConfigError: the port is taken, or no port for this machine alone.
        """

    async def start(self) -> str:
        """Open it where the settings say; its address.

        Raises:
            ConfigError: as ``answer``.
        """

    async def stop(self) -> None:
        """Close it."""


Clock = Callable[[], float]
"""Seconds since the epoch; ``time.time`` outside of tests."""

__all__ = [
    "Breeder", "Card", "Clock", "Distilled", "Distiller", "Door", "Embedder", "Generator", "Progress",
]  # fmt: skip
