"""The curve of precision and coverage: counted from answers, chosen where both bars are reached."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rune.bench.distil import calibrate, probes, served
from rune.bench.distil.calibrate import RATIOS, SUPPORTS

ALL = RATIOS[0]


def answer(kind="probe", match=0.6, ratio=1.0, right=True, until=1.0):
    """An answer of which grounding leaves something up to the threshold ``until``."""
    given = [support <= until for support in SUPPORTS]
    marks = [right and some for some in given]
    return {"kind": kind, "match": match, "ratio": ratio, "given": given, "right": marks}


ANSWERS = [
    answer(), answer(match=0.4), answer(right=False, match=0.5), answer(right=False, ratio=0.1),
    answer(right=False, until=0.6), answer("code", match=0.3, right=False), answer("chat", 0.45, 0.2, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "answered", "precision", "coverage", "abstain"),
    [
        ((0.2, 0.0, ALL), 7, 2 / 7, 2 / 5, 0.0),
        ((0.35, 0.0, ALL), 6, 2 / 6, 2 / 5, 0.5),
        ((0.35, 0.8, ALL), 5, 2 / 5, 2 / 5, 0.5),
        ((0.35, 0.8, 0.5), 3, 2 / 3, 2 / 5, 1.0),
        ((0.55, 0.8, 0.5), 1, 1.0, 1 / 5, 1.0),
        ((1.0, 0.0, ALL), 0, 1.0, 0.0, 1.0),
    ],
)
def test_a_setting_is_counted(setting, answered, precision, coverage, abstain):
    found = calibrate.point(ANSWERS, *setting)
    assert found["answered"] == answered
    assert [found[name] for name in ("precision", "coverage", "abstain_unrelated")] == pytest.approx(
        [precision, coverage, abstain], abs=1e-4
    )


def test_the_curve_holds_what_nothing_beats():
    found = calibrate.curve(ANSWERS)
    assert [(p["coverage"], p["precision"]) for p in found] == [(0.4, 0.6667), (0.2, 1.0)]


def test_the_chosen_setting_reaches_both_bars_with_the_most_answers():
    found = calibrate.chosen(ANSWERS)
    assert (found["precision"], found["abstain_unrelated"], found["coverage"]) == (1.0, 1.0, 0.2)


def test_where_none_reaches_the_bars_the_most_precise_is_chosen():
    found = calibrate.chosen([answer(), *(answer(right=False) for _ in range(3))])
    assert (found["precision"], found["coverage"]) == (0.25, 0.25)


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
