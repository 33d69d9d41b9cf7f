"""Findings into a MEMORY.md: what is known is confirmed, what is new is appended; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rune.records.echo import Entry, Memory


@dataclass(frozen=True, slots=True)
class Refused:
    """A finding that may not become an entry."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True)
class Consolidated:
    """The memory with the findings in it, and what became of each."""

    memory: Memory
    added: tuple[Entry, ...] = ()
    merged: tuple[Entry, ...] = ()
    """Entries that a finding confirmed, as they are now."""
    superseded: tuple[Entry, ...] = ()
    """Taken out by a newer entry; to be archived."""
    refused: tuple[Refused, ...] = ()


def consolidate(memory: Memory, findings: Iterable[Entry], today: date, person: bool = False) -> Consolidated:
    """Put findings into a memory.

    ``person`` says that a person wrote them: only then an etched entry is added, replaced, or needs no evidence.
    """
    raise NotImplementedError
