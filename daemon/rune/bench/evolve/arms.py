"""What the arms of the stage ``gated`` answer, weigh, cost in seconds and do harm.

Retrieval picks the adapter among those in service, as a recall does but whatever its relevance, and its plain
greedy answer counts if it holds what was asked for. Seconds are those of whole recalls on questions for which
every project has an adapter that is relevant enough, the arms in turn; a sum is asked without retrieval and
check.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rune.bench.distil import scene as scenes
from rune.bench.distil.figures import between, share
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import Scene, lot, pace
from rune.bench.distil.work import Row, Work, of
from rune.bench.gate.verdict import bootstrap
from rune.evolution import gate
from rune.evolution.gate import Marks
from rune.evolving import examining
from rune.library import Library
from rune.paths import Echoes
from rune.probing import holds
from rune.records import ledger
from rune.records.message import Recall
from rune.units import done
from rune.worker import Parts

EACH = 12
"""Probes of a session."""
TIMED = 40
RESAMPLES = 2000
TOKENS = 96
PACE = ("threads", "load")


@dataclass(frozen=True, slots=True)
class Arm:
    """What answers: a project of adapters, or one adapter for everything."""

    name: str
    echoes: Echoes
    one: Path | None = None
    complete: bool = True
    """Whether evolution came to its end."""


def measure(scene: Scene, parts: Parts, arms: Sequence[Arm]) -> None:
    """Ask every arm what it was not asked yet; seconds last, when nothing is learnt any more."""
    number, served = len(scene.everything), {}
    for arm in arms:
        served[arm.name] = [card.id for card in Library(arm.echoes, time.time).cards()]
        about = {"row": arm.name, "sessions": number, "ids": served[arm.name], "complete": arm.complete}
        make = partial(_asked, scene, parts, arm, about)
        row = scene.work.kept("arms", f"{arm.name}-{number}", make, of(about))
        scene.work.kept("harm", f"{arm.name}-{number}", partial(_harm, scene, parts, arm, about), of(about))
        scene.work.say(f"{arm.name}: {row['right']} of {row['asked']} right, {row['bytes'] / 1e6:.1f} MB")
    whole: Row = {"sessions": number, "ids": served}
    scene.work.kept("latency", str(number), partial(_timed, scene, parts, arms, whole), of(whole))


def _questions(scene: Scene) -> list[Probe]:
    return [probe for past in scene.probed for probe in scene.asked(past.session)[:EACH] if probe.headline]


def _asked(scene: Scene, parts: Parts, arm: Arm, about: Row) -> Row:
    """What an arm answers, and what it weighs."""
    library, asked = Library(arm.echoes, time.time), _questions(scene)
    picked = [arm.one or _picked(parts, arm.echoes, library, probe.question) for probe in asked]
    answers = _answered(parts, asked, picked)
    right = [holds(answer, probe.keys) for answer, probe in zip(answers, asked, strict=True)]
    tried = list(ledger.entries(arm.echoes.ledger))
    return {
        **about, "adapters": 1 if arm.one else len(about["ids"]), "bytes": _bytes(arm, library),
        "children": sum(bool(card.parents) for card in library.cards(include_archived=True)),
        "refused": [line.detail["reason"] for line in tried if line.entry == "refused"],
        "asked": len(asked), "right": sum(right),
        "answers": [
            {"session": p.session, "set": p.set, "question": p.question, "keys": list(p.keys), "answer": a,
             "right": r}
            for p, a, r in zip(asked, answers, right, strict=True)
        ],
    }  # fmt: skip


def _bytes(arm: Arm, library: Library) -> int:
    """Of what is in service."""
    if arm.one:
        return sum(path.stat().st_size for path in arm.one.iterdir())
    return sum(card.bytes for card in library.cards())


def _picked(parts: Parts, echoes: Echoes, library: Library, question: str) -> Path | None:
    """The adapter that retrieval finds best, relevant enough or not."""
    found = parts.recaller.find(str(echoes.project), question, 1)
    return library.folder(found.matches[0].adapter) if found.matches else None


def _answered(parts: Parts, asked: Sequence[Probe], picked: Sequence[Path | None]) -> list[str]:
    """The answers, asked of each adapter together."""
    places: dict[Path | None, list[int]] = defaultdict(list)
    for place, folder in enumerate(picked):
        places[folder].append(place)
    answers = [""] * len(asked)
    for folder, own in places.items():
        told = done(parts.breeder.answering([(asked[place].question, "") for place in own], folder, TOKENS))
        for place, answer in zip(own, told, strict=True):
            answers[place] = answer
    return answers


def _timed(scene: Scene, parts: Parts, arms: Sequence[Arm], about: Row) -> Row:
    """Seconds of every arm on the same questions, in turn; the first question warms up and does not count."""
    found: dict[str, list[float]] = {arm.name: [] for arm in arms}
    projects = {str(arm.echoes.project) for arm in arms}
    able = [
        probe
        for probe in _questions(scene)
        if all(parts.recaller.find(project, probe.question, 1).card for project in projects)
    ]
    busy, some = pace(), lot(able, TIMED)
    for question in (probe.question for probe in [*some[:1], *some]):
        for arm in arms:
            began = time.monotonic()
            if arm.one:
                longest = parts.recaller.config.max_answer_tokens
                parts.recaller.generator.answer(question, arm.one, longest)
            else:
                parts.recaller.recall(Recall(question, str(arm.echoes.project)))
            found[arm.name].append(round(time.monotonic() - began, 3))
    seconds = {name: times[1:] for name, times in found.items()}
    return {"row": "latency", **about, **busy, "able": len(able), "seconds": seconds}


def _harm(scene: Scene, parts: Parts, arm: Arm, about: Row) -> Row:
    """The gate's own measures: of children in service as they were judged, of a sum as it is."""
    if arm.one is None:
        gates = [card.settings["gate"] for card in Library(arm.echoes, time.time).cards() if card.parents]
        return {
            **about,
            "interference": max((gate["interference"] for gate in gates), default=0.0),
            "leakage": max((gate["leakage"] for gate in gates), default=0.0),
        }
    library = Library(scene.echoes, time.time)
    lessons = {card.id: card.lessons for card in library.cards()}
    child = done(examining.examine(parts.breeder, arm.one, lessons))
    lost, before, base = [], [], done(examining.unrelated(parts.breeder, None))
    for id, taught in lessons.items():
        make = partial(_alone, parts, library.folder(id), {id: taught})
        own = scene.work.kept("alone", id, make)
        lost.append(own["recall"] - _mean(child.marks[id]))
        before.append(examining.giving_away(base, own["unrelated"], lessons))
    tells = gate.Tells(examining.giving_away(base, child.unrelated, lessons), before)
    return {**about, "interference": round(max(0.0, *lost), 4), "leakage": round(gate.surfaced(tells), 4)}


