"""Real adapters folders with fake weights, and what breeding needs, without a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from rune.config import Config
from rune.evolving.breeding import Nursery
from rune.library import Library
from rune.paths import Echoes
from rune.records.card import Card, Lesson
from rune.testing import BASE, BASE_HASH, FakeBreeder, FakeDistiller, told, write_adapter

GATES = [told(f"gate server listener part{n}", f"gate{n}.py") for n in range(9)]


@pytest.fixture
def lesson() -> Callable[..., Lesson]:
    return told


@pytest.fixture
def library(echoes: Echoes) -> Library:
    return Library(echoes, time.time)


@pytest.fixture
def teach(library, make_card) -> Callable[..., Card]:
    """``teach("s1", lesson, ...)``: an adapter of that session that really knows these lessons."""
    count = 0

    def make(session: str, *lessons: Lesson, **more) -> Card:
        nonlocal count
        count += 1
        with library.staging() as stage:
            write_adapter(stage, lessons)
            fields = {
                "session": session, "lessons": lessons, "source_hash": f"{count:064}",
                "created": float(count), "base": BASE, "base_hash": BASE_HASH, "summary": session, **more,
            }  # fmt: skip
            return library.add(stage, make_card(**fields))

    return make


@pytest.fixture
def gates() -> list[Lesson]:
    """Nine lessons on one subject."""
    return GATES


@pytest.fixture
def cluster(teach) -> list[Card]:
    """Three adapters on one subject."""
    return [teach(f"s{n}", *GATES[3 * n : 3 * n + 3]) for n in range(3)]


@dataclass(frozen=True, slots=True)
class Forgetful(FakeDistiller):
    """Learns the first lesson alone."""

    def distil(self, lessons, into, heritage=None, passages=()):
        yield from FakeDistiller.distil(self, lessons[:1], into, heritage)


@dataclass(frozen=True, slots=True)
class Slow(FakeDistiller):
    """Learns the first lesson alone, and all of them where it learns on."""

    def distil(self, lessons, into, heritage=None, passages=()):
        able = lessons if heritage and heritage.course else lessons[:1]
        yield from FakeDistiller.distil(self, able, into, heritage)


@pytest.fixture
def slow() -> Slow:
    return Slow(steps=2)


@pytest.fixture
def nursery() -> Callable[..., Nursery]:
    """``nursery()``, or ``nursery(forgetful=True)`` whose children know little."""

    def make(forgetful: bool = False) -> Nursery:
        distiller = Forgetful(steps=2) if forgetful else FakeDistiller(steps=2)
        return Nursery(BASE, BASE_HASH, distiller, FakeBreeder(), Config())

    return make
