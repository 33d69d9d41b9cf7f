"""Stage ``calibrate``: at which relevance, support and likelihood ratio an answer is worth returning.

Every question is asked with all thresholds open: probes of development sessions, and questions that no
session is about; all the run's adapters lie beside, as in use. The adapter's answer is kept with how relevant
its session was, what grounding leaves of it at each threshold, and how much likelier it is under the adapter
than under the base (mean log-ratio of a token). The curve is then a matter of counting. Development sessions
choose, never held-out ones.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rune.bench.distil import probes, served
from rune.bench.distil.scene import Scene
from rune.bench.distil.served import CHUNK
from rune.bench.distil.served import Question as Asked
from rune.bench.distil.work import Row
from rune.errors import RuneError
from rune.ml.engine import Engine
from rune.ml.score import holds
from rune.records.message import Recall, Recalled
from rune.worker import Parts

FLOORS = tuple(round(0.2 + 0.05 * step, 2) for step in range(17))
SUPPORTS = (0.0, 0.4, 0.6, 0.8, 0.9, 1.0)
RATIOS = (-99.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
SPLIT = "development"
OPEN = -1.0
"""A floor that every session passes."""

Point = dict[str, float]


def run(scene: Scene, parts: Parts, engine: Engine) -> None:
    """Ask what was not asked yet of the adapters that are there."""
    asked = questions(scene)
    adapters = sorted(card.id for card in scene.library.cards())
    recaller = parts.recaller
    before = recaller.floor
    recaller.floor = OPEN
    try:
        for start in range(0, len(asked), CHUNK):
            some = asked[start : start + CHUNK]
            make = partial(_row, scene, parts, engine, some, adapters)
            valid = partial(served.same, some, adapters)
            row = scene.work.kept("calibrate", f"{start // CHUNK:03}", make, valid)
            right = sum(one["right"][0] for one in row["answers"])
            scene.work.say(f"calibrate {start + len(some)}/{len(asked)}: {right} right")
    finally:
        recaller.floor = before


def questions(scene: Scene) -> list[Asked]:
    """Probes of the development sessions that are learnt, and questions that no session is about."""
    learnt = {past.session for past in scene.development if scene.is_trained(past.session)}
    asked = [probe for probe in probes.load(SPLIT) if probe.session in learnt]
    return served.with_unrelated(asked, SPLIT)


def _row(scene: Scene, parts: Parts, engine: Engine, some: Sequence[Asked], adapters: list[str]) -> Row:
    answers = [{**one, **_asked(scene, parts, engine, one)} for one in some]
    return {"row": "calibrate", "adapters": adapters, "answers": answers}


def _asked(scene: Scene, parts: Parts, engine: Engine, one: Asked) -> Asked:
    """One answer as the adapter gives it, and what each threshold would leave of it."""
    recaller, began = parts.recaller, time.monotonic()
    found = recaller.begin(Recall(one["question"], str(scene.echoes.project)))
    if isinstance(found, Recalled):
        raise RuneError(
            f"{one['question']!r}: expected an adapter at an open floor, found: {found.abstained}"
        )
    text = recaller.generator.answer(one["question"], found.folder, recaller.config.max_answer_tokens)
    told, config = [], recaller.config
    try:
        for support in SUPPORTS:
            recaller.config = replace(config, support=support)
            told.append(recaller.end(found, text).answer)
    finally:
        recaller.config = config
    adapter = engine.adapter(found.folder)
    ours, theirs = (engine.likelihood(one["question"], text, by) for by in (adapter, None))
    return {
        "answer": text, "found": found.card.session, "match": found.found.relevance,
        "given": [bool(answer) for answer in told], "right": [holds(answer, one["keys"]) for answer in told],
        "likelihood": round(ours, 4), "ratio": round(ours - theirs, 4),
        "seconds": round(time.monotonic() - began, 3),
    }  # fmt: skip


def point(answers: Iterable[Asked], floor: float, support: float, ratio: float) -> Point:
    """What comes of one setting.

    precision is the share of right ones among all answers given, those to unrelated questions included;
    coverage the share of probes that get a right answer; abstain_unrelated what is rightly left unanswered.
    """
    place = SUPPORTS.index(support)
    given = right = known = foreign = silent = 0
    for one in answers:
        told = one["match"] >= floor and one["ratio"] >= ratio and one["given"][place]
        given += told
        right += told and one["right"][place]
        known += one["kind"] == "probe"
        foreign += one["kind"] != "probe"
        silent += one["kind"] != "probe" and not told
    return {
        "floor": floor, "support": support, "ratio": ratio, "answered": given,
        "precision": round(right / given, 4) if given else 1.0,
        "coverage": round(right / known, 4) if known else 0.0,
        "abstain_unrelated": round(silent / foreign, 4) if foreign else 1.0,
    }  # fmt: skip


def points(answers: Sequence[Asked]) -> list[Point]:
    """What comes of every setting of the grid."""
    return [point(answers, *some) for some in itertools.product(FLOORS, SUPPORTS, RATIOS)]


def curve(answers: Sequence[Asked]) -> list[Point]:
    """The settings that no other beats in both precision and coverage, by coverage."""
    everything = points(answers)
    everything.sort(key=lambda p: (-p["coverage"], -p["precision"], p["floor"], p["support"], p["ratio"]))
    best, kept = -1.0, []
    for one in everything:
        if one["answered"] and one["precision"] > best:
            best = one["precision"]
            kept.append(one)
    return kept


def chosen(answers: Sequence[Asked], precision: float = 0.95, abstain: float = 0.95) -> Point:
    """The setting with the most right answers among those that reach both bars; else the most precise ones.

    Where none reaches the bars, a setting that answers fewer than a twentieth of the probes does not count.
    """
    everything = points(answers)
    some = [p for p in everything if p["answered"]]
    good = [p for p in some if p["precision"] >= precision and p["abstain_unrelated"] >= abstain]
    if good:
        return max(good, key=lambda p: p["coverage"])
    able = [p for p in some if p["coverage"] >= 0.05] or everything
    return max(able, key=lambda p: (p["precision"], p["coverage"]))


def result(scene: Scene, floor: float, support: float) -> dict[str, Any]:
    """The result file: the curve, the setting that it says, and the one in force beside it."""
    answers = [one for row in scene.work.all("calibrate") for one in row["answers"]]
    if not answers:
        raise RuneError("nothing to calibrate with; run the stage calibrate first")
    now, best = point(answers, floor, support, RATIOS[0]), chosen(answers)
    known = {one["session"] for one in answers if one["session"]}
    beside = len(scene.library.cards())
    summary: dict[str, Any] = {"questions": len(answers), "sessions": len(known), "adapters": beside}
    summary |= {f"now_{name}": value for name, value in now.items()}
    summary |= {f"best_{name}": value for name, value in best.items()}
    return {"split": SPLIT, "probes_sha256": probes.sha256(SPLIT), "summary": summary,
            "rows": [{"row": "curve", **one} for one in curve(answers)]
            + [{"row": "answer", **one} for one in answers]}  # fmt: skip
