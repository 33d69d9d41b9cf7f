"""Rewording: a question in words drawn anew, beside what a session was about, asking for one literal."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune import cues, phrasing, rewording
from rune.records.card import Lesson


def lesson(answer: str) -> Lesson:
    return phrasing.make("said", answer, {"w": phrasing.subject(answer) or "it"}, ["e1"])


PHANTOM = (
    lesson("The phantom suggestion of the evaluator is shown by `formatBlock`."),
    lesson("Phantom entries of the evaluator are skipped with `--no-phantom`."),
    lesson("The evaluator counts 41 phantom entries."),
    lesson("The port moved to `8080`."),
)


def test_no_opener_is_how_a_held_out_wording_begins():
    """What probes ask in must be new: neither their first words, nor the word for what they want."""
    held = [*cues.HELD.values(), *(text for texts in phrasing.HELD_OUT.values() for text in texts)]
    begun = [plain(text) for text in held]
    openers = {plain(text) for texts in rewording.OPENERS.values() for text in texts}
    said = {one for one in openers if " " in one for text in begun if text.startswith(one + " ")}
    assert said <= {"what was"}
    wanted = {"location", "revision", "figure", "switch", "typed", "called", "remind", "looking"}
    assert not wanted & {word for one in openers for word in one.split()}


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def test_what_a_session_was_about_are_the_words_that_several_answers_share():
    assert rewording.shared(PHANTOM) == ("evaluator", "phantom")


def test_words_of_names_count_and_common_words_of_the_trade_do_not():
    told = [lesson(f"`phantomFile{n}` was renamed in the test command with `x{n}`.") for n in range(4)]
    assert rewording.shared(told) == ("phantom",)


@pytest.mark.parametrize("few", [(), PHANTOM[:1], PHANTOM[:2]])
def test_a_session_of_few_lessons_is_about_nothing_in_particular(few):
    assert rewording.shared(few) == ()


def test_a_question_beside_what_it_was_about_keeps_all_of_its_own_words():
    dice = random.Random(3)
    for _ in range(200):
        text = rewording.placed("Which port is it?", ("phantom", "evaluator"), dice)
        assert "Which port is it?" in text
        assert text != "Which port is it?"
        assert "phantom" in text or "evaluator" in text


def test_where_nothing_is_shared_a_question_stands_alone():
    assert rewording.placed("Which port is it?", (), random.Random(1)) == "Which port is it?"


@pytest.mark.parametrize(
    ("answer", "wanted", "openers"),
    [
        ("The loader of settings lives behind src/app/load.py.", "src/app/load.py", "file"),
        ("Hooks are passed over with `--no-verify` when the rules allow it.", "--no-verify", "flag"),
        ("The cache of the registry holds 4096 entries before it evicts.", "4096", "number"),
    ],
)
def test_who_asks_for_a_literal_does_not_say_it_and_begins_as_one_does_for_its_sort(answer, wanted, openers):
    dice = random.Random(5)
    asked = [rewording.of_answer(answer, dice) for _ in range(300)]
    begun = [text for text in asked if text.startswith(rewording.OPENERS[openers]) and wanted not in text]
    assert len(begun) > 100
    others = {sort for sort in rewording.OPENERS if sort not in (openers, "", "name")}
    own = rewording.OPENERS[openers]
    alien = tuple(one for sort in others for one in rewording.OPENERS[sort] if not one.startswith(own))
    assert not [text for text in asked if text.startswith(alien) and not text.startswith(own)]


@given(st.integers(0, 10_000), st.sampled_from(PHANTOM), st.booleans())
def test_the_same_dice_give_the_same_wording_and_never_an_empty_one(seed, taught, placed):
    about = rewording.shared(PHANTOM) if placed else ()
    one, other = (rewording.reword(taught, random.Random(seed), about) for _ in range(2))
    assert one == other
    assert one.strip()


@given(st.text(max_size=200), st.integers(0, 99))
def test_any_answer_can_be_asked_for(answer, seed):
    assert isinstance(rewording.of_answer(answer, random.Random(seed)), str)
