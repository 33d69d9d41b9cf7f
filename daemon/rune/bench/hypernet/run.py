"""The benchmark: numerics and speed need no training, recall a checkpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from rune import config, paths
from rune.bench.distil.figures import share, wilson
from rune.bench.hypernet import arms, modalities, numerics, speed
from rune.bench.hypernet.arms import Tools
from rune.bench.stage import say
from rune.ml import base
from rune.ml.engine import Engine
from rune.ml.hypernet import checkpoint
from rune.ml.hypernet.corpus import vocabulary
from rune.ml.hypernet.corpus.sessions import TRAINING, Generator, Session
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.recipe import EXAMINED, shape_for
from rune.records import model

SEED = 7
LEVEL = "few"
"""The level of the headline: facts of all kinds, near-duplicates, fillers."""


def embedded() -> Path | None:
    """The checkpoint that comes with Rune; None where there is none."""
    return checkpoint.EMBEDDED if checkpoint.exists(checkpoint.EMBEDDED) else None


def run(trained: Path | None, sessions: int, few: int) -> dict[str, Any]:
    """Measure everything; without a checkpoint there is no recall, and speed is that of random weights."""
    home = paths.home()
    chosen = config.load(home.config)
    folder = model.locate(home, chosen.model.base)
    loaded = base.resident(home, chosen.model)
    say("numerics")
    rows: list[dict[str, Any]] = [{"row": "numerics", **numerics.measured(loaded, folder)}]
    network, record = _network(loaded, trained)
    say("speed")
    rows.append({"row": "speed", **speed.measured(loaded, network, chosen.distil)})
    summary = {name: rows[0][name] for name in rows[0] if name.endswith(("diff", "abs"))}
    summary |= {name: rows[1][name] for name in ("seconds_cpu", "gradient_seconds", "speedup_over_gradient")}
    if trained is not None:
        tools = Tools(loaded, Engine(loaded), network, chosen.distil)
        generator = Generator(vocabulary.split(vocabulary.of_tokenizer(loaded.tokenizer)), SEED)
        recalled, figures = recall(tools, generator, sessions, few)
        rows, summary = rows + recalled, summary | figures
    return {"base": loaded.name, "training": record, "summary": summary, "rows": rows}


def _network(loaded: base.Base, trained: Path | None) -> tuple[Hypernetwork, dict[str, Any]]:
    if trained is None:
        torch.manual_seed(SEED)
        return numerics.disturbed(Hypernetwork(shape_for(loaded))), {}
    network, known = checkpoint.read(trained, loaded.device)
    return network, known.record


def recall(
    tools: Tools, generator: Generator, number: int, few: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows by level, kind and number of chunks, and the figures of the headline's level."""
    rows, figures = [], {}
    for name, level in EXAMINED.items():
        say(f"recall: {name}")
        some = arms.sessions(generator, level, number)
        marks = arms.cheap(tools, some)
        asked = len(marks["base"])
        rows.append({"row": "level", "level": name, "questions": asked, **_shares(marks)})
        figures["order_question_recall" if name == "order" else f"hypernet_recall_{name}"] = share(
            marks["hypernet"]
        )
        known = arms.own(tools, arms.sessions(generator, level, number, TRAINING))
        rows.append({"row": "known_forms", "level": name, "questions": len(known), "hypernet": share(known)})
        figures[f"hypernet_recall_{name}_known_forms"] = share(known)
        if name == LEVEL:
            say("gradient steps")
            marks_few = arms.trained(tools, some[:few]) if few else {arm: [] for arm in arms.STEPPED}
            rows += by_kind(some, marks["hypernet"])
            rows += arms.by_chunks(tools, some)
            figures |= told(tools, some)
            figures |= {f"{arm}_recall": share(found) for arm, found in {**marks, **marks_few}.items()}
            figures["hypernet_recall_low"] = wilson(sum(marks["hypernet"]), asked)
            figures["questions"], figures["questions_trained"] = asked, len(marks_few["gradient"])
    return rows, figures


def told(tools: Tools, some: Sequence[Session]) -> dict[str, Any]:
    """The hypernetwork's recall of the same sessions told in other ways, and with their steps shuffled."""
    ways: dict[str, list[Session]] = defaultdict(list)
    for place, session in enumerate(some):
        for name, way in modalities.told(session).items():
            ways[f"recall_{name}"].append(way)
        ways["shuffled_recall"].append(modalities.shuffled(session, place))
    return {name: share(arms.own(tools, part)) for name, part in ways.items()}


def _shares(marks: dict[str, list[bool]]) -> dict[str, Any]:
    return {
        arm: {"share": share(found), "low": wilson(sum(found), len(found))} for arm, found in marks.items()
    }


def by_kind(some: Sequence[Session], marks: Sequence[bool]) -> list[dict[str, Any]]:
    """The hypernetwork's recall by kind of fact."""
    found: dict[str, list[bool]] = defaultdict(list)
    for kind, mark in zip((one.kind for session in some for one in session.asked), marks, strict=True):
        found[kind].append(mark)
    return [
        {"row": "kind", "kind": kind, "questions": len(part), "hypernet": share(part)}
        for kind, part in sorted(found.items())
    ]
