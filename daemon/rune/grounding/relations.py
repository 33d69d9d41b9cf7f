"""Whether two things have changed places between a sentence and what a text says of them.

"Rename `a` to `b`" is not "rename `b` to `a`", nor "the gateway uses 80 and the mailer 90" the other way
round: each literal must stand after the words that it stands after in the text, where it says them of both.
What comes before and what comes after something is looked at without literals, too. Nothing else is read:
who does what to whom, told without literals, passes either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from rune.grounding.negation import flowing
from rune.grounding.opposites import stem
from rune.literal import Literal, places

_WORD = re.compile(r"[^\W\d_]+")
_END = re.compile(r"[.!?][\"'”’)*_]*\s|\n")
_LITTLE = frozenset((
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "it", "its", "and", "or", "then", "also",
    "both", "has", "have", "der", "die", "das", "und", "ist",
))  # fmt: skip
_FIRST = "^"
"""Stands before a literal that begins its sentence."""
_ORDER = {"before": False, "after": True}
"""What says which of two things comes first: whether it is the second that is told."""

Around = dict[Literal, frozenset[str]]


def turned(sentence: str, wanted: Sequence[Literal], texts: Iterable[str]) -> bool:
    """Whether what is nearest to a sentence in some texts has two of its things in each other's place.

    >>> turned("Do it before lunch.", (), ["Do it after lunch."])
    True
    """
    flowed = [_flowing(text) for text in texts]
    return _changed(sentence, wanted, flowed) or _late(sentence, flowed)


def _changed(sentence: str, wanted: Sequence[Literal], texts: Sequence[str]) -> bool:
    """Whether two literals have changed places."""
    ours = _contexts(sentence, wanted[:_MOST])
    words = _stems(sentence)
    for one, other in combinations(ours, 2):
        found = [(len(words & _stems(told)), told) for text in texts for told in _telling(text, one, other)]
        most = max((shared for shared, _ in found), default=0)
        near = [_contexts(told, list(ours)) for shared, told in found if shared == most]
        if near and all(_crossed(ours, theirs, one, other) for theirs in near):
            return True
    return False


def _crossed(ours: Around, theirs: Around, one: Literal, other: Literal) -> bool:
    """Whether each of two literals stands where the other stood."""
    if one not in theirs or other not in theirs:
        return False
    return _nearer(ours[one], theirs[other], theirs[one]) and _nearer(ours[other], theirs[one], theirs[other])


def _nearer(context: frozenset[str], this: frozenset[str], that: frozenset[str]) -> bool:
    alike = len(context & this)
    return alike > len(context & that) and 2 * alike > max(len(context), len(this))


def _contexts(sentence: str, wanted: Sequence[Literal]) -> Around:
    """The words before each literal that stands in a sentence once, since the one before it.

    One that is only added to another ("`a` and `b`") stands where that does.
    """
    once = [(found[0], one) for one in dict.fromkeys(wanted) if len(found := [*places(sentence, one)]) == 1]
    at, context = 0, frozenset({_FIRST})
    contexts: Around = {}
    for (start, end), one in sorted(once, key=lambda pair: pair[0]):
        told = frozenset(word for word in _plain(sentence[at:start]))
        context = told or context
        contexts[one] = context
        at = end
    return contexts


def _telling(text: str, one: Literal, other: Literal) -> Iterator[str]:
    """The sentences of a text that have both."""
    done = -1
    for start, _ in places(text, one):
        if start < done:
            continue
        begin = max(
            (found.end() for found in _END.finditer(text, max(0, start - _LONGEST), start)), default=0
        )
        end = _END.search(text, start)
        done = end.start() if end else len(text)
        if done - begin < _LONGEST and any(places(said := text[begin:done], other)):
            yield said


_LONGEST = 600
"""Characters of a sentence that is looked at."""
_MOST = 12
"""Literals of a sentence that are looked at."""


def _late(sentence: str, texts: Sequence[str]) -> bool:
    """Whether what comes first in a sentence comes second in what is nearest to it."""
    ours = _sides(sentence)
    if not ours:
        return False
    words = ours[0] | ours[1]
    found = [(len(words & (theirs[0] | theirs[1])), theirs) for text in texts for theirs in _all_sides(text)]
    most = max((shared for shared, _ in found), default=0)
    near = [_swapped(ours, theirs) for shared, theirs in found if shared == most]
    return bool(near) and 2 * most > len(words) and all(near)


Sides = tuple[frozenset[str], frozenset[str]]


def _swapped(ours: Sides, theirs: Sides) -> bool:
    straight = len(ours[0] & theirs[0]) + len(ours[1] & theirs[1])
    return len(ours[0] & theirs[1]) + len(ours[1] & theirs[0]) > straight


def _sides(sentence: str) -> Sides | None:
    """What a sentence says comes first, and what second; None where it does not say so once."""
    found = [one for one in _WORD.finditer(sentence) if one[0].lower() in _ORDER]
    if len(found) != 1:
        return None
    word, before, after = found[0][0].lower(), sentence[: found[0].start()], sentence[found[0].end() :]
    if not before.strip(" *-`"):  # "before the backup, run the migration"
        after, _, before = after.partition(",")
    first, second = frozenset(_plain(before)), frozenset(_plain(after))
    if not first or not second:
        return None
    return (second, first) if _ORDER[word] else (first, second)


@lru_cache(maxsize=64)
def _all_sides(text: str) -> tuple[Sides, ...]:
    return tuple(sides for said in _END.split(text) if len(said) < _LONGEST and (sides := _sides(said)))


def _plain(text: str) -> Iterator[str]:
    return (stem(word) for word in _WORD.findall(text.lower()) if word not in _LITTLE)


def _stems(text: str) -> frozenset[str]:
    return frozenset(_plain(text))


@lru_cache(maxsize=64)
def _flowing(text: str) -> str:
    return flowing(text)
