"""``rune demo``: the main job on a recorded session, with controls that could expose it.

A recorded session goes through the real hooks, closes, is distilled by the daemon's worker; then three
questions whose wording is in no training set are asked: of the bare base, of a zeroed adapter, of another
session's adapter, and through ``rune_recall`` of the session's own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rune import config, files, paths
from rune.bench.stage import Stage, models_of, say
from rune.errors import RuneError
from rune.library import Library
from rune.ml import base, lora, score
from rune.ml.engine import Engine
from rune.paths import Echoes
from rune.records import model
from rune.records.card import Card
from rune.records.message import Recall, Recalled

DATA = Path(__file__).parent / "data"
TOKENS = 64


@dataclass(frozen=True, slots=True)
class Question:
    """A probe and the literals that a right answer holds."""

    text: str
    keys: tuple[str, ...]


QUESTIONS = (
    Question("Reading data/invoices.csv crashes on a byte. Which encoding is that file in?", ("cp1252",)),
    Question(
        "Amounts such as 1.249,50 crash the conversion. What turns them into numbers?", ("parse_amount",)
    ),
    Question("Which shell line shows the total of March?", ("python3 export.py --month 3",)),
)


def run(transcript: Path | None, keep: bool = False) -> dict[str, Any]:
    """Play, distil, ask; the result in the form of a result file."""
    models = models_of(paths.home())
    folder = Path(tempfile.mkdtemp(prefix="rune-demo-")).resolve()
    stage = Stage(folder, models)
    try:
        return _run(stage, transcript)
    finally:
        stage.close()
        if keep:
            say(f"kept: {folder}")
        else:
            files.remove_folder(folder)


def _run(stage: Stage, transcript: Path | None) -> dict[str, Any]:
    began = time.monotonic()
    project, other = stage.project("project"), stage.project("other")
    session = stage.play(transcript or DATA / "session.jsonl", project)
    foreign_session = stage.play(DATA / "other_session.jsonl", other)
    say("two sessions went through the hooks and ended; nobody asks for their adapters from here on")
    card = stage.wait_for_adapter(project, session, _teller())
    foreign = stage.wait_for_adapter(other, foreign_session, _teller())
    questions = (
        QUESTIONS
        if transcript is None
        else tuple(Question(lesson.probes[0], lesson.keys) for lesson in card.lessons if lesson.keys)[:3]
    )
    unseen(questions, card)
    recalled = [_recalled(stage, project, question) for question in questions]
    controls = _controls(
        stage, Echoes(project), card, Library(Echoes(other), time.time).folder(foreign.id), questions
    )
    rows = [
        _row(question, found, parts)
        for question, found, parts in zip(questions, recalled, controls, strict=True)
    ]
    summary = {
        f"{arm}_correct": sum(row[arm]["correct"] for row in rows)
        for arm in ("adapter", "base", "zeroed", "foreign")
    }
    summary |= {
        "questions": len(rows),
        "distil_seconds": card.seconds,
        "total_seconds": round(time.monotonic() - began, 1),
        "lessons": len(card.lessons),
        "adapter_bytes": card.bytes,
    }
    return {"summary": summary, "rows": rows}


def _teller() -> Any:
    last = [""]

    def tell(job: str) -> None:
        if job and job.split(",")[0] != last[0]:
            last[0] = job.split(",")[0]
            if "step" not in job or int(job.split("step ")[1].split()[0]) % 10 == 1:
                say(f"  {job}")

    return tell


def unseen(questions: Sequence[Question], card: Card) -> None:
    """Insist that no question was trained on.

    Raises:
        RuneError: one was.
    """
    trained = {" ".join(q.lower().split()) for lesson in card.lessons for q in lesson.questions}
    for question in questions:
        if " ".join(question.text.lower().split()) in trained:
            raise RuneError(
                f"the question {question.text!r} is in the training set: a demo with it would prove nothing"
            )


def _recalled(stage: Stage, project: Path, question: Question) -> Recalled:
    answer = stage.ask(Recall(question.text, str(project)))
    assert isinstance(answer, Recalled), answer
    return answer


def _controls(
    stage: Stage, echoes: Echoes, card: Card, foreign: Path, questions: Sequence[Question]
) -> list[dict[str, str]]:
    """The same questions to the bare base, to a zeroed adapter and to another session's adapter."""
    settings = config.load(stage.home.config)
    folder = model.locate(stage.home, settings.model.base)
    engine = Engine(base.load(folder, card.base_hash, settings.model))
    own = engine.adapter(Library(echoes, time.time).folder(card.id))
    arms = {"base": None, "zeroed": lora.zeroed(own), "foreign": engine.adapter(foreign)}
    texts = [question.text for question in questions]
    answers = {name: engine.answers(texts, adapter, TOKENS) for name, adapter in arms.items()}
    return [{name: answers[name][place] for name in arms} for place in range(len(texts))]


def _row(question: Question, found: Recalled, controls: dict[str, str]) -> dict[str, Any]:
    arms = {"adapter": found.answer, **controls}
    row: dict[str, Any] = {"question": question.text, "expected": list(question.keys)}
    row |= {
        name: {"answer": text, "correct": score.holds(text, question.keys)} for name, text in arms.items()
    }
    row |= {"abstained": found.abstained, "seconds": found.seconds, "answer_tokens": found.answer_tokens,
            "evidence_tokens": found.evidence_tokens, "match": found.score, "support": found.support,
            "evidence": [f"{e.kind} {e.event}: {' '.join(e.text.split())[:120]}"
                         for e in found.evidence]}  # fmt: skip
    return row


def show(result: dict[str, Any]) -> None:
    """The table, side by side, as it came."""
    console = Console(width=140)
    for row in result["rows"]:
        table = Table(title=row["question"], title_justify="left", show_lines=True, width=138)
        table.add_column("who")
        table.add_column("answer", ratio=1)
        table.add_column("holds the fact")
        for arm in ("base", "zeroed", "foreign", "adapter"):
            text = row[arm]["answer"] or f"(no answer: {row['abstained']})"
            table.add_row(arm, text[:400], "yes" if row[arm]["correct"] else "no")
        console.print(table)
        console.print(
            f"  {row['seconds']:.2f} s, {row['answer_tokens']} tokens beside {row['evidence_tokens']} of "
            f"evidence, match {row['match']:.2f}, support {row['support']:.2f}"
        )
        for line in row["evidence"][:3]:
            console.print(f"  evidence: {line}", markup=False)
    for key, value in result["summary"].items():
        console.print(f"{key:18} {value}")


def main(transcript: Path | None, keep: bool, record: bool) -> int:
    """Run and print; exit status 0 when at least two of three answers hold the fact and no control does."""
    result = run(transcript, keep)
    show(result)
    if record:
        from rune.bench import results  # noqa: PLC0415 - only a recorded run touches the checkout

        results.write("demo", result, seed=config.DistilConfig().seed)
    counts = result["summary"]
    convincing = counts["adapter_correct"] >= 2 and not any(
        counts[f"{arm}_correct"] for arm in ("base", "zeroed", "foreign")
    )
    return 0 if convincing or transcript is not None else 1
