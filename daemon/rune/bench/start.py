"""``rune bench start``: makes the weights that training begins from, and measures what they save.

Made from sessions that may be tuned on and from some that nobody asks about; measured on others of these,
which it was not made from: the whole training from nothing, as short a one from nothing, and that from the
start. Held-out wordings of each session's own lessons are asked, plain and greedy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from rune import config, lessons, paths
from rune.bench import results, sessions
from rune.bench.distil.work import Row, Work, average
from rune.bench.sessions import Corpus
from rune.config import DistilConfig
from rune.errors import RuneError
from rune.ml import base as bases
from rune.ml import gradient, lora, score, start
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.objective import Objective
from rune.ml.start import Start
from rune.ports import Distilled
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory
from rune.units import done

SPARE, APART, MEMBERS = 9, 4, 6
"""Sessions that nobody asks about: how many it is made from, beside the development ones, and how many it is
measured on; and of those that it is made from, how many are asked what it still knows of them."""
EPOCHS = 4
"""Of a turn that does not begin from nothing: the mean of many wants no session known by heart."""
ARMS = ("fresh", "short", "started")


@dataclass(frozen=True, slots=True)
class Tools:
    """What both need."""

    base: Base
    config: DistilConfig
    kept: Path
    corpus: Corpus
    work: Work


def tools(data: Path, folder: Path | None, name: Callable[[str], str] = lambda base: "start") -> Tools:
    """Base and settings of this machine's home, and the recorded sessions.

    ``name`` gives the benchmark's name for a base: without a folder of its own, the work lies under that.
    """
    home = paths.home()
    settings = config.load(home.config)
    base = bases.resident(home, settings.model)
    work = Work((folder or results.ROOT / "build" / f"bench-{name(base.name)}").resolve())
    return Tools(base, settings.distil, home.general, sessions.load(data), work)


def turns(corpus: Corpus) -> list[tuple[Trajectory, ...]]:
    """The sessions of each turn: the client's own first, from nothing; then all, from their mean."""
    own = tuple(past for past in corpus.development if past.project != sessions.MINI)
    return [own, (*corpus.development, *corpus.spare[:SPARE])]


def make(using: Tools, into: Path) -> None:
    """Turn after turn, resumable, in any number of processes; the last mean is written into a folder.

    Raises:
        RuneError: another process still learns a session of a turn.
    """
    held, _ = done(gradient.GradientDistiller(using.base, using.config, using.kept).general())
    everything = turns(using.corpus)
    before: Start | None = None
    for number, pasts in enumerate(everything, 1):
        stage = f"turn-{number}"
        for past in pasts:
            learn = partial(_learnt, using, past, before, held, stage)
            if row := using.work.shared(stage, past.session, learn):
                using.work.say(f"{stage}: {past.session[:30]} in {row['steps']} steps")
        using.work.complete(stage, (past.session for past in pasts))
        own = [lora.load(_folder(using, stage, past), using.base.device) for past in pasts]
        before = Start(start.scaled(start.mean(own), using.config.alpha), "")
    assert before is not None
    record = {"turns": [len(pasts) for pasts in everything], "commit": results.commit()}
    start.write(into, before.adapter, using.base, record)


def _folder(using: Tools, stage: str, past: Trajectory) -> Path:
    return using.work.folder / stage / paths.safe_name(past.session)


def _learnt(using: Tools, past: Trajectory, before: Start | None, held: Any, stage: str) -> Row:
    """One session's adapter, learnt from where the turn begins."""
    taught = lessons.find(past, using.config.max_lessons)
    adapter, how = gradient.begun(using.base, replace(using.config, started_epochs=EPOCHS), before)
    *_, last = gradient.train(using.base, adapter, taught, Objective(held, how.neutral_weight), how)
    lora.save(adapter, _folder(using, stage, past), using.base.name)
    return {"session": past.session, "lessons": len(taught), "steps": last.step}


def measure(using: Tools, folder: Path = start.EMBEDDED) -> dict[str, Any]:
    """The result: sessions that the start was not made from, three ways; and what it knows of its own.

    Raises:
        RuneError: there is no start for this base and these settings.
    """
    chosen = start.fitting(using.base, using.config, folder)
    if chosen is None:
        raise RuneError(f"{folder}: expected a start for {using.base.name}; make one with --make")
    rows = []
    for past in using.corpus.spare[-APART:]:
        taught = lessons.find(past, using.config.max_lessons)
        for arm in ARMS:
            learn = partial(_compared, using, past.session, taught, arm, folder)
            rows.append(using.work.kept(f"compare-{chosen.name}", f"{past.session}-{arm}", learn))
            using.work.say(f"{arm}: {rows[-1]}")
    made_of = turns(using.corpus)[-1]
    members = made_of[:: max(1, len(made_of) // MEMBERS)]
    known = using.work.kept(f"compare-{chosen.name}", "members", partial(_known, using, chosen, members))
    return {"summary": summary(rows, known), "rows": [*rows, known]}


def _compared(using: Tools, session: str, taught: Sequence[Lesson], arm: str, folder: Path) -> Row:
    """A session learnt one way, by the distiller itself."""
    short = replace(using.config, max_epochs=using.config.started_epochs)
    how, begin = (short if arm == "short" else using.config), (folder if arm == "started" else None)
    distiller = gradient.GradientDistiller(using.base, how, using.kept, begin)
    done(distiller.general())  # no part of a session's time
    *_, made = distiller.distil(taught, using.work.folder / "compared" / arm)
    assert isinstance(made, Distilled), made
    return {
        "row": arm, "session": session, "lessons": len(taught), "steps": made.steps, "seconds": made.seconds,
        **made.probes_after,
    }  # fmt: skip


def _known(using: Tools, chosen: Start, members: Sequence[Trajectory]) -> Row:
    """What the start alone answers of sessions that it was made from: it should know how, and no facts."""
    engine = Engine(using.base)
    taught = [lessons.find(past, using.config.max_lessons) for past in members]
    found = [done(score.scoring(engine, chosen.adapter, some)) for some in taught]
    return {"row": "members", "sessions": len(members), "heldout": [one["heldout"] for one in found]}


def summary(rows: Sequence[Row], known: Row) -> dict[str, Any]:
    """The figures of each arm, and how many times as fast the start is."""
    found: dict[str, Any] = {"sessions": len({row["session"] for row in rows})}
    seconds = {}
    for arm in ARMS:
        own = [row for row in rows if row["row"] == arm]
        count = sum(row["lessons"] for row in own)
        seconds[arm] = sum(row["seconds"] for row in own)
        found |= {f"{arm}_{name}": average(own, name) for name in ("trained", "heldout", "neutral_kl")}
        found[f"{arm}_seconds_per_lesson"] = round(seconds[arm] / count, 2) if count else None
    found["speedup"] = round(seconds["fresh"] / seconds["started"], 2) if seconds["started"] else None
    told = [share for share in known["heldout"] if share is not None]
    found["members_heldout"] = round(mean(told), 4) if told else None
    return found
