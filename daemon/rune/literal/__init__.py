"""Literals of prose (numbers, paths, flags, names, code), and whether one stands in a text by itself.

80 does not stand in 8080, nor 5 in 8.5, `config.py` in `test_config.py`, src/config in src/config.py,
`--force` in `--force-with-lease`, 30 minutes in 30 seconds (``rune.literal.quantities``), a.com in b.a.com,
or a command in a longer one. Every pattern here is linear: a model that falls into repetition writes
thousands of equal signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from rune.literal import amounts, quantities
from rune.literal.quantities import Around

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
_REST = re.compile(r"(?:\s+--?(?:q+|v+|quiet|verbose)\b)*\s*(?:$|[;&|<>)'\"#`\x00\n]|2>)")
"""What may follow a command, on its line or up to its tick, without making it another one."""
_GOES_ON = re.compile(r" (?:--?\w|-- |[^\s`.,;:()]*[/=~^]\w)")
"""How a command goes on in prose that does not mark it: with a flag, or what is no word."""
_RUN = re.compile(
    r"\b(?:re-?run|run|runs|running|ran|rerunning|execut(?:e|es|ed|ing)|invok(?:e|es|ed|ing)|call|typ(?:e|ed|ing)"
    r"|verif(?:y|ied) with)\s+(?:the\s+command\s+|a\s+plain\s+|plain\s+|just\s+|only\s+)?$",
    re.I,
)
"""What stands before code of one word that is a command."""
_AMOUNT = re.compile(r"[<>=≤≥~^]{0,2}[-+−]?[$€£¥]?(\d[\d.,_]*)(?:-?([^\W\d_]+)|(%)|(\+)?)?")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)(?:-?([^\W\d_]+)|(%))?")
_WHICH = frozenset(("the", "its", "their", "our", "my", "your", "this", "that", "every", "each"))
"""Before a word such as "first" that says which one is meant."""
_URL = re.compile(r"[a-z][a-z+]*://", re.I)
_HOST = re.compile(
    r"(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|app|ai|co|de|eu|uk|fr|nl|ch|at|cloud|local|internal|lan|edu|gov|info|test"
    r"|example|invalid)(?::\d+)?",
    re.I,
)  # fmt: skip
"""The name of a machine: an owner's other machine ends with it, and another owner's begins with it."""
_SIGNS = r"[=<>!+*/%&|^~-]"
_OPERATOR = re.compile(rf"{_SIGNS}+")
_SPACED = re.compile(r"[^\s—–]+")
_SPACES = re.compile(r" ?((?<![-=!<>])[!<>:+-]?={1,3}(?![=>])) ?")
_ASSIGNS = re.compile(r"((?<![-=!<>])[!<>:+-]?={1,3}(?![=>]))")
"""What assigns or compares; a long row of such signs is a line that is drawn."""


class Literal(NamedTuple):
    """A part of a sentence that has to stand in the record as it is."""

    text: str
    """Flat (``flat``)."""
    code: bool = False
    """Whether it was marked as code: then letter case counts, and a command must be a whole one."""
    opens: bool = False
    """Whether the sentence begins with it, so that its first letter may be a capital for that."""
    around: Around | None = None
    """Of an amount."""
    command: bool = False
    """Whether it is run: it must end where the record's command ends."""
    forms: tuple[str, ...] = ()
    """Other ways to say it, as patterns."""

    @property
    def measure(self) -> str:
        """All names of what an amount measures."""
        return self.around.measure if self.around else ""


def literals(sentence: str) -> list[Literal]:
    """The literals of a sentence, those marked as code first.

    >>> [one.text for one in literals("Run `make ship` with --force, e.g. for src/app.py's 3 parts.")]
    ['make ship', '--force', 'src/app.py', '3']
    >>> [one.text for one in literals("A `None`-check with rm -rf /tmp takes 30s.")]
    ['None', '-rf /tmp', '30']
    """
    code = [
        Literal(text, True, not sentence[: found.start()].strip(_EDGES), command=_runs(sentence, found))
        for found in _CODE.finditer(sentence)
        if (text := flat(found[1]))
    ]
    return [*code, *_bare_literals(_CODE.sub(_GLUED, sentence))]


