"""Amounts: numbers in words and in digits, and what they measure."""

from __future__ import annotations

import re

_UP_TO_TWENTY = (
    "zero", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
"""Without "one", which is as often no number."""
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ROUND = {"dozen": "12", "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000"}
_DIGITS = {
    **{word: str(value) for value, word in enumerate(_UP_TO_TWENTY) if word},
    **{word: str(10 * value) for value, word in enumerate(_TENS, 2)},
    **{
        f"{ten}-{one}": str(10 * tens + ones)
        for tens, ten in enumerate(_TENS, 2)
        for ones, one in enumerate(("one", *_UP_TO_TWENTY[2:10]), 1)
    },
    **_ROUND,
}
_WORDS = {digits: word for word, digits in _DIGITS.items()}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_PLACES = {
    form: (word, f"{place}{ending}")
    for place, word in enumerate(_ORDINALS, 1)
    for ending in [{1: "st", 2: "nd", 3: "rd"}.get(place, "th")]
    for form in (word, f"{place}{ending}")
}
_TIMES = {
    "ns|nanosecond|nanoseconds": 1,
    "µs|us|microsecond|microseconds": 10**3,
    "ms|msec|msecs|milli|millis|millisecond|milliseconds": 10**6,
    "s|sec|secs|second|seconds": 10**9,
    "m|min|mins|minute|minutes": 60 * 10**9,
    "h|hr|hrs|hour|hours": 3600 * 10**9,
    "d|day|days": 86400 * 10**9,
}
"""Measures of time, in nanoseconds."""
PERCENT = "%|percent|pct"
MONEY = ("$|usd|dollar|dollars", "€|eur|euro|euros", "£|gbp|pound|pounds", "¥|jpy|yen")
MEASURES = {
    name: measure
    for measure in (
        *_TIMES, "week|weeks", "month|months", "year|years", "byte|bytes", "kb|kib|kilobyte|kilobytes",
        "mb|mib|megabyte|megabytes", "gb|gib|gigabyte|gigabytes", "tb|tib|terabyte|terabytes",
        PERCENT, *MONEY,
    )
    for name in measure.split("|")
}  # fmt: skip
"""Each name of a measure, and the measure: all its names."""
MEASURE = "|".join(map(re.escape, sorted(MEASURES, key=len, reverse=True)))
"""Every measure, as a pattern."""
RATES = {
    "hourly": "hour", "daily": "day", "nightly": "night", "weekly": "week", "monthly": "month",
    "yearly": "year",
}  # fmt: skip
"""How often, in one word."""
_NUMBER = re.compile(r"(?:\d{1,3}(?:[,_]\d{3})+|\d+)(?:\.\d+)?")
_AMOUNT = re.compile(r"(\d[\d.,]*)-?([^\W\d_]+)")
_MOST = 10**12
"""Above it an amount is not told in another measure."""


def counts(word: str) -> bool:
    """Whether a word is a number.

    >>> counts("Sixteen"), counts("twenty-five"), counts("often")
    (True, True, False)
    """
    return word.lower() in _DIGITS


def number(text: str) -> bool:
    """Whether a text is one number in digits; a version with three parts, a date or an address is none.

    >>> number("1,000"), number("3.20"), number("1.2.3"), number("10,20")
    (True, True, False, False)
    """
    return _NUMBER.fullmatch(text) is not None


def place(word: str) -> tuple[str, ...]:
    """The forms of a word that says which one of several; () where it says nothing of the kind.

    >>> place("Second"), place("other")
    (('second', '2nd'), ())
    """
    return _PLACES.get(word.lower(), ())


def written(number: str, measured: bool) -> str:
    """A number as a pattern of all the ways to write it; zeros at its end count but where it is measured.

    >>> bool(re.fullmatch(written("1000", False), "1,000"))
    True
    >>> [bool(re.fullmatch(written("3.2", measured), "3.20")) for measured in (True, False)]
    [True, False]
    """
    digits = _DIGITS.get(number.lower(), number.replace(",", "").replace("_", ""))
    whole, _, rest = digits.partition(".")
    ways = _grouped(whole)
    if measured:
        rest = rest.rstrip("0")
        ways += rf"\.{rest}0*" if rest else r"(?:\.0+)?"
    elif rest:
        ways += rf"\.{rest}"
    word = _WORDS.get(digits) or ("one" if digits == "1" else "")
    return f"(?:{ways}|{word})" if word else ways


def measured(word: str, after: str) -> tuple[str, str]:
    """A number and its measure as a pattern, from a word and the one after it; ("", "") where it has none.

    >>> measured("30", "seconds")[0], measured("1.5s", "or")[0], measured("three", "files")
    ('30', '1.5', ('', ''))
    """
    found = _AMOUNT.fullmatch(word)
    many, name = (found[1], found[2]) if found else (word, after)
    measure = MEASURES.get(name.lower(), "")
    if measure in ("", PERCENT, *MONEY) or not (found or counts(word) or many[:1].isdigit()):
        return "", ""
    return many, measure


def _grouped(whole: str) -> str:
    if len(whole) < 4:
        return whole
    head = len(whole) % 3 or 3
    groups = [whole[at : at + 3] for at in range(head, len(whole), 3)]
    return "[,_]?".join((whole[:head], *groups))


def converted(number: str, measure: str) -> list[tuple[str, str]]:
    """The same time in other measures, where it is a whole number of them.

    >>> [number for number, _ in converted("60", MEASURES["seconds"])]
    ['60000000000', '60000000', '60000', '1']
    """
    digits = _DIGITS.get(number.lower(), number.replace(",", "").replace("_", ""))
    if measure not in _TIMES or not digits.isdigit():
        return []
    value = int(digits) * _TIMES[measure]
    told = ((value // unit, other) for other, unit in _TIMES.items() if not value % unit and other != measure)
    return [(str(many), other) for many, other in told if 0 < many < _MOST]
