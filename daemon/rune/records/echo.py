"""The MEMORY.md that holds echoes: one form printed, every dialect in the wild read.

    <!-- echo-schema: v1 -->
    # Reviewer Memory

    ### [2026-02-11] Pattern: Unused imports in new files
    - **layer**: inscribed
    ...

A file that was read is printed byte for byte as long as nothing was changed; a changed entry is printed in
the form of ``rune.records.entry``.

How other dialects are understood: notes (which a person dictated) are etched, observations are traced,
consolidated ones inscribed; HIGH, MEDIUM and LOW are 0.9, 0.6 and 0.3; of a range the first day is the
entry's, and the last the one it was verified. A confidence that nobody gave is 0.5, in etched entries 1.0; a
day that nobody gave is 0001-01-01, older than any other.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from rune.errors import EchoError, NewerVersion
from rune.records import dialects, wording
from rune.records.dialects import Field, Passage
from rune.records.entry import LAYERS, NOTHING, Entry, check_evidence, print_entry, unchanged

__all__ = [
    "HEADER", "LAYERS", "ROLES", "VERSION", "Entry", "Memory", "Refusal", "Survey", "check_evidence",
    "check_version", "empty", "ends_blank", "examples", "parse", "parse_findings", "print_entry", "render",
    "role_of", "stays", "survey", "take_out", "without",
]  # fmt: skip

ROLES = ("planner", "workers", "reviewer", "auditor", "team")
VERSION = 1
HEADER = "<!-- echo-schema: v1 -->"

_TIERS = {
    "etched": "etched", "inscribed": "inscribed", "traced": "traced", "note": "etched", "notes": "etched",
    "observation": "traced", "observations": "traced", "consolidated": "inscribed",
}  # fmt: skip
"""What other dialects call a layer -> the layer."""
_LABELS = {"note": "Note", "notes": "Note", "observation": "Observation", "observations": "Observation",
           "consolidated": "Consolidated"}  # fmt: skip
_LABEL = re.compile(r"^(\w[\w /&-]{0,39}):\s+(?=\S)")
_WHEN = re.compile(r"\s*\(([^()]*\d[^()]*)\)\s*$")
_SCHEMA = re.compile(r"^\ufeff?<!--\s*echo-schema:\s*(.*?)\s*-->", re.MULTILINE)
_OWN_LAYER = re.compile(rf"\A##+\s+[*`]*(?:{'|'.join(_TIERS)})\b|^(?:[-*+]\s+)?\*\*\s*layer\b", re.I | re.M)
_PLAIN = re.compile(r"[\d./%-]*|high|medium|low", re.IGNORECASE)
_UNSAID = 0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """A MEMORY.md."""

    role: str
    preamble: str
    """What stands above the first entry, header included."""
    entries: tuple[Entry, ...] = ()
    version: int = VERSION

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return len(dialects.lines_of(render(self)))


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that could not be read, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, the unreadable named."""

    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]


def empty(role: str) -> Memory:
    """The MEMORY.md of a role that has learnt nothing yet.

    >>> print(render(empty("reviewer")), end="")
    <!-- echo-schema: v1 -->
    # Reviewer Memory
    """
    return Memory(role, f"{HEADER}\n# {role.capitalize()} Memory\n")


def parse(text: str, path: object) -> Memory:
    """Read a MEMORY.md of any dialect.

    Raises:
        NewerVersion: its header names a schema that this Rune does not know.
        EchoError: a field is wrong; file, line, field, what was expected and what was found are named.
    """
    reading = dialects.read(text)
    check_version(reading.preamble, path)
    entries = tuple(_entry(passage, path) for passage in reading.passages)
    return Memory(role_of(path), reading.preamble, entries)


