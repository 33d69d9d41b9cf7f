"""A client that writes transcripts by hand."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


class Log:
    """Writes a transcript as the client does."""

    def __init__(self, path: Path, cwd: Path, session: str = "s1") -> None:
        self.path, self.cwd, self.session = path, cwd, session
        self._numbers = itertools.count()
        path.parent.mkdir(parents=True, exist_ok=True)

    def line(self, kind: str, content: Any, **more: Any) -> dict[str, Any]:
        number = next(self._numbers)
        stamp = f"2026-03-01T10:{number // 60:02}:{number % 60:02}.000Z"
        common = {"uuid": f"{self.session}-{number}", "timestamp": stamp, "sessionId": self.session}
        message = {"role": kind, "content": content}
        return {"type": kind, **common, "cwd": str(self.cwd), "message": message, **more}

    def write(self, *lines: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def says(self, text: str) -> None:
        self.write(self.line("assistant", [{"type": "text", "text": text}]))

    def asks(self, text: str) -> None:
        self.write(self.line("user", text))

    def runs(self, command: str, output: str, error: bool = False) -> None:
        self._tool("Bash", {"command": command}, output, error)

    def edits(self, path: str, old: str, new: str) -> None:
        given = {"file_path": str(self.cwd / path), "old_string": old, "new_string": new}
        self._tool("Edit", given, "updated", False)

    def _tool(self, name: str, given: dict[str, Any], output: str, error: bool) -> None:
        call = self.line("assistant", [{"type": "tool_use", "id": "toolu", "name": name, "input": given}])
        self.write(call)
        result = {"type": "tool_result", "tool_use_id": "toolu", "content": output, "is_error": error}
        self.write(self.line("user", [result]))

    def story(self) -> None:
        """A question, a failure, its reason, the fix, a pass: six events, one chain."""
        self.asks("Make the tests pass.")
        self.runs("pytest -q", "Exit code 1\n1 failed", error=True)
        self.says("The rounding is wrong.")
        self.edits("price.py", "floor", "round")
        self.runs("pytest -q", "4 passed")
        self.says("Green.")


@pytest.fixture
def make_log() -> Callable[..., Log]:
    """``make_log(path, cwd, session="s1")``."""
    return Log


@pytest.fixture
def log(tmp_path: Path, project: Path) -> Log:
    """The transcript of the session ``s1`` in the project."""
    return Log(tmp_path / "claude" / "-project" / "s1.jsonl", project)


@pytest.fixture
def past(log: Log) -> Path:
    """The folder where the client keeps its transcripts."""
    return log.path.parent


@pytest.fixture
def canary() -> Callable[[str], tuple[str, dict[str, int]]]:
    """A redactor that knows one secret: CANARY."""

    def redact(text: str) -> tuple[str, dict[str, int]]:
        found = text.count("CANARY")
        return text.replace("CANARY", "[redacted:canary]"), {"canary": found} if found else {}

    return redact
