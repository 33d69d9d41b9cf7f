"""Who asks: a person, or nobody known. Only a person etches, unetches, resets or verifies for security.

Three ways are believed, and none of them is a word that a program can say about itself:

* **slash command**: the client's own event arrives on standard input, on a socket that the kernel says the
  client opened (a socket keeps the process id), and the client stands above this process. A Bash call of the
  agent has no such socket: it can neither make one nor write into the client's end.
* **terminal**: standard input is a terminal, no client and no agent's shell stands above, and the person
  types the code that was shown.
* **question**: the client's event of an answered AskUserQuestion, received like a slash command; the question
  must be the one that Rune worded for exactly this change, and its answer Yes.

Covered: Bash calls of the agent, with any environment and arguments, through ``script`` or another
pseudo-terminal, through the hook with a made-up event, through a client that the agent starts; subagents,
scheduled prompts and the Skill tool (the client expands no typed command for them).
Not covered: a process that the agent detaches from all above it (double fork, a clean environment) and gives
a pseudo-terminal or a client of its own; whoever writes the Markdown, Rune's code or the client's settings
directly; a host of the client (an SDK program, an IDE) that types or answers in the person's place.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, TypeAlias

import psutil

from rune.errors import FormatError

LIMIT = 32 << 20
"""Bytes of an event; a longer one is no typed command."""
MARK = "CLAUDECODE"
"""What the client puts into the environment of whatever its agent runs."""
CLIENTS = frozenset({"claude", ".claude-wrapped"})
SCRIPT = "claude-code/cli.js"


@dataclass(frozen=True, slots=True)
class Person:
    """A person, and how that is known."""

    way: Literal["slash command", "terminal", "question"]
    session: str = ""
    """The session that the person types in; it rests meanwhile."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nothing shows that a person asks."""

    reason: str


Caller: TypeAlias = Person | Nobody


@dataclass(frozen=True, slots=True)
class Event:
    """What the client has sent to a hook, and what vouches for it."""

    name: str
    session: str
    folder: str
    """Where the session works."""
    payload: Mapping[str, Any]
    doubt: str
    """Why the event may not be the client's own; empty where the kernel says that it is."""

    @property
    def typed(self) -> str | None:
        """The words behind ``/rune:echoes``; None where this is no such event."""
        if self.name != "UserPromptExpansion" or self.payload.get("command_name") != "rune:echoes":
            return None
        return str(self.payload.get("command_args") or "")

    def caller(self, way: Literal["slash command", "question"]) -> Caller:
        """Whose event it is."""
        return Nobody(self.doubt) if self.doubt else Person(way, self.session)


def receive(descriptor: int = 0) -> Event:
    """Read the client's event from a descriptor, to its end.

    Raises:
        FormatError: it is no event.
    """
    raw = bytearray()
    while len(raw) <= LIMIT and (part := os.read(descriptor, 1 << 20)):
        raw += part
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict) or not isinstance(payload.get("hook_event_name"), str):
        raise FormatError(
            "standard input: expected an event of the client, a JSON object with hook_event_name, found "
            f"{bytes(raw[:60])!r}; this command is for the plugin's hook"
        )
    folder, session = (payload.get(name) for name in ("cwd", "session_id"))
    return Event(
        payload["hook_event_name"],
        session if isinstance(session, str) else "",
        folder if isinstance(folder, str) else "",
        payload,
        _doubt(descriptor),
    )


def at_terminal(descriptor: int = 0) -> Caller:
    """A person, if this is their terminal; what they ask for still needs the shown code."""
    above = psutil.Process().parents()
    if found := (MARK in os.environ and f"{MARK} is set") or _agent(above):
        return Nobody(f"an agent runs this command ({found})")
    if not os.isatty(descriptor):
        return Nobody("standard input is no terminal")
    return Person("terminal")


def _doubt(descriptor: int) -> str:
    sender = _sender(descriptor)
    if sender is None:
        return "the event did not come through the client's own socket"
    above = psutil.Process().parents()
    place = next((n for n, process in enumerate(above) if process.pid == sender), None)
    if place is None:
        return f"process {sender}, which opened the event's socket, does not stand above this one"
    if not _is_client(above[place]):
        return f"process {sender}, which opened the event's socket, is no Claude Code"
    if found := _marked(above[place]) or _agent(above[place + 1 :]):
        return f"an agent started this client ({found})"
    return ""


def _sender(descriptor: int) -> int | None:
    """The process that opened the socket, as the kernel remembers it; None for what is no socket."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as channel:
            if channel.family != socket.AF_UNIX:
                return None
            if sys.platform == "darwin":
                return channel.getsockopt(0, 2)  # SOL_LOCAL, LOCAL_PEERPID
            peer = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", peer)[0])
    except OSError:
        return None


def _agent(processes: Iterable[psutil.Process]) -> str:
    """The first of these that is a client, or was started by one for its agent."""
    for process in processes:
        if _is_client(process):
            return f"process {process.pid} is Claude Code"
        if found := _marked(process):
            return found
    return ""


def _marked(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error, OSError):  # another user's: no agent of this one
        if MARK in process.environ():
            return f"{MARK} is set for process {process.pid}"
    return ""


def _is_client(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.name() in CLIENTS:
            return True
    with contextlib.suppress(psutil.Error, OSError):
        words = process.cmdline()[:3]
        return any(word.endswith(SCRIPT) for word in words) or PurePath(*words[:1]).name in CLIENTS
    return False
