"""What comes again: one pattern found in several sessions becomes one entry of a more permanent layer; pure.

Two entries tell of one pattern when their titles are the same but for numbers, paths and what stands between
quotation marks. A title that is little else is compared word by word. Etched entries are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from rune.echoes import consolidate
from rune.records import echo
from rune.records.echo import LAYERS, Entry, Memory

SESSIONS = 2
"""Sessions in which a pattern was found before it counts as one."""
EVIDENCE = 6
"""Places that a merged entry names, the newest; the entries that it was made of are archived whole."""
SOURCES = 6
SURER, SUREST = 0.1, 0.95
"""What one more session adds to the confidence, and what that never exceeds."""
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\S*[/\\]\S*|0x[0-9a-f]+|\d[\d.,:]*")
_SOURCE = re.compile(r"(rune:\S+)\s+(.+)")


@dataclass(frozen=True, slots=True)
class Risen:
    """A memory in which what recurs is one entry."""

    memory: Memory
    merged: tuple[Entry, ...] = ()
    """The entries that others went into."""
    replaced: tuple[Entry, ...] = ()
    """What they were made of; to be archived."""


def pattern(title: str) -> str:
    """A title as it is compared between sessions.

    >>> pattern("TypeError: PORT must be int, not '80'") == pattern("TypeError: PORT must be int, not '8443'")
    True
    >>> pattern("AssertionError: 1 != 2") == pattern("AssertionError: 3 != 4")
    False
    """
    plain = consolidate.plain(title)
    bare = " ".join(_QUOTED.sub(" ", plain).split())
    return bare if len(re.findall(r"[^\W\d_]{2,}", bare)) >= 3 else plain


def origins(entry: Entry) -> frozenset[str]:
    """The sessions, reports or pull requests that an entry was found in.

    >>> from datetime import date
    >>> sorted(origins(Entry("traced", "a", date(2026, 2, 11), "", source="rune:work s1, s2")))
    ['s1', 's2']
    """
    return frozenset(_in_order(entry))


def unknown(memory: Memory, found: Iterable[Entry]) -> list[Entry]:
    """The findings that say something new: not etched already, nor known from the same session."""
    known: dict[str, list[Entry]] = {}
    for entry in memory.entries:
        known.setdefault(pattern(entry.title), []).append(entry)
    fresh = []
    for finding in found:
        same = known.setdefault(pattern(finding.title), [])
        if not any(entry.layer == "etched" or origins(finding) <= origins(entry) for entry in same):
            fresh.append(finding)
            same.append(finding)
    return fresh


def rise(memory: Memory, found: Sequence[Entry]) -> Risen:
    """Make one entry of those that share a pattern with one of these findings.

    The findings are in the memory already, or were taken for the same as an entry of another session.
    """
    groups: dict[str, list[int]] = {pattern(finding.title): [] for finding in found}
    for place, entry in enumerate(memory.entries):
        if entry.layer != "etched" and (key := pattern(entry.title)) in groups:
            groups[key].append(place)
    entries = list(memory.entries)
    merged, replaced, gone = [], list[Entry](), set[int]()
    for key, places in groups.items():
        group = [memory.entries[place] for place in places]
        known = frozenset().union(*map(origins, group))
        group += [one for one in found if pattern(one.title) == key and not origins(one) <= known]
        if places and len(group) > 1:
            entries[places[0]] = one = _merged(group)
            merged.append(one)
            replaced += [entry for entry in _each_alone(memory, places) if entry != one]
            gone.update(places[1:])
    return Risen(echo.without(replace(memory, entries=tuple(entries)), gone), tuple(merged), tuple(replaced))


def _each_alone(memory: Memory, places: Collection[int]) -> tuple[Entry, ...]:
    return echo.take_out(memory, places)[1]


def _merged(group: Sequence[Entry]) -> Entry:
    """One entry for all: the words of the surest, the evidence of all."""
    best = max(group, key=lambda entry: (entry.confidence, entry.verified))
    found = frozenset().union(*map(origins, group))
    several = len(found) >= SESSIONS
    sure = max(entry.confidence for entry in group)
    layers = [entry.layer for entry in group] + (["inscribed"] if several else [])
    evidence = dict.fromkeys(line for entry in group for line in entry.evidence)
    return replace(
        group[0],
        layer=min(layers, key=LAYERS.index),
        label="Pattern" if several and group[0].layer == "traced" else group[0].label,
        learning=best.learning,
        fields=best.fields,
        evidence=tuple(evidence)[-EVIDENCE:],
        source=_source(group),
        confidence=round(max(sure, min(SUREST, sure + SURER)), 2) if several else sure,
        verified=max(entry.verified for entry in group),
        supersedes=next((entry.supersedes for entry in group if entry.supersedes), ""),
    )


def _source(group: Sequence[Entry]) -> str:
    """``rune:work s1, s2``: the workflow, and where it was found, the newest last."""
    named = next((found[1] for entry in group if (found := _SOURCE.fullmatch(entry.source))), "")
    places = list(dict.fromkeys(place for entry in group for place in _in_order(entry)))
    return f"{named} {', '.join(places[-SOURCES:])}".strip()


def _in_order(entry: Entry) -> list[str]:
    found = _SOURCE.fullmatch(entry.source)
    return re.split(r",\s*", found[2]) if found else [entry.source]
