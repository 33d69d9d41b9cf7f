"""Blocks of knowledge: entries on one topic as three to five lines, all evidence kept; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rune.records.echo import Entry
from rune.records.knowledge import Block, Knowledge

LIMIT = 300
"""Lines of a knowledge.md."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """A knowledge.md after compression, and what that saved."""

    knowledge: Knowledge
    lines_before: int
    lines_after: int
    words_before: int
    words_after: int

    @property
    def saving(self) -> float:
        """Share of the words that is gone, 0.0 to 1.0."""
        return 1 - self.words_after / self.words_before if self.words_before else 0.0


def block(entries: Sequence[Entry]) -> Block:
    """One block from entries of one topic."""
    raise NotImplementedError


def groups(entries: Iterable[Entry]) -> tuple[tuple[Entry, ...], ...]:
    """The entries grouped by topic, in the order of their first ones."""
    raise NotImplementedError


def compress(knowledge: Knowledge, limit: int = LIMIT) -> Compressed:
    """Group the blocks by topic; unchanged while the file is within its limit."""
    raise NotImplementedError
