"""The spool line that a hook writes: one JSON object per event, as ``hooks/_link.py`` makes it.

    {"v": 1, "id": "<time_ns>-<pid>", "at": 1795176000.25, "event": "PostToolUse", "session": "...",
     "project": "/abs", "client": 4711, "redactions": {"aws-access-key": 1}, "cut": 0, "payload": {...}}

``id`` is unique per hook process and makes draining idempotent. ``client`` is the process id of the coding
client, ``redactions`` counts what was taken out, ``cut`` the characters that were left out of the payload.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from rune import fields
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """One hook event as it lies in the spool."""

    id: str
    at: float
    event: str
    session: str
    project: str
    payload: dict[str, Any]
    client: int = 0
    redactions: dict[str, int] = field(default_factory=dict)
    cut: int = 0


def parse(line: bytes) -> Envelope:
    """Read one spool line.

    Raises:
        NewerVersion: a newer plugin wrote it.
        FormatError: it is no envelope.
    """
    try:
        raw = json.loads(line)
        version = raw["v"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"expected a spool envelope, found {line[:60]!r} ({error!r})") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(
            f"spool envelope version {version!r}; this Rune knows {VERSION}: update rune-memory"
        )
    try:
        return Envelope(
            id=str(raw["id"]), at=fields.number(raw["at"]), event=str(raw["event"]),
            session=str(raw["session"]), project=str(raw["project"]),
            payload=dict(raw["payload"]), client=int(raw.get("client", 0)),
            redactions=dict(raw.get("redactions", {})), cut=int(raw.get("cut", 0)),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"spool envelope lacks a field or has a wrong one: {error!r}") from None
