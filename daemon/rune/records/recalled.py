"""Which adapter answered in which session: ``.claude/echoes/adapters/recalls.jsonl``, append-only.

    {"v": 1, "at": 1795176000.2, "session": "<session>", "adapter": "<id>", "score": 0.71, "answered": true}

Recalls write it, and the endpoint's completions. ``answered`` is false where an answer was withheld or
empty: such a use can neither help nor harm. ``session`` is empty where a completion came from no known
session. From this and the trajectory of the session that asked, outcomes are judged
(``rune.evolution.outcomes``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Use:
    """One adapter asked once."""

    at: float
    session: str
    """The session that asked; empty: none is known, and the use takes no part in outcomes."""
    adapter: str
    score: float = 0.0
    """How close it was to the question."""
    answered: bool = True


def append(path: Path, use: Use) -> None:
    """Write a use down; durable when this returns."""
    with _alone(path):  # a line that is added while a session is taken out would be lost
        files.append(path, {"v": VERSION, **asdict(use)})


def forget(path: Path, session: str) -> None:
    """Take out what a session asked; nothing is written where it asked nothing.

    A damaged line is no reason to keep the others: it stays as it is, unless it names the session.

    Raises:
        NewerVersion: a newer Rune wrote a line of it; nothing is touched.
    """
    check(path)
    if not names(path, session):
        return
    with _alone(path):
        files.replace(path, b"".join(line for line in _lines(path) if not _of(line, session)))


def names(path: Path, session: str) -> bool:
    """Whether there is a line of what a session asked, be it a damaged one."""
    return any(_of(line, session) for line in _lines(path))


def _alone(path: Path) -> AbstractContextManager[None]:
    return files.locked(path.with_name(".recalls.lock"))


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def check(path: Path) -> None:
    """Whether what a session asked can be taken out.

    Raises:
        NewerVersion: a newer Rune wrote a line of it.
    """
    for number, raw in files.objects(path):
        _known(path, number, raw)


def _of(line: bytes, session: str) -> bool:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):  # half a line
        begun = f'"{session}'.encode()
        return begun + b'"' in line or line.rstrip().endswith(begun)
    return isinstance(raw, dict) and raw.get("session") == session


def read(path: Path) -> Iterator[Use]:
    """Every use in the order of the file; a missing file has none.

    Raises:
        NewerVersion: a newer Rune wrote a line of it.
        FormatError: a line is no use; file and line are named.
    """
    for number, raw in files.objects(path):
        _known(path, number, raw)
        try:
            use = Use(
                fields.number(raw["at"]), fields.text(raw["session"]), fields.text(raw["adapter"]),
                fields.number(raw.get("score", 0)), fields.flag(raw.get("answered", True)),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}:{number}: no at, session or adapter: {error!r}") from None
        yield use


def _known(path: Path, number: int, raw: dict[str, Any]) -> None:
    version = raw.get("v")
    if not isinstance(version, int) or version > VERSION:
        known = f"this Rune knows {VERSION}: update rune-memory"
        raise NewerVersion(f"{path}:{number}: version {version!r}; {known}")
