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
_WISH = re.compile(
    r"\b(?:always|never|prefer\w*|from now on|in (?:the )?future|by default|make sure (?:to|that|you))\b"
    r"|\b(?:use|take|call|name|put|keep|run)\b.*\b(?:instead of|rather than|not)\b"
    r"|\b(?:do not|don't|please don't|avoid|stop)\s+(?:ever\s+)?"
    r"(?:us|add|commit|push|runn?|writ|touch|edit|chang|creat|putt?|mock|format|install)(?:e|es|ing|ting)?\b",
    re.I,
)


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
