"""``rune bench base``: the memory that the base takes as float32, bfloat16 and NF4, measured, never quoted.

Each way is loaded in a process of its own, on the configured device, with everything imported before the
first measurement. ``weights_mb`` sums the tensors that are really there (scales of quantised layers with
them); ``rss_mb`` is how much the resident set has grown once a question was answered and freed memory given
back, so that weights which are mapped from their file have been touched. All in MiB.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from rune import config, paths
from rune.bench.stage import fresh, say
from rune.config import ModelConfig
from rune.errors import RuneError
from rune.records import model

WAYS = {"fp32": ("float32", "none"), "bf16": ("bfloat16", "none"), "nf4": ("auto", "nf4")}
"""Precision and quantisation, as config.toml has them."""
CANNOT = "cannot: "
"""How a process says on stderr that the machine has no such way."""
QUESTION = "Which command runs the tests of the ledger?"


def run() -> dict[str, Any]:
    """Load the configured base in every way; the result in the form of a result file."""
    home = paths.home()
    chosen = config.load(home.config).model
    folder = model.locate(home, chosen.base)
    rows = [_asked(folder, way, chosen.device) for way in WAYS]
    summary: dict[str, float] = {}
    for key, part in (("base_mb", "weights_mb"), ("base_rss_mb", "rss_mb"), ("base_gpu_mb", "gpu_mb")):
        summary |= {f"{key}_{row['way']}": row[part] for row in rows if part in row}
    return {"base": folder.name, "summary": summary, "rows": rows}


def _asked(folder: Path, way: str, device: str) -> dict[str, Any]:
    """The row of one way, from a fresh process; why there is none where it cannot be."""
    say(f"loading {folder.name} as {way}")
    said = fresh("rune.bench.base", [str(folder), way, device], excused=CANNOT)
    if said.startswith(CANNOT):
        return {"way": way, "cannot": said.removeprefix(CANNOT)}
    row: dict[str, Any] = json.loads(said)
    return row


def measure(folder: Path, way: str, device: str) -> dict[str, Any]:
    """Load the base in this process and weigh it."""
    from rune.ml import base, gradient, quantize  # noqa: PLC0415 - this process alone has tensors
    from rune.ml.engine import Engine  # noqa: PLC0415

    before = _resident_mb()
    began = time.monotonic()
    precision, kept = WAYS[way]
    loaded = base.load(folder, "", ModelConfig(precision=precision, quantize=kept, device=device))
    seconds = time.monotonic() - began
    Engine(loaded).answer(QUESTION, None, 8)
    gradient.give_back()
    row = {
        "way": way, "dtype": str(loaded.dtype).removeprefix("torch."), "device": loaded.device.type,
        "weights_mb": _mb(quantize.weight_bytes(loaded.model)), "rss_mb": round(_resident_mb() - before, 1),
        "load_seconds": round(seconds, 2),
    }  # fmt: skip
    if loaded.device.type == "cuda":
        row["gpu_mb"] = _mb(quantize.gpu_bytes())
    return row


def _resident_mb() -> float:
    return psutil.Process(os.getpid()).memory_info().rss / 2**20


def _mb(size: int) -> float:
    return round(size / 2**20, 1)


if __name__ == "__main__":
    try:
        print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
    except RuneError as error:
        sys.exit(f"{CANNOT}{error}")
