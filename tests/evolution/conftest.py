"""Adapters as the planner sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rune.config import EvolutionConfig
from rune.evolution import facts, fitness
from rune.evolution.actions import Standing
from rune.records.card import Lesson
from rune.records.ledger import State
from rune.testing import told

NOON = 1795176000.0
DAY = 86400.0


@pytest.fixture
def lesson() -> Callable[..., Lesson]:
    return told


@pytest.fixture
def standing(make_card) -> Callable[..., Standing]:
    """``standing("a", lesson, ..., phi=0.5, days_ago=3)``: an active adapter with so much fitness."""

    def make(id: str, *lessons: Lesson, phi: float | None = 0.5, days_ago: float = 0.0, **more) -> Standing:
        made = NOON - days_ago * DAY
        card = make_card(id=id, session=f"s-{id}", lessons=lessons, created=made, bytes=5_000_000)
        state = more.pop("state", State())
        known = fitness.of(card, state, NOON, EvolutionConfig())
        return Standing(replace(card, **more), state, replace(known, phi=phi), made)

    return make


@pytest.fixture
def retired(make_card) -> Callable[[Lesson | str, str], bool]:
    """``retired(then, now)``: whether a younger statement retires an older lesson, or statement."""

    def ask(then: Lesson | str, now: str) -> bool:
        taught = then if isinstance(then, Lesson) else Lesson("said", then, ("What of it?",), ())
        older = make_card(id="a", lessons=(taught,), created=1.0)
        younger = make_card(id="b", lessons=(Lesson("said", now, ("What of it?",), ()),), created=2.0)
        return any(one.changed for one in facts.replaced([older, younger]))

    return ask
