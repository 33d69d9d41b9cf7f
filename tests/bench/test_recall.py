"""The bench of recalls: what is asked, and how its figures are made."""

from __future__ import annotations

from typing import Any

import pytest

from rune.bench import recall
from rune.errors import RuneError
from rune.records.card import Card, Lesson
from rune.records.message import Health


def row(seconds: float, generated: bool = True, expected: tuple[str, ...] = ("x",)) -> dict[str, Any]:
    return {
        "seconds": seconds, "generated": generated, "expected": list(expected), "correct": generated,
        "bm25_seconds": 0.001, "bm25_holds": False,
    }  # fmt: skip


def health(daemon: float, worker: float) -> Health:
    return Health(1, "0", 1.0, "ready", "", 0, 0, "", daemon, worker)


def test_the_share_of_values_that_a_percentile_covers_is_never_too_small() -> None:
    values = [float(number) for number in range(1, 31)]
    assert (recall.percentile(values, 0.5), recall.percentile(values, 0.95)) == (15.0, 29.0)
    assert recall.percentile([7.0], 0.95) == 7.0


def test_quick_abstentions_do_not_flatter_the_latency(make_card: Any) -> None:
    rows = [row(1.0), row(3.0), *(row(0.01, generated=False, expected=()) for _ in range(20))]
    figures = recall.summary(rows, 5.0, [health(40, 2000), health(50, 900)], make_card(bytes=9))
    assert figures == {
        "warm_p50_seconds": 1.0, "warm_p95_seconds": 3.0, "cold_seconds": 5.0,
        "daemon_rss_mb": 50, "worker_rss_mb": 2000, "adapter_bytes": 9,
    }  # fmt: skip
    ours, words, abstained = recall.arms(rows)
    assert (ours["questions"], ours["judged"], ours["holding_the_fact"]) == (2, 2, 2)
    assert (words["questions"], words["holding_the_fact"]) == (22, 0)
    assert (abstained["questions"], abstained["max_seconds"]) == (20, 0.01)


def test_questions_of_every_kind_are_asked(make_card: Any) -> None:
    trained = [tuple(f"lesson {n}, question {m}?" for m in range(8)) for n in range(9)]
    lessons = tuple(Lesson("fix", "x", asked, (f"{asked[0]} Again?",), (), ("x",)) for asked in trained)
    card: Card = make_card(lessons=lessons)
    asked = recall.questions(card)
    assert len(asked) >= recall.LEAST
    assert {question.kind for question in asked} == {"demo", "held out", "unrelated", "trained"}
    assert len({question.text for question in asked}) == len(asked)


def test_an_adapter_with_too_few_lessons_is_no_basis(make_card: Any) -> None:
    with pytest.raises(RuneError, match="expected 40 questions of 1 lessons"):
        recall.questions(make_card())
