"""What the fields of a JSON record may be; whoever reads one says in which file and line it was wrong.

JSON knows numbers that no calculation survives: NaN, infinity, four hundred digits. A bool is no number here,
a text is no list of letters, half a place is no place.
"""

from __future__ import annotations

import math
from typing import Any

SHARES = frozenset(("trained", "heldout", "composed", "related", "unrelated"))
"""Scores that are shares of right answers; others, such as a drift, are any number."""


def number(value: Any) -> float:
    """A finite number.

    Raises:
        TypeError: it is none.
        ValueError: it is not finite, or too large to count with.

    >>> number(3), finite(float("nan")), finite(10**400), finite(True)
    (3.0, False, False, False)
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a number, found {value!r:.60}")
    if not finite(value):
        raise ValueError("expected a finite number, found one that is none")
    return float(value)


def finite(value: Any) -> bool:
    """Whether it is a number that can be counted with."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def share(value: Any) -> float:
    """A number from 0 to 1.

    Raises:
        TypeError, ValueError: it is none.
    """
    found = number(value)
    if not 0.0 <= found <= 1.0:
        raise ValueError(f"expected a share from 0 to 1, found {found!r}")
    return found


def place(value: Any) -> int:
    """A place in a list: whole, and not negative.

    Raises:
        TypeError, ValueError: it is none.
    """
    if type(value) is not int:
        raise TypeError(f"expected a place, found {value!r:.60}")
    if not 0 <= value < 2**63:
        raise ValueError("expected a place in a list, found a number that is none")
    return value


def text(value: Any) -> str:
    """A text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.60}")
    return value


def flag(value: Any) -> bool:
    """True or false.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, found {value!r:.60}")
    return value


def items(value: Any) -> list[Any] | tuple[Any, ...]:
    """A list; a text is none, although it has letters.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, found {value!r:.60}")
    return value


def names(value: Any) -> dict[str, Any]:
    """Values by name.

    Raises:
        TypeError: it is nothing of that kind.
    """
    if not isinstance(value, dict):
        raise TypeError(f"expected values by name, found {value!r:.60}")
    return value


def scores(value: Any) -> dict[str, float | None]:
    """Scores by name; None where nothing was measured.

    Raises:
        TypeError, ValueError: they are none, or a share is not from 0 to 1.
    """
    return {name: _score(name, score) for name, score in names(value).items()}


def _score(name: str, score: Any) -> float | None:
    if score is None:
        return None
    return share(score) if name in SHARES else number(score)
