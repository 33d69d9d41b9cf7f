import pytest

from rune.config import EvolutionConfig
from rune.evolution import fitness
from rune.records.card import Lesson
from rune.records.ledger import Outcome, State

CONFIG = EvolutionConfig()
NOON = 1795176000.0
DAY = 86400.0


@pytest.fixture
def measured(make_card):
    """``measured(8, trained=..., heldout=...)``: a card with so many lessons that can be asked."""

    def make(lessons=8, **scores):
        asked = tuple(Lesson("said", f"It is {n}.", (f"Q{n}?",), (), (), (str(n),)) for n in range(lessons))
        return make_card(lessons=asked, probes_after=scores)

    return make


def outcome(passed, days_ago=0.0, share=1.0):
    return Outcome("s9", NOON - days_ago * DAY, passed, share)


def of(card, *outcomes, **probes):
    return fitness.of(card, State(outcomes=outcomes, probes=probes), NOON, CONFIG)


def test_known_inputs_give_the_known_fitness(measured):
    found = of(measured(8, trained=0.5, heldout=0.25))
    assert (found.trials, found.passed) == (8, 4)
    assert found.pass_rate == pytest.approx(fitness.wilson(4, 8))
    assert found.generalization == 0.25
    assert found.phi == pytest.approx(0.7 * found.pass_rate + 0.3 * 0.25, abs=1e-4)


def test_what_was_not_measured_is_null_and_not_nought(measured):
    assert of(measured(8, trained=None, heldout=None)) == fitness.Fitness(None, None, None, 0, 0, 0)
    only = of(measured(8, trained=1.0, heldout=None))
    assert (only.phi, only.generalization) == (None, None)
    assert only.pass_rate is not None
    assert of(measured(0, trained=0.0, heldout=0.0)).pass_rate is None


def test_one_lucky_recall_is_no_triumph_and_many_are(measured):
    bare = measured(0, trained=None, heldout=0.5)
    once, often = of(bare, outcome(True)), of(bare, *[outcome(True)] * 20)
    assert once.pass_rate < 0.3 < 0.85 < often.pass_rate
    assert (once.outcomes, often.outcomes) == (1, 20)


def test_a_pass_never_lowers_the_fitness_and_a_failure_never_raises_it(measured):
    for share in (0.0, 0.5, 1.0):
        card = measured(8, trained=share, heldout=0.5)
        assert of(card, outcome(False)).phi <= of(card).phi <= of(card, outcome(True)).phi


def test_what_was_long_ago_counts_less(measured):
    card = measured(4, trained=0.5, heldout=0.5)
    fresh, old = of(card, outcome(False)), of(card, outcome(False, days_ago=90))
    assert fresh.phi < old.phi < of(card).phi
    assert old.trials == pytest.approx(4.125)


def test_the_newest_scores_count_and_related_questions_are_generalization(measured):
    card = measured(8, trained=0.0, heldout=0.0)
    found = of(card, trained=1.0, heldout=0.5, related=1.0)
    assert (found.passed, found.generalization) == (8, 0.75)
