"""Dates and degrees of confidence as people and agents write them."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"({'|'.join(_MONTHS)})[a-z]*\.?"
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y3>20\d\d)(?P<m3>0[1-9]|1[0-2])(?P<d3>0[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?P<y>\d{4})[-/.](?P<m>\d{1,2})(?:[-/.](?P<d>\d{1,2}))?(?!\d)"
    rf"|(?:(?P<d1>\d{{1,2}})\s+)?(?P<name>{_MONTH})(?:\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"(?:\s*(?:[-–—]|to)\s*\d{{1,2}})?)?,?\s+(?P<y2>\d{{4}})(?!\d))",
    re.IGNORECASE,
)
_DEGREES = (
    (re.compile(r"\b(?:very high|high|certain|confirmed|verified|strong)\b", re.IGNORECASE), 0.9),
    (re.compile(r"\b(?:medium|moderate|med|mid)\b", re.IGNORECASE), 0.6),
    (re.compile(r"\b(?:very low|low|weak|tentative|speculative)\b", re.IGNORECASE), 0.3),
)
"""HIGH, MEDIUM and LOW as numbers: 0.8 and more counts as high."""
_NUMBER = re.compile(
    r"^[~≈\s]*([+-]?\d*\.?\d+(?:e[+-]?\d+)?)\s*(?:(%)|/\s*(\d+))?(?=\s*(?:$|[^\w\s.+]))", re.IGNORECASE
)
"""Not followed by a word: ``3 reviews`` is no confidence."""
_MARKS = "`*_\"' "


def has_date(text: str) -> bool:
    """Whether something in a text has the shape of a date."""
    return bool(_DATE.search(text))


def dates(text: str) -> list[date]:
    """Every date in a text: ``2026-02-11``, ``2026-02`` (its first day), ``Feb 11, 2026``, ends of ranges.

    Raises:
        ValueError: something has the shape of a date but no such day exists.

    >>> dates("2026-01-05 to 2026-02-10")
    [datetime.date(2026, 1, 5), datetime.date(2026, 2, 10)]
    >>> dates("11 February 2026, PR #42")
    [datetime.date(2026, 2, 11)]
    """
    return [_date(found) for found in _DATE.finditer(text)]


def _date(found: re.Match[str]) -> date:
    if found["name"]:
        month = _MONTHS.index(found["name"][:3].lower()) + 1
        return date(int(found["y2"]), month, int(found["d1"] or found["d2"] or 1))
    if found["y3"]:
        return date(int(found["y3"]), int(found["m3"]), int(found["d3"]))
    return date(int(found["y"]), int(found["m"]), int(found["d"] or 1))


def confidence(text: str) -> float | None:
    """A confidence from 0 to 1 as number, share or word; None where there is none.

    Raises:
        ValueError: a number outside of 0 to 1.

    >>> [confidence(said) for said in ("0.85", "85%", "8/10", "HIGH (3 reviews)", "low", "unclear")]
    [0.85, 0.85, 0.8, 0.9, 0.3, None]
    """
    said = text.strip(_MARKS)
    if found := _NUMBER.match(said):
        value = float(found[1]) / (100.0 if found[2] else float(found[3] or 1) or 1.0)
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{value} is not from 0 to 1")
        return value
    first = [(match.start(), degree) for word, degree in _DEGREES if (match := word.search(said))]
    return min(first)[1] if first else None