def _runs(sentence: str, code: re.Match[str]) -> bool:
    """Whether code is a command: it has arguments, or is said to be run."""
    return (
        " " in code[1].strip() or _RUN.search(sentence, max(0, code.start() - 40), code.start()) is not None
    )


def _bare_literals(sentence: str) -> Iterator[Literal]:
    """The literals of a sentence whose code is taken out."""
    found = [(one, text) for one in _SPACED.finditer(sentence) for text in _bare(one[0])]
    words = [text for _, text in found]
    argument = False
    for (place, word), before, after in zip(found, ["", *words], [*words[1:], ""], strict=False):
        if argument:
            argument = False
        elif _FLAG.fullmatch(word) and after not in _NO_NAMES and _PLACE.match(after):
            argument = True
            yield Literal(f"{word} {after}")
        elif numbers := _amounts(sentence, place, word):
            yield from numbers
        elif rate := _rate(before, word):
            yield rate
        elif before.lower() in _WHICH and (forms := amounts.place(word)):
            yield Literal(word, forms=tuple(rf"(?<![\w-]){form}" for form in forms))
        elif _telling(word):
            yield Literal(word)


def _amounts(sentence: str, place: re.Match[str], word: str) -> list[Literal]:
    """The numbers that a word of a sentence is made of."""
    if (span := _SPAN.fullmatch(word)) and _unit(span[3]):
        numbers = [span[1], span[2]]
    elif (one := _AMOUNT.fullmatch(word)) and amounts.number(one[1]) and _unit(one[2]):
        numbers = [one[1]]
    elif amounts.counts(word):
        numbers = [word]
    elif amounts.counts(word.partition("-")[0]) and _unit(word.partition("-")[2]):
        numbers = [word.partition("-")[0]]
    else:
        return []
    found, at = [], place.start()
    for number in numbers:
        at = sentence.index(number, at)
        found.append(Literal(number, around=quantities.around(sentence, at, at + len(number))))
        at += len(number)
    return found


def _unit(name: str | None) -> bool:
    return not name or name.lower() in amounts.MEASURES


def _rate(before: str, word: str) -> Literal | None:
    """How often, as "per second" or "hourly"."""
    name = amounts.RATES.get(word.lower()) or (word.lower() if before.lower() == "per" else "")
    names = amounts.MEASURES.get(name, name if word.lower() in amounts.RATES else "")
    if not names:
        return None
    adverbs = [adverb for adverb, each in amounts.RATES.items() if each in names.split("|")]
    each = rf"(?:\b(?:per|an?|each|every|once an?)[\s-]|/\s?)(?:{names})\b"
    return Literal(f"{before} {word}".strip(), forms=(each, *(rf"\b{adverb}\b" for adverb in adverbs)))


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
    """The same where text and literal are flat already (``flat``), but for ticks: these end a command."""
    wanted = literal.text
    if not wanted:
        return False
    either = not literal.code and _EITHER.fullmatch(wanted)
    if either and all(_word(one).search(text) for one in wanted.split("/")):
        return True
    return any(places(text, literal))


def places(text: str, literal: Literal) -> Iterator[tuple[int, int]]:
    """Where a literal stands in a text by itself."""
    if literal.around:
        return _amounts_in(text, literal.text, literal.around)
    found = _pattern(literal).finditer(text)
    return (one.span() for one in found if not literal.command or _whole(text, one))


def _amounts_in(text: str, number: str, said: Around) -> Iterator[tuple[int, int]]:
    """Where an amount stands in a text, maybe in another measure."""
    ways = [(number, said, False)]
    ways += (
        (other, said._replace(measure=name), True) for other, name in amounts.converted(number, said.measure)
    )
    return (
        one.span(1)
        for digits, same, explicit in ways
        for one in _number(digits, bool(same.measure)).finditer(text)
        if quantities.agree(same, quantities.around(text, *one.span(1)), explicit)
    )


def flat(text: str) -> str:
    """Without ticks and with single spaces."""
    return " ".join(text.replace("`", "").split())


def _whole(text: str, found: re.Match[str]) -> bool:
    """Whether a command that was found is all of it: up to what the shell does next, its tick, or a word."""
    line = text.rfind("\n", 0, found.start()) + 1
    if text.startswith(_COMMAND, line) or text.count("`", line, found.start()) % 2:
        return _REST.match(text, found.end()) is not None
    return _GOES_ON.match(text, found.end()) is None