def _alone(parts: Parts, folder: Path, taught: examining.Taught) -> Row:
    """What an adapter knows of its own, and says to questions that no session is about."""
    own = done(examining.examine(parts.breeder, folder, taught))
    (marks,) = own.marks.values()
    return {"recall": _mean(marks), "unrelated": own.unrelated}


def _mean(marks: Marks) -> float:
    found = [right for kind in marks.values() for right in kind]
    return sum(found) / len(found) if found else 0.0


def rows(work: Work) -> list[Row]:
    """The arms of the run with the most sessions, each with its seconds and the harm that it does."""
    asked = work.all("arms")
    most = max((row["sessions"] for row in asked), default=0)
    timed = work.get("latency", str(most)) or {"seconds": {}}
    found = []
    for row in asked:
        if row["sessions"] == most:
            harm = work.get("harm", f"{row['row']}-{most}") or {}
            seconds = {"seconds": timed["seconds"].get(row["row"], [])}
            found.append({**harm, **row, **seconds, **{name: timed[name] for name in PACE if name in timed}})
    return found


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures, with 95 % intervals: of each share, of each median of seconds, of what gating costs."""
    by_name = {row["row"]: row for row in rows}
    found: dict[str, Any] = {"gated_sessions": max((row["sessions"] for row in rows), default=None)}
    for name in ("gated", "keep", "cat", "mean"):
        row = by_name.get(name)
        right, asked = (row["right"], row["asked"]) if row else (0, 0)
        found |= between(f"{name}_recall", right, asked)
        found |= seconds(name, row["seconds"] if row else ())
    both = by_name.get("gated"), by_name.get("keep")
    ratio = round(both[0]["bytes"] / both[1]["bytes"], 4) if both[0] and both[1] else None
    gated, cat = by_name.get("gated", {}), by_name.get("cat", {})
    return {
        **found, **gained(*both), "gated_bytes_over_keep": ratio,
        "gated_fact_recall": _of_people(gated), "keep_fact_recall": _of_people(by_name.get("keep", {})),
        "gated_children": gated.get("children"),
        "gated_refused": len(gated["refused"]) if gated else None,
        "gated_complete": float(gated["complete"]) if gated else None,
        "interference": gated.get("interference"), "leakage": gated.get("leakage"),
        "cat_interference": cat.get("interference"), "cat_leakage": cat.get("leakage"),
    }  # fmt: skip


def _of_people(row: Row) -> float | None:
    """Recall on the questions that people worded: some of the others are the gate's own probes, too."""
    return share([answer["right"] for answer in row.get("answers", ()) if answer["set"] == "fact"])


def seconds(name: str, times: Sequence[float]) -> dict[str, float | None]:
    """The median of an arm's seconds, and its interval (percentile bootstrap)."""
    if not times:
        return dict.fromkeys((f"{name}_seconds", f"{name}_seconds_low", f"{name}_seconds_high"))
    dice = random.Random(scenes.SEED)
    drawn = sorted(median(dice.choices(times, k=len(times))) for _ in range(RESAMPLES))
    low, high = drawn[RESAMPLES // 40], drawn[-1 - RESAMPLES // 40]
    return {f"{name}_seconds": median(times), f"{name}_seconds_low": low, f"{name}_seconds_high": high}


def gained(gated: Row | None, keep: Row | None) -> dict[str, float | None]:
    """Recall after evolution less recall before, on the same probes; sessions are drawn, not probes alone."""
    names = ("gated_minus_keep", "gated_minus_keep_low", "gated_minus_keep_high")
    if not gated or not keep or not keep["answers"]:
        return dict.fromkeys(names)
    marks: dict[str, tuple[list[bool], list[bool]]] = defaultdict(lambda: ([], []))
    for arm, row in enumerate((gated, keep)):
        for answer in row["answers"]:
            marks[answer["session"]][arm].append(answer["right"])
    return dict(zip(names, bootstrap(list(marks.values()), RESAMPLES, 0.95, scenes.SEED), strict=True))
