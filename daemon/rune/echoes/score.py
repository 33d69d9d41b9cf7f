"""The Echo Score: 0.4 importance + 0.3 relevance + 0.3 recency, each from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rune.records.echo import Entry


@dataclass(frozen=True, slots=True)
class Use:
    """How often an entry was recalled or injected."""

    references: int = 0
    """In how many of the recent workflows."""
    workflows: int = 0
    """How many workflows there were."""
    last: date | None = None
    """The day it was last referenced."""


UNUSED = Use()


def score(entry: Entry, use: Use, today: date) -> float:
    """The Echo Score; etched entries are locked at 1.0."""
    raise NotImplementedError


def importance(entry: Entry) -> float:
    """The weight of the entry's layer."""
    raise NotImplementedError


def relevance(use: Use) -> float:
    """References by workflows; 0.0 where there was no workflow."""
    raise NotImplementedError


def recency(entry: Entry, today: date) -> float:
    """1.0 when verified today, 0.0 at the layer's maximum age."""
    raise NotImplementedError
