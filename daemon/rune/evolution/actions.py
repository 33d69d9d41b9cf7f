"""An adapter as it stands, and what can be done with it: the values that a plan is made of, and makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rune.evolution.fitness import Fitness
from rune.records.card import Card
from rune.records.ledger import State


@dataclass(frozen=True, slots=True)
class Standing:
    """An adapter as it stands: whole card, state, fitness, and when it was last asked or made."""

    card: Card
    state: State
    fitness: Fitness
    used: float

    @property
    def id(self) -> str:
        """The adapter's id."""
        return self.card.id


@dataclass(frozen=True, slots=True)
class Update:
    """A younger adapter takes an older one's place, or that of some of its lessons."""

    old: str
    by: str
    lessons: tuple[int, ...]
    """Places of the lessons that are retired; empty where the whole adapter is superseded."""
    because: str
    untrue: bool = False
    """Whether the whole goes because no lesson of it is true any more."""
    word: float = 0.0
    """When a person last put the older one back, as far as was known when this was planned."""


@dataclass(frozen=True, slots=True)
class Forget:
    """An adapter is put away; its files stay."""

    id: str
    because: str


@dataclass(frozen=True, slots=True)
class Consolidate:
    """Similar adapters become one, learnt anew from their joined lessons, a level up."""

    parents: tuple[str, ...]
    level: str
    because: str


@dataclass(frozen=True, slots=True)
class Merge:
    """Similar adapters become one by adding up their weights."""

    parents: tuple[str, ...]
    how: str
    level: str
    because: str


Action: TypeAlias = Update | Forget | Consolidate | Merge
Attempt: TypeAlias = tuple[str, frozenset[str]]
"""How, and of which parents."""
