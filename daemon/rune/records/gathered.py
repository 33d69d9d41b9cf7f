"""Which sessions the text memory was filled from: ``.claude/echoes/gathered.jsonl``, append-only.

    {"v": 1, "at": 1795176000.2, "session": "7f3a", "content": "<content hash>",
     "events": ["<id>"], "reports": ["<SHA-256>"]}

A session is taken in once for each content that it had when it was closed, one of its events or a report once
for all. The file stands outside of the journal of changes: what a person takes back with ``undo`` stays away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Gathered:
    """One session whose learnings were taken in, or deliberately left."""

    at: float
    session: str
    content: str
    """``Trajectory.content_hash`` of what it held then."""
    events: tuple[str, ...] = ()
    """Ids of the events that entries were made of: the outcome of a fix, an unsolved failure, a note."""
    reports: tuple[str, ...] = ()
    """SHA-256 of the review and audit reports that were taken in with it."""


def append(path: Path, *gathered: Gathered) -> None:
    """Write them down; durable when this returns."""
    if gathered:
        files.append(path, *({"v": VERSION, **asdict(one)} for one in gathered))


def read(path: Path) -> Iterator[Gathered]:
    """Every line in the order of the file; a missing file has none.

    Raises:
        NewerVersion: a newer Rune wrote a line of it.
        FormatError: a field is missing or wrong; file and line are named.
    """
    for number, raw in files.objects(path):
        version = raw.get("v")
        if not isinstance(version, int) or version > VERSION:
            known = f"this Rune knows {VERSION}: update rune-memory"
            raise NewerVersion(f"{path}:{number}: version {version!r}; {known}")
        at, session, content = (raw.get(name) for name in ("at", "session", "content"))
        if not fields.finite(at) or not isinstance(session, str) or not isinstance(content, str):
            found = f"{at!r}, {session!r}, {content!r}"
            raise FormatError(f"{path}:{number}: expected a time, a session and its content, found {found}")
        events, reports = (_texts(f"{path}:{number}", raw, name) for name in ("events", "reports"))
        yield Gathered(fields.number(at), session, content, events, reports)


def _texts(where: str, raw: dict[str, Any], name: str) -> tuple[str, ...]:
    value = raw.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise FormatError(f"{where}: {name}: expected a list of texts, found {value!r}")
    return tuple(value)
