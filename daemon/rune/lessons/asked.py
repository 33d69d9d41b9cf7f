"""Lessons of what the person said of the matter: how it works, what is wrong with it, why it is to change.

Plans and reports are full of facts that nobody repeats: the agent knows them from the prompt. What it is
told to do is none (what became of that the agent says), nor are rules of a harness, logs and pages. They
are told as what the task said: the session may have changed them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rune import phrasing
from rune.lessons import statements
from rune.records.card import Lesson
from rune.records.trajectory import Prompt, Trajectory

MOST = 6
"""Facts of a session's prompts that are taught."""
LEAST = 3.0
"""What a statement must be worth at least."""
PASTED = 8000
"""Characters from which on a prompt is a pasted page."""
SAID = "(as the task said)"
_TO_DO = re.compile(
    r"(?:^|: )(?:please\b|\d+\.|(?:add|run|use|replace|verify|test|inspect|create|edit|update|preserve|return"
    r"|click|throw|pass|make|ensure|fix|remove|delete|rename|move|implement|write|read|check|keep|put|set|import|call"
    r"|open|manual|change|extract|extend|introduce|refactor|convert|wrap|drop|show|display|do|don't|never"
    r"|always|avoid|confirm|modify|handle|support|include|install|apply|insert|append|define|document|investigate"
    r"|look|find|explain|build|start|stop|commit|push|review|consider|treat|go|see|note)\b)(?!:)",
    re.I,
)
"""How a sentence begins that says what is to be done."""
_ADDRESSED = re.compile(r"\b(?:you|your|yours|i|my|me|we'll|let's)\b", re.I)
"""Who is spoken to, or speaks: no matter of the project's."""
_RULE = re.compile(r"\b(?:MUST|SHOULD|NOT|NEVER|ALWAYS|ONLY|DO)\b")
_PRINTED = re.compile(r"^\s*[\[<{(]|^\w+ = |^[A-Z]{4,} |\d\d:\d\d:\d\d|^\S+\($|</?\w+>")
"""Lines of a log, of code, of markup."""
_WRAPPED = re.compile(
    r"<(?P<tag>\w*(?:description|issue|task|problem|request|ticket)\w*)>(?P<inside>.*?)</(?P=tag)>",
    re.S | re.I,
)
_WHOLE = re.compile(r"\w[\w`'\")]*\s+\w.*[.!)`\"]$")


def find(trajectory: Trajectory, known: Sequence[Lesson]) -> list[Lesson]:
    """The weightiest facts of the prompts that no other lesson tells."""
    taught = [statements.words_of(lesson.answer) for lesson in known]
    found: list[tuple[float, str, str]] = []
    for event in trajectory.events:
        if isinstance(event, Prompt) and len(event.text) <= PASTED:
            for line in statements.lines(_matter(event.text)):
                weight = statements.worth(line)
                if weight >= LEAST and fact(line) and not statements.repeats(line, taught):
                    found.append((weight, line, event.id))
                    taught.append(statements.words_of(line))
    found.sort(key=lambda one: -one[0])
    return [
        phrasing.make("said", f"{text.rstrip('.')} {SAID}.", {"w": subject}, (id,), lesson="asked")
        for _, text, id in found[:MOST]
        if (subject := phrasing.subject(text))
    ]


def _matter(text: str) -> str:
    """What a harness wraps as the task is the task; the rest are its rules."""
    wrapped = _WRAPPED.search(text)
    return wrapped["inside"] if wrapped else text


def fact(line: str) -> bool:
    """Whether a line of a prompt says how something is.

    >>> fact("The stream ends early with `ERR_INCOMPLETE_CHUNKED_ENCODING`."), fact("Run `make test`.")
    (True, False)
    >>> fact("Your response MUST include a tool call."), fact("[13:35:30.101] [API] GET /api/jobs")
    (False, False)
    """
    return (
        _WHOLE.search(line) is not None
        and _TO_DO.search(line) is None
        and _ADDRESSED.search(line) is None
        and _RULE.search(line) is None
        and _PRINTED.search(line) is None
    )
