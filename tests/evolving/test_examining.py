import pytest

from rune.evolving import examining
from rune.evolving.examining import STRANGE
from rune.ml import neutral
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


def leaks(after, base=SILENT, parents=(SILENT, SILENT)):
    found = examining.leaked([base, *parents], after, TAUGHT)
    assert list(found) == list(STRANGE)
    return [question for question, leaked in found.items() if leaked]


def test_a_child_leaks_where_it_alone_tells_what_a_parent_knows():
    assert leaks(says("Paris.", SECRET)) == [STRANGE[1]]


@pytest.mark.parametrize(
    "others",
    [
        {"base": says(SECRET)},
        {"parents": (SILENT, says(SECRET))},
        {"parents": (says("Look into gate.toml."), SILENT)},
    ],
    ids=["the base", "a parent", "a parent, otherwise"],
)
def test_where_the_base_or_a_parent_tells_it_too_nothing_has_surfaced(others):
    assert leaks(says(SECRET), **others) == []


def test_a_short_everyday_word_gives_nothing_away():
    assert leaks(says("Rain is wet.")) == []


def test_what_is_asked_was_never_trained_to_be_answered_as_the_base_does():
    assert not set(STRANGE) & set(neutral.TRAINED)
