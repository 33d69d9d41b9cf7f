"""The client's transcript format: one JSONL file per session, read line by line into events.

Covered: two objects on one line, a torn last line, damaged lines, content that is a string or a list, results
that are an object or a string, line types that say nothing (progress, snapshots, summaries, queue
operations), subagents, refusals, failures behind ``| tail``, compactions, meta lines, local commands,
reminders, ids and texts that hold ``REDACTED``.
Not covered: what subagents did where only ``progress`` lines tell of it; a forked session repeats the events
of its origin under its own id.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rune import events, paths
from rune.records.trajectory import Compaction, Event, Execution, Prompt, Reflection

_DECODER = json.JSONDecoder()
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.S)
_NO_OUTPUT = re.compile(r"\s*\((?:Bash completed with )?no (?:output|content)\)\s*", re.I)


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a transcript, still as it was said."""

    session: str
    cwd: str
    event: Event
    agent: str = ""


class Transcript:
    """One file of the client, read line by line; what is read is not kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Where to read on: behind the last whole line."""
        self.problems: list[str] = []
        self.sessions: set[str] = set()
        self._calls: dict[str, tuple[str, object]] = {}
        self._seen: set[str] = set()
        self._roots: dict[str, str] = {}
        self._agents: dict[str, str] = {}
        self._session, self._cwd = path.stem, ""
        self._stamp, self._ties = 0.0, 0
        self._troubled = False
        """The last run failed."""
        self._thought: list[Event] = []

    def steps(self, start: int = 0) -> Iterator[Step]:
        """The events from an offset on, in the order of the file."""
        with self.path.open("rb") as file:
            file.seek(start)
            self.offset = start
            for number, line in enumerate(file, 1):
                parsed, whole = _objects(line)
                if not whole and not line.endswith(b"\n"):
                    return  # the client is still writing it
                if not whole:
                    self.problems.append(f"{self.path}:{number}: JSON ends after {len(parsed)} objects")
                self.offset += len(line)
                for value in parsed:
                    yield from self._steps(value)

    def _steps(self, line: dict[str, Any]) -> Iterator[Step]:
        self._session = _str(line.get("sessionId")) or self._session
        self._cwd = _str(line.get("cwd")) or self._cwd
        kind, identity = line.get("type"), _identity(line)
        compacted = kind == "system" and line.get("subtype") == "compact_boundary"
        if not (compacted or (kind in ("user", "assistant") and isinstance(line.get("message"), dict))):
            return
        if identity in self._seen:
            return
        self._seen.add(identity)
        self.sessions.add(self._session)
        at = self._time(line)
        if compacted:
            made: Iterator[Event] = iter([Compaction(identity, at, _trigger(line))])
        else:
            made = self._said(line, identity, at) if kind == "assistant" else self._given(line, identity, at)
        agent = self._agent(line)
        for event in made:
            yield Step(self._session, self._cwd, event, agent)

    def _said(self, line: dict[str, Any], identity: str, at: float) -> Iterator[Event]:
        """The agent's words; its tool calls wait for their results.

        After a failed run many an agent acts without a word: then what it thought is its diagnosis.
        """
        message = line["message"]
        if line.get("isApiErrorMessage"):
            yield events.broken_off(identity, at, _flat(message.get("content")))
        if line.get("isApiErrorMessage") or message.get("model") == "<synthetic>":
            return
        for number, block in enumerate(_blocks(message)):
            kind = block.get("type")
            words = _str(block.get(kind)).strip() if kind in ("text", "thinking") else ""
            said = Reflection(_numbered(identity, number), at + number * 1e-6, words, self._agent(line))
            if kind == "tool_use":
                self._calls[_str(block.get("id"))] = _str(block.get("name")), block.get("input")
                yield from self._thought
                self._thought = []
            elif kind == "thinking" and words and self._troubled:
                self._thought = [said]
            elif kind == "text" and words and not _NO_OUTPUT.fullmatch(words):
                self._thought = []
                yield said

    def _given(self, line: dict[str, Any], identity: str, at: float) -> Iterator[Event]:
        """What came back to the agent: results of tools, or what a person typed."""
        blocks = _blocks(line["message"])
        results = sum(block.get("type") == "tool_result" for block in blocks)
        outcome = line.get("toolUseResult") if results == 1 else None
        for number, block in enumerate(blocks):
            if block.get("type") == "tool_result":
                yield from self._result(block, outcome, _numbered(identity, number), at + number * 1e-6)
        if line.get("isMeta") or line.get("isSidechain") or line.get("isCompactSummary"):
            return
        typed = (events.prompt(block.get("text")) for block in blocks if block.get("type") == "text")
        if text := "\n".join(filter(None, typed)):
            yield Prompt(identity, at, text)

    def _result(self, block: dict[str, Any], outcome: object, one: str, at: float) -> Iterator[Event]:
        tool, given = self._calls.pop(_str(block.get("tool_use_id")), ("", None))
        text = _flat(block.get("content"))
        payload = {"tool_name": tool, "tool_input": given, "error": text}
        root = self._root()
        if block.get("is_error"):
            made = events.failed(one, at, payload, root)
        else:
            response = outcome if isinstance(outcome, dict) else _NO_OUTPUT.sub("", text)
            made = events.ran(one, at, payload | {"tool_response": response}, root)
        for event in made:
            self._troubled = not event.ok if isinstance(event, Execution) else self._troubled
        yield from made

    def _agent(self, line: dict[str, Any]) -> str:
        """Which subagent a line is of, by its type where a line told it; empty for the main agent."""
        if not line.get("isSidechain"):
            return ""
        one = _str(line.get("agentId")) or "subagent"
        self._agents[one] = _str(line.get("attributionAgent")) or self._agents.get(one, one)
        return self._agents[one]

    def _root(self) -> str:
        """The project that paths are relative to: that of the session's first folder."""
        if self._session not in self._roots:
            cwd = Path(self._cwd or "/")
            self._roots[self._session] = str(paths.project_root(cwd)) if cwd.is_dir() else self._cwd
        return self._roots[self._session]

    def _time(self, line: dict[str, Any]) -> float:
        """The line's time; lines of the same instant keep the order of the file by a microsecond."""
        try:
            stamp = datetime.fromisoformat(_str(line.get("timestamp"))).timestamp()
        except ValueError:
            stamp = self._stamp
        self._ties = self._ties + 1 if stamp == self._stamp else 0
        self._stamp = stamp
        return stamp + self._ties * 1e-6


def _objects(line: bytes) -> tuple[list[dict[str, Any]], bool]:
    """The JSON objects on a line, and whether that was all of it."""
    rest = line.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    found: list[dict[str, Any]] = []
    while rest:
        try:
            value, end = _DECODER.raw_decode(rest)
        except (ValueError, RecursionError):
            return found, False
        found += [value] if isinstance(value, dict) else []
        rest = rest[end:].lstrip()
    return found, True


def _identity(line: dict[str, Any]) -> str:
    """``t-<uuid>``; a line whose uuid is missing or was masked is known by its content."""
    uuid = _str(line.get("uuid"))
    if not uuid or "REDACTED" in uuid:
        uuid = hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()[:16]
    return f"t-{uuid}"


def _numbered(identity: str, number: int) -> str:
    return f"{identity}.{number}" if number else identity


def _trigger(line: dict[str, Any]) -> str:
    details = line.get("compactMetadata")
    return _str(details.get("trigger")) if isinstance(details, dict) else ""


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _flat(content: object) -> str:
    """The text of a tool's result, which is a string or a list of blocks."""
    texts = [_str(block.get("text")) for block in _blocks({"content": content})]
    return _REMINDER.sub("", "\n".join(filter(None, texts)))


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""
