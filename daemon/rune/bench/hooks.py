"""What a hook costs: every event through the real script, each beside an interpreter that does nothing.

The bar counts typical payloads (up to 20 kB); 200 kB rows are reported beside them. All processes run the
real interpreter behind ``python3``: a version manager's wrapper would hide the hook in its own cost. Load
of the machine hits the worst of many p95 harder than the one of the floor: measure on an idle one.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rune.errors import SetupError
from rune.paths import Home

ROOT = Path(__file__).parents[3]
TYPICAL = 20_000
"""Bytes of tool output up to which a payload counts as typical."""
SIZES = {"small": 600, "20 kB": TYPICAL, "200 kB": 200_000}
FLOOR = "empty interpreter"
COMMON = {"session_id": "bench", "transcript_path": "/home/me/.claude/projects/x/y.jsonl", "cwd": str(ROOT)}


def run(runs: int = 40, seed: int = 0) -> dict[str, Any]:
    """Milliseconds at p50 and p95 of each event and size; the worst typical p95 over the floor's p95."""
    script = ROOT / "hooks" / "emit.py"
    if not script.exists():
        raise SetupError(f"expected the hooks at {script}, found none: run this from a checkout of Rune")
    cases = _cases(random.Random(seed))
    with tempfile.TemporaryDirectory(prefix="rune-bench-") as folder:
        home = Home(Path(folder))
        with _listening(home):
            times = _measure(_interpreter(), script, home, cases, runs)
    rows = [_row(name, size, times[name]) for name, size, _ in cases]
    floor = _row(FLOOR, 0, times[FLOOR])
    worst = max((row for row in rows if row["bytes"] <= 2 * TYPICAL), key=_p95)
    large = max((row for row in rows if row["bytes"] > 2 * TYPICAL), key=_p95)
    summary = {
        "p95_over_floor": round(worst["p95_ms"] / floor["p95_ms"], 2),
        "p95_ms": worst["p95_ms"],
        "p50_ms": worst["p50_ms"],
        "floor_p95_ms": floor["p95_ms"],
        "floor_p50_ms": floor["p50_ms"],
        "large_p95_over_floor": round(large["p95_ms"] / floor["p95_ms"], 2),
        "large_p95_ms": large["p95_ms"],
        "runs": runs,
    }
    return {"summary": summary, "rows": [floor, *rows]}


def _cases(dice: random.Random) -> list[tuple[str, int, bytes]]:
    """Name, size and bytes on stdin of every case."""
    made: list[tuple[str, dict[str, Any]]] = [
        ("SessionStart", {"source": "startup"}),
        ("UserPromptSubmit", {"prompt": _prose(dice, SIZES["small"])}),
        ("UserPromptExpansion", {"command_name": "review", "command_args": "", "prompt": "/review"}),
        ("Stop", {"stop_hook_active": False, "last_assistant_message": _prose(dice, SIZES["small"])}),
        ("SubagentStop", {"stop_hook_active": False, "last_assistant_message": _prose(dice, SIZES["small"])}),
        ("PreCompact", {"trigger": "auto", "custom_instructions": ""}),
        ("SessionEnd", {"reason": "other"}),
    ]
    for label, size in SIZES.items():
        made += [
            (f"PostToolUse Bash, {label}", _bash(_output(dice, size))),
            (f"PostToolUse Write, {label}", _write(_source(dice, size))),
            (f"PostToolUseFailure, {label}", {**_bash(""), "error": "Exit code 1\n" + _output(dice, size)}),
        ]
    secret = f"{_output(dice, 2000)}\nexport AWS_ACCESS_KEY_ID=AKIA{'Q7' * 8}\nDB_PASSWORD=hunter2\n"
    made.append(("PostToolUse Bash, with secrets", _bash(secret)))
    cases = []
    for name, fields in made:
        event = name.split(",")[0].split()[0]
        raw = json.dumps({**COMMON, "hook_event_name": event, **fields}).encode()
        cases.append((name, len(raw), raw))
    return cases


def _bash(stdout: str) -> dict[str, Any]:
    response = {"stdout": stdout, "stderr": "", "interrupted": False, "isImage": False}
    return {"tool_name": "Bash", "tool_input": {"command": "pytest -q"}, "tool_response": response}


def _write(content: str) -> dict[str, Any]:
    path = str(ROOT / "made.py")
    response = {"type": "create", "filePath": path, "content": content[: len(content) // 2]}
    given = {"file_path": path, "content": content[len(content) // 2 :]}
    return {"tool_name": "Write", "tool_input": given, "tool_response": response}


def _source(dice: random.Random, size: int) -> str:
    """Code as it is: Rune's own files in random order, less those about secrets, repeated up to the size."""
    files = sorted(path for path in (ROOT / "daemon").rglob("*.py") if path.parent.name != "redact")
    dice.shuffle(files)
    text = "\n".join(path.read_text("utf-8") for path in files)
    return (text * (size // len(text) + 1))[:size]


def _output(dice: random.Random, size: int) -> str:
    """Test output: passes, tracebacks and paths."""
    names = ("parse", "token", "decode", "session", "retry", "render", "auth", "index", "merge", "keyboard")
    text = ""
    while len(text) < size:
        name, number = dice.choice(names), dice.randrange(100)
        text += f"tests/test_{name}.py::test_{name}_{number} PASSED [{number:3}%]\n"
        text += f'  File "/home/me/app/{name}.py", line {number}, in {name}_value\n'
    return text[:size]


def _prose(dice: random.Random, size: int) -> str:
    words = ["the", "parser", "drops", "a", "header", "when", "its", "value", "is", "empty", "so", "it"]
    return " ".join(dice.choice(words) for _ in range(size // 5))[:size]


def _listening(home: Home) -> socket.socket:
    """A daemon's socket and launch file: what SessionStart finds on a machine that is set up."""
    home.socket.parent.mkdir(parents=True)
    home.launch.write_text(json.dumps({"v": 1, "argv": [sys.executable, "-m", "rune"]}), "utf-8")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(home.socket))
    server.listen(4096)
    return server


def _interpreter() -> str:
    """The program behind ``python3``."""
    python = shutil.which("python3") or sys.executable
    asked = [python, "-c", "import sys; print(sys.executable)"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() or python


def _measure(
    python: str, script: Path, home: Home, cases: list[tuple[str, int, bytes]], runs: int
) -> dict[str, list[float]]:
    environment = {**os.environ, "RUNE_HOME": str(home.root)}
    times: dict[str, list[float]] = {FLOOR: [], **{name: [] for name, _, _ in cases}}
    for turn in range(-1, runs):  # the first turn warms caches and is thrown away
        for name, _, raw in cases:
            floor = _once([python, "-S", "-E", "-c", "pass"], b"", environment)
            hook = _once([python, "-S", "-E", str(script)], raw, environment)
            if turn >= 0:
                times[FLOOR].append(floor)
                times[name].append(hook)
    return times


def _once(command: list[str], raw: bytes, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, input=raw, capture_output=True, env=environment, check=False)
    milliseconds = (time.perf_counter() - begun) * 1000
    if done.returncode or done.stdout or done.stderr:
        raise SetupError(f"expected {command[-1]} to end with 0 and no output, found {done!r}")
    return milliseconds


def _row(name: str, size: int, times: list[float]) -> dict[str, Any]:
    ordered = sorted(times)
    p50, p95 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95))
    return {"event": name, "bytes": size, "p50_ms": round(p50, 2), "p95_ms": round(p95, 2)}


def _p95(row: dict[str, Any]) -> float:
    return float(row["p95_ms"])
