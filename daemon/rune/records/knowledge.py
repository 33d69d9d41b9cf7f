"""knowledge.md of a role: blocks of three to five lines that many entries were compressed into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Block:
    """What several entries on one topic said, with all their evidence."""

    topic: str
    day: date
    """Of its newest entry."""
    summary: tuple[str, ...]
    """Three to five lines in what Rune writes; any number in what others wrote."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A whole knowledge.md."""

    role: str
    blocks: tuple[Block, ...] = ()
    preamble: str = ""
    version: int = 1

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return render(self).count("\n")


def parse(text: str, path: object) -> Knowledge:
    """Read a knowledge.md."""
    raise NotImplementedError


def render(knowledge: Knowledge) -> str:
    """The file's text."""
    raise NotImplementedError
