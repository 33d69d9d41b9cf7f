"""Echo files as others write them: where an entry begins, where it ends, and which of its lines are fields.

Covered: ``### [date] Label: title`` with ``- **field**:`` bullets; ``## Tier — title (date or range)`` with
any dash or a hyphen and fields as bullets or ``**Field**:`` lines in any letter case; ``## title`` whose
first line is a layer field; inner ``###`` headings, numbered learnings, code blocks, CRLF, a torn end.
Not covered: entries inside closed code blocks (they are examples), headings underlined with ``===``.

What a field means is the business of ``rune.records.echo``; here it is only found.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Form: TypeAlias = Literal["dated", "tier", "titled"]
"""``### [date] ...``, ``## Tier — ...``, or ``## ...`` followed by a layer field."""

CORE = ("layer", "source", "confidence", "evidence", "verified", "supersedes", "learning")
"""The fields that every entry has a place for."""
_ALIASES = {
    "last_verified": "verified", "verified_at": "verified", "verified_on": "verified", "sources": "source",
    "created": "date", "recorded": "date", "supersede": "supersedes",
}  # fmt: skip
_KNOWN = frozenset((
    *CORE, *_ALIASES, "date", "role", "category", "tags", "symptom", "root_cause", "solution",
    "solution_summary", "prevention", "affected_files", "scope", "status", "session", "promoted_to",
))  # fmt: skip
_LATE = frozenset((
    "evidence", "verified", "supersedes", "tags", "symptom", "root_cause", "solution", "solution_summary",
))  # fmt: skip
"""Fields that are also read below the first lines of a foreign entry."""

