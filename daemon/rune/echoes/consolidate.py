"""Findings into a MEMORY.md: what is known is confirmed, what is new is appended; pure.

A finding is known when an entry has its title and its evidence; what a person writes, when it has the same
words, too. Doing it twice changes nothing the second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from rune.errors import EchoError
from rune.records import echo
from rune.records.echo import LAYERS, Entry, Memory

_REFERENCE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Refused:
    """A finding that may not become an entry."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True)
class Consolidated:
    """The memory with the findings in it, and what became of each."""

    memory: Memory
    added: tuple[Entry, ...] = ()
    merged: tuple[Entry, ...] = ()
    """Entries that a finding confirmed, as they are now."""
    superseded: tuple[Entry, ...] = ()
    """Taken out by a newer entry; to be archived."""
    refused: tuple[Refused, ...] = ()


def consolidate(
    memory: Memory, findings: Iterable[Entry], today: date, person: bool = False
) -> Consolidated:
    """Put findings into a memory.

    ``person`` says that a person wrote them: only then an etched entry, which needs no evidence, is added or
    replaced. No finding is verified later than ``today``.
    """
    entries = list(memory.entries)
    places = {_key(entry, person): place for place, entry in reversed(list(enumerate(entries)))}
    etched = {plain(entry.title) for entry in entries if entry.layer == "etched"}
    touched: dict[int, str] = {}
    said = {place: entry.day for place, entry in enumerate(entries)}
    refused: list[Refused] = []
    for finding in findings:
        if reason := _refusal(finding, etched, person):
            refused.append(Refused(finding, reason))
            continue
        found = replace(finding, verified=min(finding.verified, max(today, finding.day)))
        place = places.get(key := _key(found, person))
        if place is None:
            place = places[key] = len(entries)
            touched[place] = "added"
            entries.append(replace(found, raw="", tail=""))
        else:
            entries[place] = _confirmed(entries[place], found, person)
            touched.setdefault(place, "merged")
        said[place] = max(said.get(place, found.day), found.day)
    gone = _superseded(entries, touched, said, person)
    left, taken = echo.take_out(replace(memory, entries=tuple(entries)), gone)
    return Consolidated(
        left, _those(entries, touched, "added", gone), _those(entries, touched, "merged", gone), taken,
        tuple(refused),
    )  # fmt: skip


def plain(title: str) -> str:
    """A title as it is compared: letter case, blanks and the full stop aside."""
    return " ".join(title.split()).rstrip(".").casefold()


def _key(entry: Entry, words: bool) -> tuple[str, frozenset[str], str]:
    """Pattern and evidence: the references between backticks, or the whole line where there are none.

    With ``words`` the digest as well: two decisions under one heading are no duplicates.
    """
    references = {ref for line in entry.evidence for ref in _REFERENCE.findall(line) or [line.casefold()]}
    return plain(entry.title), frozenset(references), entry.digest if words else ""


def _refusal(finding: Entry, etched: set[str], person: bool) -> str:
    """Why a finding may not become an entry; empty where it may."""
    if finding.layer == "etched" and not person:
        return "layer: only a person etches"
    if finding.supersedes and plain(finding.supersedes) in etched and not person:
        return f"supersedes: {finding.supersedes!r} is etched, only a person takes it out"
    try:
        echo.check_evidence(finding)
    except EchoError as error:
        return str(error)
    return ""


def _confirmed(known: Entry, found: Entry, person: bool) -> Entry:
    """The newer day, the higher confidence, the more permanent layer; the words stay."""
    layer = min(known.layer, found.layer, key=LAYERS.index)
    if layer == "etched" and not person:
        layer = known.layer
    return replace(
        known,
        verified=max(known.verified, found.verified),
        confidence=max(known.confidence, found.confidence),
        layer=layer,
        supersedes=known.supersedes or found.supersedes,
    )


def _superseded(
    entries: list[Entry], touched: Iterable[int], said: dict[int, date], person: bool
) -> set[int]:
    """The places that newer entries take out, oldest first; what is out itself takes nothing out.

    The days on which they were last said and their digests decide, not places: a second run finds the
    entries in another order.
    """
    by_title: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        by_title.setdefault(plain(entry.title), []).append(place)
    gone: set[int] = set()
    for place in sorted(touched, key=lambda n: (said[n], entries[n].digest)):
        if place in gone or not entries[place].supersedes:
            continue
        for old in by_title.get(plain(entries[place].supersedes), []):
            later = said[old] > said[place]
            if old != place and not later and (person or entries[old].layer != "etched"):
                gone.add(old)
    return gone


def _those(entries: list[Entry], touched: dict[int, str], what: str, gone: set[int]) -> tuple[Entry, ...]:
    return tuple(entries[n] for n, done in sorted(touched.items()) if done == what and n not in gone)
