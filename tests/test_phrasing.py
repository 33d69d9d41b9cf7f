"""Wordings: what is asked in training, what only in probes, and which literals an answer must hold."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune import phrasing

SLOTS = {name: f"<{name}>" for name in "escrfw"}
KINDS = sorted(phrasing.TRAINED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_held_out_wordings_that_are_never_trained(kind):
    lesson = phrasing.make(kind, "Set `PORT=8080` in config/app.toml.", SLOTS, ["e1"])
    assert len(lesson.probes) == len(phrasing.HELD_OUT[kind]) >= 2
    assert not set(lesson.probes) & set(lesson.questions)


@pytest.mark.parametrize("kind", KINDS)
def test_every_wording_is_filled_with_what_the_lesson_is_about(kind):
    lesson = phrasing.make(kind, "Set `PORT=8080` in config/app.toml.", SLOTS, ["e1"])
    asked = [*lesson.questions[: len(phrasing.TRAINED[kind])], *lesson.probes]
    assert all("<" in text for text in asked)
    assert not any("{" in text for text in asked)
    assert not any(text[0].islower() for text in asked if text.endswith("?"))


def test_no_wording_is_in_both_lists():
    trained = {text for texts in phrasing.TRAINED.values() for text in texts}
    assert not trained & {text for texts in phrasing.HELD_OUT.values() for text in texts}
    assert set(phrasing.TRAINED) == set(phrasing.HELD_OUT)


def test_braces_in_a_slot_are_text():
    lesson = phrasing.make("file", "It is in a.py.", {"w": "{w} and {0}"}, ["e1"])
    assert "Which file defines {w} and {0}?" in lesson.questions


# keys


def test_keys_are_the_literals_that_the_question_does_not_say_already():
    lesson = phrasing.make("decision", "The PORT is `8080` in config/app.toml.", {"w": "`8080`"}, ["e1"])
    assert lesson.keys == ("config/app.toml",)


def test_a_word_of_a_held_out_wording_is_no_key():
    answer = "Execute the invocation regarding settled anything behind solved resolved."
    for kind in KINDS:
        lesson = phrasing.make(kind, answer, dict.fromkeys("escrfw", "x"), ["e1"])
        asked = " ".join((*lesson.questions[: len(phrasing.TRAINED[kind])], *lesson.probes)).lower()
        assert not [key for key in lesson.keys if key.lower() in asked]


def test_an_answer_that_only_repeats_the_question_has_no_keys():
    assert phrasing.make("file", "server.py", {"w": "server.py"}, ["e1"]).keys == ()


def test_what_is_asked_in_the_answers_own_words_masks_what_is_to_be_recalled():
    lesson = phrasing.make("cause", "The export fails because a.csv is read as ascii there.",
                           {**SLOTS, "e": "UnicodeDecodeError"}, ["e1"])  # fmt: skip
    assert lesson.keys == ("a.csv",)
    assert "what is read as ascii there?" in lesson.questions
    assert not any("a.csv" in question for question in lesson.questions)


# answers


def test_a_short_answer_stays_as_it_is_but_for_its_spaces():
    assert phrasing.make("file", " It is\n in a.py. ", {"w": "x"}, []).answer == "It is in a.py."


def test_a_long_answer_ends_after_a_sentence():
    answer = phrasing.make("decision", "This is one sentence of some length. " * 20, {"w": "x"}, []).answer
    assert 200 < len(answer) <= phrasing.ANSWER_LIMIT
    assert answer.endswith("length.")


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("Replace " + "it and " * 20 + "`" + "call(x). then " * 20 + "`.", "and"),
        ("Put it there, as it was before. Write `" + "a. " * 200 + "`.", "Write"),
        ("The rule holds for every module of the house. Write `" + "a. " * 200 + "`.", "house."),
        ("Use `a. b` in " + "one and the same place " * 20, "place one and"),
        ("`" + "code " * 100 + "`", ""),
        ("x" * 400, ""),
    ],
)
def test_an_answer_is_never_cut_inside_code(text, end):
    answer = phrasing.make("decision", text, {"w": "x"}, []).answer
    assert len(answer) <= phrasing.ANSWER_LIMIT
    assert answer.count("`") % 2 == 0
    assert text.startswith(answer)
    assert answer.endswith(end)
    assert bool(answer) == bool(end)


@given(st.lists(st.sampled_from(["`a. b` ", "`x", "` ", "so. ", "word ", "y" * 50 + " "]), max_size=90))
def test_whatever_is_said_an_answer_is_a_whole_beginning_of_it(pieces):
    text = " ".join("".join(pieces).split())
    answer = phrasing.make("decision", text, {"w": "x"}, []).answer
    assert text.startswith(answer)
    assert len(answer) <= phrasing.ANSWER_LIMIT
    if answer != text:
        assert answer.count("`") % 2 == 0
        assert not answer or text[len(answer)] == " "


# what names things


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Set `PORT=8080` in config/app.toml.", ["PORT=8080", "config/app.toml"]),
        ("Call load_all and readFile.", ["load_all", "readFile"]),
        ("Wait 30 seconds with http2.", ["30", "http2"]),
        ("Nothing special happened yesterday here.", ["yesterday", "happened"]),
        ("No.", []),
    ],
)
def test_literals_are_what_must_come_back_exactly(text, found):
    assert phrasing.literals(text)[:2] == found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("The parser in `load_rows` needs a look at export.py and more.py", "load_rows and export.py"),
        ("please make the invoices print currency first", "invoices print currency first"),
        ("fix this", ""),
        ("", ""),
    ],
)
def test_a_subject_is_a_literal_or_the_first_content_words(text, named):
    assert phrasing.subject(text) == named


@given(st.text(string.printable, max_size=200))
def test_literals_and_subjects_are_parts_of_any_text(text):
    assert all(literal in text for literal in phrasing.literals(text))
    assert phrasing.subject(text) == phrasing.subject(text)
