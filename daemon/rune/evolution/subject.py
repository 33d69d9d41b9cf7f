"""What a statement is about, in words that stay in their order: who does what to whom is a part of it. Pure.

Two who tell the same thing use other words for it: "the gateway's port is", "the port of the gateway is" and
"the gateway listens on port" are one, and so are what is so and what has become so. No grammar is at hand: a
few forms are brought to one, and everything else must stand there word for word.

Not covered: the same thing in quite other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rune.evolution.wording import CHANGED, FILLING, LITERAL, RENEWED, SILENT, TALK, kind, opened, plain, role
from rune.literal import amounts

VALUE = "\x00"
"""Stands where the value stood."""
_BOUND = "\x01"
"""Where a predicate begins."""
_PREPOSITIONS = frozenset((
    "of", "for", "in", "on", "at", "to", "from", "with", "by", "into", "between", "over", "under", "before",
    "after", "behind", "via", "per", "as", "during", "within", "without", "against", "through", "and", "or",
))  # fmt: skip
_SILENT = frozenset((
    "the", "a", "an", "is", "are", "was", "were", "be", "been", "has", "have", "had", "now", "then", "that",
    "which", "its", "it", "also", "here", "instead", "anymore", _BOUND,
)) | SILENT | TALK  # fmt: skip
"""Words that one who tells the same thing says and another one leaves out, wherever they stand."""
_BE = r"(?:is|are|was|were|has|have|had|been|being|got|gets|'s)"
_DONE = rf"(?:{'|'.join(sorted(CHANGED))})"
_V = VALUE
_NO_MORE = re.compile(
    r"\s*[,;(]\s*(?:but\s+)?(?:(?:it|which)\s+)?(?:was|were|previously|formerly|used to be|old|before|not)"
    r"(?:\s+on)?:?\s+(?:[a-z]+\s+){0,2}<\d+>(?:\s+any ?more)?\s*\)?"
)
_CONTRAST = re.compile(
    r"[,;]?\s*(?:instead of|rather than|in place of)(?:\s+on)?\s+(?:[a-z]+\s+){0,2}<\d+>"
    r"|(?<=\x00)\s*from\s+(?:[a-z]+\s+){0,2}<\d+>|<\d+>\s*(?:->|→|=>)\s*(?=\x00)"
)
"""What a statement says of the older value."""
_FROM = re.compile(r"\bfrom\s+(?P<noun>(?:[a-z]+\s+){0,2})<\d+>\s*,?\s*(?:to|into)\s+")
_DENIED = re.compile(
    r"\s*\(\s*(?:not|(?:it\s+)?(?:was|were|used to be)|previously|formerly|old|before):?\s[^()]*\)"
    r"|,\s+(?:not|previously|formerly|it used to be)\s+(?:on\s+)?(?:[a-z]+\s+){0,2}"
    r"[`\"']*[^\s`]*\d[^\s`]*`?(?=\s*[.;!]?\s*$)",
    re.I,
)
"""What a statement says at its end of a value that is not so."""
_FROM_NOW = re.compile(r"\b(?:from now on|any more)\b")
_RENEWED = re.compile(rf"\b(?={RENEWED})new\s+")
_FORMS = tuple(
    (how, re.compile(pattern), form)
    for how, pattern, form in (
        ("became", rf"^\s*(?:(?:i|we|they)(?:'ve)?\s+)?(?:{_BE}\s+)?{_DONE}\s+(?P<of>[^\x00]+?)"
                   rf"\s+(?:to|into)\s+(?P<noun>(?:[a-z]+\s+)?){_V}", r"\g<of> {b} \g<noun>{v}"),
        ("became", rf"\s(?:{_BE}\s+)*{_DONE}\s+(?:to|into)\s+(?P<noun>(?:[a-z]+\s+)?){_V}",
                   r" {b} \g<noun>{v}"),
        ("port", rf"\s(?:(?:listens?|runs?|binds?|{_BE}(?:\s+(?:served|reachable|available|bound"
                 rf"|listening|exposed))?)\s+)(?:on|to|at)\s+port\s+{_V}", r" {b} port {v}"),
        ("default", rf"\sdefaults?\s+to\s+{_V}", r" default {b} {v}"),
        ("owner", rf"\s{_BE}\s+(?P<role>owned|maintained)\s+by\s+{_V}", r" {b} \g<role> {v}"),
        ("version", rf"\s{_BE}\s+pinned\s+(?:to|at)\s+{_V}", r" {b} version {v}"),
        ("called", rf"\s{_BE}\s+(?:called|named)\s+{_V}", r" {b} called {v}"),
        ("at", rf"\s(?:{_BE}\s+)?(?:lives?|resides?|sits?|{_BE}|located|stored|kept|defined|found)\s+"
               rf"(?:in|at|under)\s+{_V}", r" {b} at {v}"),
        ("must", rf"\s(?:must|has\s+to)\s+be\s+(?:at\s+(?P<bound>least|most)\s+)?{_V}",
                 r" {b} must \g<bound> {v}"),
        ("is", rf"^\s*{_V}\s+is\s+(?P<of>[^\x00.,;]+?)\s*(?=\.?\s*$)", r"\g<of> {b} {v}"),
        ("is", rf"(?:\s(?:{_BE}|equals|{_BE}\s+set\s+to)\s+|\s*(?:=|:)\s*){_V}", r" {b} {v}"),
    )
)  # fmt: skip
"""How a value may be said of something, each with the one form that it is brought to."""
_LISTENS = re.compile(r"\s(?:listens?|binds?)\s+(?:on|to)\s+\x00")
"""The same of a port, where the value is a number."""
_MOVED = re.compile(rf"\s(?:{_BE}\s+)*(?:moved|migrated)\s+(?:to|into)\s+{_V}")
"""The same of a place, where the value is one."""
_SET = re.compile(rf"\s(?:uses?\s+port\s+{_V}|(?:keeps?|retains?)\s+{_V}(?:\s+[a-z]+){{0,3}}\s+[a-z]+s\W*$)")
"""Verbs of what a thing was made to do, each time."""
_EDGES = ".,;:!?()[]\"'"


class About(NamedTuple):
    """What a value is said of."""

    words: tuple[str, ...]
    """In their order, with a mark where the value stands; that a thing is a service is left out."""
    aside: tuple[str, ...]
    """What is left out: two who both say something more say the same."""
    how: str
    """The form in which it is said; empty where it is none that is known."""
    noun: str
    """What the value is: "the port of the gateway" is a port."""
    measure: str
    """What a number counts in."""

    @property
    def said(self) -> tuple[str, ...]:
        """The words that carry something."""
        return tuple(word for word in self.words if word != VALUE and word not in _PREPOSITIONS)


def find(text: str, found: re.Match[str], moved: bool = False) -> About:
    """What a statement says its value of.

    Args:
        text: of the statement.
        found: where it has the value.
        moved: whether it tells what was so before.

    >>> one, other = "The port of the gateway is 80.", "The gateway listens on port 80."
    >>> [" ".join(find(said, re.search("80", said)).said) for said in (one, other)]
    ['gateway port', 'gateway port']
    """
    said, literals = _marked(text, found)
    said = _NO_MORE.sub(" ", said)
    if moved:
        said = _FROM.sub(r"to \g<noun>", _CONTRAST.sub(" ", said))
    how, said = _formed(_spelt(said, literals), kind(plain(found[0])))
    words = _genitives(_tokens(said))
    noun = _noun(words)
    measure, words = _measure(words, plain(found[0]))
    aside = tuple(word for place, word in enumerate(words) if _filling(words, place))
    kept = tuple(
        word for place, word in enumerate(words) if word not in _SILENT and not _filling(words, place)
    )
    return About(kept, aside, how, noun, measure)


def asserted(text: str) -> str:
    """A statement without what it denies at its end.

    >>> asserted("The gateway listens on port 9090 (was: 8080)."), asserted("The port is 9090, not 8080.")
    ('The gateway listens on port 9090.', 'The port is 9090')
    """
    return _DENIED.sub("", text)


def ordered(text: str) -> tuple[str, ...]:
    """The words of a question in their order.

    >>> " ".join(ordered("How do I run the tests of the gateway?"))
    'how do run tests of gateway'
    """
    return tuple(
        word for word in _tokens(text.lower().replace("`", "").replace("’", "'")) if word not in _SILENT
    )


def _marked(text: str, found: re.Match[str]) -> tuple[str, list[str]]:
    """A statement in lower case with its value and its other literals as marks, and these literals."""
    literals: list[str] = []

    def mark(one: re.Match[str]) -> str:
        end = one[0][-1] if one[0][-1] in ".,;:!?)" else ""
        if one.start() <= found.start() < one.end():
            return f" {VALUE}{end} "
        literals.append(plain(one[0]))
        return f"<{len(literals) - 1}>{end}"

    said = opened(LITERAL.sub(mark, text)).lower().replace("`", "").replace("’", "'")
    said = re.sub(r"\b(?:the|an?|now)\s+", "", _FROM_NOW.sub(" ", said))
    said = _RENEWED.sub("", said)
    return " " + " ".join(said.split()) + " ", literals


def _spelt(said: str, literals: Sequence[str]) -> str:
    return re.sub(r"<(\d+)>", lambda found: literals[int(found[1])], said)


def _formed(said: str, sort: str) -> tuple[str, str]:
    """The first form that a statement has, and the statement with that brought to the one for all."""
    if sort == "number" and _LISTENS.search(said):
        return "port", _LISTENS.sub(f" {_BOUND} port {VALUE}", said)
    if sort == "file" and _MOVED.search(said):
        return "became", _MOVED.sub(f" {_BOUND} at {VALUE}", said)
    for how, pattern, form in _FORMS:
        if pattern.search(said):
            return how, pattern.sub(form.replace("{b}", _BOUND).replace("{v}", VALUE), said, count=1)
    return ("set", said) if _SET.search(said) else ("", said)


def _tokens(said: str) -> list[str]:
    bare = [word.strip(_EDGES) for word in re.sub(r"'s\b", " ", said).split()]
    words = [word for word in bare if word and word not in ("—", "-", "–")]
    return [role(word) for before, word in pairwise(["", *words]) if word != before]


def _genitives(words: Sequence[str]) -> list[str]:
    """ "Port of gateway" as "gateway port": the same by another order."""
    made: list[str] = []
    rest = list(words)
    while "of" in rest:
        place = rest.index("of")
        ends = (n for n in range(place - 1, -1, -1) if _apart(rest[n]))
        first = next(ends, -1) + 1
        last = next((n for n in range(place + 1, len(rest)) if _apart(rest[n])), len(rest))
        if first == place or last == place + 1:
            made += rest[: place + 1]
            rest = rest[place + 1 :]
            continue
        rest = [*rest[:first], *_inverted(rest[first:place], rest[place + 1 : last]), *rest[last:]]
    return [*made, *rest]


def _inverted(things: Sequence[str], of: Sequence[str]) -> Iterator[str]:
    yield from of
    yield from things


def _apart(word: str) -> bool:
    return word in _PREPOSITIONS or word in (VALUE, _BOUND)


def _noun(words: Sequence[str]) -> str:
    """What stands at the end of what a value is said of, before whatever tells more of it."""
    ends = (place for place, word in enumerate(words) if _apart(word))
    end = next((place for place in ends if place), len(words))
    before = [word for word in words[:end] if word not in _SILENT]
    bound = words.index(_BOUND) if _BOUND in words else -1
    named = words[bound + 1] if 0 <= bound < len(words) - 1 else ""
    if named not in ("", VALUE, "at", "called", "must"):
        return named
    return before[-1] if before else ""


def _measure(words: Sequence[str], value: str) -> tuple[str, list[str]]:
    """In what a number counts, and the words without that."""
    place = words.index(VALUE) if VALUE in words else -1
    after = words[place + 1] if 0 <= place < len(words) - 1 else ""
    number, measure = amounts.measured(value, after)
    glued = number != value
    rest = [*words[: place + 1], *words[place + (1 if glued else 2) :]] if measure else list(words)
    return measure, rest


def _filling(words: Sequence[str], place: int) -> bool:
    """Whether a word only says that what stands before it is a service or the like."""
    before = words[place - 1] if place else ""
    return words[place] in FILLING and bool(before) and not _apart(before) and before not in _SILENT
