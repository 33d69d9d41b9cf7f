"""Questions made of a statement's own words, with one literal missing.

Whoever asks again uses some of the words that were said and wants the one that is missing: which file, how
many, what command. So a statement is asked for each of its literals, from what surrounds it.
"""

from __future__ import annotations

import re

LONGEST = 140
"""Characters of a question made of a statement."""

_ENDINGS = "py|go|ts|tsx|js|jsx|md|json|ya?ml|toml|sh|rs|sql|css|html|cfg|txt|lock|ini"
_KINDS = (
    ("file", rf"^[\w@.~*{{}}-]*(?:/[\w@.*{{}}()\[\]-]+)+/?$|^[\w-]+\.(?:{_ENDINGS})$"),
    ("commit", r"^(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}$"),
    ("number", r"^[\d.,:%-]+(?:ms|s|MB|KB|GB|x|px)?$"),
    ("flag", r"^--?[a-zA-Z][\w-]*(?:[= ].*)?$"),
    ("command", r"^(?:\$ )?(?:[a-z][\w.-]*) (?:[-./\w].*)$"),
    ("name", r""),
)
_WORDS = {
    "file": ("which file", "path of", "where"),
    "commit": ("which commit", "hash of", "what commit id"),
    "number": ("how many", "number of", "what number"),
    "flag": ("which flag", "option for", "what flag"),
    "command": ("which command", "command for", "how do I"),
    "name": ("what", "name of", "what is the name for"),
}
HELD = {
    "file": "I need the location: ",
    "commit": "Give me the revision: ",
    "number": "What was the figure: ",
    "flag": "Which switch was it: ",
    "command": "What should be typed: ",
    "name": "What is it called: ",
}
"""How a wording begins that is never trained."""
_GLUE = frozenset((
    "the", "a", "an", "is", "are", "was", "were", "be", "to", "of", "in", "on", "at", "it", "its", "and",
    "or", "so", "that", "this", "with", "for", "from", "by", "as", "now", "also", "has", "have", "had",
    "which", "then", "than",
))  # fmt: skip


def kind(literal: str) -> str:
    """What sort of thing a literal is.

    >>> [kind(text) for text in ("src/app.py", "b220ccc", "1219", "--no-verify", "go test ./...")]
    ['file', 'commit', 'number', 'flag', 'command']
    >>> kind("Ledger"), kind("")
    ('name', 'name')
    """
    return next(name for name, pattern in _KINDS if re.search(pattern, literal))


def masked(statement: str, literal: str) -> list[str]:
    """Trained questions for one literal of a statement.

    >>> masked("The port moved to `8080` because 80 needs root.", "8080")
    ['The port moved to how many because 80 needs root?', 'number of port moved because 80 needs root']
    """
    around = _around(statement, literal)
    if around is None:
        return []
    before, after = around
    which, keyword, _ = _WORDS[kind(literal)]
    whole = " ".join(f"{before} {which} {after}".split()).rstrip(" .;,") + "?"
    rest = content(f"{before} {after}")
    return [text for text in (whole, f"{keyword} {rest}") if rest and len(text) <= LONGEST + 40]


def held_out(statement: str, literal: str) -> list[str]:
    """The same in a wording that is never trained: every second content word alone."""
    around = _around(statement, literal)
    words = content(" ".join(around)).split() if around else []
    if len(words) < 3:
        return []
    some = words if len(words) <= 5 else [word for place, word in enumerate(words) if place % 3 != 1]
    return [HELD[kind(literal)] + " ".join(some) + "?"]


def _around(statement: str, literal: str) -> tuple[str, str] | None:
    """What stands before and after the literal, ticks aside, about ``LONGEST`` characters in all."""
    plain = statement.replace("`", "")
    place = plain.find(literal)
    if place < 0 or plain.count(literal) > 1:
        return None
    before, after = plain[:place].strip(), plain[place + len(literal) :].strip()
    if len(before) + len(after) > LONGEST:
        before = before[-LONGEST // 2 :].partition(" ")[2] if len(before) > LONGEST // 2 else before
        after = (
            after[: LONGEST - len(before)].rpartition(" ")[0] if len(after) > LONGEST - len(before) else after
        )
    return before, after


def content(text: str) -> str:
    """The words that carry something, in their order."""
    words = [word.strip(".,;:()—'\"!?") for word in text.split()]
    return " ".join(
        word for word in words if word and word.lower() not in _GLUE and word not in ("—", "-", "→")
    )
