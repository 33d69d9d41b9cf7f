import pytest

from rune.config import EvolutionConfig
from rune.evolution import gate

CONFIG = EvolutionConfig()


def marks(trained, heldout=None, of=10):
    """So many right of ten, in each kind."""
    right = trained if heldout is None else heldout
    return {
        "trained": [n < trained for n in range(of)],
        "heldout": [n < right for n in range(of)],
    }


KNOWS = {"a": {"a": marks(9), "b": marks(1)}, "b": {"a": marks(0), "b": marks(8)}}
"""Each parent knows its own."""


QUIET = {"Who wrote Hamlet?": False, "What is a hash function?": False}


def judge(a, b, leaks=QUIET, parents=KNOWS):
    return gate.judge(parents, {"a": a, "b": b}, leaks, CONFIG)


def test_a_child_that_knows_what_both_parents_know_is_accepted():
    found = judge(marks(9), marks(8))
    assert (found.accepted, found.reasons) == (True, ())
    assert (found.child, found.best) == (0.85, 0.5)
    assert (found.interference, found.leakage) == (0.0, 0.0)


def test_a_child_that_is_no_fitter_than_the_best_parent_on_their_probes_is_refused():
    assert "fitness 0.50 is not above the best parent's 0.50" in judge(marks(9), marks(1)).reasons


def test_a_child_that_has_lost_too_much_of_one_parent_is_refused_however_fit():
    found = judge(marks(10), marks(6))
    assert found.child > found.best
    assert found.interference == pytest.approx(0.2)
    assert found.reasons == ("it answers 0.20 fewer of a parent's own probes, 0.10 allowed",)


def test_a_child_that_tells_what_parents_know_where_nobody_asked_is_refused():
    found = judge(marks(9), marks(8), leaks={**QUIET, "Who wrote Hamlet?": True})
    assert found.leakage == 0.5
    assert found.reasons == ('it tells what parents know in 0.50 of unrelated answers: "Who wrote Hamlet?"',)


def test_where_nothing_can_be_measured_nothing_is_accepted():
    silent = {"a": {"a": {}, "b": {}}, "b": {"a": {}, "b": {}}}
    found = judge({}, {}, parents=silent)
    assert (found.accepted, found.child, found.best) == (False, None, None)
