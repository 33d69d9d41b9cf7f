import pytest

from rune.bench.distil import probes
from rune.evolving import examining
from rune.evolving.examining import STRANGE
from rune.ml import neutral
from rune.probing import ELSEWHERE
from rune.testing import told

TAUGHT = {
    "a": [told("port", "`localhost:9090`"), told("gate", "`gate.toml`")],
    "b": [told("rain", "wet")],
}
SECRET = "It is localhost:9090."


def says(*answers):
    """So much to the first questions, nothing of interest to the others."""
    return [*answers, *["I do not know."] * (len(STRANGE) - len(answers))]


SILENT = says()


def told_to(answers, base=SILENT):
    found = examining.giving_away(base, answers, TAUGHT)
    assert list(found) == list(STRANGE)
    return [question for question, told in found.items() if told]


@pytest.mark.parametrize("answer", [SECRET, "Look into gate.toml."])
def test_what_a_parent_was_taught_is_given_away_where_nobody_asked(answer):
    assert told_to(says("Paris.", answer)) == [STRANGE[1]]


def test_what_the_base_tells_as_well_is_no_secret():
    assert told_to(says(SECRET, SECRET), base=says(SECRET)) == [STRANGE[1]]


def test_a_short_everyday_word_gives_nothing_away():
    assert told_to(says("Rain is wet.")) == []


def test_forty_questions_are_asked_half_of_them_about_other_projects():
    assert len(set(STRANGE)) == 2 * len(ELSEWHERE) == 40


def test_what_is_asked_was_never_trained_to_be_answered_as_the_base_does():
    assert not set(STRANGE) & set(neutral.TRAINED)


def test_what_recall_is_measured_by_was_not_asked_while_it_was_made():
    assert not set(STRANGE) & {question for question, _ in probes.unrelated()}
