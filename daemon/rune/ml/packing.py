"""Examples packed into one row without padding; attention sees each example alone.

A row of examples is one sequence to the linear layers. For attention it is folded into a batch [B, L] of its
examples, padded on the right where a causal mask never looks: with a block-diagonal mask over the whole row
attention took a third of a training step at 512 tokens, for scores that were thrown away. At the 256 tokens
of a row now both take as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from rune.ml.base import Base

NAME = "rune_packed"
SHAPE = 128
"""Rows are filled up to a multiple of this: the kernels keep memory for every length that they have seen."""


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids of a question with its answer; the loss counts from ``answer`` on."""

    ids: tuple[int, ...]
    answer: int
    owner: int = 0
    """Which lesson it is of; below zero for a neutral question."""

    @property
    def targets(self) -> int:
        """How many tokens are to be predicted."""
        return len(self.ids) - self.answer


def example(base: Base, question: str, answer: str, max_sequence: int, owner: int = 0) -> Example:
    """One question and answer as token ids: the question takes at most half, the answer loses its end."""
    prompt = base.prompt(question)
    while len(prompt) > max_sequence // 2 and len(question) > 20:
        question = question[: len(question) * 3 // 4]
        prompt = base.prompt(question)
    ids = (*prompt, *base.tokenizer.encode(answer, add_special_tokens=False), base.stop_ids[0])
    return Example(ids[:max_sequence], len(prompt), owner)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the tokens of a row [T] sit in the batch [B, L] of its examples."""

    fold: Tensor
    """[B, L] place in the row; padding points at place 0."""
    unfold: Tensor
    """[T] place in the flattened batch."""


def rows(made: Sequence[Example], budget: int) -> Iterator[list[Example]]:
    """Fill rows with examples up to the token budget, in their order."""
    row: list[Example] = []
    for example in made:
        if row and sum(len(e.ids) for e in row) + len(example.ids) > budget:
            yield row
            row = []
        row.append(example)
    if row:
        yield row


def filled(made: Sequence[Example], budget: int) -> list[list[Example]]:
    """The same with less left over: each example goes into the first row that has room for it (first fit)."""
    found: list[list[Example]] = []
    room: list[int] = []
    for one in made:
        size = len(one.ids)
        place = next((at for at, left in enumerate(room) if left >= size), len(room))
        if place == len(room):
            found.append([])
            room.append(budget)
        found[place].append(one)
        room[place] -= size
    return found


def hidden(base: Base, row: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Hidden states [A, D] at the A places that predict an answer token, and the tokens [A] found there."""
    lengths = [len(e.ids) for e in row]
    rest = -sum(lengths) % SHAPE
    ids = torch.tensor([token for e in row for token in e.ids] + [0] * rest)
    positions = torch.cat([torch.arange(length) for length in (*lengths, rest)])
    starts = [0, *torch.tensor(lengths).cumsum(0).tolist()]
    places = torch.tensor(
        [
            start + at
            for start, one in zip(starts, row, strict=False)
            for at in range(one.answer - 1, len(one.ids) - 1)
        ]
    )
    with attention(base.model, NAME):
        states = base.model.model(
            input_ids=ids[None].to(base.device),
            position_ids=positions[None].to(base.device),
            use_cache=False,
            layout=layout(lengths, rest, base.device),
        ).last_hidden_state[0]
    return states[places.to(base.device)], ids[places + 1].to(base.device)


def layout(lengths: Sequence[int], rest: int, device: torch.device) -> Layout:
    """The layout of examples of these lengths, followed by ``rest`` places that nobody sees."""
    width = max(lengths)
    unseen = [min(width, rest - at) for at in range(0, rest, width)]
    sizes = torch.tensor([*lengths, *unseen])
    starts = sizes.cumsum(0) - sizes
    within = torch.arange(width)[None]
    fold = torch.where(within < sizes[:, None], starts[:, None] + within, 0)
    owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    unfold = owner * width + torch.arange(int(sizes.sum())) - starts[owner]
    return Layout(fold.to(device), unfold.to(device))


@contextmanager
def attention(model: Any, name: str) -> Iterator[None]:
    """Another registered attention for the length of the block; recalls in between keep the base's own."""
    before = model.config._attn_implementation
    model.config._attn_implementation = name
    try:
        yield
    finally:
        model.config._attn_implementation = before


def _packed(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    layout: Layout,
    scaling: float,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention over each example: query [1, H, T, E] to [1, T, H, E].

    Written out in float32: the CPU's fused kernels take three times as long for the gradient of short rows.
    """
    del mask  # causal, and padding is on the right
    groups = getattr(module, "num_key_value_groups", 1)
    q, k, v = (
        _folded(x[0].transpose(0, 1), layout.fold).float() for x in (query, key, value)
    )  # [B, H, L, E]
    size = q.shape[2]
    q = q.unflatten(1, (-1, groups)).flatten(2, 3) * scaling  # [B, K, G*L, E]: groups share their key
    scores = (q @ k.transpose(-1, -2)).unflatten(2, (groups, size))
    unseen = torch.ones(size, size, dtype=torch.bool, device=q.device).triu(1)
    shares = scores.masked_fill(unseen, -torch.inf).softmax(-1)
    out = (shares.flatten(2, 3) @ v).unflatten(2, (groups, size)).flatten(1, 2)  # [B, H, L, E]
    return out.to(query.dtype).transpose(1, 2).flatten(0, 1).index_select(0, layout.unfold)[None], None


def _folded(x: Tensor, fold: Tensor) -> Tensor:
    """[T, H, E] to [B, H, L, E]; index_select, because the gradient of plain indexing is slow."""
    return x.index_select(0, fold.flatten()).unflatten(0, fold.shape).transpose(1, 2)


AttentionInterface.register(NAME, _packed)
