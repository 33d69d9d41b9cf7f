"""A stage for benchmarks and the demo: a home and projects of their own, where recorded sessions are played.

A transcript of the client becomes the payloads that the client would have handed to the hooks, and each
goes through the real hook script in a process of its own. From there on everything is as in a live session.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from rune import app, client, files
from rune.errors import DaemonUnavailable, NotSetUp, RuneError
from rune.library import Library
from rune.paths import Echoes, Home
from rune.records import job as journal
from rune.records import launch
from rune.records.card import Card
from rune.records.job import Job
from rune.records.message import Done, Health, Message, Status, Stop

ROOT = Path(__file__).parents[3]
HOOK = ROOT / "hooks" / "emit.py"


class Stage:
    """A RUNE_HOME of its own whose models, and settings where given, are those of the real one."""

    def __init__(self, folder: Path, models: Path, settings: Path | None = None) -> None:
        if not HOOK.is_file():
            raise NotSetUp(f"expected the hooks in {HOOK.parent}: run this from a checkout of the repository")
        self.folder = folder
        self.home = Home(folder / "home")
        files.private_folder(self.home.root)
        (self.home.root / "models").symlink_to(models)
        if settings and settings.is_file():
            files.replace(self.home.config, settings.read_bytes())
        launch.write(self.home.launch, launch.Launch(app.RUNE))
        self._played = False

    @property
    def environment(self) -> dict[str, str]:
        """The environment of hooks and daemon: this stage's home."""
        return {**os.environ, "RUNE_HOME": str(self.home.root)}

    def project(self, name: str) -> Path:
        """An empty project with a repository of its own."""
        made = self.folder / name
        (made / ".git").mkdir(parents=True)
        return made

    def play(self, transcript: Path, project: Path) -> str:
        """Send a recorded session through the real hooks; returns its session id."""
        session, self._played = "", True
        for payload in payloads(transcript, project, self.folder / "transcripts" / transcript.name):
            session = payload["session_id"]
            subprocess.run(
                ["python3", "-S", "-E", str(HOOK)], input=json.dumps(payload).encode(),
                cwd=project, check=True, env={**self.environment, "CLAUDE_PROJECT_DIR": str(project)},
            )  # fmt: skip
        return session

    def wait_for_adapter(
        self, project: Path, session: str, tell: Callable[[str], None], timeout: float = 600.0
    ) -> Card:
        """Wait until the session's adapter is there; ``tell`` gets the daemon's progress.

        Raises:
            RuneError: its job is over without an adapter.
            DaemonUnavailable: it did not appear in time; the daemon's last error is named.
        """
        library = Library(Echoes(project), time.time)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            job = self.job(project, session)  # looked at first: what it made is on disk before it is over
            if found := [card for card in library.cards(include_archived=True) if card.session == session]:
                return found[0]
            if job and job.state in ("done", "failed"):
                why = job.reason or "there was nothing to learn in it"
                raise RuneError(f"session {session} did not become an adapter: {why}")
            tell(self.health().job if client.running(self.home.socket) else "")
            time.sleep(0.5)
        raise DaemonUnavailable(
            f"no adapter of session {session} after {timeout:.0f} s: "
            f"{self.health().last_error or 'no error is known'}"
        )

    def job(self, project: Path, session: str) -> Job | None:
        """The newest job of a session in the journal."""
        found = [one for one in journal.read(self.home.jobs).jobs.values() if one.project == str(project)]
        return next((one for one in reversed(found) if one.session == session), None)

    def health(self) -> Health:
        """The daemon's state."""
        answer = self.ask(Status(), 10.0)
        assert isinstance(answer, Health)
        return answer

    def ask(self, request: Message, timeout: float = 120.0) -> Message:
        """One call to the stage's daemon."""
        return client.call(self.home.socket, request, timeout)  # type: ignore[arg-type]

    def start(self) -> None:
        """Start the daemon if none runs; hooks do it by themselves."""
        starting = [*app.RUNE, "daemon", "start"]
        subprocess.run(starting, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def close(self) -> None:
        """Send the daemon away and wait until its process is gone: it closes its socket before its worker.

        One that a hook has started may not have got so far: then it is waited for, or it would stay.
        """
        if self._played and not client.running(self.home.socket):
            self.start()
        self._played = False
        if client.running(self.home.socket):
            pid = self.health().pid
            assert isinstance(self.ask(Stop()), Done)
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).wait(20)


