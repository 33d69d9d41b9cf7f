"""Stage ``neighbours``: decoding while other programs spin, with the launcher's environment and torch's own.

Every measurement is a process of its own; the two environments take turns, so that both see the same machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rune import app, config
from rune.bench.serve import alone
from rune.bench.serve.scene import ratio
from rune.bench.stage import fresh, say

ROUNDS, STEPS = 3, 60
KEYS = ("busy_step_slowdown", "busy_step_slowdown_torch", "busy_step_over_torch", "idle_step_over_torch")


def run(folder: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Step times without neighbours, and with one for each core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    ways = {"ours": app.threading(config.ModelConfig(), os.environ), "torch": dict(os.environ)}
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for spinning in (0, cores):
            with spinners(spinning):
                for way, environment in ways.items():
                    times = json.loads(fresh(alone.__name__, ["steps", str(folder), str(STEPS)], environment))
                    found.setdefault((way, spinning), []).append(statistics.median(times))
    rows = [
        {
            "stage": "neighbours",
            "way": way,
            "spinning": spinning,
            "step_ms": [round(t * 1e3, 2) for t in times],
        }
        for (way, spinning), times in found.items()
    ]
    for row in rows:
        say(f"{row['way']}, {row['spinning']} spinning: {row['step_ms']} ms a step")
    ours, theirs = ({n: found[way, n] for n in (0, cores)} for way in ("ours", "torch"))
    return {
        "busy_step_slowdown": ratio(ours[cores], ours[0]),
        "busy_step_slowdown_torch": ratio(theirs[cores], theirs[0]),
        "busy_step_over_torch": ratio(ours[cores], theirs[cores]),
        "idle_step_over_torch": ratio(ours[0], theirs[0]),
    }, rows


@contextmanager
def spinners(count: int) -> Iterator[None]:
    """So many processes that do nothing as fast as they can."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()
