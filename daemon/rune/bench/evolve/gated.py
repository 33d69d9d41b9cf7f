"""Stage ``gated``: the same real sessions kept as they are, evolved behind the gate, and added up.

Every session becomes an adapter by the worker's own code. ``keep`` serves all of them. ``gated`` is a copy
of that project, evolved until nothing is planned any more. ``cat`` is one adapter, the sum of all (LoRA
Soups without its learnt weights), ``mean`` the same at one n-th of each. All are asked the frozen held-out
probes: retrieval picks the adapter among those in service, and its plain greedy answer counts if it holds
what was asked for.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rune import worker
from rune.bench.distil import scene as scenes
from rune.bench.distil import train
from rune.bench.distil.figures import share, wilson
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Row, Work
from rune.bench.gate.verdict import bootstrap
from rune.errors import RuneError
from rune.evolution.gate import Marks
from rune.evolving import carrying, examining, standing
from rune.index import adapters
from rune.library import Library
from rune.ml import lora, merge
from rune.paths import Echoes
from rune.probing import holds
from rune.records.card import Card
from rune.records.message import Done, Evolve, Recall
from rune.units import done
from rune.worker import Parts

EACH = 12
"""Probes of a session."""
ROUNDS = 500
"""More rounds than sixty adapters can take: each makes a child, or never tries the same parents again."""
TIMED = 15
RESAMPLES = 2000
TOKENS = 96
SUMS = ("cat", "mean")


@dataclass(frozen=True, slots=True)
class Arm:
    """What answers: a project of adapters, or one adapter for everything."""

    name: str
    echoes: Echoes
    one: Path | None = None


def run(data: Path, folder: Path, sessions: int, trained: Path | None = None) -> None:
    """Everything that is not done yet; ``trained`` is the work of ``rune bench distil`` on these sessions."""
    asked = min(sessions, scenes.HELD_OUT)
    scene = scenes.scene(data, folder, asked, beside=sessions - asked)
    if trained is not None:
        adopt(scene, trained)
    measure(scene, scenes.parts(scene)[0], SUMS)


def adopt(scene: Scene, trained: Path) -> None:
    """Take over what another benchmark's run has learnt already, by the same code; what is here stays.

    Raises:
        RuneError: there is nothing, or it learnt a session that is none of ours.
    """
    known = Work(trained).all("train")
    ours = {past.session for past in scene.everything}
    if not known or (foreign := {row["session"] for row in known} - ours):
        what = f"session {sorted(foreign)[0]}" if known else "none"
        raise RuneError(f"{trained}: expected some of the {len(ours)} sessions of this run, found {what}")
    if scene.echoes.project.exists():
        return
    for row in known:
        scene.work.kept("train", row["session"], lambda row=row: row)  # type: ignore[misc]
    _copy(trained / "project", scene.echoes.project)


def _copy(source: Path, into: Path) -> None:
    """A project whole, or not at all."""
    staged = into.with_name(f"{into.name}-copying")
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(source, staged)
    staged.rename(into)


def measure(scene: Scene, parts: Parts, sums: Sequence[str]) -> None:
    """Learn, evolve a copy, add up, and ask all of them.

    Raises:
        RuneError: other processes are still learning; those that they have not begun are learnt by then.
    """
    quiet = replace(parts.config.evolution, automatic=False)
    parts = replace(parts, config=replace(parts.config, evolution=quiet))
    for place, row in train.learning(scene, parts, scene.everything):
        scene.work.say(f"learnt {place + 1}/{len(scene.everything)} {row['session'][:20]} in {row['wall']} s")
    scene.work.complete("train", (past.session for past in scene.everything))
    library = Library(scene.echoes, time.time)
    keep = Arm("keep", scene.echoes)
    arms = [keep, _evolved(scene, parts), *(_summed(scene, name, library.cards()) for name in sums)]
    for arm in arms:
        make = partial(_row, scene, parts, arm, library.cards())
        row = scene.work.kept("arms", f"{arm.name}-{len(scene.everything)}", make)
        scene.work.say(f"{arm.name}: {row['right']} of {row['asked']} right, {row['bytes'] / 1e6:.1f} MB")


def _evolved(scene: Scene, parts: Parts) -> Arm:
    """A copy of the project, evolved until nothing is planned.

    Raises:
        RuneError: it does not come to an end.
    """
    arm = Arm("gated", Echoes(scene.work.folder / f"gated-{len(scene.everything)}"))
    if not arm.echoes.root.exists():
        _copy(scene.echoes.project, arm.echoes.project)
    library = Library(arm.echoes, time.time)
    carrying.carry(library, standing.retirements(library, parts.config.evolution))
    for number in range(ROUNDS):
        *_, last = worker.evolve(parts, Evolve(str(arm.echoes.project)))
        assert isinstance(last, Done), last
        scene.work.say(f"evolved, round {number + 1}: {last.note}")
        if last.note == "nothing to do":
            return arm
    raise RuneError(f"{arm.echoes.project}: still something planned after {ROUNDS} rounds of evolution")


def _summed(scene: Scene, name: str, cards: Sequence[Card]) -> Arm:
    """All adapters as one, whatever comes of it."""
    import torch  # noqa: PLC0415 - heavy

    folder = scene.work.folder / f"{name}-{len(scene.everything)}"
    if not folder.exists():
        library = Library(scene.echoes, time.time)
        own = [lora.load(library.folder(card.id), torch.device("cpu"), torch.float32) for card in cards]
        lora.save(merge.merge("linear" if name == "mean" else "cat", own), folder, cards[0].base)
    return Arm(name, scene.echoes, folder)


def _row(scene: Scene, parts: Parts, arm: Arm, taught: Sequence[Card]) -> Row:
    """What an arm answers, and what it weighs."""
    library = Library(arm.echoes, time.time)
    cards = library.cards()
    asked = [probe for past in scene.probed for probe in scene.asked(past.session)[:EACH] if probe.headline]
    folders = {card.id: library.folder(card.id) for card in cards}
    picked = [arm.one or folders.get(id) for id in _picked(parts, arm.echoes, cards, asked)]
    answers = _answered(parts, asked, picked)
    right = [holds(answer, probe.keys) for probe, answer in zip(asked, answers, strict=True)]
    weights = sum(path.stat().st_size for path in arm.one.iterdir()) if arm.one else 0
    return {
        "row": arm.name, "sessions": len(scene.everything), "adapters": 1 if arm.one else len(cards),
        "bytes": weights or sum(card.bytes for card in cards), "asked": len(asked), "right": sum(right),
        "seconds": _latency(parts, arm, asked),
        **_harm(scene, parts, arm, cards, taught),
        "answers": [
            {"session": p.session, "question": p.question, "keys": list(p.keys), "answer": a, "right": r}
            for p, a, r in zip(asked, answers, right, strict=True)
        ],
    }  # fmt: skip


def _picked(parts: Parts, echoes: Echoes, cards: Sequence[Card], asked: Sequence[Probe]) -> list[str]:
    """The adapter that retrieval picks for each probe; empty where it finds none."""
    project = str(echoes.project)
    parts.recaller.refresh(project, cards)
    found = [adapters(parts.recaller.index.search(project, probe.question, 36)) for probe in asked]
    return [ranked[0].adapter if ranked else "" for ranked in found]


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


def _latency(parts: Parts, arm: Arm, asked: Sequence[Probe]) -> list[float]:
    """Seconds of whole recalls, and of one adapter's answers where there is nothing to find.

    The first one warms up and does not count.
    """
    step = max(1, len(asked) // TIMED)
    times = []
    for probe in [asked[0], *asked[::step][:TIMED]]:
        began = time.monotonic()
        if arm.one:
            longest = parts.recaller.config.max_answer_tokens
            parts.recaller.generator.answer(probe.question, arm.one, longest)
        else:
            parts.recaller.recall(Recall(probe.question, str(arm.echoes.project)))
        times.append(round(time.monotonic() - began, 3))
    return times[1:]


def _harm(
    scene: Scene, parts: Parts, arm: Arm, cards: Sequence[Card], taught: Sequence[Card]
) -> dict[str, Any]:
    """The gate's own measures: of children in service as they were judged, of a sum as it is."""
    if arm.one is None:
        gates = [card.settings["gate"] for card in cards if card.parents]
        return {
            "interference": max((gate["interference"] for gate in gates), default=0.0),
            "leakage": max((gate["leakage"] for gate in gates), default=0.0),
        }
    lessons = {card.id: card.lessons for card in taught}
    library = Library(arm.echoes, time.time)
    folders = {card.id: library.folder(card.id) for card in taught}
    child = done(examining.examine(parts.breeder, arm.one, lessons))
    lost, before = [], []
    for id, folder in folders.items():
        own = scene.work.kept("alone", id, partial(_alone, parts, folder, {id: lessons[id]}))
        lost.append(own["recall"] - _mean(child.marks[id]))
        before.append(own["unrelated"])
    leaks = examining.leaked(before, child.unrelated, lessons)
    return {"interference": round(max(0.0, *lost), 4), "leakage": round(leaks, 4)}


