"""Literals of prose (numbers, paths, flags, names, code), and whether one stands in a text by itself.

80 does not stand in 8080, nor 5 in 8.5, `config.py` in `test_config.py`, `--force` in `--force-with-lease`,
or a command in a longer one. Every pattern here is linear: a model that falls into repetition writes
thousands of equal signs.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

END = "\x00"
"""Stands after a command in a text; nothing is read across it."""
_CODE = re.compile(r"`([^`]+)`")
_EDGES = "\"'“”‘’«»()[]{}<>,;:!?*"
_TELLING = re.compile(r"\d|[/\\_=]|\w[.:]\w|^\.\w|[a-z][A-Z]|^--?[A-Za-z]")
_COUNTS = frozenset((
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty",
    "fifty", "hundred", "thousand",
))  # fmt: skip
ABBREVIATED = frozenset(("e.g", "i.e", "etc", "vs", "cf", "dr", "mr", "ms"))
"""What ends with a full stop and ends no sentence; none of it is a name."""
_NO_NAMES = ABBREVIATED | {"and/or"}
_EITHER = re.compile(r"[^\W\d_]+(?:/[^\W\d_]+)+")
_COMMAND = "$ "
_REST = re.compile(r"(?:\s+--?(?:q+|v+|quiet|verbose)\b)*\s*(?:$|[;&|<>)'\"#\x00\n]|2>)")
"""What may follow a command on its line without making it another one."""


class Literal(NamedTuple):
    """A part of a sentence that has to stand in the record as it is."""

    text: str
    """Flat (``flat``)."""
    code: bool = False
    """Whether it was marked as code: then letter case counts, and a command must be a whole one."""


def literals(sentence: str) -> list[Literal]:
    """The literals of a sentence, those marked as code first.

    >>> [one.text for one in literals("Run `make ship` with --force, e.g. for src/app.py's 3 parts.")]
    ['make ship', '--force', 'src/app.py', '3']
    """
    code = [Literal(text, True) for found in _CODE.findall(sentence) if (text := flat(found))]
    words = re.split(r"[\s—–]+", _CODE.sub(" ", sentence))
    return [*code, *(Literal(text) for word in words if (text := flat(_bare(word))) and _telling(text))]


def _bare(word: str) -> str:
    """A word without the marks around it."""
    text = word.strip(_EDGES + "`").rstrip(_EDGES + "`.")
    return re.sub(r"['’]s$", "", text)


def _telling(text: str) -> bool:
    if text.lower() in _COUNTS:
        return True
    return text.lower() not in _NO_NAMES and (len(text) > 1 or text.isdigit()) and bool(_TELLING.search(text))


def stands(literal: str, text: str) -> bool:
    """Whether a literal stands in a text by itself; letter case, ticks and white space aside.

    >>> [stands("80", text) for text in ("port 80", "port 8080", "1.80", "80.5", "localhost:80, or so")]
    [True, False, False, False, True]
    """
    return holds(flat(text), Literal(flat(literal)))


def holds(text: str, literal: Literal) -> bool:
    """The same where text and literal are flat already (``flat``)."""
    wanted = literal.text
    if not wanted:
        return False
    if not literal.code and _EITHER.fullmatch(wanted) and all(_found(text, one) for one in wanted.split("/")):
        return True
    return _found(text, wanted, literal.code)


def flat(text: str) -> str:
    """Without ticks and with single spaces."""
    return " ".join(text.replace("`", "").split())


def _found(text: str, wanted: str, code: bool = False) -> bool:
    command = code and " " in wanted
    pattern = _pattern(wanted, code and (command or wanted.startswith("-")), command)
    return any(not command or _whole(text, one) for one in pattern.finditer(text))


def _whole(text: str, found: re.Match[str]) -> bool:
    """Whether a command that was found on a command's line is all of it, up to what the shell does next."""
    line = text.rfind("\n", 0, found.start()) + 1
    return not text.startswith(_COMMAND, line) or _REST.match(text, found.end()) is not None


@lru_cache(maxsize=4096)
def _pattern(wanted: str, exact: bool, command: bool) -> re.Pattern[str]:
    words = r"\s+".join(map(re.escape, wanted.split()))
    return re.compile(_before(wanted[0]) + words + _after(wanted[-1], command), 0 if exact else re.I)


def _before(first: str) -> str:
    if first.isdigit():
        return r"(?<!\w)(?<!\d[-.,:])(?<![A-Za-z]-)"
    if first == "_" or first.isalpha():
        return r"(?<!\w)(?<!\w-)"
    return {"/": r"(?<![\w.~*-])", "\\": r"(?<!\w)", "-": r"(?<![\w-])", ".": r"(?<![\w.])"}.get(first, "")


def _after(last: str, command: bool) -> str:
    if command and last in "/\\":
        return r"(?!\w)"
    if command:
        return r"(?![\w/=-])(?![.:]\w)" if last == "_" or last.isalnum() else ""
    if last.isdigit():
        return r"(?!\w)(?![.,:]\d)(?!-\w)"
    return r"(?!\w)(?!-\w)" if last == "_" or last.isalpha() else ""
