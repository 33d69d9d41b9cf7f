"""``etch``: permanent knowledge, written, raised or removed by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rune.echoes import consolidate, filter
from rune.echoes.operations import refs
from rune.echoes.store import Change
from rune.errors import EchoError, FormatError
from rune.records import echo
from rune.records.echo import Entry, Memory

TITLE = 100
"""Characters of a title that is cut out of a learning."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be etched, as the person says it."""

    text: str
    """``Title: the learning in one to three sentences``."""
    evidence: tuple[str, ...] = ()
    label: str = "Architecture"
    supersedes: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Etched:
    """What became of it."""

    role: str
    entry: Entry
    how: str
    """new, raised, confirmed or removed."""
    gone: tuple[Entry, ...] = ()
    """Taken out because the new one supersedes them; in the archive."""
    redacted: Mapping[str, int] | None = None
    """Secrets that were taken out before writing, by type."""


def write(change: Change, role: str, draft: Draft) -> Etched:
    """Add an etched entry.

    Raises:
        EchoError: there is no learning.
    """
    memory = change.memory(role)
    made = filter.clean(_entry(change, draft))
    done = consolidate.consolidate(memory, [made.entry], change.today, person=True)
    if done.refused:
        raise FormatError(f"not etched: {done.refused[0].reason}")
    change.archive(role, done.superseded)
    change.save(done.memory)
    entry = (*done.added, *done.merged)[0]
    return Etched(role, entry, "new" if done.added else "confirmed", done.superseded, made.removed)


def _entry(change: Change, draft: Draft) -> Entry:
    title, learning = split(draft.text)
    if not learning:
        raise EchoError("learning", "`Title: the learning in one to three sentences`", draft.text)
    return Entry(
        layer="etched",
        title=title,
        day=change.today,
        learning=learning,
        evidence=draft.evidence,
        verified=change.today,
        supersedes=draft.supersedes,
        label=draft.label,
        fields=draft.fields,
    )


def split(text: str) -> tuple[str, str]:
    """Title and learning: at the first colon, or the first sentence is the title of the whole.

    >>> split("Postgres only: we use Postgres 16 everywhere.")
    ('Postgres only', 'we use Postgres 16 everywhere.')
    >>> split("Use Postgres 16. SQLite is not supported.")
    ('Use Postgres 16', 'Use Postgres 16. SQLite is not supported.')
    """
    text = re.sub(r"\s+", " ", text).strip()
    title, colon, learning = text.partition(": ")
    if colon and title and learning.strip() and len(title) <= TITLE:
        return title, learning.strip()
    sentence = re.split(r"(?<=[.!?])\s", text)[0].rstrip(".!? ")
    return sentence[:TITLE].rstrip(), text


def raise_to_etched(change: Change, ref: str) -> Etched:
    """Make an entry that is there permanent."""
    found = refs.find(change, ref)
    if found.entry.layer == "etched":
        raise FormatError(f"{found.role}/{found.entry.id} is etched already")
    memory = change.memory(found.role)
    raised = {place: _raised(memory.entries[place], change) for place in _places(memory, found.entry)}
    kept = tuple(raised.get(place, entry) for place, entry in enumerate(memory.entries))
    change.save(replace(memory, entries=kept))
    return Etched(found.role, _raised(found.entry, change), "raised")


def _raised(entry: Entry, change: Change) -> Entry:
    return replace(entry, layer="etched", verified=change.today)


def _places(memory: Memory, entry: Entry) -> set[int]:
    """Where an entry stands; somebody may have written it twice."""
    return {place for place, other in enumerate(memory.entries) if other.id == entry.id}


def remove(change: Change, ref: str) -> Etched:
    """Take an etched entry out; it goes to the archive."""
    found = refs.find(change, ref)
    if found.entry.layer != "etched":
        raise FormatError(f"{found.role}/{found.entry.id} is not etched: prune and reset are for the others")
    memory = change.memory(found.role)
    left, taken = echo.take_out(memory, _places(memory, found.entry))
    change.archive(found.role, taken)
    change.save(left)
    return Etched(found.role, found.entry, "removed")


def render(done: Etched) -> str:
    """The entry as it is written, and what went for it."""
    first = {
        "new": f"a new etched entry of {done.role}, {done.entry.id}:",
        "confirmed": f"{done.role} knows that already; confirmed today, {done.entry.id}:",
        "raised": f"an entry of {done.role} that becomes permanent, {done.entry.id}:",
        "removed": f"an etched entry of {done.role} that leaves for the archive, {done.entry.id}:",
    }[done.how]
    lines = [first, "", echo.print_entry(done.entry).rstrip()]
    lines += [f"superseded, leaves for the archive: {entry.id}  {entry.title}" for entry in done.gone]
    if done.how == "new" and done.entry.supersedes and not done.gone:
        lines.append(f"supersedes nothing: {done.role} has no other entry {done.entry.supersedes!r}")
    if done.redacted:
        found = ", ".join(f"{count} {kind}" for kind, count in done.redacted.items())
        lines.append(f"taken out before writing: {found}")
    return "\n".join(lines)
