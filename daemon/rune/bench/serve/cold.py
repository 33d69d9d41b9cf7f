"""Stage ``cold``: from the start of a process to the first token of an answer with an adapter.

Beside it the same by transformers and PEFT. Each is a fresh process; the files are in the page cache, because
the first round is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
from pathlib import Path
from typing import Any

from rune import app, config
from rune.bench.serve import alone
from rune.bench.serve.scene import ALL, Scene, ratio
from rune.bench.stage import fresh, say

ROUNDS = 5
KEYS = ("cold_start_seconds", "cold_start_peft_seconds", "cold_start_over_peft")


def run(scene: Scene, folder: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Both in turns."""
    (adapter,) = scene.adapters("cold", 1, ALL)
    environment = app.threading(config.ModelConfig(), os.environ)
    times: dict[str, list[float]] = {"engine": [], "peft": []}
    for turn in range(ROUNDS + 1):
        for way, found in times.items():
            said = fresh(alone.__name__, [way, str(folder), adapter.folder], environment)
            seconds = float(json.loads(said))
            if turn:
                found.append(seconds)
        say(f"cold start {turn}: " + ", ".join(f"{way} {found[-1:]}" for way, found in times.items()))
    return {
        "cold_start_seconds": round(statistics.median(times["engine"]), 3),
        "cold_start_peft_seconds": round(statistics.median(times["peft"]), 3),
        "cold_start_over_peft": ratio(times["engine"], times["peft"]),
    }, [
        {"stage": "cold", "way": way, "seconds": [round(one, 3) for one in found]}
        for way, found in times.items()
    ]
