"""Lessons of what the person wants: always this, never that, rather one tool than another.

Only what was typed in passing is read. A long prompt is a pasted page or the harness of another agent, full
of rules that nobody will ask for again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rune import arcs, cues, phrasing
from rune.records.card import Lesson
from rune.records.trajectory import Prompt, Trajectory

TYPED = 1500
"""Characters of a prompt that a person types."""
SHORTEST, LONGEST = 12, 240
"""Characters of a wish."""
_BEGUN = r"(?:^|[,;:]\s+|\b(?:please|and|but|we|you|must|should)\s+)"
_DO = (
    r"(?:us|add|commit|push|run|writ|touch|edit|chang|creat|put|mock|format|install|delet|remov|call|nam|mov"
    r"|mak|keep)"
)
_WISH = re.compile(
    rf"{_BEGUN}(?:always|never)\s+[a-z]+(?<!s)\b"
    r"|\b(?:i|we)\s+(?:would\s+)?prefer\b|^prefer\b|\bfrom now on\b|\bmake sure (?:to|that you|you)\b"
    rf"|{_BEGUN}(?:use|take|call|name|put|keep|write)\b[^.]*?(?:\binstead of|\brather than|,\s*not)\s"
    rf"|{_BEGUN}(?:do not|don't|avoid|stop)\s+(?:ever\s+)?{_DO}\w*\b",
    re.I,
)
"""How a person says it: "always run the linter", and not "it always fails"."""


def find(trajectory: Trajectory) -> Iterator[Lesson]:
    """Sentences of the person's prompts that say how something is to be done, each once."""
    said: set[str] = set()
    for event in trajectory.events:
        if not isinstance(event, Prompt) or len(event.text) > TYPED:
            continue
        for sentence in arcs.sentences(event.text):
            plain, subject = sentence.lower(), phrasing.subject(sentence) or _few(sentence)
            if subject and plain not in said and wished(sentence):
                said.add(plain)
                yield phrasing.make("preference", sentence, {"w": subject}, (event.id,))


def _few(sentence: str) -> str:
    """What a short wish is about: tools have names of two letters."""
    words = [word.strip("`") for word in cues.content(sentence).split()]
    return " ".join([word for word in words if word.lower() not in phrasing.EMPTY][:5])


def wished(sentence: str) -> bool:
    """Whether a sentence says how something is to be done, here and later.

    >>> wished("Always use uv, never pip."), wished("Why does it never end?"), wished("Fix the parser.")
    (True, False, False)
    """
    return (
        SHORTEST <= len(sentence) <= LONGEST
        and not sentence.endswith(("?", ":"))
        and _WISH.search(sentence) is not None
        and not arcs.unfit(sentence)
    )
