"""The Echo Score as a table."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes.score import UNUSED, Use, recency, relevance, score
from rune.records.echo import LAYERS, Entry

TODAY = date(2026, 11, 20)


def aged(layer: str, days: int) -> Entry:
    return Entry(layer, "a", TODAY - timedelta(days), "b")


@pytest.mark.parametrize(
    ("layer", "days", "use", "expected"),
    [
        ("etched", 5000, UNUSED, 1.0),
        ("etched", -3, Use(1, 2), 1.0),
        ("inscribed", 0, UNUSED, 0.28 + 0.3),
        ("inscribed", 45, UNUSED, 0.28 + 0.15),
        ("inscribed", 90, UNUSED, 0.28),
        ("inscribed", 900, UNUSED, 0.28),
        ("inscribed", 90, Use(1, 4), 0.28 + 0.075),
        ("inscribed", 0, Use(4, 4), 0.28 + 0.3 + 0.3),
        ("inscribed", 0, Use(9, 4), 0.28 + 0.3 + 0.3),
        ("inscribed", -10, UNUSED, 0.28 + 0.3),
        ("inscribed", 90, Use(3, 0), 0.28),
        ("traced", 0, UNUSED, 0.12 + 0.3),
        ("traced", 15, Use(1, 2), 0.12 + 0.15 + 0.15),
        ("traced", 30, UNUSED, 0.12),
        ("traced", 31, Use(1, 1), 0.12 + 0.3),
    ],
)
def test_the_score_is_the_weighted_sum_of_importance_relevance_and_recency(
    layer: str, days: int, use: Use, expected: float
) -> None:
    assert score(aged(layer, days), use, TODAY) == pytest.approx(expected)


def test_without_workflows_nothing_is_relevant() -> None:
    assert relevance(UNUSED) == relevance(Use(5, 0)) == relevance(Use(5, -1)) == 0.0


def test_an_etched_entry_does_not_age() -> None:
    assert recency(aged("etched", 9999), TODAY) == 1.0


@given(
    st.sampled_from(LAYERS),
    st.dates(),
    st.dates(),
    st.builds(Use, st.integers(-9, 99), st.integers(-9, 99), st.none() | st.dates()),
)
def test_a_score_is_from_0_to_1(layer: str, day: date, today: date, use: Use) -> None:
    assert 0.0 <= score(Entry(layer, "a", day, "b"), use, today) <= 1.0
