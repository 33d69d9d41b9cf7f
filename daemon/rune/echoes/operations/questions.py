"""A question in Rune's words that an agent may put to the person, and the answer as the client reports it.

The agent decides whether to ask, and nothing else: the words are Rune's, they hold the whole plan and its
code, and it is the client's event, not the agent, that brings the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rune.errors import FormatError
from rune.paths import Home
from rune.records import question as records
from rune.records.question import Question

LIFETIME = 900.0
"""Seconds in which a question is answered or forgotten."""
LONGEST = 3000
"""Characters of a plan within a question; a longer one needs a typed command."""
YES = {"label": "Yes", "description": "Do exactly this."}
NO = {"label": "No", "description": "Leave everything as it is."}
"""Stands first: Enter without reading changes nothing."""
_CODE = re.compile(r"Rune ([0-9a-f]{6}) in ")


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of Rune's that the person answered with Yes."""

    question: Question
    text: str


def folder(home: Home) -> Path:
    """Where questions wait for their answers."""
    return home.run / "questions"


def text_of(code: str, project: Path, plan: str) -> str:
    """The question for a plan; empty where the plan is too long for one."""
    return f"Rune {code} in {project}: shall this be done?\n\n{plan}" if len(plan) <= LONGEST else ""


def input_of(text: str) -> dict[str, Any]:
    """What AskUserQuestion is to be called with."""
    return {"questions": [{"question": text, "header": "Rune", "multiSelect": False, "options": [NO, YES]}]}


def ask(place: Path, question: Question) -> None:
    """Keep a question until it is answered; those that nobody answered in time go."""
    for path in place.glob("*.json"):
        if question.at - path.stat().st_mtime > LIFETIME:
            path.unlink(missing_ok=True)
    records.write(place, question)


def answered(place: Path, payload: Mapping[str, Any], now: float) -> Answered | None:
    """The question of Rune's that this answered AskUserQuestion was about; it can be answered once.

    None where it was none of Rune's, was answered otherwise, differs in a word, or is forgotten.
    """
    text = _agreed(payload)
    found = _CODE.match(text)
    if not found:
        return None
    path = place / f"{found[1]}.json"
    try:
        question = records.read(path)
        path.unlink()
    except (FormatError, FileNotFoundError):
        return None
    return Answered(question, text) if now - question.at <= LIFETIME else None


def same(one: str, other: str) -> bool:
    """Whether two questions say the same, blanks aside."""
    return one.split() == other.split()


def _agreed(payload: Mapping[str, Any]) -> str:
    """The question, if it was the only one, had Rune's two options, and was answered with Yes."""
    response = payload.get("tool_response")
    if payload.get("tool_name") != "AskUserQuestion" or not isinstance(response, dict):
        return ""
    match response:
        case {"questions": [{**question}], "answers": dict(answers)}:
            text = str(question.get("question", ""))
            agreed = answers == {text: YES["label"]}
            return text if agreed and question == input_of(text)["questions"][0] else ""
    return ""