@lru_cache(maxsize=4096)
def _number(number: str, measured: bool) -> re.Pattern[str]:
    """A number in a text; where it measures something its unit may be glued to it."""
    before = r"(?:(?<!\w)|(?<=(?<!\w)v))" if "." in number else r"(?<!\w)"
    unit = rf"(?=-?(?:{amounts.MEASURE})(?![^\W_]))|" if measured else r"(?=%)|"
    return re.compile(
        rf"{before}(?<!\d[.,:/])(?<![^\W\d_]-)({amounts.written(number, measured)})"
        rf"(?:{unit}(?!\w)(?!-[^\W\d]))(?![.,:/]\d)(?![~+]\w)",
        re.I,
    )


@lru_cache(maxsize=4096)
def _pattern(literal: Literal) -> re.Pattern[str]:
    wanted = literal.text
    if literal.forms:
        return re.compile("|".join(rf"(?:{form})(?![\w-])" for form in literal.forms), re.I)
    if literal.code:
        return re.compile(_before(wanted) + _cased(literal) + _after(wanted, literal.command))
    if _FLAG.match(wanted):
        return re.compile(_before(wanted) + _words(wanted) + _after(wanted, " " in wanted))
    ways = amounts.written(wanted, False) if amounts.counts(wanted) else _words(wanted)
    return re.compile(_before(wanted) + ways + _after(wanted), re.I)


@lru_cache(maxsize=4096)
def _word(wanted: str) -> re.Pattern[str]:
    """A word that is no part of a path."""
    return re.compile(rf"(?<![\w/\\.-]){re.escape(wanted)}(?![\w/\\-]|\.\w)", re.I)


def _words(text: str) -> str:
    """A text with any white space, and with or without spaces around what assigns or compares."""
    return r"\s+".join(_spaced(word) for word in _SPACES.sub(r"\1", text).split())


def _spaced(word: str) -> str:
    return "".join(
        rf" ?{re.escape(part)} ?" if number % 2 else re.escape(part)
        for number, part in enumerate(_ASSIGNS.split(word))
    )


def _cased(literal: Literal) -> str:
    """Code with its letter case, but for a word's first letter where a sentence begins with it."""
    first, rest = literal.text[0], _words(literal.text)[1:]
    if not literal.text.replace(" ", "").isalpha() or first.swapcase() == first:
        return _words(literal.text)
    if first.isupper():
        return (f"[{first}{first.lower()}]" if literal.opens else first) + rest
    return rf"(?:{first}|(?:(?<![^\n])|(?<=[.!?]\s)){first.upper()}){rest}"


def _before(wanted: str) -> str:
    first = wanted[0]
    if first.isdigit():
        return r"(?<!\w)(?<!\d[-.,:/])(?<![A-Za-z]-)"
    if _HOST.fullmatch(wanted):
        return r"(?<![\w.-])"
    if first == "_" or first.isalpha():
        return r"(?<!\w)(?<!\w-)"
    if _OPERATOR.fullmatch(wanted):
        return rf"(?<!{_SIGNS})"
    return {"/": r"(?<![\w.~*-])", "\\": r"(?<!\w)", "-": r"(?<![\w-])", ".": r"(?<![\w.])"}.get(first, "")


def _after(wanted: str, command: bool = False) -> str:
    """What may not come after a literal, or after a command or a part of one."""
    last = wanted[-1]
    word = last == "_" or last.isalnum()
    if _OPERATOR.fullmatch(wanted):
        return rf"(?!{_SIGNS})"
    if command and last in "/\\":
        return r"(?!\w)"
    if command:
        return r"(?![\w/=-])(?![.:]\w)" if word else ""
    if _URL.match(wanted):
        return r"(?![/?#&=%:@.~-]*\w)"
    if _HOST.fullmatch(wanted):
        return r"(?![\w-]|\.\w)"
    another = r"(?!\.[a-z]\w*+(?!\())" if word and _FILE.search(wanted) else ""
    if last.isdigit():
        return rf"(?!\w)(?![.,:/]\d)(?![-~+]\w){another}"
    return rf"(?!\w)(?!-\w){another}" if word else ""
