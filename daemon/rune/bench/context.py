"""``rune bench context``: is it worth something that the base teaches its adapter what it reads in passages?

Development sessions are learnt from the same lessons with the same seed: from the answers alone; with half of
each answer's loss from the base with the passage in its prompt (``rune.ml.teacher``); and so with questions
that the base has worded beside those made by rules (``rune.ml.paraphrase``), however badly it reads. All are
asked what people ask of that session, plain and greedy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rune import lessons
from rune.bench import results
from rune.bench.distil import probes
from rune.bench.distil.figures import between, told
from rune.bench.distil.probes import Probe
from rune.bench.distil.work import Row, average
from rune.bench.start import Tools
from rune.config import DistilConfig, ModelConfig
from rune.lessons import sources
from rune.ml import gradient, lora, start, teacher
from rune.ml.engine import Engine
from rune.ports import Distilled
from rune.probing import holds
from rune.records.trajectory import Trajectory
from rune.units import done

ALWAYS, NEVER = 0.0, 2.0
WEIGHT = 0.5
"""Of the divergence from the base with the passage in its prompt."""
ARMS: dict[str, dict[str, Any]] = {
    "answers": {"reader_floor": NEVER},
    "context": {"reader_floor": ALWAYS, "context_weight": WEIGHT, "paraphrases": False},
    "worded": {"reader_floor": ALWAYS, "context_weight": WEIGHT, "paraphrases": True},
}
"""What an adapter is taught by, and the settings for that."""
SPLIT = "development"
TOKENS, BATCH = 96, 16


def measure(using: Tools, number: int, ways: Sequence[str] = ()) -> dict[str, Any]:
    """The result of so many sessions, those that are asked most first; goes on where it stopped.

    They are learnt in the ``ways`` of ``ARMS`` that are named, else in all; what was learnt in others before
    is in the result, too.
    """
    asked = probes.load(SPLIT)
    most = Counter(probe.session for probe in asked)
    pasts = sorted(using.corpus.development, key=lambda past: -most[past.session])
    about = {"base": using.base.name, "base_hash": using.base.hash, "settings": settings(using.config)}
    using.work.hold(about)
    asking = gradient.GradientDistiller(using.base, using.config, using.kept)
    done(asking.general())  # once for a base, and no part of any way's time
    reads = done(teacher.reads(Engine(using.base), using.kept))
    rows = list(_rows(using, pasts[:number], asked, ways or tuple(ARMS)))
    return {"summary": {**summary(rows), "reads": round(reads, 4)}, **about, "rows": rows}


def settings(config: DistilConfig) -> dict[str, Any]:
    """How adapters are learnt, but for what the ways differ in."""
    return told(config, {name for way in ARMS.values() for name in way})


def _rows(
    using: Tools, pasts: Sequence[Trajectory], asked: Sequence[Probe], ways: Sequence[str]
) -> Iterator[Row]:
    for past in pasts:
        own = [probe for probe in asked if probe.session == past.session]
        for arm in ARMS:
            name, make = f"{past.session}-{arm}", partial(_learnt, using, past, own, arm)
            row = using.work.kept("arms", name, make) if arm in ways else using.work.get("arms", name)
            if row is None:
                continue
            using.work.say(
                f"{past.session[:20]} {arm}: {row['right']} of {row['asked']} in {row['steps']} steps"
            )
            yield row


def _learnt(using: Tools, past: Trajectory, asked: Sequence[Probe], arm: str) -> Row:
    """One session learnt in one way, by the distiller itself, and what it answers then."""
    taught = lessons.find(past, using.config.max_lessons)
    how = replace(using.config, **ARMS[arm])
    distiller = gradient.GradientDistiller(using.base, how, using.kept, start.EMBEDDED)
    folder = using.work.folder / "adapters" / arm
    *_, made = distiller.distil(taught, folder, passages=sources.passages(past, taught))
    assert isinstance(made, Distilled), made
    adapter = lora.load(folder, using.base.device, using.base.dtype)
    answers = Engine(using.base).all_answers([probe.question for probe in asked], adapter, TOKENS, BATCH)
    right = [holds(answer, probe.keys) for answer, probe in zip(answers, asked, strict=True)]
    return {
        "row": arm, "session": past.session, "lessons": len(taught), "steps": made.steps,
        "seconds": made.seconds, "taught_by_context": made.settings["taught_by_context"],
        "paraphrases": made.settings["paraphrases_kept"],
        "probes": made.probes_after, "asked": len(asked), "right": sum(right),
        "answers": [
            {"set": probe.set, "question": probe.question, "keys": list(probe.keys), "answer": answer,
             "right": r}
            for probe, answer, r in zip(asked, answers, right, strict=True)
        ],
    }  # fmt: skip


def called(base: str) -> str:
    """The name of the result, and of the folder of the work."""
    return results.named("context", base, ModelConfig().base)


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of each way: questions right with their interval, held-out wordings, drift, seconds."""
    found: dict[str, Any] = {"sessions": len({row["session"] for row in rows})}
    for arm in ARMS:
        own = [row for row in rows if row["row"] == arm]
        scores = [row["probes"] for row in own]
        right, asked = sum(row["right"] for row in own), sum(row["asked"] for row in own)
        found |= {
            f"{arm}_asked": asked, f"{arm}_right": right,
            **between(f"{arm}_recall", right, asked),
            **{f"{arm}_{name}": average(scores, name) for name in ("heldout", "neutral_kl")},
            f"{arm}_seconds": round(sum(row["seconds"] for row in own), 1),
        }  # fmt: skip
    return found