_TIERS = "etched|inscribed|traced|observations?|consolidated|notes?"
_END = r"(?:\s+##+)?\s*$"
"""Of a heading that others wrote, which marks may close; in Rune's own form they belong to the title."""
_DATED = re.compile(r"^#{2,3}\s+\[\s*(\d{4}[^\]]*?)\s*\](?!\()\s*(.*?)\s*$")
_DASH = r"\s*[‐‑‒–—―−]+\s*|\s+-{1,3}\s*|-{1,3}\s+|\s*:\s+"
_TIER = re.compile(rf"^(##|###)\s+[*`]*({_TIERS})\b[*`]*({_DASH})(\S.*?){_END}", re.IGNORECASE)
_SECTION = re.compile(rf"^##\s+({_TIERS})(?:\s+(?:entries|layer|echoes|memories))?\s*:?{_END}", re.IGNORECASE)
_STRANGER = re.compile(r"^##\s+(\w+)\s*(?:[—–]|-\s)\s*\S.*\(\d{4}-\d\d[^)]*\)\s*$")
_HEADING = re.compile(rf"^(#{{1,6}})\s+(\S.*?){_END}")
_HIGHER = re.compile(r"#{1,2}\s+\S")
_HAS_DATE = re.compile(r"\d{4}-\d\d")
_BOLD = re.compile(r"^([-*+•]\s+)?\*\*\s*([A-Za-z][\w /-]{0,40}?)\s*(?::\s*\*\*|\*\*\s*:)[ \t]*(.*?)\s*$")
_PLAIN = re.compile(rf"^([-*+]\s+)({'|'.join(CORE[:-1])})\s*:(?:\s+(.*?))?\s*$", re.IGNORECASE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BULLET = re.compile(r"^[-*+]\s+(\S.*)$")
_COMMENT = re.compile(r"^<!--.*-->\s*$")
_RULE = re.compile(r"^(?:-{3,}|\*{3,}|_{3,})\s*$")
_FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})\s*([^`]*?)\s*$")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True, slots=True)
class Heading:
    """The line that an entry begins with."""

    form: Form
    tier: str
    """As written, lower case; empty in the dated and titled forms."""
    title: str
    """All behind the tier, or behind the ``[date]``."""
    when: str = ""
    """What stands in the brackets of the dated form."""


class Field(NamedTuple):
    """One named line of an entry."""

    name: str
    """Lower case, words joined by ``_``."""
    value: str
    line: int
    lines: int = 1
    """How many it stands on."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One entry of a file, not yet understood."""

    line: int
    heading: Heading
    section: str
    """The tier of the bare heading (``## Etched``) that it stands under."""
    fields: tuple[Field, ...]
    body: str
    """What is no field, bullet and indentation of a single learning taken off."""
    raw: str
    """The entry's own text, heading and blank lines included."""
    tail: str
    """What follows and is no part of it: rules, other headings with their text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole file, cut at its entries: ``preamble`` and every ``raw + tail`` together are its text."""

    preamble: str
    passages: tuple[Passage, ...]
    strangers: tuple[tuple[int, str], ...]
    """Line and word of headings that look like an entry's but name no layer that is known."""


def lines_of(text: str) -> list[str]:
    r"""The lines with their ends, cut at ``\n`` alone."""
    return _LINES.findall(text)


def read(text: str) -> Reading:
    """Cut a file at its entries."""
    whole = lines_of(text)
    plain = [line.rstrip("\r\n") for line in whole]
    inside = quoted(plain)
    heads = list(_heads(plain, inside))
    starts = [number for number, _ in heads]
    begun = frozenset(starts)
    passages, section = [], _last_section(plain, inside, 0, starts[0] if starts else len(plain))
    for (start, heading), end in zip(heads, [*starts, len(plain)][1:], strict=True):
        passages.append(_passage(whole, plain, inside, start, end, heading, section))
        section = _last_section(plain, inside, start + 1, end) or section
    strangers = tuple(
        (number + 1, found[1])
        for number, line in enumerate(plain)
        if not inside[number] and number not in begun and (found := _STRANGER.match(line))
        and not _TIER.match(line)
    )  # fmt: skip
    return Reading("".join(whole[: starts[0]] if starts else whole), tuple(passages), strangers)


def examples(text: str) -> Iterator[tuple[int, str]]:
    """The closed Markdown blocks of a document, each with the number of the line before its first."""
    whole = lines_of(text)
    plain = [line.rstrip("\r\n") for line in whole]
    number = 0
    while number < len(plain):
        opened, end = _FENCE.match(plain[number]), _fence_end(plain, number)
        if end and opened and opened[3].lower() in ("", "md", "markdown"):
            yield number + 1, "".join(whole[number + 1 : end])
        number = max(number, end) + 1


def field(line: str, dated: bool = True) -> tuple[str, str] | None:
    """Name and value of a field line; None for any other.

    In the dated form any bullet whose name is one lower-case word counts; elsewhere only names that are
    known, since bold words begin many a learning.
    """
    found = (_BOLD.match(line) or _PLAIN.match(line)) if line.startswith(("-", "*", "+", "•")) else None
    if not found:
        return None
    bullet, said, value = found.groups()
    name = re.sub(r"[\s/-]+", "_", said.lower())
    if name in _KNOWN or (dated and bullet and _NAME.fullmatch(said)):
        return (name if dated else _ALIASES.get(name, name)), value or ""
    return None


def quoted(lines: Sequence[str]) -> list[bool]:
    """Which lines stand in a closed code block, its fences included."""
    inside = [False] * len(lines)
    number = 0
    while number < len(lines):
        end = _fence_end(lines, number)
        if end:
            inside[number : end + 1] = [True] * (end + 1 - number)
        number = max(number, end) + 1
    return inside


def _fence_end(lines: Sequence[str], start: int) -> int:
    """The line that closes the code block that begins here; 0 where none begins or it was cut off.

    A block that is indented belongs to a list item and ends with it. In a block of a language other than
    Markdown, the heading of an entry means that the block lost its end.
    """
    opened = _FENCE.match(lines[start]) if "```" in lines[start] or "~~~" in lines[start] else None
    if not opened:
        return 0
    indent, fence, language = opened.groups()
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if len(indent) >= 2 and line[:1].strip():
            return 0
        closing = _FENCE.match(line)
        if closing and closing[2].startswith(fence) and not closing[3]:
            return number
        if language.lower() not in ("", "md", "markdown") and (_TIER.match(line) or _DATED.match(line)):
            return 0
    return 0


def _heads(lines: Sequence[str], inside: Sequence[bool]) -> Iterator[tuple[int, Heading]]:
    """Every line that begins an entry."""
    within: Form | None = None
    for number, line in enumerate(lines):
        if inside[number] or not line.startswith("#"):
            continue
        heading = _heading(line, _next_field(lines, number + 1), within)
        if heading:
            within = heading.form
            yield number, heading
        elif _HIGHER.match(line):
            within = None


def _heading(line: str, follows: str, within: Form | None) -> Heading | None:
    """The heading of an entry, or None for a heading of any other kind."""
    if found := _DATED.match(line):
        if within == "tier" and not follows:  # a dated note inside a foreign entry
            return None
        return Heading("dated", "", found[2], found[1])
    if found := _TIER.match(line):
        depth, tier, dash, title = found.groups()
        if (len(depth) == 2 and ":" not in dash) or _HAS_DATE.search(title):
            return Heading("tier", tier.lower(), title)
    other = _HEADING.match(line)
    if other and 2 <= len(other[1]) <= 3 and follows == "layer":
        return Heading("titled", "", other[2])
    return None


def _next_field(lines: Sequence[str], start: int) -> str:
    """The core field on the next line that is not blank; empty where that line is none."""
    for number in range(start, len(lines)):
        if lines[number].strip():
            found = field(lines[number])
            return found[0] if found and found[0] in CORE else ""
    return ""


def _last_section(lines: Sequence[str], inside: Sequence[bool], start: int, end: int) -> str:
    """The tier of the last bare heading in a stretch of lines."""
    found = [_SECTION.match(lines[number]) for number in range(start, end) if not inside[number]]
    return next((match[1].lower() for match in reversed(found) if match), "")


def _passage(
    whole: Sequence[str], lines: Sequence[str], inside: Sequence[bool], start: int, end: int,
    heading: Heading, section: str,
) -> Passage:  # fmt: skip
    stop = _end_of_entry(lines, inside, start, end)
    inner = [(number + 1, lines[number], inside[number]) for number in range(start + 1, stop)]
    fields, body = _take_apart(inner, heading.form == "dated")
    return Passage(
        start + 1, heading, section, tuple(fields), _learning(body), "".join(whole[start:stop]),
        "".join(whole[stop:end]),
    )  # fmt: skip


def _end_of_entry(lines: Sequence[str], inside: Sequence[bool], start: int, end: int) -> int:
    """Where the entry's own text ends: at a heading of a higher order, or at a rule that nothing follows."""
    stop = next(
        (n for n in range(start + 1, end) if not inside[n] and _HIGHER.match(lines[n])), end
    )  # fmt: skip
    last = stop
    while last > start + 1 and (not lines[last - 1].strip() or _RULE.match(lines[last - 1])):
        last -= 1
    return next((n for n in range(last, stop) if _RULE.match(lines[n])), stop)


Numbered: TypeAlias = tuple[int, str, bool]
"""A line with its number, and whether it stands in a code block."""


def _take_apart(lines: Sequence[Numbered], dated: bool) -> tuple[list[Field], list[str]]:
    """Fields, and all other lines."""
    fields: list[Field] = []
    body: list[str] = []
    open_for = "all" if dated else "first"
    at = 0
    while at < len(lines):
        number, line, code = lines[at]
        at += 1
        plain = line.lstrip(" ") if open_for == "first" else line
        found = None if code else field(plain, dated)
        if found and _wanted(found[0], open_for, fields):
            if found[0] == "learning":
                body.append(f"- {found[1]}")
                continue
            more = _continuation(lines[at:], found, dated, len(line) - len(plain))
            at += len(more)
            fields += _fields(found, number, more)
            continue
        body.append(line)
        if not dated and line.strip() and not _COMMENT.match(line):
            open_for = "none" if line.startswith("#") or open_for == "none" else "late"
    return fields, body


def _wanted(name: str, open_for: str, before: Sequence[Field]) -> bool:
    """Whether a field may stand here: each core field but evidence once, below the first lines only a few."""
    if open_for == "none" or (open_for == "late" and name not in _LATE):
        return False
    return name == "evidence" or name not in CORE or all(field.name != name for field in before)


def _continuation(lines: Sequence[Numbered], found: tuple[str, str], dated: bool, indent: int) -> list[str]:
    """The indented lines that go on with a value; for evidence that begins below its name, the bullets."""
    listed = not dated and found[0] == "evidence" and not found[1]
    more: list[str] = []
    for _, line, code in lines:
        inner = line.startswith((" " * (indent + 2), "\t"))
        if code or not line.strip() or (not dated and field(line.strip(), dated)):
            break
        if not (inner or (listed and _BULLET.match(line))):
            break
        listed = listed and bool(more or not inner)  # below indented bullets stands the next one of the entry
        more.append(line.strip())
    return more


def _fields(found: tuple[str, str], line: int, more: Sequence[str]) -> list[Field]:
    name, value = found
    if name == "evidence" and more and _BULLET.match(more[0]):
        parts = [value]
        for text in more:
            bullet = _BULLET.match(text)
            parts += [bullet[1]] if bullet else [f"{parts.pop()} {text}"]
        return [Field(name, part, line, 1 + len(more)) for part in parts if part]
    return [Field(name, " ".join((value, *more)).strip(), line, 1 + len(more))]


def _learning(lines: Sequence[str]) -> str:
    """The text of the lines; a single bullet loses its mark and the indentation below it."""
    text = textwrap.dedent("\n".join(line.rstrip() for line in lines)).split("\n")
    while text and not text[0]:
        text.pop(0)
    first = re.match(r"[-*+]\s+(?=\S)", text[0]) if text else None
    if first and not any(line[:1].strip() for line in text[1:]):
        text = [text[0][first.end() :], *(line.removeprefix("  ") for line in text[1:])]
    return "\n".join(text).strip()
