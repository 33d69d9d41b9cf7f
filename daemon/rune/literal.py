"""Literals of prose (numbers, paths, flags, names, code), and whether one stands in a text by itself.

80 does not stand in 8080, nor 5 in 8.5, `config.py` in `test_config.py`, src/config in src/config.py,
`--force` in `--force-with-lease`, 30 minutes in 30 seconds, or a command in a longer one. Every pattern here
is linear: a model that falls into repetition writes thousands of equal signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rune import amounts

END = "\x00"
"""Stands after a command in a text; nothing is read across it."""
_CODE = re.compile(r"`([^`]+)`")
_GLUED = "\x01"
"""Stands where a sentence has code."""
_EDGES = "\"'“”‘’«»()[]{}<>,;:!?*"
_TELLING = re.compile(r"\d|[/\\_=]|\w[.:]\w|^\.\w|[a-z][A-Z]|^--?[A-Za-z]")
ABBREVIATED = frozenset(("e.g", "i.e", "etc", "vs", "cf", "dr", "mr", "ms"))
"""What ends with a full stop and ends no sentence; none of it is a name."""
_NO_NAMES = ABBREVIATED | {"and/or"}
_EITHER = re.compile(r"[^\W\d_]+(?:/[^\W\d_]+)+")
_FLAG = re.compile(r"--?[A-Za-z][\w-]*")
_PLACE = re.compile(r"[~/\\]|\.{1,2}/|\w[^=]*/")
"""How the argument of a flag begins that is a place."""
_FILE = re.compile(
    r"[/\\]|\.(?:py|go|tsx?|jsx?|mjs|cjs|md|jsonl?|ya?ml|toml|sh|rs|sql|css|html?|cfg|txt|log|lock|ini|xml|java"
    r"|kt|rb|php|cs|cpp|hpp|env|db|csv|svg|png|tar|zip)$"
)
"""What may be a file, so that another ending makes another one of it."""
_COMMAND = "$ "
_REST = re.compile(r"(?:\s+--?(?:q+|v+|quiet|verbose)\b)*\s*(?:$|[;&|<>)'\"#\x00\n]|2>)")
"""What may follow a command on its line without making it another one."""


class Literal(NamedTuple):
    """A part of a sentence that has to stand in the record as it is."""

    text: str
    """Flat (``flat``)."""
    code: bool = False
    """Whether it was marked as code: then letter case counts, and a command must be a whole one."""
    opens: bool = False
    """Whether the sentence begins with it, so that its first letter may be a capital for that."""
    measure: str = ""
    """Of a number, as a pattern: no other may follow it."""


def literals(sentence: str) -> list[Literal]:
    """The literals of a sentence, those marked as code first.

    >>> [one.text for one in literals("Run `make ship` with --force, e.g. for src/app.py's 3 parts.")]
    ['make ship', '--force', 'src/app.py', '3']
    >>> [one.text for one in literals("A `None`-check with rm -rf /tmp takes 30s.")]
    ['None', '-rf /tmp', '30']
    """
    code = [
        Literal(text, True, not sentence[: found.start()].strip(_EDGES))
        for found in _CODE.finditer(sentence)
        if (text := flat(found[1]))
    ]
    return [*code, *_bare_literals(_CODE.sub(_GLUED, sentence))]


def _bare_literals(sentence: str) -> Iterator[Literal]:
    """The literals of a sentence whose code is taken out."""
    words = [text for word in re.split(r"[\s—–]+", sentence) for text in _bare(word)]
    argument = False
    for word, after in zip(words, [*words[1:], ""], strict=True):
        number, measure = amounts.measured(word, after)
        if argument:
            argument = False
        elif _FLAG.fullmatch(word) and after not in _NO_NAMES and _PLACE.match(after):
            argument = True
            yield Literal(f"{word} {after}")
        elif measure:
            yield Literal(number, measure=measure)
        elif _telling(word):
            yield Literal(word)


def _bare(word: str) -> list[str]:
    """A word without the marks around it, and its parts where there is code in it."""
    parts = word.split(_GLUED)
    if len(parts) > 1:
        parts = [part.strip("-") for part in parts]
    stripped = (flat(part.strip(_EDGES + "`").rstrip(_EDGES + "`.")) for part in parts)
    return [re.sub(r"['’]s$", "", text) for text in stripped]


def _telling(text: str) -> bool:
    if amounts.counts(text):
        return True
    return text.lower() not in _NO_NAMES and (len(text) > 1 or text.isdigit()) and bool(_TELLING.search(text))


def stands(literal: str, text: str) -> bool:
    """Whether a literal stands in a text by itself; letter case (but of flags), ticks and white space aside.

    >>> [stands("80", text) for text in ("port 80", "port 8080", "1.80", "80.5", "localhost:80, or so")]
    [True, False, False, False, True]
    """
    return holds(flat(text), Literal(flat(literal)))


def holds(text: str, literal: Literal) -> bool:
    """The same where text and literal are flat already (``flat``)."""
    wanted = literal.text
    if not wanted:
        return False
    either = not literal.code and _EITHER.fullmatch(wanted)
    if either and all(_word(one).search(text) for one in wanted.split("/")):
        return True
    command = literal.code and " " in wanted
    return any(not command or _whole(text, one) for one in _pattern(literal).finditer(text))


def flat(text: str) -> str:
    """Without ticks and with single spaces."""
    return " ".join(text.replace("`", "").split())


def _whole(text: str, found: re.Match[str]) -> bool:
    """Whether a command that was found on a command's line is all of it, up to what the shell does next."""
    line = text.rfind("\n", 0, found.start()) + 1
    return not text.startswith(_COMMAND, line) or _REST.match(text, found.end()) is not None


