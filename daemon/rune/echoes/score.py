"""The Echo Score: 0.4 importance + 0.3 relevance + 0.3 recency, each from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rune.records.echo import Entry

WEIGHTS = {"etched": 1.0, "inscribed": 0.7, "traced": 0.3}
"""Layer -> importance."""
MAX_AGE = {"inscribed": 90, "traced": 30}
"""Layer -> days after which an unverified entry counts as stale; etched ones never do."""


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
    """The Echo Score; etched entries are locked at 1.0.

    >>> entry = Entry("inscribed", "Imports", date(2026, 1, 1), "Check them.")
    >>> round(score(entry, Use(references=1, workflows=4), date(2026, 2, 15)), 3)  # 0.28 + 0.075 + 0.15
    0.505
    """
    if entry.layer == "etched":
        return 1.0
    return 0.4 * importance(entry) + 0.3 * relevance(use) + 0.3 * recency(entry, today)


def importance(entry: Entry) -> float:
    """The weight of the entry's layer."""
    return WEIGHTS[entry.layer]


def relevance(use: Use) -> float:
    """References by workflows, from 0 to 1; 0.0 where there was no workflow."""
    return _clamped(use.references / use.workflows) if use.workflows > 0 else 0.0


def recency(entry: Entry, today: date) -> float:
    """1.0 when verified today or later, 0.0 from the layer's maximum age on."""
    if entry.layer not in MAX_AGE:
        return 1.0
    return _clamped(1.0 - (today - entry.verified).days / MAX_AGE[entry.layer])


def _clamped(value: float) -> float:
    return min(1.0, max(0.0, value))
