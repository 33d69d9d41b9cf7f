"""Sessions as tensors: chunks to read, questions to answer, and which question is to which session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rune.ml import packing
from rune.ml.base import Base
from rune.ml.hypernet.corpus.sessions import Session
from rune.ml.hypernet.features import chunks, padded
from rune.ml.hypernet.shape import Shape
from rune.ml.packing import Example

LONGEST = 160
"""Tokens of a question with its answer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """X sessions in N chunks, with Q questions of T tokens."""

    chunks: Tensor
    """Token ids [N, S]."""
    seen: Tensor
    """What is no padding, bool [N, S]."""
    counts: tuple[int, ...]
    """Chunks of each session."""
    examples: tuple[Example, ...]
    """The questions; ``owner`` is the session's place."""
    ids: Tensor
    """Questions with their answers [Q, T], padded on the right, where a causal mask never looks."""
    targets: Tensor
    """[Q, T - 1] the token that follows, where it is of the answer, else -1."""


def batch(base: Base, shape: Shape, sessions: Sequence[Session]) -> Batch:
    """Tokenise sessions and their questions."""
    pieces = [chunks(encoded(base, session.text), shape) for session in sessions]
    examples = tuple(
        packing.example(base, asked.question, asked.answer, LONGEST, place)
        for place, session in enumerate(sessions)
        for asked in session.asked
    )
    ids, seen = padded([piece for some in pieces for piece in some], base.device)
    asked, targets = rows(base, examples)
    return Batch(ids, seen, tuple(map(len, pieces)), examples, asked, targets)


def rows(base: Base, examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Token ids [Q, T] and targets [Q, T - 1]."""
    ids, mask = padded([one.ids for one in examples], base.device)
    starts = torch.tensor([one.answer for one in examples], device=base.device)
    places = torch.arange(1, ids.shape[1], device=base.device)
    answer = mask[:, 1:] & (places[None] >= starts[:, None])
    return ids, torch.where(answer, ids[:, 1:], -1)


def encoded(base: Base, text: str) -> list[int]:
    """A text's ids, with nothing around it."""
    return list(base.tokenizer.encode(text, add_special_tokens=False))
