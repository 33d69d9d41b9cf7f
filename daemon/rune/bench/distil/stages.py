"""The stages of ``rune bench distil``, in their order, and the result file out of what they have left."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rune import config, files
from rune.bench import results
from rune.bench.distil import answers, calibrate, equal, figures, growth, naive, pieces, served, small, train
from rune.bench.distil.scene import SEED, Scene, parts, scene
from rune.errors import RuneError

STAGES = ("train", "answers", "naive", "equal", "served", "growth", "small")
CALIBRATE = "calibrate"
"""A stage of its own, with a result file of its own; it asks about development sessions in any split."""
RESULT = "result"


def run(data: Path, folder: Path | None, wanted: int, split: str, only: str | None) -> None:
    """Run the stages, or one of them; the result file is written after all of them, or by ``only`` result."""
    name = "distil" if split == "heldout" else f"distil-{split}"
    made = scene(data, folder or results.ROOT / "build" / f"bench-{name}", wanted, split)
    check_kind(made)
    made.work.say(f"{len(made.probed)} sessions, {len(made.probes)} probes, {len(made.others)} others beside")
    if only != RESULT:
        _stages(made, (only,) if only else STAGES)
    if only in (None, RESULT):
        _write(made)
    if only == CALIBRATE:
        results.write("calibration", calibrate.result(made, config.RecallConfig()), SEED)


def check_kind(made: Scene) -> None:
    """Hold what lies in the work folder to what is asked, taught and begun at now.

    Raises:
        RuneError: it was made with other settings, another start or other probes.
    """
    made.work.hold(figures.about(made))


def measured(made: Scene) -> set[str]:
    """The sessions whose answers stand in the checkout's result, as far as they are this run's kind."""
    if made.split != "heldout":
        return set()
    names = {past.session for past in made.everything}
    before = pieces.earlier(results.path("distil"), figures.about(made), names)
    return {row["session"] for row in before.get("answers", ())}


def _write(made: Scene) -> None:
    """Held-out figures go on from the checkout's result; those of development stay with the work."""
    if made.split == "heldout":
        results.write("distil", figures.result(made, results.path("distil")), SEED)
        return
    result, path = figures.result(made), made.work.folder / "result.json"
    files.replace(path, json.dumps(result, indent=1, ensure_ascii=False).encode())
    for key, value in result["summary"].items():
        print(f"{key:32} {value}")
    print(f"written: {path}")


def _stages(made: Scene, wanted: tuple[str, ...]) -> None:
    worker, embedder = parts(made)
    engine = worker.recaller.generator
    from rune.ml.engine import Engine  # noqa: PLC0415 - torch

    if not isinstance(engine, Engine):
        raise RuneError(f"expected the real engine, got {type(engine).__name__}")
    if unknown := set(wanted) - {*STAGES, CALIBRATE}:
        raise RuneError(f"{unknown.pop()}: expected one of {', '.join(STAGES)}, {CALIBRATE} or {RESULT}")
    tools = answers.Tools(engine, embedder)
    doing: dict[str, Callable[[], Any]] = {
        "train": lambda: train.run(made, worker, measured(made)),
        "answers": lambda: answers.run(made, tools),
        "naive": lambda: naive.run(made, worker),
        "equal": lambda: equal.run(
            made, partial(naive.load, made, worker, "float32"),
            equal.few(engine.base, worker.config.distil, made.home.general),
        ),
        "served": lambda: served.run(made, worker),
        "growth": lambda: growth.run(made, worker),
        CALIBRATE: lambda: calibrate.run(made, worker, engine),
        "small": lambda: small.run(made, worker, engine.base),
    }  # fmt: skip
    for stage in wanted:
        made.work.say(f"stage {stage}")
        doing[stage]()
