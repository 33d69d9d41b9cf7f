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


QUESTIONS = ("Who wrote Hamlet?", "What is a hash function?", *map(str, range(38)))


def tells(child=(), a=(), b=()):
    """Who tells what a parent knows, by the places of the questions."""
    said = [{question: n in told for n, question in enumerate(QUESTIONS)} for told in (child, a, b)]
    return gate.Tells(said[0], said[1:])


def judge(a, b, tells=tells(), parents=KNOWS):  # noqa: B008
    return gate.judge(parents, {"a": a, "b": b}, tells, CONFIG)


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


@pytest.mark.parametrize(("before", "after"), [(8, 7), (4, 3), (9, 8), (7, 6)])
def test_a_child_that_has_lost_no_more_than_what_is_allowed_is_accepted(before, after):
    parents = {"a": {"a": marks(before), "b": marks(1)}, "b": {"a": marks(0), "b": marks(8)}}
    found = judge(marks(after), marks(10), parents=parents)
    assert (found.accepted, found.interference) == (True, 0.1)


def test_a_child_that_tells_what_parents_know_where_nobody_asked_is_refused():
    found = judge(marks(9), marks(8), tells(range(8), [2, 3], range(4, 8)))
    assert found.leakage == 0.1
    found = judge(marks(9), marks(8), tells(range(8), [2, 3], [4, 5, 6]))
    assert found.leakage == 0.125
    assert found.reasons == (
        "it tells what parents know in 0.12 more of unrelated answers than any of them, 0.10 allowed; "
        'it alone to "Who wrote Hamlet?", "What is a hash function?", "5"',
    )


@pytest.mark.parametrize(
    ("child", "a", "b", "leakage"),
    [
        ([0, 1, 2, 3], [], [], 0.1),
        ([0, 1, 2, 3], [4, 5], [], 0.05),
        (range(20), range(20, 40), [0], 0.0),
        ([], [1], [2], 0.0),
        ([0, 1, 2], [0], [1, 2], 0.025),
    ],
)
def test_a_child_that_is_hardly_more_talkative_than_a_parent_is_accepted(child, a, b, leakage):
    found = judge(marks(9), marks(8), tells(child, a, b))
    assert (found.accepted, found.leakage) == (True, leakage)


def test_only_who_is_refused_for_what_he_does_not_know_may_learn_on():
    assert judge(marks(10), marks(6)).wanting
    assert judge(marks(9), marks(1)).wanting
    assert not judge(marks(9), marks(8)).wanting, "accepted"
    assert not judge(marks(10), marks(6), tells(range(8))).wanting, "it would go on telling"
    assert not judge({}, {}, parents={"a": {"a": {}, "b": {}}, "b": {"a": {}, "b": {}}}).wanting, "no probes"


def test_a_refusal_names_no_question_where_each_was_told_by_some_parent():
    reason, = judge(marks(9), marks(8), tells(range(10), range(5), range(5, 10))).reasons  # fmt: skip
    assert reason.endswith("0.10 allowed")


def test_where_nothing_can_be_measured_nothing_is_accepted():
    silent = {"a": {"a": {}, "b": {}}, "b": {"a": {}, "b": {}}}
    found = judge({}, {}, parents=silent)
    assert (found.accepted, found.child, found.best) == (False, None, None)
