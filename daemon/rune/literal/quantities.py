"""What stands around a number and makes another amount of it.

The 30 of "30 seconds" is not that of "30 minutes", of "-30", of "30-45", of ">= 30" where it is "<= 30", or
of `delay_ms: 30`. What nobody says of a number (how it is measured, whether it is a bound) may be said of
it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rune.literal import amounts

_NEAR = 40
"""Characters on each side that are looked at."""
_UNIT = rf"(?:{amounts.MEASURE})(?![^\W_])"
_AFTER = re.compile(rf"[\s-]?\(?(?:in\s)?(?P<unit>{_UNIT})", re.I)
_MONEY = re.compile(r"([$€£¥])\s?[-+−]?$")
_LINK = r"[\"'`)\]}>*]*(?:\s*(?:=>|[:=])\s*|\s(?:is|was|are|of|to|set\sto|at|now)\s|\s)?[\"'`(\[{*]*"
_NAMED = re.compile(
    rf"(?:(?<=_)|(?<=\b)|(?<=[a-z](?=[A-Z])))(?P<unit>{amounts.MEASURE}){_LINK}[-+−]?$", re.I
)  # fmt: skip
_CAMEL = re.compile(rf"(?<=[a-z])(?P<unit>[A-Z][a-z]+){_LINK}[-+−]?$")
_SIGN = re.compile(r"(?:^|[\s=(\[{,:\"'`<>])[-−][$€£¥]?$")
_TO = r"(?:\s?(?:-|–|\.{2,3})\s?|\s(?:to|through|until)\s)"
_UNITS = rf"(?:\s?(?:{_UNIT}))?"
_RANGE_AFTER = re.compile(rf"{_UNITS}{_TO}[-−$€£¥]?\d", re.I)
_RANGE_BEFORE = re.compile(rf"\d{_UNITS}{_TO}[-−$€£¥]?$", re.I)
_MOVED = re.compile(
    r"\bfrom\s(?:[a-z]+\s){0,2}(?:[-$€£¥]?\d[\w.,%]*\s(?:\w+\s)?(?:to|until|through)\s)?[-$€£¥]?$", re.I
)
_BETWEEN = re.compile(r"\bbetween\s(?:[^.;,]*\sand\s)?[$€£¥]?$", re.I)
_HALF = re.compile(r"\s(?:and\sa\shalf|and\san?\squarter)\b", re.I)
_THINGS = re.compile(r"\s([a-z]{3,}s)\b(?!\()")
_NO_THINGS = frozenset((
    "was", "has", "does", "this", "plus", "unless", "its", "means", "makes", "gives", "works", "less",
    "seems", "needs", "lets", "causes", "always", "perhaps", "keeps", "gets", "looks", "fails", "as", "is",
    "thus", "across", "towards",
))  # fmt: skip
"""What may follow a number and is nothing that is counted."""
_BOUNDS = (
    (">=", re.compile(
        r"(?:>=|≥|\bat\sleast|\b(?:no|not)\s(?:less|fewer|lower)\sthan|\bminimum(?:\sof)?)\s?$", re.I)),
    ("<=", re.compile(
        r"(?:<=|≤|\bat\smost|\bup\sto|\b(?:no|not)\s(?:more|greater|larger|longer|higher)\sthan|\bmaximum(?:\sof)?"
        r"|\bnot\sexceed)\s?$", re.I)),
    (">", re.compile(
        r"(?:(?<![-=<>/\w\"'])>|\w>|\b(?:more|greater|larger|longer|higher)\sthan|\bover|\babove)\s?$",
        re.I)),
    ("<", re.compile(
        r"(?:(?<![-=<>])<|\b(?:less|fewer|smaller|shorter|lower)\sthan|\bunder|\bbelow)\s?$", re.I)),
)  # fmt: skip
_BOUNDS_AFTER = (
    (
        ">=",
        re.compile(r"\+(?![\w+])|\s(?:or|and)\s(?:newer|later|higher|more|above|greater|up|longer)\b", re.I),
    ),
    ("<=", re.compile(r"\s(?:or|and)\s(?:older|earlier|lower|less|below|fewer|shorter)\b", re.I)),
)


class Around(NamedTuple):
    """What belongs to a number beside its digits."""

    measure: str = ""
    """All names of it, or "" where none is told."""
    things: bool = False
    """Whether it counts things, so that it is measured in nothing else."""
    bound: str = ""
    negative: bool = False
    part: bool = False
    """Whether it is one end of a range."""
    more: bool = False
    """Whether "and a half" follows."""


def around(text: str, start: int, end: int) -> Around:
    """What stands around the number at ``text[start:end]``.

    >>> around("at least 30 seconds", 9, 11).bound, around("delay_ms: 30", 10, 12).measure[:2]
    ('>=', 'ms')
    """
    line = text.rfind("\n", 0, start) + 1
    before, after = text[max(line, start - _NEAR) : start], text[end : end + _NEAR].partition("\n")[0]
    measure = measured(before, after)
    behind = after[found.end() :] if (found := _AFTER.match(after)) else after
    counted = None if measure else _THINGS.match(after)
    return Around(
        measure,
        counted is not None and counted[1] not in _NO_THINGS,
        _bound(before, behind),
        _SIGN.search(before) is not None,
        _ranges(before, after),
        _HALF.match(after) is not None,
    )


def agree(said: Around, told: Around, explicit: bool = False) -> bool:
    """Whether a number that has the one around it is the amount that it is with the other.

    Where it has to be ``explicit``, what it measures must be told.
    """
    if said[3:] != told[3:] or (said.bound and told.bound and said.bound != told.bound):
        return False
    if told.measure or explicit:
        return told.measure == said.measure or not (said.measure or _glued(told.measure))
    return not (said.measure and told.things)


def _glued(measure: str) -> bool:
    """Whether a number without this measure is another one: 5 % is not 5, but 30 may be of seconds."""
    return measure == amounts.PERCENT or measure in amounts.MONEY


def measured(before: str, after: str) -> str:
    """What a number between these two measures: by the word after it, a sign of money, or its name."""
    if found := _AFTER.match(after):
        return amounts.MEASURES[found["unit"].lower()]
    if money := _MONEY.search(before):
        return amounts.MEASURES[money[1]]
    named = _NAMED.search(before) or _CAMEL.search(before)
    return amounts.MEASURES.get(named["unit"].lower(), "") if named and _names(before, named) else ""


def _names(before: str, named: re.Match[str]) -> bool:
    """Whether the word before a number is a measure: "min" may be the least, and a letter anything."""
    unit, start = named["unit"], named.start("unit")
    glued = start > 0 and (before[start - 1] == "_" or (unit[0].isupper() and before[start - 1].islower()))
    return glued or (len(unit) > 3 and not re.search(r"\d\W*$", before[:start]))


def _bound(before: str, after: str) -> str:
    told = (bound for bound, pattern in _BOUNDS if pattern.search(before))
    return next(told, "") or next((bound for bound, pattern in _BOUNDS_AFTER if pattern.match(after)), "")


def _ranges(before: str, after: str) -> bool:
    """Whether a number is one end of a range; "from 3 to 5" is a change as often, and is read as none."""
    if _BETWEEN.search(before):
        return True
    return not _MOVED.search(before) and bool(_RANGE_AFTER.match(after) or _RANGE_BEFORE.search(before))
