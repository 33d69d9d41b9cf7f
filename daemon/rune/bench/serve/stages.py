"""The stages in their order; each can be run alone, and the result file keeps what the others found."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from rune import config, files, paths
from rune.bench import results
from rune.bench.serve import against_vllm, busy, cold, identical, load, mixed, neighbours, registry, swap
from rune.bench.serve.scene import SEED, Scene
from rune.errors import ConfigError
from rune.ml import base
from rune.records import model

STAGES = ("mixed", "swap", "registry", "identical", "busy", "within", "neighbours", "cold", "load")
VLLM = "vllm"
"""A stage of its own: it needs another environment."""
KEYS = (
    *mixed.KEYS, *swap.KEYS, *registry.KEYS, *identical.KEYS, *busy.KEYS, *neighbours.KEYS,
    *cold.KEYS, *load.KEYS, *against_vllm.KEYS,
)  # fmt: skip

Found = tuple[dict[str, float], list[dict[str, Any]]]


def run(only: str | None, minutes: float, python: Path) -> None:
    """Run the stages, or one of them; the result file is written after each.

    Args:
        only: the one.
        minutes: of the stage load.
        python: of the environment that has vLLM, for the stage vllm.

    Raises:
        ConfigError: there is no such stage.
    """
    if only and only not in (*STAGES, VLLM):
        raise ConfigError(f"--only: expected one of {', '.join(STAGES)}, {VLLM}; found {only!r}")
    home = paths.home()
    settings = config.load(home.config).model
    folder = model.locate(home, settings.base)
    scene = Scene(
        base.resident(home, settings),
        Path(tempfile.mkdtemp(prefix="rune-serve-")).resolve(),
    )
    doing: dict[str, Callable[[], Found]] = {
        "mixed": lambda: mixed.run(scene, folder),
        "swap": lambda: swap.run(scene, folder),
        "registry": lambda: registry.run(scene, SEED),
        "identical": lambda: identical.run(scene, SEED),
        **{stage: partial(busy.run, stage) for stage in busy.WAYS},
        "neighbours": lambda: neighbours.run(folder),
        "cold": lambda: cold.run(scene, folder, cold.original(scene.folder, settings.base)),
        "load": lambda: load.run(scene, minutes, SEED),
        VLLM: lambda: against_vllm.run(scene, folder, python),
    }
    try:
        for stage in (only,) if only else STAGES:
            write(stage, doing[stage](), scene.base.name)
    finally:
        files.remove_folder(scene.folder)


def write(stage: str, found: Found, base_name: str) -> None:
    """Put a stage's figures in the place of its older ones."""
    path = results.path("serve")
    old = json.loads(path.read_text("utf-8")) if path.exists() else {"summary": {}, "rows": []}
    summary = {**dict.fromkeys(KEYS), **old["summary"], **found[0]}
    rows = [row for row in old["rows"] if row.get("stage") != stage] + [
        {**row, "threads": torch.get_num_threads()} for row in found[1]
    ]
    results.write("serve", {"base": base_name, "summary": summary, "rows": rows}, SEED)
