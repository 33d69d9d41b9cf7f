"""What a result is made of: what lies in the work folder, and what an earlier run left in the result file.

The stages take longer together than one machine may be had for. A result file therefore holds every piece
that its figures come from, and a later run goes on from there: what this work folder has nothing of is taken
from the file, if that was made of the same probes and with the same settings. Such a row says at which commit
it was written down first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from rune.bench import results
from rune.bench.distil import equal
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Row

Pieces: TypeAlias = Mapping[str, Sequence[Row]]
"""The rows of each stage."""

SESSION_BY_SESSION = ("train", "answers")
"""Stages in which a session's row stands by itself; of the others, only a whole stage is comparable."""
STAGES = (*SESSION_BY_SESSION, "first", "naive", "equal", "served", "growth", "small")
SAME = ("split", "probes_sha256", "settings")
"""What two results must agree in for their pieces to be of one kind."""


def here(scene: Scene) -> Pieces:
    """What the work folder has."""
    work = scene.work
    return {
        "train": scene.rows("train", scene.everything),
        "answers": [brief(row) for row in scene.rows("answers", scene.probed)],
        "first": [{"when": when, **row} for when in ("alone", "end") if (row := work.get("first", when))],
        "naive": scene.rows("naive", scene.probed),
        "equal": equal.rows(scene),
        **{stage: work.all(stage) for stage in ("served", "growth", "small")},
    }


def earlier(path: Path, now: Mapping[str, Any], sessions: Collection[str]) -> Pieces:
    """What a result file has of these sessions, if it is like the one that is made ``now``; else nothing.

    Raises:
        FormatError: somebody changed it.
    """
    before = results.earlier(path, ("commit",))
    if before is None or any(before.get(name) != now[name] for name in SAME):
        return {}
    wanted = [row for row in before["rows"] if "stage" in row and row.get("session", "") in ("", *sessions)]
    return {stage: [bare(row) for row in wanted if row["stage"] == stage] for stage in STAGES}


def bare(row: Row) -> Row:
    """A row of a result file as the piece that it was."""
    return {name: value for name, value in row.items() if name != "stage"}


def together(now: Pieces, before: Pieces) -> Pieces:
    """The pieces of ``now``, and those of ``before`` where there are none.

    Answers are kept with the adapter that gave them; of a whole stage the run that got further is taken.
    What is served changes with thresholds and code: there, any answer of ``now`` stands before all others.
    """
    made: dict[str, list[Row]] = {}
    for stage in STAGES:
        theirs = before.get(stage, ())
        ours = [_published(row, theirs) for row in now.get(stage, ())]
        if stage in SESSION_BY_SESSION:
            known = {row["session"] for row in ours}
            made[stage] = [*ours, *(row for row in theirs if row["session"] not in known)]
        else:
            further = len(ours) >= len(theirs) or (stage == "served" and ours)
            made[stage] = list(ours if further else theirs)
    learnt = {row["session"]: row["adapter"] for row in made["train"]}
    told = made["answers"]
    made["answers"] = [row for row in told if learnt.get(row["session"], row["adapter"]) == row["adapter"]]
    return made


def _published(row: Row, before: Sequence[Row]) -> Row:
    """A piece, with the commit that it was written down at first if it is in the file already."""
    return next((one for one in before if {**row, "commit": one.get("commit")} == one), row)


def rows(pieces: Pieces) -> list[Row]:
    """The pieces as rows of a result file."""
    return [{"stage": stage, **row} for stage in STAGES for row in pieces[stage]]


def brief(row: Row) -> Row:
    """A session's answers without the rivals' words: who was asked, and who was right."""
    kept = ("set", "kind", "sort", "literal", "headline", "covered", "question", "keys", "rag_tokens")
    probes = [
        {**{name: probe[name] for name in kept if name in probe}, "answer": probe["answers"]["adapter"],
         "asked": list(probe["right"]), "right": [arm for arm, good in probe["right"].items() if good]}
        for probe in row["probes"]
    ]  # fmt: skip
    named = {name: row[name] for name in ("session", "adapter", "seconds", "seconds_by_arm")}
    return {**named, "probes": probes}


def probed(answers: Sequence[Row]) -> list[dict[str, Any]]:
    """Every probe of these answers, ``right`` by arm as it was judged."""
    return [
        {**probe, "session": row["session"], "right": {arm: arm in probe["right"] for arm in probe["asked"]}}
        for row in answers for probe in row["probes"]
    ]  # fmt: skip
