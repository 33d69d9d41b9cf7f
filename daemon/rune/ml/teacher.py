"""Context distillation: the base with the passage in its prompt teaches its adapter, which is not shown it.

KL(base given passage and question || adapter given the question) over the tokens of the answer (Snell et al.
2022, arXiv:2209.15189). The answers themselves stay targets, too: a base is no perfect reader. Where it is a
bad one this teaches its mistakes, so it is asked first how well it reads (``rune.reader.PROBES``).

Of each of the teacher's distributions the likeliest tokens are kept (``TOP``), and how much all others have
together: a few kilobytes a lesson. The divergence over these parts is never more than the whole one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rune import reader
from rune.ml import neutral, packing
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.probing import holds
from rune.records.card import Lesson
from rune.units import Work

TOP = 64
"""Tokens of a distribution that are kept, by their likelihood."""
PASSAGE = 320
"""Tokens of a passage that are read."""
LONGEST = 1024
"""Tokens of a teacher's prompt and answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the teacher says along one answer of A tokens."""

    ids: Tensor
    """[A, K] its likeliest tokens."""
    shares: Tensor
    """[A, K + 1] their probabilities, and that of all others together."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """What the base says with passages in its prompt, by the place of the lesson."""

    told: Mapping[int, Told]

    def divergence(self, place: int, logits: Tensor) -> Tensor | None:
        """KL(teacher || adapter) in nats for each of the first tokens of an answer.

        Args:
            place: of the lesson.
            logits: the adapter's, [A, V]; fewer than the whole answer has where its beginning is asked.

        Returns:
            [A]; None where there was no passage.
        """
        if (told := self.told.get(place)) is None:
            return None
        ids, shares = (part[: len(logits)].to(logits.device) for part in (told.ids, told.shares))
        known = logits.log_softmax(-1).gather(-1, ids)
        others = torch.log1p(-known.exp().sum(-1, keepdim=True).clamp(max=1 - 1e-6))
        ours = torch.cat([known, others], dim=-1)
        return (torch.xlogy(shares, shares) - shares * ours).sum(-1)


def reads(engine: Engine, kept: Path | None) -> Work[float]:
    """The share of the reading probes that a base answers; ``kept`` as in ``neutral.saying``."""
    told = yield from neutral.saying(engine, [probe.prompt for probe in reader.PROBES], kept)
    right = [holds(answer, probe.keys) for answer, probe in zip(told, reader.PROBES, strict=True)]
    return sum(right) / len(right)


@torch.no_grad()  # not inference_mode: its tensors take no part in a loss
def teaching(base: Base, lessons: Sequence[Lesson], passages: Sequence[str]) -> Work[Teacher]:
    """Read each lesson's passage and go along its answer once.

    Args:
        base: without an adapter.
        lessons: whose answers are gone along.
        passages: of each lesson, or nothing.
    """
    told: dict[int, Told] = {}
    for place, (lesson, passage) in enumerate(zip(lessons, passages, strict=True)):
        if not passage.strip():
            continue
        asked = reader.prompt(near(base, passage, lesson.keys), lesson.questions[0])
        states, _ = packing.hidden(base, [packing.example(base, asked, lesson.answer, LONGEST)])
        shares, ids = base.model.lm_head(states).float().softmax(-1).topk(TOP, dim=-1)
        rest = (1 - shares.sum(-1, keepdim=True)).clamp(min=0.0)
        told[place] = Told(ids, torch.cat([shares, rest], dim=-1))
        yield
    return Teacher(told)


def near(base: Base, passage: str, keys: Sequence[str]) -> str:
    """As much of a passage as is read, around the answer."""

    def encode(text: str) -> list[int]:
        return list(base.tokenizer.encode(text, add_special_tokens=False))

    at = reader.place(passage, keys)
    return reader.window(passage, at, PASSAGE, encode, base.tokenizer.decode)
