"""The trajectory of one session: ``.claude/echoes/trajectories/<session>.jsonl``.

    {"v": 1, "kind": "header", "session": "...", "project": "/abs", "source": "live", "started": 1795176000.2}
    {"v": 1, "kind": "prompt", "id": "...", "at": 1795176000.2, "text": "..."}
    {"v": 1, "kind": "generation", "id": "...", "at": ..., "tool": "Write", "path": "a.py", "text": "",
     "before": ""}
    {"v": 1, "kind": "execution", "id": "...", "at": ..., "tool": "Bash", "command": "", "text": "",
     "ok": false}
    {"v": 1, "kind": "reflection", "id": "...", "at": ..., "text": "...", "agent": ""}
    {"v": 1, "kind": "compaction", "id": "...", "at": ..., "text": "auto"}
    {"v": 1, "kind": "note", "id": "...", "at": ..., "text": "...", "note": "decision", "evidence": "",
     "tags": []}
    {"v": 1, "kind": "end", "id": "...", "at": ..., "reason": "clear"}
    {"v": 1, "kind": "outcome", "at": ..., "reason": "SessionEnd", "events": 12}

Events are appended as they arrive and sorted by time when read. The ``outcome`` line says that the session is
over; a resumed session appends events after it and gets another one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, field
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1

Source: TypeAlias = Literal["live", "import", "demo"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person asked."""

    id: str
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Generation:
    """Something the agent wrote into a file."""

    id: str
    at: float
    tool: str
    path: str
    text: str
    before: str = ""
    """What an edit replaced; empty for a new file."""


@dataclass(frozen=True, slots=True)
class Execution:
    """Something the agent ran, and what came of it."""

    id: str
    at: float
    tool: str
    command: str
    text: str
    ok: bool
    about: str = ""
    """What the agent said the command is for."""


@dataclass(frozen=True, slots=True)
class Reflection:
    """What the agent said in its own words; ``agent`` names the subagent, empty for the main one."""

    id: str
    at: float
    text: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Compaction:
    """The client summarised its context here."""

    id: str
    at: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something the agent wrote down through ``rune_ingest``."""

    id: str
    at: float
    text: str
    note: str = "fact"
    evidence: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The client said that the session is over."""

    id: str
    at: float
    reason: str = ""


Event: TypeAlias = Prompt | Generation | Execution | Reflection | Compaction | Note | SessionEnd
KINDS: dict[str, type[Any]] = {
    "prompt": Prompt,
    "generation": Generation,
    "execution": Execution,
    "reflection": Reflection,
    "compaction": Compaction,
    "note": Note,
    "end": SessionEnd,
}
_NAMES = {cls: kind for kind, cls in KINDS.items()}


