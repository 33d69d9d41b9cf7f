"""The real Claude Code client, installed once from npm at a pinned version and run in a clean environment.

Covered: Linux and macOS, every call with a private HOME and RUNE_HOME and no traffic but to loopback.
Not covered: the interactive screen; everything here is ``claude -p`` and ``claude plugin``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import psutil
from tests.client.scripted_api import Reply, Request, ScriptedApi, Turn

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
RECALL = "mcp__plugin_rune_rune__rune_recall"
SECONDS = 120
"""Longer than any session of these tests takes on a busy machine; a hung client is an error, not a wait."""


class ClientUnavailable(Exception):
    """The client cannot be installed here; the message says why."""


def install(cache: Path) -> Path:
    """Bring the pinned client into the cache unless it is there, and return its native program.

    Raises:
        ClientUnavailable: npm is missing, or the registry did not deliver.
    """
    package = json.loads((HERE / "package.json").read_text("utf-8"))
    folder = cache / package["dependencies"]["@anthropic-ai/claude-code"]
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(cache / "install.lock"):
        return _runnable(folder) or _npm_ci(folder)


def _npm_ci(folder: Path) -> Path:
    """Install from the lock file without running the package's scripts: the native program needs none."""
    npm = shutil.which("npm")
    if npm is None:
        raise ClientUnavailable("npm is missing: the real client's tests need it")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    program = _runnable(folder)
    if done.returncode or program is None:
        raise ClientUnavailable(f"npm could not install the pinned client: {done.stderr.strip()[-400:]}")
    return program


def _runnable(folder: Path) -> Path | None:
    """The platform package's program that answers here; libc variants are told apart by trying."""
    for program in sorted(folder.glob("node_modules/@anthropic-ai/claude-code-*/claude")):
        try:
            subprocess.run([program, "--version"], capture_output=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        return program
    return None


@dataclass(frozen=True, slots=True)
class ClientResult:
    """What one ``claude -p`` did."""

    pid: int
    returncode: int
    output: dict[str, Any]
    """The ``--output-format json`` answer; empty when the client died before it."""
    requests: list[Request]
    stderr: str

    def tool_results(self) -> list[str]:
        """Every tool result that reached the model, as the last request carries them."""
        return self.requests[-1].tool_results() if self.requests else []


@dataclass(frozen=True, slots=True)
class Client:
    """A client with a home of its own."""

    program: Path
    home: Path
    rune_home: Path

    def run(
        self,
        prompt: str,
        turns: Sequence[Turn | Reply],
        *,
        cwd: Path,
        plugins: Sequence[Path] = (REPOSITORY,),
        env: Mapping[str, str] | None = None,
        extra_args: Sequence[str] = (),
    ) -> ClientResult:
        """Run one session to its end: the model says what the script says, all else is real."""
        command = [str(self.program), "-p", prompt, "--output-format", "json"]
        command += ["--permission-mode", "acceptEdits", "--allowedTools", "Bash(*),mcp__plugin_rune_rune"]
        for plugin in plugins:
            command += ["--plugin-dir", str(plugin)]
        with ScriptedApi(turns) as api:
            process = subprocess.Popen(
                [*command, *extra_args], cwd=cwd, text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**self.environment(), "ANTHROPIC_BASE_URL": api.url, **(env or {})},
            )  # fmt: skip
            try:
                out, err = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise
        return ClientResult(process.pid, process.returncode, json.loads(out or "{}"), api.requests, err)

    def command(self, *arguments: str, cwd: Path) -> str:
        """Run a subcommand such as ``plugin validate``; its output, or an error with everything it said."""
        done = subprocess.run(
            [str(self.program), *arguments], cwd=cwd, env=self.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"claude {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Nothing of the person's own settings: a private home, no updates, no traffic."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "RUNE_HOME": str(self.rune_home),
            "ANTHROPIC_API_KEY": "local",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "IS_SANDBOX": "1",
        }

    def processes(self) -> list[psutil.Process]:
        """What runs with this RUNE_HOME: daemon, worker, MCP server."""
        mine = str(self.rune_home)
        return [
            process
            for process in psutil.process_iter(["environ"])
            if (process.info["environ"] or {}).get("RUNE_HOME") == mine
        ]

    def stop(self) -> None:
        """End whatever a session left behind, politely first."""
        left = self.processes()
        for act in (psutil.Process.terminate, psutil.Process.kill):
            for process in left:
                try:
                    act(process)
                except psutil.NoSuchProcess:
                    continue
            _, left = psutil.wait_procs(left, timeout=10)
