"""What leaves a MEMORY.md that is over its limit, and why; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from rune.echoes.score import Use
from rune.records.echo import Entry, Memory
from rune.records.knowledge import Block

LIMIT = 150
"""Lines of a MEMORY.md."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Entries that become one block of knowledge.md."""

    entries: tuple[Entry, ...]
    block: Block


@dataclass(frozen=True, slots=True)
class Plan:
    """What is kept, archived and compressed; together they are all entries of the memory."""

    keep: tuple[Entry, ...]
    archive: tuple[Entry, ...]
    compress: tuple[Merge, ...]
    reasons: Mapping[str, str]
    """Entry id to why it leaves."""
    lines_before: int = 0
    lines_after: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing leaves."""
        return not self.archive and not self.compress


@dataclass(frozen=True, slots=True)
class Pruned:
    """A plan carried out on values: what to write where."""

    memory: Memory
    archived: tuple[Entry, ...]
    """Archived and compressed entries: all that left, for archive/."""
    blocks: tuple[Block, ...]
    """For knowledge.md."""


def plan(memory: Memory, uses: Mapping[str, Use], today: date, limit: int = LIMIT) -> Plan:
    """Decide what leaves; nothing does while the memory is within its limit."""
    raise NotImplementedError


def apply(memory: Memory, decided: Plan) -> Pruned:
    """The memory after the plan, what goes to the archive, and the new blocks."""
    raise NotImplementedError