def kind_of(event: Event) -> str:
    """What an event is called on disk."""
    return _NAMES[type(event)]


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A session as it lies on disk, events in the order of time."""

    session: str
    project: str
    source: Source
    started: float
    events: tuple[Event, ...] = ()
    closed: str = ""
    """Why the session is over; empty while it is open."""
    redactions: dict[str, int] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """SHA-256 over what happened, not over when or how it was written down."""
        digest = hashlib.sha256()
        for event in self.events:
            if isinstance(event, SessionEnd):
                continue
            said = {k: v for k, v in asdict(event).items() if k not in ("id", "at")}
            digest.update(json.dumps([_NAMES[type(event)], said], sort_keys=True).encode())
        return digest.hexdigest()


def start(path: Path, session: str, project: str, source: Source, at: float) -> None:
    """Write the header of a new trajectory; an existing file is left as it is."""
    if not path.exists() or path.stat().st_size == 0:
        header = {"session": session, "project": project, "source": source, "started": at}
        files.append(path, {"v": VERSION, "kind": "header", **header})


def append(path: Path, events: Sequence[Event], redactions: dict[str, int] | None = None) -> None:
    """Append events with one durable write; ``redactions`` counts what was taken out of them on the way."""
    lines = [{"v": VERSION, "kind": _NAMES[type(event)], **asdict(event)} for event in events]
    if redactions:
        lines.append({"v": VERSION, "kind": "redactions", "counts": redactions})
    if lines:
        files.append(path, *lines)


def close(path: Path, reason: str, at: float, events: int) -> None:
    """Append the outcome line: the session is over."""
    files.append(path, {"v": VERSION, "kind": "outcome", "at": at, "reason": reason, "events": events})


def read(path: Path) -> Trajectory:
    """Read a trajectory; events sorted by time, each id once.

    Raises:
        NewerVersion: a newer Rune wrote a line of it.
        FormatError: the header is missing or a field is wrong; file and line are named.
    """
    header: dict[str, Any] | None = None
    events: dict[str, Event] = {}
    closed = ""
    redactions: dict[str, int] = {}
    for number, raw in files.objects(path):
        where = f"{path}:{number}"
        kind = _kind(where, raw)
        if kind == "header":
            header = header or _header(where, raw)
        elif kind == "outcome":
            closed = str(raw.get("reason") or "closed")
        elif kind == "redactions":
            for name, count in _counts(where, raw).items():
                redactions[name] = redactions.get(name, 0) + count
        else:
            event = _event(where, kind, raw)
            if event.id not in events:
                closed = ""
            events.setdefault(event.id, event)
    if header is None:
        raise FormatError(f"{path}: expected a header line with session and project; found none")
    ordered = tuple(sorted(events.values(), key=lambda event: (event.at, event.id)))
    return Trajectory(header["session"], header["project"], header.get("source", "live"),
                      float(header["started"]), ordered, closed, redactions)  # fmt: skip


def _kind(where: str, raw: dict[str, Any]) -> str:
    version = raw.get("v")
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(
            f"{where}: trajectory version {version!r}; this Rune knows {VERSION}: update rune-memory"
        )
    return str(raw.get("kind"))


_NUMBER = (int, float)
_HEADER: dict[str, type | tuple[type, ...]] = {"session": str, "project": str, "started": _NUMBER}
_SHAPES: dict[str, type | tuple[type, ...]] = {
    "float": _NUMBER,
    "tuple[str, ...]": list,
    "str": str,
    "bool": bool,
}
_FIELDS = {
    kind: {f.name: (_SHAPES[str(f.type)], f.default is not MISSING) for f in fields_of(cls)}
    for kind, cls in KINDS.items()
}
"""What each field of each kind may be in JSON, and whether it may be left out."""


def _header(where: str, raw: dict[str, Any]) -> dict[str, Any]:
    for name, shape in _HEADER.items():
        if not _fits(raw.get(name), shape):
            raise FormatError(f"{where}: header.{name}: found {raw.get(name)!r:.80}")
    return raw


def _fits(value: Any, shape: type | tuple[type, ...]) -> bool:
    """Whether a value is of this kind; a number must be one that can be counted with, a list be of texts."""
    if shape is list:
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    return fields.finite(value) if shape == _NUMBER else isinstance(value, shape)


def _counts(where: str, raw: dict[str, Any]) -> dict[str, int]:
    counts = raw.get("counts")
    if not isinstance(counts, dict) or not all(isinstance(count, int) for count in counts.values()):
        raise FormatError(f"{where}: redactions.counts: expected numbers by name, found {counts!r}")
    return counts


def _event(where: str, kind: str, raw: dict[str, Any]) -> Event:
    known = _FIELDS.get(kind)
    if known is None:
        raise FormatError(f"{where}: kind: expected one of {', '.join(KINDS)}; found {kind!r}")
    found = {name: value for name, value in raw.items() if name not in ("v", "kind")}
    if unknown := set(found) - set(known):
        raise FormatError(f"{where}: {kind}: unknown fields {sorted(unknown)}")
    for name, (shape, optional) in known.items():
        if name in found and not _fits(found[name], shape):
            raise FormatError(f"{where}: {kind}.{name}: found {found[name]!r:.80}")
        if name not in found and not optional:
            raise FormatError(f"{where}: {kind}.{name} is missing")
    if "tags" in found:
        found["tags"] = tuple(found["tags"])
    event: Event = KINDS[kind](**found)
    return event
