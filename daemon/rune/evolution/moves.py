"""Statements that say themselves what is no longer so: "the gateway moved from port 8080 to 9090". Pure.

Whoever told the older value may have used quite other words, so it is found by the value. What is denied,
supposed, planned or undone is no move, nor is a fault: "it answered 500 instead of 200".

Not covered: a thing that is somewhere else now, without the place where it was; a name without ticks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rune.evolution.wording import CHANGED, LITERAL, doubtful, kind, names, plain, undone

_DONE = rf"(?:{'|'.join(sorted(CHANGED))})"
_WORD = r"[A-Za-z][\w'-]*:?\s+"
_NOUN = rf"(?!(?:of|in|on|at|for|from|to|with|by|and)\b){_WORD}"
_FEW = rf"(?:{_NOUN}){{0,2}}?"
_OLD, _NEW = r"<(?P<old>\d+)>", r"<(?P<new>\d+)>"
_THE_OLD, _THE_NEW = _FEW + _OLD, _FEW + _NEW
_OF = rf"(?P<of>\s+{_FEW}(?:(?:of|in)\s+{_FEW}<\d+>)?)?"
_JOINT = r"(?P<joint>to|into|with|by|became)"
_ARROW = r"(?:->|→|=>)"
_WAS = r"(?:,|\s*\()\s*(?:it\s+)?(?:was|were|previously|formerly)"
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?P<went>{_DONE})\b[^;]{{0,80}}?\bfrom\s+{_THE_OLD},?\s+{_FEW}(?:to|into|{_ARROW})\s+{_THE_NEW}",
        rf"\b(?P<went>{_DONE})\b[^;]{{0,80}}?\bto\s+{_THE_NEW}\s+from\s+{_THE_OLD}",
        rf"\b(?P<verb>{_DONE}):?\s+{_FEW}{_THE_OLD}{_OF},?\s*{_JOINT}\s+{_THE_NEW}",
        rf"{_OLD}\s+(?:{_WORD}){{0,3}}?(?P<verb>{_DONE})\s+{_JOINT}\s+{_THE_NEW}",
        rf"{_OLD}\s+(?P<verb>became|is now (?:called|named))\s+{_THE_NEW}",
        rf"\b(?:now|{_DONE})\b[^;]{{0,80}}?{_NEW}{_WAS}\s+{_THE_OLD}",
        rf"\b(?:dropped|removed|deprecated)\s+{_THE_OLD}\s+in\s+favou?r\s+of\s+{_THE_NEW}",
        rf"{_NEW}\s+(?:now\s+)?replaces\s+{_THE_OLD}",
        rf"{_NEW},?\s+(?P<instead>instead of|rather than|in place of|not)\s+{_THE_OLD}",
        rf"{_OLD}\s*(?P<arrow>{_ARROW})\s*{_NEW}",
    )
)
_ORDER = re.compile(
    r"^\W*(?:(?:always|please|we)\s+)*(?:use|run|call|prefer|build|install|deploy|start)\b"
    r"|(?<=\S )now\b|\bfrom now on\b",
    re.I,
)
"""What makes of a contrast a change: it is an instruction, or said of now."""
_FAULT = re.compile(
    r"\b(?:because|since|due to|bugs?|wrong\w*|incorrect\w*|typos?|mistake\w*|accident\w*|errors?|fail\w*"
    r"|broken?|issues?)\b",
    re.I,
)
_AHEAD = re.compile(rf"\bbe\s+{_DONE}\b", re.I)
"""What is to be done: "must be moved"."""
_SIGN = re.compile(
    rf"\b(?:{_DONE}|now|instead|rather|place|not|replaces|dropped|removed|deprecated)\b|{_ARROW}", re.I
)
"""What every pattern has one of: most statements have none."""
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n")
_WHERE = re.compile(r"\b(?:for|of|in|on|at|with|from|inside|during)\b.*", re.S)
_WHY = re.compile(r"\b(?:because|since|due to|so that)\b.*", re.S)
_MARK = re.compile(r"<(\d+)>")
_SWAPS = frozenset(("renamed", "replaced", "switched", "migrated", "is now called", "is now named"))
"""Verbs whose object and aim are of one sort: what is changed to `x` may be the thing, and x its value."""
_ANEW = frozenset(("renamed", "moved", "switched", "migrated", "became", "is now called", "is now named"))
"""Verbs after which a thing has another name wherever it stands."""


class Move(NamedTuple):
    """A value that another one has taken the place of."""

    old: str
    new: str
    about: frozenset[str]
    """The words that say of what."""
    renamed: bool
    """Whether it is the older value itself that has another name now, not something that had it."""


def find(text: str) -> Move | None:
    """What a statement says to have changed; None where it says nothing of the kind.

    >>> find("The gateway moved from port 8080 to 9090.")
    Move(old='8080', new='9090', about=frozenset({'gateway'}), renamed=False)
    >>> find("`make ship` was renamed to `just ship`.")
    Move(old='make ship', new='just ship', about=frozenset(), renamed=True)
    >>> find("Use `pnpm` instead of `npm` here.")[:2], find("It used `pnpm` instead of `npm`.")
    (('npm', 'pnpm'), None)
    """
    literals = [plain(one[0]) for one in LITERAL.finditer(text)] if _SIGN.search(text) else []
    if len(literals) < 2 or undone(text):
        return None
    places = iter(range(len(literals)))
    marked = LITERAL.sub(lambda found: f"<{next(places)}>" + _after(found[0]), text)
    return next((move for one in _SENTENCE.split(marked) for move in _moves(one, literals)), None)


def _moves(sentence: str, literals: Sequence[str]) -> Iterator[Move]:
    for found in (one for pattern in _PATTERNS if (one := pattern.search(sentence))):
        old, new = literals[int(found["old"])], literals[int(found["new"])]
        how = {name: part.lower() for name, part in found.groupdict().items() if part}
        if old and new and old != new and _alike(old, new, how) and _meant(sentence, old, how):
            first = min(found.start("old"), found.start("new")) - 1
            last = max(found.end("old"), found.end("new")) + 1
            before, after = _spelt(sentence[:first], literals), _spelt(sentence[last:], literals)
            where = _WHERE.search(_WHY.sub("", after))
            scope = _spelt(how.get("of", ""), literals) + " " + (where[0] if where else "")
            yield Move(old, new, names(f"{before} {scope}"), _itself(found, how) and not names(before))


def _itself(found: re.Match[str], how: dict[str, str]) -> bool:
    """Whether it is the value that moved or "is replaced"; somebody who replaced it did so somewhere."""
    verb = how.get("verb", how.get("went"))
    return verb in _ANEW or ("verb" in how and found.start("old") < found.start("verb"))


def _alike(old: str, new: str, how: dict[str, str]) -> bool:
    """Whether the one may stand where the other stood: "bumped `httpx` to 0.28" is thing and value."""
    kinds, verb = {kind(old), kind(new)}, how.get("verb")
    if verb == "moved":  # something moves to a place; only a place has been one before
        return all("/" in one or kind(one) == "file" for one in (old, new))
    if verb and verb not in _SWAPS and "name" in kinds:
        return False
    return len(kinds) == 1 or ("command" in kinds and kinds <= {"command", "name", "file"})


def _meant(sentence: str, old: str, how: dict[str, str]) -> bool:
    """Whether the sentence tells a change that has come about."""
    if _AHEAD.search(sentence):
        return False
    if how.get("joint") in ("with", "by") and how.get("verb") != "replaced":  # raised by 5
        return False
    if "instead" in how:
        sentence = re.sub(rf"(?<=>)(,?) {how['instead']}\b", r"\1", sentence, flags=re.I)
        return bool(_ORDER.search(sentence)) and not (_FAULT.search(sentence) or doubtful(sentence))
    if "arrow" in how:  # else it may be a flow
        known = kind(old) == "number" or re.search(rf"\b{_DONE}\b", sentence, re.I)
        return bool(known) and len(re.findall(_ARROW, sentence)) == 1 and not doubtful(sentence)
    return not doubtful(sentence)


def _spelt(text: str, literals: Sequence[str]) -> str:
    return _MARK.sub(lambda found: literals[int(found[1])], text)


def _after(literal: str) -> str:
    """The mark of a sentence that a literal without ticks has taken in."""
    return literal[-1] if literal[-1] in ".,;:!?" else ""
