"""Whether an etched echo may become a remembrance, and what else says the same; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum

from rune.echoes.score import Use
from rune.records.echo import Entry
from rune.records.remembrance import Remembrance


class Outcome(Enum):
    """What a promotion comes to."""

    PROMOTE = "promote"
    SKIP = "skip"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a promotion needs beyond the entry; what is empty here is taken from the entry's named bullets."""

    category: str
    symptom: str = ""
    root_cause: str = ""
    solution: str = ""
    tags: tuple[str, ...] = ()
    for_agents: bool = False
    """Of use to agents alone: not promoted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and its reason."""

    outcome: Outcome
    reason: str
    missing: tuple[str, ...] = ()
    """Fields that the entry and the arguments lack."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A remembrance that says nearly the same."""

    remembrance: Remembrance
    kind: str
    """title, root_cause or tags."""
    what: str


def facts(entry: Entry, given: Facts) -> Facts:
    """The given facts, filled from the entry's named bullets."""
    raise NotImplementedError


def judge(entry: Entry, given: Facts, use: Use, human: bool) -> Verdict:
    """PROMOTE, SKIP or BLOCKED, by the promotion rules in their order."""
    raise NotImplementedError


def compose(entry: Entry, given: Facts, path: str, human: bool, today: date) -> Remembrance:
    """The remembrance of an entry; ``path`` is where its echo stands, for ``echo_ref``."""
    raise NotImplementedError


def duplicates(candidate: Remembrance, existing: Iterable[Remembrance]) -> tuple[Duplicate, ...]:
    """What has the same title, a similar root cause, or three tags in common."""
    raise NotImplementedError


def stale(remembrance: Remembrance, entries: Iterable[Entry]) -> bool:
    """Whether the echo it refers to was edited or is gone."""
    raise NotImplementedError
