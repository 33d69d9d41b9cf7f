"""What happened, from what the client reported: hook payloads and transcript blocks become the same events.

A live session reaches Rune as envelopes, an imported one as the client's transcript. Both come through the
functions of this file, so that the same work leaves the same trajectory. Everything here is pure.

Covered: prompts; what was written (Write, Edit, MultiEdit, NotebookEdit); what was run (Bash) and how it
ended; the agent's words at the end of a turn; compactions; a turn that was broken off; the session's end.
Not covered: looking around (Read, Grep, the web); commands sent to the background, whose outcome is not
known yet; calls that the client refused before they ran (a wrong ``old_string``), for which no hook fires.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, TypeAlias

from rune.records.envelope import Envelope
from rune.records.trajectory import (
    Compaction,
    Event,
    Execution,
    Generation,
    Note,
    Prompt,
    Reflection,
    SessionEnd,
)
from rune.running import editing, runs, unfold

Redactor: TypeAlias = Callable[[str], tuple[str, dict[str, int]]]
"""Text in, text without secrets and what was taken out of it."""

TEXT_LIMIT = 6000
"""Characters of one text that are kept: what an arc needs of an output is at its head and its tail."""
CUT = "\n[...]\n"
EDITORS = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})

_REFUSED = re.compile(
    r"\s*(?:Error: )?(?:The user doesn't want to (?:proceed|take this action)|\[?Request interrupted by user"
    r"|The tool use was rejected|User rejected|Permission to use \S+ |Claude requested permissions? to )"
)
_NEVER_RAN = re.compile(r"\s*(?:Error: )?<tool_use_error>")


@dataclass(frozen=True, slots=True)
class FixChain:
    """A runner failed, something was edited, the same family passed; numbers are places in the events."""

    fail: int
    edit: int
    """The first edit after the failure."""
    passed: int
    family: str


def from_envelope(envelope: Envelope) -> list[Event]:
    """The events of one hook call; ids derive from the envelope's: converting twice makes nothing new.

    ``StopFailure`` becomes a failed execution of the tool ``client`` without a command: the step was broken
    off by the client (an API error), which belongs to no family of commands and so opens no chain.
    """
    one, at, payload = envelope.id, envelope.at, envelope.payload
    match envelope.event:
        case "UserPromptSubmit":
            text = prompt(payload.get("prompt"))
            return [Prompt(one, at, text)] if text else []
        case "PostToolUse":
            return ran(one, at, payload, envelope.project)
        case "PostToolUseFailure":
            return failed(one, at, payload, envelope.project)
        case "Stop" | "SubagentStop":
            said = _text(payload.get("last_assistant_message")).strip()
            agent = _text(payload.get("agent_type") or payload.get("agent_id"))
            return [Reflection(one, at, said, agent)] if said else []
        case "StopFailure":
            return [broken_off(one, at, _text(payload.get("error")))]
        case "PreCompact":
            return [Compaction(one, at, _text(payload.get("trigger")))]
        case "SessionEnd":
            return [SessionEnd(one, at, _text(payload.get("reason")))]
    return []


def ran(one: str, at: float, payload: Mapping[str, Any], project: str) -> list[Event]:
    """The events of a tool call that came back: ``tool_name``, ``tool_input``, ``tool_response``."""
    tool, given, response = _call(payload)
    if tool in EDITORS:
        return _generations(one, at, tool, given, project)
    if tool != "Bash" or not isinstance(command := given.get("command"), str):
        return []
    text = _output(response)
    if _unfinished(given, response, text):
        return []
    return [Execution(one, at, tool, command, text, runs.succeeded(command, text, True), _about(given))]


def failed(one: str, at: float, payload: Mapping[str, Any], project: str) -> list[Event]:
    """The event of a tool call that failed: ``tool_name``, ``tool_input``, ``error``, ``is_interrupt``.

    A person who interrupts or refuses is no failure, nor is a call that never ran.
    """
    tool, given, _ = _call(payload)
    error = _text(payload.get("error"))
    if payload.get("is_interrupt") or _REFUSED.match(error) or _NEVER_RAN.match(error):
        return []
    if tool == "Bash" and isinstance(command := given.get("command"), str):
        return [Execution(one, at, tool, command, error, False, _about(given))]
    if tool in EDITORS:
        return [Execution(one, at, tool, f"{tool} {_path(given, project)}", error, False)]
    return []


def broken_off(one: str, at: float, error: str) -> Execution:
    """A turn that the client could not finish."""
    return Execution(one, at, "client", "", error, False)


_REMINDER = re.compile(r"<(system-reminder|ide_\w+|user-prompt-submit-hook)>.*?(?:</\1>|\Z)", re.S)
_EXPANDED = re.compile(r"\s*<command-message>.*?<command-name>(?P<name>.*?)</command-name>", re.S)
_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.S)
_NOT_TYPED = re.compile(
    r"\s*(?:<(?:command-name|local-command-\w+|bash-(?:input|stdout|stderr)|task-notification)>"
    r"|\[Request interrupted by user|Caveat: The messages below were generated by the user while running)"
)


def prompt(text: object) -> str:
    """What the person typed, without what the client put around it; empty where nobody typed anything.

    >>> prompt("fix it<system-reminder>be nice</system-reminder>")
    'fix it'
    >>> prompt("<command-message>go</command-message> <command-name>/go</command-name>")
    '/go'
    >>> prompt("<command-name>/model</command-name>")
    ''
    """
    plain = _REMINDER.sub("", _text(text))
    if expanded := _EXPANDED.match(plain):
        arguments = _ARGUMENTS.search(plain)
        return f"{expanded['name']} {arguments[1] if arguments else ''}".strip()
    return "" if _NOT_TYPED.match(plain) else plain.strip()


def within(path: str, project: str) -> str:
    """A path relative to its project where it lies inside, else as it is.

    >>> within("/home/me/app/src/a.py", "/home/me/app"), within("/etc/hosts", "/home/me/app")
    ('src/a.py', '/etc/hosts')
    """
    try:
        return PurePath(path).relative_to(project).as_posix() if project and path else path
    except ValueError:
        return path


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """Head and tail of a long text; the mark between them holds no length, so that cutting twice is once."""
    if len(text) <= limit:
        return text
    room = limit - len(CUT)
    tail = room // 3
    return text[: room - tail] + CUT + text[len(text) - tail :]


def sealed(event: Event, redact: Redactor) -> tuple[Event, dict[str, int]]:
    """An event fit to be written: every text without secrets, then cut; and what was taken out."""
    counts: dict[str, int] = {}
    changed: dict[str, Any] = {}
    for name in _TEXTS[type(event)]:
        clean, found = redact(getattr(event, name))
        changed[name] = cut(clean)
        for kind, number in found.items():
            counts[kind] = counts.get(kind, 0) + number
    return replace(event, **changed), counts


_TEXTS: dict[type[Any], tuple[str, ...]] = {
    Prompt: ("text",),
    Generation: ("path", "text", "before"),
    Execution: ("command", "text", "about"),
    Reflection: ("text",),
    Compaction: ("text",),
    Note: ("text", "evidence"),
    SessionEnd: ("reason",),
}


def fix_chains(events: Sequence[Event]) -> list[FixChain]:
    """The chains in which a command failed, something was edited and a run of the same passed.

    A pass without an edit in between closes the failure without a chain: the run was merely repeated, or what
    edited is the failing command itself, or a formatter ran where a test had failed.
    """
    waiting: list[tuple[int, Execution]] = []
    chains: list[FixChain] = []
    for number, own in enumerate(unfold.each(events)):
        for run in own:
            told = [one for one in waiting if answers(run, one[1])]
            if not run.ok:
                waiting += [] if told else [(number, run)]
                del waiting[:-_WAITING]
                continue
            waiting = [one for one in waiting if one not in told]
            chains += [found for one in told if (found := _chain(events, *one, number))]
    return chains


def _chain(events: Sequence[Event], fail: int, run: Execution, passed: int) -> FixChain | None:
    name = runs.family(run.command)
    edits = [place for place in range(fail + 1, passed + 1) if _mends(events[place], events[fail], run, name)]
    return FixChain(fail, edits[0], passed, name) if edits and not name.startswith(_NO_FIX) else None


_NO_FIX = ("git push", "git rebase", "git merge", "docker ")
"""Families that pass for reasons outside of the code."""
_WAITING = 64
"""Failures that a pass is waited for; the oldest are given up, because each run is compared with all."""


def answers(run: Execution, failed: Execution) -> bool:
    """Whether a run tells what became of one that failed before (``runs.answers``)."""
    return runs.answers(run.command, run.ok, failed.command, failed.text)


def _mends(made: Event, failed: Event, run: Execution, name: str) -> bool:
    if isinstance(made, Execution) and isinstance(failed, Execution):
        return made.command != failed.command and editing.mends(made.command, name, run.text)
    return isinstance(made, Generation)


def _call(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any], object]:
    given = payload.get("tool_input")
    given = given if isinstance(given, dict) else {}
    return _text(payload.get("tool_name")), given, payload.get("tool_response")


def _generations(one: str, at: float, tool: str, given: dict[str, Any], project: str) -> list[Event]:
    path = _path(given, project)
    if tool == "MultiEdit" and isinstance(edits := given.get("edits"), list):
        pairs = [_pair(edit) for edit in edits if isinstance(edit, dict)]
    elif tool == "Write":
        pairs = [("", _text(given.get("content")))]
    elif tool == "NotebookEdit":
        pairs = [("", _text(given.get("new_source")))]
    else:
        pairs = [_pair(given)]
    ids = [one] if len(pairs) == 1 else [f"{one}.{n}" for n in range(1, len(pairs) + 1)]
    # a microsecond apart: readers sort by time, and the edits of one call have an order
    return [Generation(i, at + n * 1e-6, tool, path, new, old)
            for n, (i, (old, new)) in enumerate(zip(ids, pairs, strict=True))]  # fmt: skip


def _pair(edit: dict[str, Any]) -> tuple[str, str]:
    return _text(edit.get("old_string")), _text(edit.get("new_string"))


def _path(given: dict[str, Any], project: str) -> str:
    return within(_text(given.get("file_path") or given.get("notebook_path")), project)


def _unfinished(given: dict[str, Any], response: object, text: str) -> bool:
    if given.get("run_in_background") or text.startswith("Command running in background"):
        return True
    marks = response if isinstance(response, dict) else {}
    return bool(marks.get("interrupted") or marks.get("backgroundTaskId"))


def _about(given: Mapping[str, Any]) -> str:
    """What the agent said that a command is for."""
    return _text(given.get("description")).strip()


def _output(response: object) -> str:
    """What a command printed: the client gives an object, an older one plain text."""
    if isinstance(response, dict):
        return "\n".join(part for name in ("stdout", "stderr") if (part := _text(response.get(name))).strip())
    return _text(response)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
