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
_MEASURES = {
    name: measure
    for measure in (
        "ns|nanosecond|nanoseconds", "µs|microsecond|microseconds", "ms|msec|msecs|millisecond|milliseconds",
        "s|sec|secs|second|seconds", "m|min|mins|minute|minutes", "h|hr|hrs|hour|hours", "d|day|days",
        "week|weeks", "month|months", "year|years", "byte|bytes", "kb|kib|kilobyte|kilobytes",
        "mb|mib|megabyte|megabytes", "gb|gib|gigabyte|gigabytes", "tb|tib|terabyte|terabytes",
    )
    for name in measure.split("|")
}  # fmt: skip
MEASURE = "|".join(sorted(_MEASURES, key=len, reverse=True))
"""Every measure, as a pattern."""
_AMOUNT = re.compile(r"(\d[\d.,]*)-?([^\W\d_]+)")


def counts(word: str) -> bool:
    """Whether a word is a number.

    >>> counts("Sixteen"), counts("twenty-five"), counts("often")
    (True, True, False)
    """
    return word.lower() in _DIGITS


def forms(number: str) -> tuple[str, ...]:
    """A number as it may be written.

    >>> forms("Sixteen"), forms("16"), forms("8080")
    (('sixteen', '16'), ('16', 'sixteen'), ('8080',))
    """
    low = number.lower()
    other = _DIGITS.get(low) or _WORDS.get(low)
    return (low, other) if other else (low,)


def measured(word: str, after: str) -> tuple[str, str]:
    """A number and its measure as a pattern, from a word and the one after it; ("", "") where it has none.

    >>> measured("30", "seconds")[0], measured("1.5s", "or")[0], measured("three", "files")
    ('30', '1.5', ('', ''))
    """
    found = _AMOUNT.fullmatch(word)
    number, name = (found[1], found[2]) if found else (word, after)
    measure = _MEASURES.get(name.lower(), "")
    return (number, measure) if measure and (found or counts(word) or number[:1].isdigit()) else ("", "")
