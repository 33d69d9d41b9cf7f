"""How long a recall takes while a session is being learnt, beside the same recall on an idle machine.

The demo session becomes an adapter; its questions are asked one by one through the daemon's socket. Then
another session ends, and the same questions are asked for as long as that one is learnt. Both ways to learn
are measured, each by a stage: in a process of its own (``busy``: ``apart``), and between the recalls of one
process (``within``).
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rune import files, paths
from rune.bench import recall
from rune.bench.demo import DATA
from rune.bench.stage import Stage, models_of, say
from rune.errors import RuneError

WAYS = {"busy": "apart", "within": "within"}
"""What each stage measures."""
KEYS = ("recall_p95_busy_over_idle", "recall_p95_busy_over_idle_within")
LEAST = 12
"""Recalls in each state; fewer give no 95th percentile worth the name."""


def run(stage: str) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Measure the way of a stage: summary and rows."""
    rows = _way(WAYS[stage])
    return summary(rows), [{"stage": stage, **row} for row in rows]


def _way(way: str) -> list[dict[str, Any]]:
    folder = Path(tempfile.mkdtemp(prefix="rune-busy-")).resolve()
    stage = Stage(folder, models_of(paths.home()))
    files.replace(stage.home.config, f'[daemon]\nlearner = "{way}"\n'.encode())
    try:
        return _rows(stage, way)
    finally:
        stage.close()
        files.remove_folder(folder)


def _rows(stage: Stage, way: str) -> list[dict[str, Any]]:
    project, other = stage.project("project"), stage.project("other")
    say(f"{way}: learning the demo session")
    card = stage.wait_for_adapter(project, stage.play(DATA / "session.jsonl", project), lambda job: None)
    questions = [asked.text for asked in recall.questions(card) if asked.keys][: 2 * LEAST]
    recall.recalled(stage, project, questions[0])  # fills caches
    say(f"{way}: asking, idle")
    idle = [_row(stage, project, way, "idle", text) for text in questions]
    say(f"{way}: asking while another session is learnt")
    session = stage.play(DATA / "other_session.jsonl", other)
    _wait_for_job(stage, other, session)
    busy = list(_while_learning(stage, other, session, project, way, questions))
    if len(busy) < LEAST:
        raise RuneError(f"expected at least {LEAST} recalls while a session is learnt, got {len(busy)}")
    return [*idle, *busy]


def _wait_for_job(stage: Stage, other: Path, session: str) -> None:
    """Until it is being learnt; the probing before the first step is part of that."""
    while not stage.health().job.startswith("distil"):
        job = stage.job(other, session)
        if job and job.state in ("failed", "done"):
            raise RuneError(f"expected the session to be learnt, its job is {job.state}: {job.reason}")
        time.sleep(0.1)


def _while_learning(
    stage: Stage, other: Path, session: str, project: Path, way: str, questions: Sequence[str]
) -> Iterator[dict[str, Any]]:
    for text in itertools.cycle(questions):
        row = _row(stage, project, way, "busy", text)
        job = stage.job(other, session)
        if job is None or job.state == "failed":
            raise RuneError(f"the session was not learnt: {job.reason if job else 'it has no job'}")
        if job.state == "done":  # this recall saw the end of it
            return
        yield row


def _row(stage: Stage, project: Path, way: str, state: str, text: str) -> dict[str, Any]:
    seconds, answer = recall.recalled(stage, project, text)
    return {"learner": way, "state": state, "question": text, "seconds": seconds,
            "generated": bool(answer.adapter)}  # fmt: skip


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Ratios of 95th percentiles over recalls that generated an answer; the plain key is the default's."""
    found: dict[str, float] = {}
    for way in dict.fromkeys(row["learner"] for row in rows):
        p95 = {state: _p95(rows, way, state) for state in ("idle", "busy")}
        found[f"recall_p95_idle_{way}"] = p95["idle"]
        found[f"recall_p95_busy_{way}"] = p95["busy"]
        found[f"recall_p95_busy_over_idle_{way}"] = round(p95["busy"] / p95["idle"], 3)
    if "recall_p95_busy_over_idle_apart" in found:
        found["recall_p95_busy_over_idle"] = found["recall_p95_busy_over_idle_apart"]
    return found


def _p95(rows: Sequence[dict[str, Any]], way: str, state: str) -> float:
    among = [row for row in rows if row["generated"] and (row["learner"], row["state"]) == (way, state)]
    return recall.percentile([row["seconds"] for row in among], 0.95)
