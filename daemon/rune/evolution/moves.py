"""Statements that say themselves what is no longer so: "the gateway moved from port 8080 to 9090". Pure.

Whoever told the older value may have used quite other words, so it is found by the value.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rune import cues

LITERAL = re.compile(r"`[^`]+`|[^\s`]*[\d/\\_=][^\s`]*|[^\s`]+\.\w[^\s`]*|\w*[a-z][A-Z]\w*")
"""What may be the value of a fact."""
_EDGES = ".,;:!?()[]'\""
VERBS = frozenset((
    "renamed", "moved", "changed", "replaced", "switched", "bumped", "migrated", "updated", "became",
))  # fmt: skip
_DONE = rf"(?:{'|'.join(sorted(VERBS))})"
_TO = r"(?:to|with|by|into|became|is now|->|→|=>)"
_FEW = r"(?:(?:the|port|new|now|be)\s+){0,2}"
_OLD_FIRST = (
    re.compile(rf"\b{_DONE}\b[^.;]{{0,60}}?<(\d+)>,?\s*{_TO}\s+{_FEW}<(\d+)>", re.I),
    re.compile(rf"<(\d+)>\s+(?:\w+\s+){{0,3}}?{_DONE}\s+{_TO}\s+{_FEW}<(\d+)>", re.I),
)
_NEW_FIRST = re.compile(
    r"<(\d+)>,?\s+(?:instead of|replaces|rather than|in place of)\s+(?:the\s+)?<(\d+)>", re.I
)


class Move(NamedTuple):
    """A value that another one has taken the place of."""

    old: str
    new: str


def find(text: str) -> Move | None:
    """What a statement says to have changed; None where it says nothing of the kind.

    >>> find("The gateway moved from port 8080 to 9090."), find("`make ship` was renamed to `just ship`.")
    (Move(old='8080', new='9090'), Move(old='make ship', new='just ship'))
    >>> find("Use `pnpm` instead of `npm` here."), find("Port 8080 answers, 9090 does not.")
    (Move(old='npm', new='pnpm'), None)
    """
    literals = [plain(one[0]) for one in LITERAL.finditer(text)]
    places = iter(range(len(literals)))
    marked = LITERAL.sub(lambda found: f"<{next(places)}>" + _after(found[0]), text)
    pairs = [(found[1], found[2]) for pattern in _OLD_FIRST if (found := pattern.search(marked))]
    pairs += [(found[2], found[1])] if (found := _NEW_FIRST.search(marked)) else []
    for old, new in ((literals[int(one)], literals[int(other)]) for one, other in pairs):
        if old and new and cues.kind(old) == cues.kind(new):  # "bumped `httpx` to 0.28" is thing and value
            return Move(old, new)
    return None


def renames(text: str) -> bool:
    """Whether a statement says that something has another name now.

    >>> renames("`make ship` was renamed to `just ship`."), renames("Use `npm ci` instead of `npm install`.")
    (True, False)
    """
    return re.search(r"\b(?:renamed|moved|became|is now called)\b", text, re.I) is not None


def values(text: str) -> list[re.Match[str]]:
    """Where a statement has what may be the value of a fact: nothing that is marks alone, such as `...`."""
    return [one for one in LITERAL.finditer(text) if plain(one[0])]


def plain(text: str) -> str:
    """A value as it is compared."""
    return " ".join(text.lower().replace("`", "").split()).strip(_EDGES)


def _after(literal: str) -> str:
    """The mark of a sentence that a literal without ticks has taken in."""
    return literal[-1] if literal[-1] in ".,;:!?" else ""