@lru_cache(maxsize=4096)
def _pattern(literal: Literal) -> re.Pattern[str]:
    wanted = literal.text
    if literal.code:
        return re.compile(_before(wanted[0]) + _cased(literal) + _after(wanted, " " in wanted))
    if _FLAG.match(wanted):
        return re.compile(_before("-") + _words(wanted) + _after(wanted, " " in wanted))
    written = (
        _before(one[0]) + _words(one) + _followed(one, literal.measure) for one in amounts.forms(wanted)
    )
    return re.compile("|".join(written), re.I)


@lru_cache(maxsize=4096)
def _word(wanted: str) -> re.Pattern[str]:
    """A word that is no part of a path."""
    return re.compile(rf"(?<![\w/\\.-]){re.escape(wanted)}(?![\w/\\-]|\.\w)", re.I)


def _words(text: str) -> str:
    return r"\s+".join(map(re.escape, text.split()))


def _cased(literal: Literal) -> str:
    """Code with its letter case, but for a word's first letter where a sentence begins with it."""
    first, rest = literal.text[0], _words(literal.text)[1:]
    if not literal.text.replace(" ", "").isalpha() or first.swapcase() == first:
        return _words(literal.text)
    if first.isupper():
        return (f"[{first}{first.lower()}]" if literal.opens else first) + rest
    return rf"(?:{first}|(?:(?<![^\n])|(?<=[.!?]\s)){first.upper()}){rest}"


def _before(first: str) -> str:
    if first.isdigit():
        return r"(?<!\w)(?<!\d[-.,:])(?<![A-Za-z]-)"
    if first == "_" or first.isalpha():
        return r"(?<!\w)(?<!\w-)"
    return {"/": r"(?<![\w.~*-])", "\\": r"(?<!\w)", "-": r"(?<![\w-])", ".": r"(?<![\w.])"}.get(first, "")


def _followed(number: str, measure: str) -> str:
    """What may come after a number that has a measure: this one, or none."""
    if not measure:
        return _after(number)
    return rf"(?:[\s-]?(?:{measure})\b|{_after(number)}(?!\s?-?(?:{amounts.MEASURE})\b))"


def _after(wanted: str, command: bool = False) -> str:
    """What may not come after a literal, or after a command or a part of one."""
    last = wanted[-1]
    word = last == "_" or last.isalnum()
    if command and last in "/\\":
        return r"(?!\w)"
    if command:
        return r"(?![\w/=-])(?![.:]\w)" if word else ""
    another = r"(?!\.[a-z]\w*+(?!\())" if word and _FILE.search(wanted) else ""
    if last.isdigit():
        return rf"(?!\w)(?![.,:]\d)(?!-\w){another}"
    return rf"(?!\w)(?!-\w){another}" if word else ""
