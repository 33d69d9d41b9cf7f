"""Stage ``equal``: what our way takes in as few epochs as recall what the naive way does, beside that.

Eight held-out sessions by lot, the lessons that are found in them now: learnt the naive way, and ours in few
epochs, one after the other, and asked the same headline questions in the same tokens. No adapter of another
stage is needed. How many epochs was settled before the first of these sessions was asked.
"""

from __future__ import annotations

import functools
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rune import lessons
from rune.bench.distil import naive
from rune.bench.distil.answers import SHORT
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import SEED, Scene, pace
from rune.bench.distil.work import Row, of
from rune.config import DistilConfig
from rune.ml import gradient, lora, start
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.score import holds
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory
from rune.units import done

SESSIONS, EPOCHS = 8, 3


def run(scene: Scene, load: Callable[[], Base], distiller: gradient.GradientDistiller) -> None:
    """Learn each drawn session in both ways, and ask what was learnt; goes on where it stopped.

    ``load`` gives the base of the naive way, once it is needed; our own is that of ``few``.
    """
    naive_base = functools.cache(load)
    for place, past in enumerate(drawn(scene), 1):
        make = partial(_row, scene, past, naive_base, distiller)
        row = scene.work.kept("equal", past.session, make, of({"epochs": EPOCHS}))
        scene.work.say(
            f"equal {place} {past.session[:20]}: naive {row['naive_seconds']} s, {sum(row['naive_right'])}; "
            f"ours {row['our_seconds']} s, {sum(row['our_right'])} of {len(row['our_right'])}"
        )


def drawn(scene: Scene) -> list[Trajectory]:
    """Eight sessions by lot among those with lessons that are asked something for the headline."""
    asked = {probe.session for probe in scene.headline}
    limit = DistilConfig().max_lessons
    able = [past for past in scene.probed if past.session in asked and lessons.find(past, limit)]
    return random.Random(SEED).sample(able, min(SESSIONS, len(able)))


def rows(scene: Scene) -> list[Row]:
    """What there is of the drawn sessions so far."""
    return [row for row in scene.rows("equal", drawn(scene)) if row["epochs"] == EPOCHS]


def few(base: Base, config: DistilConfig, kept: Path) -> gradient.GradientDistiller:
    """Our own way, by the answers alone, as it is but for the number of epochs."""
    how = replace(config, started_epochs=EPOCHS, max_epochs=EPOCHS, least_steps=0)
    return gradient.GradientDistiller(base, how, kept, start.EMBEDDED)


def _row(
    scene: Scene, past: Trajectory, load: Callable[[], Base], distiller: gradient.GradientDistiller
) -> Row:
    slow = load()
    done(distiller.general())  # once for a process, and no part of a session's time
    taught = lessons.find(past, distiller.config.max_lessons)
    asked = [probe for probe in scene.asked(past.session) if probe.headline]
    with_what, began = pace(), time.monotonic()
    adapter = lora.fresh(slow.layers, naive.TARGETS, naive.RANK, naive.ALPHA, SEED)
    naive.train(slow, adapter, naive.pairs(slow, taught))
    naive_seconds = round(time.monotonic() - began, 2)
    naive_right = right(slow, adapter, asked)
    del adapter
    our_right, ours = _ours(scene, taught, asked, distiller)
    return {
        "row": "equal", "session": past.session, "lessons": len(taught), "epochs": EPOCHS,
        "naive_seconds": naive_seconds, "naive_right": naive_right,
        **ours, "our_right": our_right, **with_what,
    }  # fmt: skip


def _ours(
    scene: Scene, taught: Sequence[Lesson], asked: Sequence[Probe], distiller: gradient.GradientDistiller
) -> tuple[list[bool], Row]:
    into = scene.work.folder / "few"
    made, steps_seconds = naive.timed(distiller, taught, into)
    adapter = lora.load(into, distiller.base.device, distiller.base.dtype)
    shutil.rmtree(into)
    seconds = {"our_seconds": made.seconds, "our_steps_seconds": steps_seconds, "our_steps": made.steps}
    return right(distiller.base, adapter, asked), seconds


def right(base: Base, adapter: lora.Adapter, asked: Sequence[Probe]) -> list[bool]:
    """Which of the questions an adapter answers rightly, plain and greedy."""
    answers = Engine(base).answers([probe.question for probe in asked], adapter, SHORT)
    return [holds(answer, probe.keys) for answer, probe in zip(answers, asked, strict=True)]