def payloads(transcript: Path, project: Path, retold: Path) -> Iterator[dict[str, Any]]:
    """What the client would have given to its hooks in this session, in order, told of ``project``.

    As the client does, it writes the session's transcript while the session goes on: ``retold`` gets every
    line with the time of now, so that the agent's words fall between the hooks' events as when recorded.

    Raises:
        RuneError: the file holds no session.
    """
    calls: dict[str, dict[str, Any]] = {}
    common: dict[str, Any] = {}
    last = ""
    for line in _lines(transcript, project):
        files.append(retold, {**line, "timestamp": datetime.now(UTC).isoformat()})
        if not common:
            common = {
                "session_id": line["sessionId"],
                "transcript_path": str(retold),
                "cwd": str(project),
            }
            yield {**common, "hook_event_name": "SessionStart", "source": "startup"}
        for block in _blocks(line["message"].get("content")):
            match block.get("type"):
                case "text" if line["type"] == "user":
                    yield {**common, "hook_event_name": "UserPromptSubmit", "prompt": block["text"]}
                case "text":
                    last = block["text"]
                case "tool_use":
                    calls[block["id"]] = block
                case "tool_result" if block["tool_use_id"] in calls:
                    yield {**common, **_result(calls[block["tool_use_id"]], block, line.get("toolUseResult"))}
    if not common:
        raise RuneError(f"{transcript}: expected a session of the client, found no prompt in it")
    yield {**common, "hook_event_name": "Stop", "stop_hook_active": False, "last_assistant_message": last}
    yield {**common, "hook_event_name": "SessionEnd", "reason": "other"}


def _lines(transcript: Path, project: Path) -> Iterator[dict[str, Any]]:
    """The session's lines, its folder's path replaced by the stage's project."""
    text = transcript.read_text("utf-8")
    if cwd := re.search(r'"cwd":\s*"([^"]+)"', text):
        text = text.replace(cwd[1], json.dumps(str(project))[1:-1])
    for raw in text.splitlines():
        line = json.loads(raw) if raw.strip() else {}
        if (
            line.get("type") in ("user", "assistant")
            and not line.get("isMeta")
            and not line.get("isSidechain")
        ):
            yield line


def _blocks(content: Any) -> list[dict[str, Any]]:
    return (
        [{"type": "text", "text": content}]
        if isinstance(content, str)
        else [b for b in content or [] if isinstance(b, dict)]
    )


def _result(call: dict[str, Any], block: dict[str, Any], response: Any) -> dict[str, Any]:
    content = block.get("content")
    text = content if isinstance(content, str) else "\n".join(b.get("text", "") for b in _blocks(content))
    common = {"tool_name": call["name"], "tool_input": call["input"], "tool_use_id": call["id"]}
    if block.get("is_error"):
        return {**common, "hook_event_name": "PostToolUseFailure", "error": text, "is_interrupt": False}
    return {
        **common,
        "hook_event_name": "PostToolUse",
        "tool_response": response if isinstance(response, dict) else {"stdout": text},
    }


def models_of(home: Home) -> Path:
    """The models folder of a home where ``rune setup`` has run.

    Raises:
        NotSetUp: it has not.
    """
    if not any(home.models.glob("*/config.json")):
        raise NotSetUp(f"no models in {home.models}; run `rune setup` first")
    return home.models.resolve()


def say(text: str) -> None:
    """Progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def fresh(
    module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None, excused: str = ""
) -> str:
    """The last line that a module says, run in a process of its own.

    Args:
        module: by its dotted name.
        arguments: of the command.
        environment: of the process; None: this one's.
        excused: a failure whose last line on stderr begins with this is an answer, too: that line.

    Raises:
        RuneError: it failed otherwise.
    """
    asked = [sys.executable, "-P", "-m", module, *arguments]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env=environment)
    if not done.returncode:
        return done.stdout.splitlines()[-1]
    said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    if excused and said.startswith(excused):
        return said
    raise RuneError(f"{' '.join(asked)}: {said}: run it by hand")
