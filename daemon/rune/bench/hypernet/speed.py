"""One session to an adapter, in one pass and by gradient steps, on this machine; neither is probed."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rune import lessons, scan, transcripts
from rune.config import DistilConfig
from rune.ml import gradient, lora, neutral
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.hypernet import distiller
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.objective import Objective
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory

SESSION = Path(__file__).parents[1] / "data" / "session.jsonl"
PASSES = 5


def session() -> Trajectory:
    """The demo's recorded session."""
    [past] = transcripts.read(SESSION, scan.scan)
    return Trajectory(past.session, past.cwd, "import", past.started, past.events)


def measured(base: Base, network: Hypernetwork, config: DistilConfig) -> dict[str, Any]:
    """Seconds from lessons to adapter files, either way; the middle one of several passes.

    Also what the processor spent on it, which other programs on the machine disturb less.
    """
    taught = lessons.find(session(), 24)
    text = distiller.digest(taught)
    passes = [_once(base, network, text) for _ in range(PASSES)]
    spent = time.process_time()
    steps, seconds = steps_of(base, taught, config)
    spent = time.process_time() - spent
    middle, least = (statistics.median(kind) for kind in zip(*passes, strict=True))
    return {
        "lessons": len(taught), "tokens": base.count(text), "passes": [round(one, 3) for one, _ in passes],
        "seconds_cpu": round(middle, 3), "gradient_seconds": round(seconds, 2), "gradient_steps": steps,
        "speedup_over_gradient": round(seconds / middle, 1), "processor_seconds": round(least, 3),
        "gradient_processor_seconds": round(spent, 2),
    }  # fmt: skip


def _once(base: Base, network: Hypernetwork, text: str) -> tuple[float, float]:
    """Seconds of the clock, and of the processor."""
    began, spent = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        adapter, _ = distiller.generate(base, network, text)
        lora.save(adapter, Path(folder), base.name)
    return time.monotonic() - began, time.process_time() - spent


def steps_of(base: Base, taught: Sequence[Lesson], config: DistilConfig) -> tuple[int, float]:
    """Gradient steps to the end, as a session's distillation takes them; the neutral questions are there."""
    held = Objective(neutral.ask(base, Engine(base)), config.neutral_weight)
    began, steps = time.monotonic(), 0
    adapter = lora.fresh(base.layers, config.targets, config.rank, config.alpha, config.seed)
    for progress in gradient.train(base, adapter, taught, held, config):
        steps = progress.step
    with tempfile.TemporaryDirectory() as folder:
        lora.save(adapter, Path(folder), base.name)
    return steps, time.monotonic() - began
