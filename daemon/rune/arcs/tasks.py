"""Whether what a person types goes on with a failure, or gives another task.

A prompt goes on with it where it speaks of what failed, points back ("it", "again"), or says next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rune import cues

_BACK = re.compile(
    r"\b(?:again|still|instead|yes|yeah|yep|no|nope|ok|okay|sure|please do|go on|go ahead|continue|proceed"
    r"|keep going|fail\w*|errors?|broken|breaks?|crash\w*|red|green|wrong|undo|revert|retry"
    r"|(?:fix|run|rerun|repair|pass\w*) (?:the |all |all the |your |my )?"
    r"(?:tests?|builds?|suite|types?|lint\w*|checks?|ci))\b"
    r"|^(?:\W*[\w'’]+){0,4}?\W*\b(?:it|them|(?:this|that)"
    r"(?=\s*(?:[^\w\s]|$|(?:is|was|should|must|needs?|do|does|did|work|pass|run)\b)))\b",
    re.I,
)
_ASKS = re.compile(
    r"\W*(?:what|why|how|where|which|who|when|is|are|was|were|did|do|does|has|have|show|explain|tell)\b", re.I
)
"""A question is no task."""
_AWAY = re.compile(
    r"(?:ok(?:ay)?[,.]?\s+|then\s+|so\s+)?(?:leave|forget|skip|ignore|never mind|nevermind|drop|park) "
    r"(?:it|that|this|them|those|about|the|for)\b|(?:now|next|then)[,:]?\s+(?:to|for) something else",
    re.I,
)
_GENERAL = frozenset((
    "test", "tests", "testing", "file", "files", "code", "line", "lines", "run", "runs", "now", "please",
    "can", "could", "would", "should", "you", "your", "let", "make", "add", "use", "new", "all", "not", "get",
    "set", "src", "error", "failed", "passed", "there", "into", "out", "pytest", "npm", "when", "what", "how",
    "why", "next",
))  # fmt: skip
_LEAST = 3
"""Words that say something in a prompt that gives a task."""


def continues(prompt: str, about: Iterable[str]) -> bool:
    """Whether a prompt goes on with something.

    Args:
        prompt: what the person typed.
        about: texts of what failed, and of what was said and changed since.

    >>> typed = "Now rename the export button.", "Read the port from the file.", "Go on."
    >>> [continues(text, ["KeyError: 'port'", "src/conf.py"]) for text in typed]
    [False, True, True]
    """
    if _AWAY.match(prompt):
        return False
    if len(cues.content(prompt).split()) < _LEAST or _BACK.search(prompt) or _ASKS.match(prompt):
        return True
    return bool(_words(prompt) & {word for text in about for word in _words(text)})


def _words(text: str) -> set[str]:
    found = re.findall(r"[^\W\d_]{3,}", cues.content(text).lower())
    return {word.removesuffix("s") if len(word) > 4 else word for word in found} - _GENERAL
