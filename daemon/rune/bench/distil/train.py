"""Stage ``train``: every session of the run becomes an adapter of one project, by the worker's own code."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import Any

from rune import worker
from rune.bench.distil import first
from rune.bench.distil.scene import Scene, write
from rune.bench.distil.work import Row
from rune.errors import RuneError
from rune.paths import Echoes
from rune.records.card import Card
from rune.records.message import Distil, Done
from rune.records.trajectory import Trajectory
from rune.worker import Parts


def run(scene: Scene, parts: Parts, measured: Collection[str] = ()) -> None:
    """Train what is not trained yet; the first session is asked at once, before there are others.

    Those that an earlier run has ``measured`` come last. Several processes may do this in one folder: each
    takes what no other has begun. Their seconds are then those of a part of the machine, so that none of them
    is a figure (``figures.rivals``).
    """
    order = sorted(scene.everything[1:], key=lambda past: past.session in measured)
    for place, row in learning(scene, parts, (*scene.everything[:1], *order)):
        scene.work.say(
            f"train {place + 1}/{len(scene.everything)} {row['session'][:20]}: {row['lessons']} lessons, "
            f"{row['steps']} steps, {row['seconds']} s, {row['probes_before']} -> {row['probes_after']}"
        )
        if place == 0:
            first.alone(scene, parts)


def learning(scene: Scene, parts: Parts, pasts: Sequence[Trajectory]) -> Iterator[tuple[int, Row]]:
    """Learn these sessions one after the other, but for those that another process has begun."""
    for place, past in enumerate(pasts):
        with scene.work.claimed("train", past.session) as mine:
            if mine:
                yield place, scene.work.kept("train", past.session, partial(learnt, scene, parts, past))


def learnt(scene: Scene, parts: Parts, past: Trajectory) -> Row:
    """One session becomes an adapter; what came of it."""
    write(scene.echoes, past)
    note, wall = distil(parts, scene.echoes, past.session)
    row: Row = {"session": past.session, "source": past.project, "events": len(past.events), "wall": wall,
                "note": note.note, "adapter": note.adapter}  # fmt: skip
    card = scene.library.get(note.adapter) if note.adapter else None
    served = bool(card) and scene.library.states()[note.adapter].status == "active"
    return {**row, "served": served, **(told(card) if card else NOTHING)}


NOTHING: dict[str, Any] = {
    "lessons": 0, "kinds": {}, "steps": 0, "seconds": 0.0, "bytes": 0, "peak_mb": 0.0,
    "probes_before": {}, "probes_after": {}, "settings": {},
}  # fmt: skip


def told(card: Card) -> dict[str, Any]:
    """What the receipt says."""
    return {
        "lessons": len(card.lessons), "kinds": dict(Counter(lesson.kind for lesson in card.lessons)),
        "steps": card.steps, "seconds": card.seconds, "bytes": card.bytes, "peak_mb": card.peak_mb,
        "probes_before": card.probes_before, "probes_after": card.probes_after, "settings": card.settings,
    }  # fmt: skip


def distil(parts: Parts, echoes: Echoes, session: str) -> tuple[Done, float]:
    """The worker's own distillation, to its end: what it made, and the seconds it took."""
    began = time.monotonic()
    last = None
    for last in worker.distil(parts, Distil(session, str(echoes.project))):  # noqa: B007 - the last one counts
        pass
    if not isinstance(last, Done):
        raise RuneError(f"session {session}: expected the worker to end with Done, got {last}")
    return last, round(time.monotonic() - began, 2)
