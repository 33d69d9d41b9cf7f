"""Long computations in short units: a generator that stops between two of them, so that others get the base.

What it has attached to the base is off whenever it stops. Its value is what came of it:
``answers = yield from engine.answering(...)`` inside of another one, ``done(engine.answering(...))`` outside.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")
Work: TypeAlias = Generator[None, None, T]


def done(work: Work[T]) -> T:
    """Run to the end at once.

    >>> def sum_of(numbers):
    ...     total = 0
    ...     for number in numbers:
    ...         total += number
    ...         yield
    ...     return total
    >>> done(sum_of([1, 2, 3]))
    6
    """
    while True:
        try:
            next(work)
        except StopIteration as over:
            return cast(T, over.value)


def telling(work: Work[T], news: U) -> Generator[U, None, T]:
    """The same work, which says something wherever it stops."""
    while True:
        try:
            next(work)
        except StopIteration as over:
            return cast(T, over.value)
        yield news
