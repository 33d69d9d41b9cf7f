"""Stage ``growth``: seconds of training for 5, 20 and 80 lessons, joined from development sessions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

from rune import config, lessons
from rune.bench.distil.naive import retrained
from rune.bench.distil.scene import SEED, Scene, pace
from rune.bench.distil.work import Row
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory
from rune.worker import Parts

SIZES = (5, 20, 80)


def run(scene: Scene, parts: Parts) -> None:
    """Train what was not trained yet, the most first: what a process does once hardly counts in it."""
    pool = joined(scene.development)
    for size in reversed(SIZES):
        row = scene.work.kept("growth", str(size), partial(_row, scene, parts, pool[:size]))
        scene.work.say(f"growth {row['lessons']} lessons: {row['seconds']} s, {row['steps']} steps")


def joined(pasts: Sequence[Trajectory]) -> list[Lesson]:
    """The lessons of several sessions, each answer once, shuffled: any part of them is a fair sample."""
    limit = config.DistilConfig().max_lessons
    found = {lesson.answer: lesson for past in pasts for lesson in lessons.find(past, limit)}
    pool = list(found.values())
    random.Random(SEED).shuffle(pool)
    return pool


def _row(scene: Scene, parts: Parts, taught: Sequence[Lesson]) -> Row:
    with_what = pace()
    made, steps_seconds = retrained(parts, taught, scene.work.folder / "again")
    return {
        "row": "growth", "lessons": len(taught), "steps": made.steps, "seconds": made.seconds,
        "steps_seconds": steps_seconds, "peak_mb": made.peak_mb, "probes_after": made.probes_after,
        **with_what,
    }  # fmt: skip