def survey(text: str, path: object) -> Survey:
    """Read what can be read of a file in any dialect; the rest is refused with line and reason.

    Raises:
        NewerVersion: the file's header names a schema that this Rune does not know.
    """
    reading = dialects.read(text)
    check_version(reading.preamble, path)
    entries: list[Entry] = []
    refusals = [
        Refusal(line, f"layer: expected one of {', '.join(sorted(_TIERS))}, found {word!r}")
        for line, word in reading.strangers
    ]
    for passage in reading.passages:
        try:
            entries.append(_entry(passage, path))
        except EchoError as error:
            bare = EchoError(error.field, error.expected, error.found)  # whoever prints it says where
            refusals.append(Refusal(error.line, str(bare)))
    return Survey(tuple(entries), tuple(sorted(refusals, key=lambda refusal: refusal.line)))


def examples(text: str, path: object) -> Survey:
    """What the closed Markdown blocks of a document hold: entries that are shown, not meant."""
    entries: list[Entry] = []
    refusals: list[Refusal] = []
    for line, block in dialects.examples(text):
        found = survey(block, path)
        entries += found.entries
        refusals += [Refusal(line + refusal.line, refusal.reason) for refusal in found.refusals]
    return Survey(tuple(entries), tuple(refusals))


def parse_findings(text: str, path: object) -> tuple[Entry, ...]:
    """The entries of an agent's findings file; raises what ``parse`` raises."""
    return parse(text, path).entries


def render(memory: Memory) -> str:
    """The file's text, byte for byte what was read as long as nothing changed."""
    parts = [memory.preamble]
    after_canonical = False
    for entry in memory.entries:
        canonical = not unchanged(entry)
        if parts[-1] and not parts[-1].endswith("\n"):
            parts.append("\n")
        if (canonical or after_canonical) and any(parts) and not ends_blank(parts):
            parts.append("\n")
        parts.append(print_entry(entry))
        after_canonical = canonical
    return "".join(parts)


def take_out(memory: Memory, gone: Collection[int]) -> tuple[Memory, tuple[Entry, ...]]:
    """The memory without the entries at these places, and those entries, each readable on its own."""
    taken = (entry for place, entry in enumerate(memory.entries) if place in gone)
    alone = (_alone(replace(entry, tail="") if stays(entry) else entry) for entry in taken)
    return without(memory, gone), tuple(alone)


def without(memory: Memory, gone: Collection[int]) -> Memory:
    """The memory without the entries at these places; a bare heading behind one of them stays."""
    preamble, kept = memory.preamble, list[Entry]()
    for place, entry in enumerate(memory.entries):
        if place not in gone:
            kept.append(entry)
        elif kept and stays(entry):
            kept[-1] = replace(kept[-1], tail=_under(kept[-1].tail, entry.tail))
        else:
            preamble = _under(preamble, stays(entry))
    return replace(memory, preamble=preamble, entries=tuple(kept))


def stays(entry: Entry) -> str:
    """What of its tail stays in the file when an entry goes: headings and text, but no mere rule."""
    return entry.tail if re.search(r"\w", entry.tail) else ""


def _under(text: str, more: str) -> str:
    return text + ("\n" if more and text and not text.endswith("\n") else "") + more


def _alone(entry: Entry) -> Entry:
    """The entry; printed in the canonical form where its own text needs the section that it stood under."""
    return entry if _OWN_LAYER.search(entry.raw) else replace(entry, raw="")


def ends_blank(parts: list[str]) -> bool:
    """Whether a text in parts ends with an empty line."""
    end = "".join(part[-3:] for part in parts[-3:])
    return end.endswith(("\n\n", "\n\r\n"))


def check_version(preamble: str, path: object) -> None:
    """A file of another schema is not read and never written to.

    Raises:
        NewerVersion: its header names another one.
    """
    found = _SCHEMA.search(preamble)
    if found and found[1].lower() not in (f"v{VERSION}", str(VERSION)):
        raise NewerVersion(
            f"{path}: echo schema {found[1]!r}; this Rune knows v{VERSION}: update rune-memory, "
            "the file is left as it is"
        )


def role_of(path: object) -> str:
    """The role that a file belongs to: the name of its folder."""
    return PurePath(str(path)).parent.name or "team"


