"""What the frozen base makes of a text: the states that the hypernetwork reads.

Per layer: the input of each block, [N, L, S, h]; of these, the input of the last block is passed through the
base's final norm and the others are not. That is how the published checkpoints were trained (their encoder
is the base without its last block, whose library norms the last state), so it is kept. Early exit: the state
after ``exit`` blocks, normed, as a single map [N, 1, S, h].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rune.ml.base import Base
from rune.ml.hypernet.shape import EARLY_EXIT, Shape


@torch.no_grad()
def features(base: Base, ids: Tensor, mask: Tensor, shape: Shape) -> Tensor:
    """Token ids [N, S] with padding on the right, and what is no padding [N, S]: [N, L or 1, S, h].

    States at padding are whatever they are; the perceiver looks at the mask.
    """
    early = shape.features == EARLY_EXIT
    needed = shape.exit if early else shape.depth - 1
    with _shallow(base.model.model, needed):
        read = base.model.model(
            input_ids=ids, attention_mask=mask.long(), use_cache=False, output_hidden_states=not early
        )
    if early:
        return read.last_hidden_state[:, None]
    return torch.stack([read.hidden_states[layer] for layer in shape.layers], 1)


@contextmanager
def _shallow(model: Any, blocks: int) -> Iterator[None]:
    """The model without its later blocks for as long as the context lasts; its final norm stays."""
    whole = model.layers
    model.layers = nn.ModuleList(list(whole)[:blocks])
    try:
        yield
    finally:
        model.layers = whole


def chunks(ids: Sequence[int], shape: Shape) -> list[list[int]]:
    """A text's ids in equal pieces of at most ``shape.chunk``, each between prefix and suffix."""
    number = max(1, -(-len(ids) // shape.chunk))
    size = max(1, -(-len(ids) // number))
    pieces = [ids[at : at + size] for at in range(0, max(1, len(ids)), size)]
    return [[*shape.prefix, *piece, *shape.suffix] for piece in pieces]


def padded(pieces: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Chunks as ids [N, S], padded on the right, and what is no padding, bool [N, S]."""
    lengths = torch.tensor([len(piece) for piece in pieces])
    width = int(lengths.max())
    ids = torch.tensor([[*piece, *([0] * (width - len(piece)))] for piece in pieces])
    return ids.to(device), (torch.arange(width)[None] < lengths[:, None]).to(device)
