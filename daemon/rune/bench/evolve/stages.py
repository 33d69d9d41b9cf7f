"""The stages of ``rune bench evolve``, and the result file out of what they have left.

They take longer together than one machine may be had for: what this work folder has nothing of is taken from
the result file of an earlier run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rune import config, paths
from rune.bench import results
from rune.bench.distil.work import Row, Work
from rune.bench.evolve import drift, kill
from rune.errors import RuneError
from rune.records import model

RESULT = "result"


def run(
    data: Path | None,
    folder: Path | None,
    sessions: int,
    only: str | None,
    trained: Path | None = None,
    rounds: int | None = None,
) -> None:
    """Run the stages, or one of them; the result is written after all of them, or by ``only`` result."""
    work = Work((folder or results.ROOT / "build" / "bench-evolve").resolve())
    doing: dict[str, Callable[[], None]] = {
        "kill": lambda: kill.run(work),
        "drift": lambda: drift.run(work, embedder()),
        "gated": lambda: gated_stage(data, work, sessions, trained, rounds),
    }
    if only not in (None, RESULT, *doing):
        raise RuneError(f"{only}: expected one of {', '.join(doing)} or {RESULT}")
    for name, do in doing.items():
        if only in (None, name):
            work.say(f"stage {name}")
            do()
    if only in (None, RESULT):
        results.write("evolve", result(work, results.path("evolve")), drift.SEED)


def gated_stage(
    data: Path | None, work: Work, sessions: int, trained: Path | None, rounds: int | None
) -> None:
    """Real sessions; nothing without the folder that holds them."""
    if data is None:
        work.say("left out: name the folder of recorded sessions with --data")
        return
    from rune.bench.evolve import gated  # noqa: PLC0415 - torch

    most = gated.ROUNDS if rounds is None else rounds
    gated.run(data, work.folder / "gated", sessions, trained, most)


def embedder() -> Any:
    """The sentence embedder of this machine's home."""
    from rune.ml import embed  # noqa: PLC0415 - torch

    home = paths.home()
    return embed.MiniLM(model.locate(home, config.load(home.config).model.embedder))


def result(work: Work, before: Path | None = None) -> dict[str, Any]:
    """The figures out of what is there, and of what an earlier result file holds; None is not measured."""
    from rune.bench.evolve import arms, families  # noqa: PLC0415 - torch

    real = Work(work.folder / "gated")
    asked = arms.rows(real)
    known = pieces({"gated": [*asked, *families.rows(real, asked)], **simulated(work)}, before)
    rows = {row["evolving"]: row for row in known["drift"]}
    told = {name: drift.summary(rows[name]) if name in rows else {} for name in (True, False)}
    summary = {
        **arms.summary(known["gated"]),
        **families.summary([row for row in known["gated"] if row["row"] == families.ROW]),
        **kill.summary(known["kill"]),
        "drift_sessions": drift.SESSIONS if rows else None,
        "drift_asked": told[True].get("asked"),
        "stale_answers": told[True].get("stale"),
        "stale_answers_without": told[False].get("stale"),
        "drift_right": told[True].get("right"),
        "drift_right_without": told[False].get("right"),
        "drift_answered": told[True].get("answered"),
        "drift_answered_without": told[False].get("answered"),
    }
    elsewhere = {"row": "retrieval", "file": "retrieval.json"}
    rows_of_all = [row for name in STAGES for row in known[name]]
    return {"summary": {**summary, **retrieval()}, "rows": [*rows_of_all, elsewhere]}


def simulated(work: Work) -> dict[str, list[Row]]:
    """The rows of the stages that need no real session."""
    return {name: list(filter(_whole, work.all(name))) for name in ("drift", "kill")}


def _whole(row: Row) -> bool:
    """Whether a row counts: a simulation may have had fewer sessions, to try it, or another plan."""
    plans = {"drift": drift.PLAN, "kill": kill.PLAN}
    short = row["row"] == "drift" and row["sessions"] != drift.SESSIONS
    return not short and row.get("plan") == plans.get(row["row"])


STAGES = {"gated": ("gated", "keep", "cat", "mean", "merged"), "drift": ("drift",), "kill": ("kill",)}
"""The stages in their order, and how each one's rows are called."""
ONE_BY_ONE = {"drift": "evolving", "kill": "way"}
"""Stages whose rows stand by themselves, and what they are told apart by; of gated all or none."""


def pieces(now: Mapping[str, Sequence[Row]], before: Path | None) -> dict[str, list[Row]]:
    """The rows of each stage; what has none now has that of an earlier result file, with commit and machine.

    Raises:
        FormatError: somebody changed that file.
    """
    file = results.earlier(before, ("commit", "machine")) if before is not None else None
    if before is None or file is None:
        return _together(now, [])
    try:
        return _together(now, [row for row in file["rows"] if _whole(row)])
    except KeyError as error:
        raise results.changed(before, error) from None


def _together(now: Mapping[str, Sequence[Row]], past: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for name, called in STAGES.items():
        own, old = list(now[name]), [row for row in past if row["row"] in called]
        if by := ONE_BY_ONE.get(name):
            known = {row[by] for row in own}
            own += [row for row in old if row[by] not in known]
        found[name] = own or old
    return found


RETRIEVAL = ("recall_at_1", "mrr", "abstain_unrelated", "metadata_1000_ms")


def retrieval() -> dict[str, Any]:
    """How a thousand sessions are told apart, as ``rune bench retrieval`` has measured it last."""
    path = results.path("retrieval")
    known = json.loads(path.read_bytes())["summary"] if path.is_file() else {}
    return {name: known.get(name) for name in RETRIEVAL}
