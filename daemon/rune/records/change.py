"""One change of the text memory: ``journal/<number>/change.json``, beside the bytes from before it.

    {"v": 1, "number": 7, "at": 1795176000.2, "what": "prune reviewer", "undoes": 0, "files": [
      {"path": ".claude/echoes/reviewer/MEMORY.md", "before": "<sha256>", "after": "<sha256>"}]}

Paths are relative to the project, so that a project may be moved. An empty hash says that there was no file,
or that there is none any more. ``undoes`` is the number of the change that this one took back, else 0.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import fields
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Touched:
    """A file of a change, with the SHA-256 of its bytes on either side."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to which files."""

    number: int
    at: float
    what: str
    files: tuple[Touched, ...]
    undoes: int = 0


def dump(change: Change) -> bytes:
    """The record as it lies on disk."""
    return json.dumps({"v": VERSION, **asdict(change)}, ensure_ascii=False, indent=1).encode() + b"\n"


def read(path: Path) -> Change:
    """Read a change.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is no change; file and field are named.
    """
    try:
        raw = json.loads(path.read_bytes())
        version = raw["v"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(
            f"{path}: expected a change of the text memory, found {error!r}: what is older can be undone "
            "once its folder is moved away"
        ) from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
    touched = tuple(_touched(path, item) for item in _field(path, raw, "files", list))
    number, what = _field(path, raw, "number", int), _field(path, raw, "what", str)
    at, undoes = _field(path, raw, "at", (int, float)), _field(path, raw, "undoes", int)
    if not fields.finite(at):
        raise FormatError(f"{path}: at: found {at!r:.80}")
    return Change(number, float(at), what, touched, undoes)


def _touched(path: Path, raw: object) -> Touched:
    if not isinstance(raw, dict):
        raise FormatError(f"{path}: files: expected an object, found {raw!r}")
    return Touched(*(_field(path, raw, name, str) for name in ("path", "before", "after")))


def _field(path: Path, raw: dict[str, Any], name: str, shape: type | tuple[type, ...]) -> Any:
    if not isinstance(raw.get(name), shape):
        raise FormatError(f"{path}: {name}: found {raw.get(name)!r}")
    return raw[name]