def _alone(parts: Parts, folder: Path, taught: examining.Taught) -> Row:
    """What an adapter knows of its own, and says to questions that no session is about."""
    own = done(examining.examine(parts.breeder, folder, taught))
    (marks,) = own.marks.values()
    return {"recall": _mean(marks), "unrelated": own.unrelated}


def _mean(marks: Marks) -> float:
    found = [right for kind in marks.values() for right in kind]
    return sum(found) / len(found) if found else 0.0


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures, with 95 % intervals: of each share, of each median of seconds, of what gating costs."""
    by_name = {row["row"]: row for row in rows}
    found: dict[str, Any] = {"gated_sessions": max((row["sessions"] for row in rows), default=None)}
    for name in ("gated", "keep", "cat", "mean"):
        row = by_name.get(name)
        right, asked = (row["right"], row["asked"]) if row else (0, 0)
        found[f"{name}_recall"] = share([True] * right + [False] * (asked - right))
        found[f"{name}_recall_low"] = wilson(right, asked) if row else None
        found[f"{name}_recall_high"] = round(1 - wilson(asked - right, asked), 4) if row else None
        found |= seconds(name, row["seconds"] if row else ())
    both = by_name.get("gated"), by_name.get("keep")
    ratio = round(both[0]["bytes"] / both[1]["bytes"], 4) if both[0] and both[1] else None
    gated, cat = by_name.get("gated", {}), by_name.get("cat", {})
    return {
        **found, **gained(*both), "gated_bytes_over_keep": ratio,
        "interference": gated.get("interference"), "leakage": gated.get("leakage"),
        "cat_interference": cat.get("interference"), "cat_leakage": cat.get("leakage"),
    }  # fmt: skip


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
