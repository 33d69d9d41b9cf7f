"""The curve of precision and coverage: counted from answers, chosen where both bars are reached."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rune.bench.distil import calibrate, probes, served
from rune.bench.distil.calibrate import SUPPORTS, Setting

ANY, NONE = -1.0, 0.0
"""Nearness and sureness that every answer has."""


def answer(kind="probe", match=0.6, near=0.6, sure=0.9, right=True, until=1.0):
    """An answer of which grounding leaves something up to the threshold ``until``."""
    given = [support <= until for support in SUPPORTS]
    marks = [right and some for some in given]
    return {
        "kind": kind,
        "match": match,
        "near": near,
        "near_kept": [near] * len(SUPPORTS),
        "sure": sure,
        "given": given,
        "right": marks,
        "true": right,
    }


FORCE = Setting(0.35, 0.6, 0.55, 0.5)

ANSWERS = [
    answer(), answer(match=0.4), answer(right=False, match=0.5), answer(right=False, near=0.1),
    answer(right=False, until=0.6), answer("code", match=0.3, right=False),
    answer("chat", 0.45, sure=0.2, right=False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "answered", "precision", "coverage", "abstain"),
    [
        ((0.2, 0.0, ANY, NONE), 7, 2 / 7, 2 / 5, 0.0),
        ((0.35, 0.0, ANY, NONE), 6, 2 / 6, 2 / 5, 0.5),
        ((0.35, 0.8, ANY, NONE), 5, 2 / 5, 2 / 5, 0.5),
        ((0.35, 0.8, 0.5, NONE), 4, 2 / 4, 2 / 5, 0.5),
        ((0.35, 0.8, 0.5, 0.5), 3, 2 / 3, 2 / 5, 1.0),
        ((0.55, 0.8, 0.5, 0.5), 1, 1.0, 1 / 5, 1.0),
        ((1.0, 0.0, ANY, NONE), 0, 1.0, 0.0, 1.0),
    ],
)
def test_a_setting_is_counted(setting, answered, precision, coverage, abstain):
    found = calibrate.point(ANSWERS, Setting(*setting))
    assert found["answered"] == answered
    assert [found[name] for name in ("precision", "coverage", "abstain_unrelated")] == pytest.approx(
        [precision, coverage, abstain], abs=1e-4
    )


def test_the_curve_holds_what_nothing_beats():
    found = calibrate.curve(calibrate.points(ANSWERS))
    assert [(p["coverage"], p["precision"]) for p in found] == [(0.4, 0.6667), (0.2, 1.0)]


def test_the_chosen_setting_reaches_both_bars_with_the_most_answers():
    found = calibrate.chosen(calibrate.points(ANSWERS), FORCE)
    assert (found["precision"], found["abstain_unrelated"], found["coverage"]) == (1.0, 1.0, 0.2)


def test_where_none_reaches_the_bars_a_wrong_answer_has_its_price():
    """The nearer answers bring more than one wrong one costs; the others are right half of the time."""
    some = [answer(near=0.62) for _ in range(8)] + [answer(near=0.62, right=False)]
    worse = [answer(near=0.42), answer(near=0.42, right=False)]
    found = calibrate.chosen(calibrate.points([*some, *worse]), FORCE)
    assert (found["answered"], found["answered_right"]) == (9, 8)
    assert 0.42 < found["near"] <= 0.62


def test_of_settings_that_come_to_the_same_the_nearest_to_what_is_in_force_is_preferred():
    found = calibrate.chosen(calibrate.points([answer()] * 3), FORCE)
    assert calibrate.setting(found) == FORCE


def test_silence_is_better_than_a_coin():
    assert calibrate.chosen(calibrate.points([answer(), answer(right=False)]), FORCE)["answered"] == 0


def test_precision_bought_with_silence_is_not_preferred():
    """One right answer out of thirty reaches the bar, but is no memory."""
    rare = [
        answer(near=0.72),
        *(answer(near=0.62) for _ in range(26)),
        *(answer(near=0.62, right=False) for _ in range(3)),
    ]
    found = calibrate.chosen(calibrate.points(rare), FORCE)  # 27 right of 30
    assert found["answered_right"] == 27


def test_a_measure_tells_true_from_false_or_does_not():
    some = [
        answer(near=0.9),
        answer(near=0.7),
        answer(near=0.8, right=False),
        answer("code", near=1.0, right=False),
    ]
    assert calibrate.separation(some, "near") == 0.5
    assert calibrate.separation([*some, answer(near=0.85)], "near") == pytest.approx(2 / 3, abs=1e-4)
    assert calibrate.separation([answer()], "near") is None


def test_nothing_is_chosen_on_held_out_sessions():
    """Whatever the run asks about: its development sessions are those that thresholds are chosen on."""
    known = [one.session for one in probes.load("development")]
    learnt = SimpleNamespace(session=known[0])
    scene = SimpleNamespace(
        development=(learnt, SimpleNamespace(session=known[-1])),
        probes=probes.load("heldout"),
        is_trained=lambda session: session == known[0],
    )
    asked = calibrate.questions(scene)
    assert {one["session"] for one in asked} == {known[0], ""}
    measured = {one["question"] for one in served.with_unrelated([], "heldout")}
    assert not measured & {one["question"] for one in asked}
