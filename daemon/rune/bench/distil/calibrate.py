"""Stage ``calibrate``: at which relevance, support, nearness and sureness an answer is worth returning.

Every question is asked with all thresholds open: probes of development sessions, and questions that no
session is about; all the run's adapters lie beside, as in use. The adapter's answer is kept with how relevant
its session was, what grounding leaves of it at each threshold, how near that is to the question, how sure the
adapter is of its beginning, and how much likelier it is under the adapter than under the base (mean log-ratio
of a token; it is shown beside the others and decides nothing). The curve is then a matter of counting.
Development sessions choose, never held-out ones.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from functools import partial
from statistics import mean
from typing import Any, NamedTuple

from rune import recall
from rune.bench.distil import probes, served
from rune.bench.distil.scene import Scene
from rune.bench.distil.served import CHUNK
from rune.bench.distil.served import Question as Asked
from rune.bench.distil.work import Row
from rune.config import RecallConfig
from rune.errors import RuneError
from rune.grounding import Passage, ground
from rune.ml.engine import Engine
from rune.ml.score import holds
from rune.recall import Recaller
from rune.records.message import Recall, Recalled
from rune.worker import Parts

FLOORS = tuple(round(0.2 + 0.05 * step, 2) for step in range(17))
SUPPORTS = (0.0, 0.4, 0.6, 0.8, 0.9, 1.0)
OPEN = -1.0
"""A floor that every session passes, and every answer where it is about nearness."""
NEARS = (OPEN, *(round(0.3 + 0.05 * step, 2) for step in range(12)))
SURES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SPLIT = "development"
PRICE = 3
"""Right answers that one wrong answer costs."""
ABLE = 0.1
"""Least share of the probes that a setting must answer rightly to be preferred for its precision."""

Point = dict[str, float]
Record = tuple[list[Passage], tuple[str, ...]]
"""What an answer is held against, as a recaller has it."""


class Setting(NamedTuple):
    """What an answer has to reach."""

    floor: float
    support: float
    near: float
    sure: float


GRID = tuple(itertools.starmap(Setting, itertools.product(FLOORS, SUPPORTS, NEARS, SURES)))


def run(scene: Scene, parts: Parts, engine: Engine) -> None:
    """Ask what was not asked yet.

    Raises:
        RuneError: not every session is learnt yet.
    """
    scene.complete()
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
    """One answer as the adapter gives it, and what each threshold would leave of it.

    Beside it what the same adapter says to the taught question that search finds nearest (``again``).
    """
    recaller, began = parts.recaller, time.monotonic()
    found = recaller.begin(Recall(one["question"], str(scene.echoes.project)))
    if isinstance(found, Recalled):
        raise RuneError(
            f"{one['question']!r}: expected an adapter at an open floor, found: {found.abstained}"
        )
    adapter, record = engine.adapter(found.folder), recaller.record(found)
    taught = recall.matched(found.card, found.found.hits)[0].questions[0]
    text, again = engine.answers([one["question"], taught], adapter, recaller.config.max_answer_tokens)
    ours, theirs = (mean(engine.logprobs(one["question"], text, by)) for by in (adapter, None))
    return {
        "found": found.card.session, "match": found.found.relevance,
        **_measured(recaller, found, record, text, one["keys"]),
        "likelihood": round(ours, 4), "ratio": round(ours - theirs, 4),
        "again": {"question": taught, **_measured(recaller, found, record, again, one["keys"])},
        "seconds": round(time.monotonic() - began, 3),
    }  # fmt: skip


def _measured(
    recaller: Recaller, found: recall.Asked, record: Record, text: str, keys: Sequence[str]
) -> Asked:
    """What there is to hold an answer to the question against, whatever question it was given to."""
    source, stale = record
    told = [ground(text, source, support, stale, recaller.is_cut(text)).text for support in SUPPORTS]
    near = {said: round(recaller.nearness(found, said), 4) if said else OPEN for said in {text, *told}}
    return {
        "answer": text, "true": holds(text, keys), "near": near[text],
        "given": [bool(answer) for answer in told], "right": [holds(answer, keys) for answer in told],
        "near_kept": [near[answer] for answer in told],
        "sure": round(recaller.generator.sureness(found.request.query, text, found.folder), 4),
    }  # fmt: skip


def point(answers: Iterable[Asked], setting: Setting) -> Point:
    """What comes of one setting.

    precision is the share of right ones among all answers given, those to unrelated questions included;
    coverage the share of probes that get a right answer; abstain_unrelated what is rightly left unanswered.
    """
    place = SUPPORTS.index(setting.support)
    given = right = known = foreign = silent = 0
    for one in answers:
        near = one["near_kept"][place]
        enough = one["match"] >= setting.floor and near >= setting.near and one["sure"] >= setting.sure
        told = enough and one["given"][place]
        given += told
        right += told and one["right"][place]
        known += one["kind"] == "probe"
        foreign += one["kind"] != "probe"
        silent += one["kind"] != "probe" and not told
    return {
        **setting._asdict(), "answered": given, "answered_right": right,
        "precision": round(right / given, 4) if given else 1.0,
        "coverage": round(right / known, 4) if known else 0.0,
        "abstain_unrelated": round(silent / foreign, 4) if foreign else 1.0,
    }  # fmt: skip


def points(answers: Sequence[Asked]) -> list[Point]:
    """What comes of every setting of the grid."""
    return [point(answers, some) for some in GRID]


def curve(everything: Sequence[Point]) -> list[Point]:
    """The settings that no other beats in both precision and coverage, by coverage."""
    best, kept = -1.0, []
    for one in sorted(everything, key=lambda p: (-p["coverage"], -p["precision"], *setting(p))):
        if one["answered"] and one["precision"] > best:
            best = one["precision"]
            kept.append(one)
    return kept


def setting(point: Point) -> Setting:
    """The setting that a point is of."""
    return Setting(*(point[name] for name in Setting._fields))


def chosen(
    everything: Sequence[Point], force: Setting, precision: float = 0.95, abstain: float = 0.95
) -> Point:
    """The setting with the most right answers less the price of the wrong ones.

    Those that reach both bars with an answer to a tenth of the probes (``ABLE``) go before all others. Of
    settings that come to the same, the one that is nearest to what is in force.
    """
    good = [
        p for p in everything
        if p["precision"] >= precision and p["abstain_unrelated"] >= abstain and p["coverage"] >= ABLE
    ]  # fmt: skip

    def worth(p: Point) -> tuple[float, float]:
        net = (1 + PRICE) * p["answered_right"] - PRICE * p["answered"]
        return net, -sum(abs(one - other) for one, other in zip(setting(p), force, strict=True))

    return max(good or everything, key=worth)


def separation(answers: Iterable[Asked], name: str) -> float | None:
    """How well a measure tells true answers from others: the AUC, 0.5 where it does not.

    None where there are not both.
    """
    known = [one for one in answers if one["kind"] == "probe"]
    true, false = ([one[name] for one in known if one["true"] is which] for which in (True, False))
    pairs = list(itertools.product(true, false))
    return round(sum((a > b) + 0.5 * (a == b) for a, b in pairs) / len(pairs), 4) if pairs else None


def result(scene: Scene, force: RecallConfig) -> dict[str, Any]:
    """The result file: the curve, the setting that it says, and the one in force beside it."""
    answers = [one for row in scene.work.all("calibrate") for one in row["answers"]]
    if not answers:
        raise RuneError("nothing to calibrate with; run the stage calibrate first")
    settings = Setting(force.floor, force.support, force.near, force.sure)
    now, everything = point(answers, settings), points(answers)
    best = chosen(everything, settings)
    known = {one["session"] for one in answers if one["session"]}
    beside = min(len(row["adapters"]) for row in scene.work.all("calibrate"))
    summary: dict[str, Any] = {"questions": len(answers), "sessions": len(known), "adapters": beside}
    summary |= {f"auc_{name}": separation(answers, name) for name in ("near", "sure", "match", "ratio")}
    summary |= {f"now_{name}": value for name, value in now.items()}
    summary |= {f"best_{name}": value for name, value in best.items()}
    return {"split": SPLIT, "probes_sha256": probes.sha256(SPLIT), "summary": summary,
            "rows": [{"row": "curve", **one} for one in curve(everything)]
            + [{"row": "answer", **one} for one in answers]}  # fmt: skip
