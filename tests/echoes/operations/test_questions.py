"""Only the question that Rune worded, alone and answered with Yes, counts; once, and not for long."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path

import pytest

from rune.echoes.operations import questions
from rune.records.question import Question

NOW = 1795176000.0
ASKED = Question("7f3a1c", "/project", ("reset", "reviewer"), NOW)
TEXT = questions.text_of("7f3a1c", Path("/project"), "reviewer: 2 inscribed")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    questions.ask(tmp_path, ASKED)
    return tmp_path


def response(answer="Yes"):
    asked = questions.input_of(TEXT)
    return {"tool_name": "AskUserQuestion", "tool_response": {**asked, "answers": {TEXT: answer}}}


def test_a_yes_to_runes_question_is_an_answer_once(place):
    assert questions.answered(place, response(), NOW + 60) == questions.Answered(ASKED, TEXT)
    assert questions.answered(place, response(), NOW + 61) is None


@pytest.mark.parametrize("answer", ["No", "", "yes", "Do it"])
def test_any_other_answer_is_none(place, answer):
    assert questions.answered(place, response(answer), NOW) is None


def changed(path, value):
    payload = deepcopy(response())
    at = payload["tool_response"]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return payload


QUESTION = ("questions", 0)


@pytest.mark.parametrize(
    "payload",
    [
        changed((*QUESTION, "header"), "Cancel?"),
        changed((*QUESTION, "multiSelect"), True),
        changed((*QUESTION, "options"), [questions.YES]),
        changed((*QUESTION, "options", 1, "description"), "Leave everything as it is."),
        changed((*QUESTION, "options", 1, "preview"), "Nothing happens."),
        changed((*QUESTION, "question"), "Rune 7f3a1c in /project: hello?"),
        changed(("questions",), [*questions.input_of(TEXT)["questions"]] * 2),
        changed(("answers",), {"Something else?": "Yes"}),
        {**response(), "tool_name": "Bash"},
        {**response(), "tool_response": "Yes"},
        {},
    ],
)
def test_a_question_that_differs_from_runes_is_none(place, payload):
    assert questions.answered(place, payload, NOW) is None


def test_a_question_is_forgotten_after_a_while(place):
    assert questions.answered(place, response(), NOW + questions.LIFETIME + 1) is None


def test_questions_that_nobody_answered_go_when_another_is_asked(place):
    old = place / "7f3a1c.json"
    os.utime(old, (NOW, NOW))
    questions.ask(place, Question("aaaaaa", "/project", ("prune",), NOW + questions.LIFETIME + 1))
    assert [path.name for path in place.iterdir()] == ["aaaaaa.json"]


def test_a_plan_that_is_too_long_to_be_read_is_no_question():
    assert questions.text_of("7f3a1c", Path("/project"), "x" * (questions.LONGEST + 1)) == ""


def test_blanks_make_no_other_question():
    assert questions.same(TEXT, TEXT.replace("\n\n", " \n"))
    assert not questions.same(TEXT, TEXT.replace("2", "3"))
