"""Statements that say themselves what is no longer so: "the gateway moved from port 8080 to 9090". Pure.

Whoever told the older value may have used quite other words, so it is found by the value. What is denied,
supposed, planned or did not last is no move, nor is a value more, nor a fault: "it answered 500, not 200".

Not covered: a thing that is somewhere else now, without the place where it was; a name without ticks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rune.evolution import lasting
from rune.evolution.wording import CHANGED, LITERAL, doubtful, kind, names, opened, plain

_DONE = rf"(?:{'|'.join(sorted(CHANGED))})"
_WORD = r"[A-Za-z][\w'-]*:?\s+"
_NOUN = rf"(?!(?:of|in|on|at|for|from|to|with|by|and)\b){_WORD}"
_FEW = rf"(?:{_NOUN}){{0,2}}?"
_OLD, _NEW = r"<(?P<old>\d+)>", r"<(?P<new>\d+)>"
_THE_OLD, _THE_NEW = _FEW + _OLD, _FEW + _NEW
_OF = rf"(?P<of>\s+{_FEW}(?:(?:of|in)\s+{_FEW}<\d+>)?)?"
_JOINT = r"(?P<joint>to|into|with|by|became)"
_ARROW = r"(?:->|→|=>)"
_WAS = r"(?P<was>(?:,|\s*\()\s*(?:it\s+)?(?:was|were|previously|formerly))"
_GIVEN_UP = "dropped|removed|deprecated|abandoned|retired"
_FAVOUR = r"in\s+favou?r\s+of"
_ON = r"(?:(?:on|in|at|to|with)\s+)?"
_IT = r"(?:it(?:[’']s|\s+is)\s+)?"
_WAS_ONCE = (
    r"(?P<was>\s*\(\s*(?:it\s+)?(?:was|were|used\s+to\s+be|previously|formerly|old|before)(?:\s+on)?:?"
    r"|,\s*(?:previously|formerly|it\s+used\s+to\s+be)(?:\s+on)?)"
)
_TAKE = r"(?:(?:so|and|please|now)\s+)*(?:use|run|call)"
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b(?P<went>{_DONE})\b[^;]{{0,80}}?\bfrom\s+{_THE_OLD},?\s+{_FEW}(?:to|into|{_ARROW})\s+{_THE_NEW}",
        rf"\b(?P<went>{_DONE})\b[^;]{{0,80}}?\bto\s+{_THE_NEW}\s+from\s+{_THE_OLD}",
        rf"\b(?P<verb>{_DONE}):?\s+{_FEW}{_THE_OLD}{_OF},?\s*{_JOINT}\s+{_THE_NEW}",
        rf"{_OLD}\s+(?:{_WORD}){{0,3}}?(?P<verb>{_DONE})\s+{_JOINT}\s+{_THE_NEW}",
        rf"{_OLD}\s+(?P<verb>became|is now (?:called|named))\s+{_THE_NEW}",
        rf"\b(?:now|{_DONE})\b[^;]{{0,80}}?{_NEW}{_WAS}\s+{_THE_OLD}",
        rf"{_NEW}{_WAS_ONCE}\s+{_THE_OLD}",
        rf"\b(?:{_GIVEN_UP})\s+{_THE_OLD}\s+{_FAVOUR}\s+{_THE_NEW}",
        rf"{_OLD}\s+(?:{_WORD}){{0,3}}?(?P<verb>{_GIVEN_UP})\s+{_FAVOUR}\s+{_THE_NEW}",
        rf"{_OLD}(?P<of>\s+(?:of|in|for)\s+(?:{_WORD}){{1,3}}?|\s+)"
        rf"(?:(?:is|was|got|has been)\s+(?P<verb>{_GIVEN_UP}|deleted|obsolete|gone)"
        rf"|(?P<ended>no\s+longer\s+exists))[,;]?\s+{_TAKE}\s+{_THE_NEW}",
        rf"{_NEW}\s+(?:(?:now|has)\s+)*(?P<took>replace[sd]|supersede[sd])\s+{_THE_OLD}",
        rf"{_NEW},?\s+(?P<instead>instead of|rather than|in place of|not)\s+{_THE_OLD}",
        rf"(?P<no>\bno\s+longer\b)(?P<does>[^;<]{{0,40}}?){_THE_OLD},?\s+but\s+(?:now\s+)?{_ON}{_THE_NEW}",
        rf"(?P<no>\b(?:(?:is|are|do|does)n[’']t|not)\b)(?P<does>[^;<]{{0,40}}?){_THE_OLD}\s+any\s?more"
        rf"[,;]?\s+(?:but\s+{_ON}|{_IT}(?:now\s+)?|{_TAKE}\s+){_THE_NEW}",
        rf"(?P<no>\bdon[’']t\b)(?P<does>\s+(?:use|run|call)\s+){_THE_OLD}\s+any\s?more[,;]?\s+(?:but\s+)?"
        rf"{_TAKE}\s+{_THE_NEW}",
        rf"(?P<no>\bused\s+to\b)(?P<does>[^;<]{{0,40}}?){_THE_OLD},?\s+(?:but\s+)?(?:now\s+{_IT}|{_IT}now\s+)"
        rf"{_ON}{_THE_NEW}",
        rf"{_OLD}\s*(?P<arrow>{_ARROW})\s*{_NEW}",
    )
)
_ORDER = re.compile(
    r"^\W*(?:(?:to|for)\s[^,;<]{2,40},\s+)?(?:(?:always|please|we)\s+)*"
    r"(?:use|run|call|prefer|build|install|deploy|start)\b|(?<=\S )now\b|\bfrom now on\b"
    rf"|^\W*(?:i|we)(?:[’']ve|\s+have)?\s+(?:just\s+)?{_DONE}\b",
    re.I,
)
"""What makes of a contrast a change: it is an instruction, or said of now."""
_FAULT = re.compile(
    r"\b(?:because|since|due to|bugs?|wrong\w*|incorrect\w*|typos?|mistake\w*|accident\w*|errors?|fail\w*"
    r"|broken?|issues?)\b",
    re.I,
)
_AHEAD = re.compile(rf"\bbe\s+(?:{_DONE}|{_GIVEN_UP})\b", re.I)
"""What is to be done: "must be moved"."""
_ADDED = re.compile(
    r"\b(?:also|too|as well|additional(?:ly)?|besides|in addition|second|another)\b"
    r"|\b(?:was|were|previously|formerly)\s+(?:only|just|solely|merely)\b",
    re.I,
)
"""What says that a thing has a value more, where it would be one instead of "previously" another."""
_SIGN = re.compile(
    rf"\b(?:{_DONE}|now|instead|rather|place|not|replaces|supersede[sd]|{_GIVEN_UP}|any ?more|no longer"
    rf"|used to|was|were|previously|formerly|old|before|gone|deleted|obsolete)\b|n[’']t\b|{_ARROW}",
    re.I,
)
"""What every pattern has one of: most statements have none."""
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n")
_WHERE = re.compile(r"\b(?:for|of|in|on|at|with|from|inside|during)\b.*", re.S)
_WHY = re.compile(r"\b(?:because|since|due to|so that)\b.*", re.S)
_UNIT = re.compile(r"<\d+>\s+((?!(?:as|is|was|has|replaces|supersedes|exists)\b)[a-z]+s|ms|[kmg]b|percent)\b")
_FLOW = re.compile(r"(`[^`]*`)|\s*(?:->|=>|→)\s*")
"""An arrow, but none in code."""
_MARK = re.compile(r"<(\d+)>")
_SWAPS = frozenset((
    "renamed", "replaced", "switched", "migrated", "is now called", "is now named", *_GIVEN_UP.split("|"),
))  # fmt: skip
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
    unit: str = ""
    """What the values count, if they do."""


def find(text: str) -> Move | None:
    """What a statement says to have changed; None where it says nothing of the kind.

    >>> find("The gateway moved from port 8080 to 9090.")
    Move(old='8080', new='9090', about=frozenset({'gateway'}), renamed=False, unit='')
    >>> find("`make ship` was renamed to `just ship`.")
    Move(old='make ship', new='just ship', about=frozenset(), renamed=True, unit='')
    >>> find("Use `pnpm` instead of `npm` here.")[:2], find("It used `pnpm` instead of `npm`.")
    (('npm', 'pnpm'), None)
    """
    text = _FLOW.sub(lambda found: found[1] or " → ", text)
    literals = [plain(one[0]) for one in LITERAL.finditer(text)] if _SIGN.search(text) else []
    if len(literals) < 2 or lasting.undone(text):
        return None
    places = iter(range(len(literals)))
    marked = LITERAL.sub(lambda found: f"<{next(places)}>" + _after(found[0]), text)
    told = _SENTENCE.split(marked)
    return next((move for some in _readings(told) for move in _moves(some, literals)), None)


def _readings(told: Sequence[str]) -> Iterator[Sequence[str]]:
    """Each sentence with those after it; one that ends in a semicolon once more as one with the next."""
    for place, sentence in enumerate(told):
        yield told[place:]
        if sentence.endswith(";") and place < len(told) - 1:
            yield [f"{sentence} {told[place + 1]}", *told[place + 2 :]]


def _moves(told: Sequence[str], literals: Sequence[str]) -> Iterator[Move]:
    """What the first of some sentences says to have changed, and the others do not take back."""
    sentence = told[0]
    for found in (one for pattern in _PATTERNS if (one := pattern.search(sentence))):
        old, new = literals[int(found["old"])], literals[int(found["new"])]
        how = {name: part.lower() for name, part in found.groupdict().items() if part}
        if old and new and old != new and _alike(old, new, how) and _meant(sentence, old, how):
            first = min(found.start("old"), found.start("new")) - 1
            last = max(found.end("old"), found.end("new")) + 1
            lead = sentence[: found.start("no")] if "no" in how else sentence[:first]
            before, after = _spelt(lead, literals), _spelt(sentence[last:], literals)
            if lasting.left(_spelt("\n".join((sentence[last:], *told[1:])), literals), old):
                continue
            if "was" in how and (_ADDED.search(sentence) or old in _named(sentence[:first], literals)):
                continue
            before = opened(before)
            where = _WHERE.search(_WHY.sub("", after))
            scope = _spelt(how.get("of", ""), literals) + " " + (where[0] if where else "")
            unit = _UNIT.search(sentence, found.start())
            itself = _itself(found, how) and not names(before)
            yield Move(old, new, names(f"{before} {scope}"), itself, unit[1] if unit else "")


def _itself(found: re.Match[str], how: dict[str, str]) -> bool:
    """Whether it is the value that moved or "is replaced"; somebody who replaced it did so somewhere."""
    verb = how.get("verb", how.get("went"))
    ended = not how.keys().isdisjoint(("took", "ended"))
    return ended or verb in _ANEW or ("verb" in how and found.start("old") < found.start("verb"))


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
    if _AHEAD.search(sentence) or lasting.unmeant(sentence):
        return False
    if how.get("joint") in ("with", "by") and how.get("verb") != "replaced":  # raised by 5
        return False
    if "instead" in how:
        sentence = re.sub(rf"(?<=>)(,?) {how['instead']}\b", r"\1", sentence, flags=re.I)
        return bool(_ORDER.search(sentence)) and not (_FAULT.search(sentence) or doubtful(sentence))
    if "arrow" in how:  # else it may be a flow
        known = kind(old) == "number" or re.search(rf"\b{_DONE}\b", sentence, re.I)
        return bool(known) and len(re.findall(_ARROW, sentence)) == 1 and not doubtful(sentence)
    if "no" in how:  # what is denied is the older value
        sentence = re.sub(rf"\b{how['no']}\b", "", sentence, count=1, flags=re.I)
    if "was" in how and _FAULT.search(opened(sentence)):
        return False
    return not doubtful(sentence)


def _spelt(text: str, literals: Sequence[str]) -> str:
    return _MARK.sub(lambda found: literals[int(found[1])], text)


def _named(text: str, literals: Sequence[str]) -> list[str]:
    return [literals[int(place)] for place in _MARK.findall(text)]


def _after(literal: str) -> str:
    """The mark of a sentence that a literal without ticks has taken in."""
    return literal[-1] if literal[-1] in ".,;:!?" else ""
