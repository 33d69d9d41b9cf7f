"""Stage ``naive``: the obvious way, frozen, on eight sessions by lot; and our own way in the same run.

Naive is the base in float32, batches of eight examples padded to the longest, sixty steps of AdamW at 1e-3,
the first four trained questions of each lesson, the loss over the whole vocabulary at every place; nothing
is augmented or held to the base. This file is not to be improved.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rune.bench.distil.answers import SHORT
from rune.bench.distil.scene import SEED, Scene, pace
from rune.bench.distil.work import Row
from rune.errors import RuneError
from rune.ml import base as bases
from rune.ml import lora
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.score import holds
from rune.ports import Distilled, Distiller, Progress
from rune.records import model
from rune.records.card import Card, Lesson
from rune.records.trajectory import Trajectory
from rune.worker import Parts

SESSIONS, STEPS, BATCH, RATE, QUESTIONS, LONGEST = 8, 60, 8, 1e-3, 4, 160
RANK, ALPHA = 8, 16.0
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a question with its answer; the loss counts from ``answer`` on."""

    ids: tuple[int, ...]
    answer: int


def run(scene: Scene, parts: Parts) -> None:
    """Train the drawn sessions both ways, one after the other, and ask what was learnt.

    Raises:
        RuneError: not every session is learnt yet: others would be drawn.
    """
    scene.complete()
    chosen = drawn(scene)
    slow: list[Base] = []  # loaded when the first piece is missing
    for place, (past, card) in enumerate(chosen):

        def make(past: Trajectory = past, card: Card = card) -> Row:
            if not slow:
                slow.append(load(scene, parts, "float32"))
            return _row(scene, parts, slow[0], past, card)

        row = scene.work.kept("naive", past.session, make, partial(same, card.id))
        scene.work.say(
            f"naive {place + 1}/{len(chosen)} {past.session[:20]}: naive {row['naive_seconds']} s, "
            f"ours {row['our_seconds']} s, naive {sum(row['right'])}/{len(row['right'])}"
        )


def same(adapter: str, row: Row) -> bool:
    """Whether a piece is about this adapter."""
    return bool(row["adapter"] == adapter)


def drawn(scene: Scene) -> list[tuple[Trajectory, Card]]:
    """Eight sessions by lot among those that have an adapter and headline probes."""
    asked = {probe.session for probe in scene.headline}
    able = [(past, card) for past, card in scene.trained() if card and past.session in asked]
    return random.Random(SEED).sample(able, min(SESSIONS, len(able)))


def load(scene: Scene, parts: Parts, precision: str) -> Base:
    """The same base in another precision."""
    settings = replace(parts.config.model, precision=precision)
    return bases.load(model.locate(scene.home, settings.base), parts.base_hash, settings)


def _row(scene: Scene, parts: Parts, slow: Base, past: Trajectory, card: Card) -> Row:
    with_what, began = pace(), time.monotonic()
    adapter = lora.fresh(slow.layers, TARGETS, RANK, ALPHA, SEED)
    train(slow, adapter, pairs(slow, card.lessons))
    naive_seconds = round(time.monotonic() - began, 2)
    asked = [probe for probe in scene.asked(past.session) if probe.headline]
    answers = Engine(slow).answers([probe.question for probe in asked], adapter, SHORT)
    ours, ours_training = retrained(parts, card.lessons, scene.work.folder / "again")
    return {
        "row": "naive", "session": past.session, "adapter": card.id, "lessons": len(card.lessons),
        "naive_seconds": naive_seconds, "our_seconds": ours.seconds, "our_steps_seconds": ours_training,
        "naive_steps": STEPS, "our_steps": ours.steps, **with_what, "answers": answers,
        "right": [holds(answer, probe.keys) for answer, probe in zip(answers, asked, strict=True)],
    }  # fmt: skip


def pairs(base: Base, lessons: Sequence[Lesson]) -> list[Pair]:
    """The first trained questions of each lesson, with its answer."""
    made = []
    for lesson in lessons:
        for question in lesson.questions[:QUESTIONS]:
            prompt = base.prompt(question)
            ids = (*prompt, *base.tokenizer.encode(lesson.answer, add_special_tokens=False), base.stop_ids[0])
            if len(prompt) < LONGEST:
                made.append(Pair(ids[:LONGEST], len(prompt)))
    return made


def train(base: Base, adapter: lora.Adapter, made: Sequence[Pair]) -> None:
    """Sixty steps over shuffled batches."""
    chance = random.Random(SEED)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=RATE)
    waiting: list[Pair] = []
    for _ in range(STEPS):
        if len(waiting) < BATCH:
            waiting += chance.sample(list(made), len(made))
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        ids, mask, labels = padded(batch, base.device)
        with lora.attached(base.layers, adapter):
            loss = base.model(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
        optimizer.step()


def padded(batch: Sequence[Any], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and labels [B, L], padded on the right; -100 is no label."""
    width = max(len(one.ids) for one in batch)
    ids = [[*one.ids, *[0] * (width - len(one.ids))] for one in batch]
    mask = [[1] * len(one.ids) + [0] * (width - len(one.ids)) for one in batch]
    labels = [[-100] * one.answer + [*one.ids[one.answer :]] for one in batch]
    labels = [row + [-100] * (width - len(row)) for row in labels]
    made = (torch.tensor(rows, device=device) for rows in (ids, mask, labels))
    return next(made), next(made), next(made)


def retrained(parts: Parts, lessons: Sequence[Lesson], into: Path) -> tuple[Distilled, float]:
    """Our own way again, not published: what it made, and the seconds of its optimizer steps alone.

    Raises:
        RuneError: the distiller ended without a result.
    """
    found = timed(parts.distiller, lessons, into)
    shutil.rmtree(into)
    return found


def timed(distiller: Distiller, lessons: Sequence[Lesson], into: Path) -> tuple[Distilled, float]:
    """The same, and what it made stays in the folder.

    Raises:
        RuneError: the distiller ended without a result.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    ticks: list[float] = []
    last: Progress | Distilled | None = None
    for last in distiller.distil(lessons, into):
        if isinstance(last, Progress) and last.step > len(ticks):  # others are of probing
            ticks.append(time.monotonic())
    if not isinstance(last, Distilled):
        raise RuneError(f"expected the distiller to end with Distilled, got {last}")
    inner = max(1, len(ticks) - 1)
    return last, round((ticks[-1] - ticks[0]) * len(ticks) / inner, 2) if ticks else 0.0
