"""``rune bench recall``: how long a recall takes through the daemon's socket, and what memory it needs.

The demo session is played through the real hooks and becomes an adapter; then it is asked questions of
several kinds, one by one, as the MCP tool asks them. Beside each stands what words alone give (BM25 over the
same lessons, no model). Abstentions at retrieval cost next to nothing: they are counted apart from answers.
At the end the daemon is started anew and its first recall timed: it loads the model.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rune import files, paths, probing, remember
from rune.bench.demo import DATA, QUESTIONS
from rune.bench.stage import Stage, models_of, say
from rune.errors import RuneError
from rune.records.card import Card
from rune.records.message import Health, Recall, Recalled

LEAST = 40
"""Questions of a run, so that 30 remain where some are found to be about nothing here."""
LOADING = "still loading"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, how it came to be, and the literals of a right answer (none: it has no answer here)."""

    kind: str
    text: str
    keys: tuple[str, ...]


def run() -> dict[str, Any]:
    """Play, distil, ask warm, start anew, ask cold; the result in the form of a result file."""
    folder = Path(tempfile.mkdtemp(prefix="rune-recall-")).resolve()
    stage = Stage(folder, models_of(paths.home()), paths.home().config)
    try:
        return _run(stage)
    finally:
        stage.close()
        files.remove_folder(folder)


def _run(stage: Stage) -> dict[str, Any]:
    project = stage.project("project")
    session = stage.play(DATA / "session.jsonl", project)
    say("the demo session has ended; waiting for its adapter")
    card = stage.wait_for_adapter(project, session, lambda job: None)
    asked = questions(card)
    recalled(stage, project, asked[0].text)  # the first one after a distillation fills caches
    rows = [_row(stage, project, question) for question in asked]
    if not any(row["generated"] for row in rows):
        raise RuneError(f"no question reached the adapter; the first one: {rows[0]['abstained']}")
    seen = {"after a distillation and recalls": stage.health()}
    stage.close()
    say("asked warm; starting anew")
    cold = first(stage, project, asked[0].text)
    seen["after one recall"] = stage.health()
    memory = [{"memory": when, "daemon_rss_mb": health.rss_mb, "worker_rss_mb": health.worker_rss_mb}
              for when, health in seen.items()]  # fmt: skip
    return {"summary": summary(rows, cold, list(seen.values()), card), "rows": [*arms(rows), *memory, *rows]}


def questions(card: Card) -> list[Asked]:
    """At least ``LEAST``: the demo's, held-out phrasings, some that belong elsewhere, trained phrasings."""
    found = [Asked("demo", question.text, question.keys) for question in QUESTIONS]
    found += [Asked("held out", probe, lesson.keys) for lesson in card.lessons for probe in lesson.probes]
    found += [Asked("unrelated", text, ()) for text, _ in probing.UNRELATED]
    trained = [Asked("trained", text, lesson.keys) for lesson in card.lessons for text in lesson.questions]
    found += trained[:: max(1, len(trained) // max(1, LEAST - len(found)))]
    if len(found) < LEAST:
        raise RuneError(f"expected {LEAST} questions of {len(card.lessons)} lessons, found {len(found)}")
    return found


def recalled(stage: Stage, project: Path, text: str) -> tuple[float, Recalled]:
    """One recall through the socket: seconds from asking to the whole answer."""
    began = time.perf_counter()
    answer = stage.ask(Recall(text, str(project)))
    seconds = time.perf_counter() - began
    if not isinstance(answer, Recalled):
        raise RuneError(f"expected an answer to {text!r}, got {answer}")
    return round(seconds, 4), answer


def first(stage: Stage, project: Path, text: str) -> float:
    """Seconds from the question to the answer out of weights, asked of a daemon that has just started."""
    stage.start()
    total = 0.0
    while True:
        seconds, answer = recalled(stage, project, text)
        total += seconds
        if LOADING not in answer.abstained:
            return round(total, 4)


def _row(stage: Stage, project: Path, question: Asked) -> dict[str, Any]:
    seconds, answer = recalled(stage, project, question.text)
    began = time.perf_counter()
    words = remember.by_words(Recall(question.text, str(project)), "")
    words_seconds = round(time.perf_counter() - began, 4)
    texts = "\n".join(item.text for item in words.evidence)
    return {
        "kind": question.kind, "question": question.text, "expected": list(question.keys),
        "seconds": seconds, "generated": bool(answer.adapter),
        "answer": answer.answer, "abstained": answer.abstained,
        "correct": probing.holds(answer.answer, question.keys),
        "answer_tokens": answer.answer_tokens, "evidence_tokens": answer.evidence_tokens,
        "bm25_seconds": words_seconds, "bm25_holds": probing.holds(texts, question.keys),
        "bm25_characters": len(texts),
    }  # fmt: skip


def arms(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Side by side: answers out of weights through the daemon, and text evidence by BM25 in this process."""
    known = [row for row in rows if row["expected"]]

    def arm(name: str, prefix: str, right: str, among: Sequence[dict[str, Any]]) -> dict[str, Any]:
        times = [row[f"{prefix}seconds"] for row in among]
        return {
            "arm": name, "questions": len(among),
            "p50_seconds": percentile(times, 0.5), "p95_seconds": percentile(times, 0.95),
            "judged": len(known), "holding_the_fact": sum(row[right] for row in known),
        }  # fmt: skip

    return [
        arm("recall", "", "correct", [row for row in rows if row["generated"]]),
        arm("bm25 text evidence", "bm25_", "bm25_holds", rows),
        {"arm": "recall that abstains at retrieval", **_abstained(rows)},
    ]


def _abstained(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    times = [row["seconds"] for row in rows if not row["generated"]]
    return {"questions": len(times), "max_seconds": max(times, default=0.0)}


def summary(
    rows: Sequence[dict[str, Any]], cold: float, seen: Sequence[Health], card: Card
) -> dict[str, float]:
    """The figures that bars are held against; of memory the most that was seen."""
    times = [row["seconds"] for row in rows if row["generated"]]
    return {
        "warm_p50_seconds": percentile(times, 0.5),
        "warm_p95_seconds": percentile(times, 0.95),
        "cold_seconds": cold,
        "daemon_rss_mb": max(health.rss_mb for health in seen),
        "worker_rss_mb": max(health.worker_rss_mb for health in seen),
        "adapter_bytes": card.bytes,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value that at least this share of the values does not exceed.

    >>> percentile([3, 1, 2, 4], 0.5), percentile([3, 1, 2, 4], 0.95)
    (2, 4)
    """
    return sorted(values)[math.ceil(share * len(values)) - 1]
