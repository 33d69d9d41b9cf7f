"""Dates and confidences as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from rune.records import wording


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-02-11", [date(2026, 2, 11)]),
        ("2026/2/1 and 2026.02.03", [date(2026, 2, 1), date(2026, 2, 3)]),
        ("2026-01 to 2026-02", [date(2026, 1, 1), date(2026, 2, 1)]),
        ("Feb 11th, 2026", [date(2026, 2, 11)]),
        ("Feb 3-9, 2026", [date(2026, 2, 3)]),
        ("September 2026", [date(2026, 9, 1)]),
        ("arc-1771074104 of v2026.1.2.3", [date(2026, 1, 2)]),
        ("20260115-rate-limiting, RFC 2026", [date(2026, 1, 15)]),
        ("1771074104, 1772612283000, 20261503", []),
    ],
)
def test_dates_are_found_in_any_usual_form(text: str, days: list[date]) -> None:
    assert wording.dates(text) == days
    assert wording.has_date(text) == bool(days)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-02-30", "Feb 30, 2026"])
def test_a_day_that_does_not_exist_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"day|month"):
        wording.dates(text)


@pytest.mark.parametrize("text", ["1.1", "-0.5", "150%", "11/10"])
def test_a_confidence_outside_of_0_to_1_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not from 0 to 1"):
        wording.confidence(text)