def _entry(passage: Passage, path: object) -> Entry:
    """Understand one passage."""
    said = {field.name: field for field in passage.fields if field.name in dialects.CORE}
    evidence = tuple(found.value for found in passage.fields if found.name == "evidence")
    others = [(found.name, found.value) for found in passage.fields if found.name not in dialects.CORE]
    foreign = passage.heading.form != "dated"
    try:
        title, day, last = _heading(passage)
        layer = _layer(passage, said)
        confidence, verified = _confidence(said, layer, foreign), _verified(said, foreign)
    except EchoError as error:
        raise error.at(path, error.line or passage.line) from None
    if foreign:
        others = _kept(said, others)
    label = _LABEL.match(title) if not foreign else None
    source = said["source"].value if "source" in said else ""
    try:
        read = Entry(
            layer=layer, title=title[label.end() :] if label else title, day=day, learning=passage.body,
            evidence=evidence, source=_unwrapped(source) if foreign else source, confidence=confidence,
            verified=verified or last, supersedes=said["supersedes"].value if "supersedes" in said else "",
            label=label[1] if label else _LABELS.get(passage.heading.tier, "Pattern"), fields=tuple(others),
            raw=passage.raw, tail=passage.tail,
        )  # fmt: skip
    except EchoError as error:
        raise error.at(path, passage.line) from None
    object.__setattr__(read, "seal", hash(read))
    return read


def _heading(passage: Passage) -> tuple[str, date, date]:
    """Title, first and last day of a heading; for want of a date there, of the fields."""
    heading = passage.heading
    title, when = heading.title, heading.when
    if heading.form != "dated" and (found := _WHEN.search(title)) and wording.has_date(found[1]):
        title, when = title[: found.start()], found[1]
    try:
        days = wording.dates(when)
    except ValueError as error:
        raise EchoError("date", "a day as YYYY-MM-DD", f"{when} ({error})") from None
    if heading.form == "dated" and not days:
        raise EchoError("date", "a day as YYYY-MM-DD", when)
    named = [field.value for field in passage.fields if field.name in ("date", "verified", "source")]
    for text in (title, *named):
        with contextlib.suppress(ValueError):
            days = days or wording.dates(text)
    if heading.form != "dated":
        title = title.strip(" *`") or title
    return title, min(days, default=date.min), max(days, default=date.min)


def _layer(passage: Passage, said: dict[str, Field]) -> str:
    """The tier of the heading (a promotion rewrites it alone), else the field, else the section's."""
    if passage.heading.tier:
        return _TIERS[passage.heading.tier]
    if "layer" not in said:
        return _TIERS.get(passage.section, "traced")
    found = said["layer"]
    layer = _TIERS.get(found.value.strip("`*_ ").lower())
    if layer is None:
        raise EchoError("layer", " | ".join(LAYERS), found.value, line=found.line)
    return layer


def _confidence(said: dict[str, Field], layer: str, foreign: bool) -> float:
    unsaid = 1.0 if layer == "etched" else _UNSAID
    if "confidence" not in said:
        return unsaid
    found = said["confidence"]
    try:
        value = wording.confidence(found.value)
    except ValueError:
        value, foreign = None, False
    if value is None and not foreign:
        raise EchoError("confidence", "0.0 to 1.0, or HIGH, MEDIUM, LOW", found.value, line=found.line)
    return unsaid if value is None else value


def _verified(said: dict[str, Field], foreign: bool) -> date | None:
    """The day of the verified field; None where nobody said one."""
    found = said.get("verified")
    if found is None or found.value.lower() in NOTHING:
        return None
    days = []
    with contextlib.suppress(ValueError):
        days = wording.dates(found.value)
    if not days and not foreign:
        raise EchoError("verified", "a day as YYYY-MM-DD", found.value, line=found.line)
    return max(days, default=None)


def _kept(said: dict[str, Field], others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a foreign entry says about confidence and verification beyond a number and a day."""
    notes = [
        (f"{name}_note", said[name].value)
        for name in ("confidence", "verified")
        if name in said and not _PLAIN.fullmatch(said[name].value)
    ]
    return [*others, *notes]


def _unwrapped(source: str) -> str:
    """A source without the backticks around all of it."""
    whole = re.fullmatch(r"`([^`]+)`", source.strip())
    return whole[1] if whole else source
