"""Entries of what happened in a session: repaired failures, unsolved ones, and what was written down.

An entry names where its learning can be looked up: the lines of the changed file as they stand now, else the
event in the trajectory.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from rune import arcs, orders
from rune.arcs import Arc, Change
from rune.echoes.journal import within
from rune.echoes.operations import etch
from rune.errors import FormatError
from rune.gather.places import stands
from rune.lessons import repairs
from rune.records.echo import Entry
from rune.records.trajectory import Note, Trajectory

EXPLAINED, REPAIRED, WRITTEN_DOWN, UNSOLVED = 0.7, 0.5, 0.7, 0.3
"""How sure an entry is by what it rests on."""
PLACES = 3
"""Changed places that an entry names."""
TELLING = frozenset(("repair", "unsolved"))
"""Kinds of lessons whose answers say what was learnt of a failure."""
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Learnt:
    """One thing that a session taught."""

    role: str
    entry: Entry
    event: str
    """The event that settled it: the outcome of a fix, an unsolved failure, a note."""


def find(past: Trajectory, project: Path) -> Iterator[Learnt]:
    """What a closed session taught; what gives orders to a model is left out."""
    for learnt in (*_failures(past, project), *_notes(past)):
        if not orders.instructs(f"{learnt.entry.title}\n{learnt.entry.learning}"):
            yield learnt


def _failures(past: Trajectory, project: Path) -> Iterator[Learnt]:
    found = arcs.find(past.events, past.project)
    for arc in sorted(found, key=lambda arc: not arc.solved):
        told = [lesson.answer for lesson in repairs.of_arc(arc, found) if lesson.kind in TELLING]
        title = arc.signature.replace("`", "'")
        if told and re.search(r"[^\W\d_]{3}", title) and (arc.solved or arc.diagnosis):
            settled = arc.outcome or arc.error
            made = Entry(
                "traced", title, day(settled.at), told[0], _evidence(arc, past, project, title),
                f"rune:work {past.session}", _sure(arc),
                label="Gotcha" if arc.solved else "Unsolved",
            )  # fmt: skip
            yield Learnt("workers", made, settled.id)


def _sure(arc: Arc) -> float:
    if not arc.solved:
        return UNSOLVED
    return EXPLAINED if arc.diagnosis else REPAIRED


def _notes(past: Trajectory) -> Iterator[Learnt]:
    """What the agent wrote down on purpose: decisions for whoever plans, the rest for whoever works."""
    for note in past.events:
        if isinstance(note, Note):
            title, learning = etch.split(note.text)
            role, workflow = ("planner", "plan") if note.note == "decision" else ("workers", "work")
            seen = f"{_recorded(past, note.id)} — written down in the session"
            made = Entry(
                "traced", title, day(note.at), learning, tuple(filter(None, (seen, note.evidence))),
                f"rune:{workflow} {past.session}", WRITTEN_DOWN, label=note.note.capitalize(),
                fields=(("tags", ", ".join(note.tags)),) if note.tags else (),
            )  # fmt: skip
            yield Learnt(role, made, note.id)


def _evidence(arc: Arc, past: Trajectory, project: Path, title: str) -> tuple[str, ...]:
    places = (_place(project, change) for change in reversed(arc.changes))
    named = list(dict.fromkeys(place for place in places if place))[:PLACES]
    return tuple(f"{place} — {title}" for place in named or [_recorded(past, arc.error.id)])


def _recorded(past: Trajectory, event: str) -> str:
    return f"`.claude/echoes/trajectories/{past.session}.jsonl:{event}`"


def _place(project: Path, change: Change) -> str:
    """``file:lines`` of what a change put there, as far as it still stands; else empty."""
    name = PurePath(change.path)
    if not change.path or not change.added or name.is_absolute() or ".." in name.parts:
        return ""
    try:
        path = within(project, project / name)
        if path.stat().st_size > LARGEST:
            return ""
        found = stands(path.read_text("utf-8", "replace"), change.added)
    except (FormatError, OSError):
        return ""
    if found is None:
        return ""
    first, last = found
    return f"`{name.as_posix()}:{first}{f'-{last}' if last > first else ''}`"


def day(at: float) -> datetime.date:
    """The day of a moment, where this machine is."""
    return datetime.datetime.fromtimestamp(at).astimezone().date()
