"""Stage ``served``: questions as the MCP tool asks them, with every adapter of the run in one project.

Retrieval has to find the right session among all, the answer has to survive the check against the session,
and what no session is about has to be left unanswered.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from rune import mcp, recall
from rune.bench.distil import first, probes
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import Scene, lot
from rune.bench.distil.work import Row
from rune.ml.score import holds
from rune.records.message import Recall
from rune.worker import Parts

PROBES, CHUNK = 150, 10

Question = dict[str, Any]


def run(scene: Scene, parts: Parts) -> None:
    """Ask what was not asked yet, then the first session once more, and compare.

    Raises:
        RuneError: not every session is learnt yet.
    """
    scene.complete()
    adapters = sorted(card.id for card in scene.library.cards())
    asked = questions(scene)
    parts.recaller.refresh(str(scene.echoes.project), scene.library.cards())
    for start in range(0, len(asked), CHUNK):
        some = asked[start : start + CHUNK]
        make, valid = partial(_row, scene, parts, some, adapters), partial(_same, parts, some, adapters)
        row = scene.work.kept("served", f"{start // CHUNK:03}", make, valid)
        right = sum(answer["right"] for answer in row["answers"])
        given = sum(bool(answer["answer"]) for answer in row["answers"])
        scene.work.say(f"served {start + len(some)}/{len(asked)}: {given} answered, {right} right")
    share = first.unchanged(scene.work.get("first", "alone"), first.beside(scene, parts))
    scene.work.say(f"first session: {share}")


def questions(scene: Scene) -> list[Question]:
    """Headline probes by lot, and questions that no session is about."""
    return with_unrelated(lot(scene.headline, PROBES), "heldout")


def with_unrelated(known: Sequence[Probe], split: str) -> list[Question]:
    """These probes as questions, and those of a split that no session is about."""
    asked = [
        {"kind": "probe", "set": probe.set, "session": probe.session, "question": probe.question,
         "keys": list(probe.keys)}
        for probe in known
    ]  # fmt: skip
    foreign = ({"kind": kind, "question": text} for text, kind in probes.unrelated(split))
    return [*asked, *({"session": "", "keys": [], **question} for question in foreign)]


def same(some: Sequence[Question], adapters: Sequence[str], row: Row) -> bool:
    """Whether a piece was made of these questions and with these adapters."""
    asked = [answer["question"] for answer in row["answers"]]
    return asked == [question["question"] for question in some] and row["adapters"] == list(adapters)


def _same(parts: Parts, some: Sequence[Question], adapters: Sequence[str], row: Row) -> bool:
    return same(some, adapters, row) and row.get("settings") == _settings(parts)


def _settings(parts: Parts) -> Row:
    """What a result depends on beside the adapters."""
    return {**asdict(parts.recaller.config), "brief": recall.BRIEF}


def _row(scene: Scene, parts: Parts, some: Sequence[Question], adapters: list[str]) -> Row:
    answers = [{**question, **asked(scene, parts, question)} for question in some]
    return {"row": "served", "adapters": adapters, "settings": _settings(parts), "answers": answers}


def asked(scene: Scene, parts: Parts, question: Question) -> dict[str, Any]:
    """One recall, as it came."""
    began = time.monotonic()
    found = parts.recaller.recall(Recall(question["question"], str(scene.echoes.project)))
    return {
        "answer": found.answer, "abstained": found.abstained, "match": found.score, "support": found.support,
        "found": found.session, "withheld": found.withheld, "answer_tokens": found.answer_tokens,
        "evidence_tokens": found.evidence_tokens, "right": holds(found.answer, question["keys"]),
        "result_tokens": parts.recaller.count(mcp.recalled(found).model_dump_json()),
        "seconds": round(time.monotonic() - began, 3),
    }  # fmt: skip


def summary(answers: Sequence[Question]) -> dict[str, float | None]:
    """The figures: an answer to what no session is about counts as a wrong one.

    answer_tokens are those of an answer that was given; result_tokens all that the tool returns, as Claude
    Code hands it on (structured, without spaces), with its evidence: for any question, abstentions and their
    reasons included, and for one that was answered.
    """
    known = [answer for answer in answers if answer["kind"] == "probe"]
    foreign = [answer for answer in answers if answer["kind"] != "probe"]
    given = [answer for answer in answers if answer["answer"]]
    told = [answer for answer in known if answer["answer"]]
    times = [answer["seconds"] for answer in known if answer["found"]]

    return {
        "served_questions": len(known) or None,
        "served_recall": mean([answer["right"] for answer in known]),
        "served_answered": mean([bool(answer["answer"]) for answer in known]),
        "served_right_session": mean([answer["found"] == answer["session"] for answer in known]),
        "precision": mean([answer["right"] for answer in given]),
        "precision_on_probes": mean([answer["right"] for answer in told]),
        **_of_set(known, "fact"),
        **_of_set(known, "template"),
        "abstain_unrelated": mean([not answer["answer"] for answer in foreign]),
        "answer_tokens": mean([answer["answer_tokens"] for answer in told]),
        "result_tokens": mean([answer["result_tokens"] for answer in known]),
        "answered_result_tokens": mean([answer["result_tokens"] for answer in told]),
        "served_seconds": mean(times),
    }


def _of_set(known: Sequence[Question], name: str) -> dict[str, float | None]:
    """The same for the questions of one set: worded by people who knew the fact, or by a template."""
    own = [answer for answer in known if answer["set"] == name]
    return {
        f"served_{name}_recall": mean([answer["right"] for answer in own]),
        f"served_{name}_answered": mean([bool(answer["answer"]) for answer in own]),
        f"served_{name}_precision": mean([answer["right"] for answer in own if answer["answer"]]),
    }


def mean(values: Sequence[float]) -> float | None:
    """Of what was measured, if anything was."""
    return round(sum(values) / len(values), 3) if values else None
