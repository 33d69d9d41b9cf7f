"""What the frozen base makes of a text: the states that the hypernetwork reads.

Per layer: the input of each block, [N, L, S, h]; of these, the input of the last block is passed through the
base's final norm and the others are not. That is how the published checkpoints were trained (their encoder
is the base without its last block, whose library norms the last state), so it is kept. Early exit: the state
after ``exit`` blocks, normed, as a single map [N, 1, S, h].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    model = base.model.model
    early = shape.features == EARLY_EXIT
    blocks = shape.exit if early else shape.depth - 1
    with _shallow(model, blocks), _inputs(model, () if early else shape.layers) as kept:
        read = model(input_ids=ids, attention_mask=mask.long(), use_cache=False)
    if early:
        return read.last_hidden_state[:, None]
    kept[blocks] = read.last_hidden_state
    return torch.stack([kept[layer] for layer in shape.layers], 1)


@contextmanager
def _shallow(model: Any, blocks: int) -> Iterator[None]:
    """The model without its later blocks for as long as the context lasts; its final norm stays."""
    whole = model.layers
    model.layers = nn.ModuleList(list(whole)[:blocks])
    try:
        yield
    finally:
        model.layers = whole


@contextmanager
def _inputs(model: Any, layers: Sequence[int]) -> Iterator[dict[int, Tensor]]:
    """What the blocks read, by their number: [N, S, h].

    Not ``output_hidden_states``: transformers hooks only the blocks that it sees at the first such call, and
    a shortened model would stay without the others for good.
    """
    kept: dict[int, Tensor] = {}

    def keep(number: int) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
            kept[number] = given[0] if given else named["hidden_states"]

        return hook

    hooks = [
        model.layers[number].register_forward_pre_hook(keep(number), with_kwargs=True)
        for number in layers
        if number < len(model.layers)
    ]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def chunks(ids: Sequence[int], shape: Shape) -> list[list[int]]:
    """A text's ids between prefix and suffix, in equal pieces of at most ``shape.chunk``.

    Where there are several, every piece gets the prefix or suffix that the cut took from it.
    """
    whole = [*shape.prefix, *ids, *shape.suffix]
    number = max(1, -(-len(whole) // shape.chunk))
    size = max(1, -(-len(whole) // number))
    pieces = [whole[at : at + size] for at in range(0, max(1, len(whole)), size)]
    before = [[], *([list(shape.prefix)] * (len(pieces) - 1))]
    after = [*([list(shape.suffix)] * (len(pieces) - 1)), []]
    return [[*head, *piece, *tail] for head, piece, tail in zip(before, pieces, after, strict=True)]


def padded(pieces: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Chunks as ids [N, S], padded on the right, and what is no padding, bool [N, S]."""
    lengths = torch.tensor([len(piece) for piece in pieces])
    width = int(lengths.max())
    ids = torch.tensor([[*piece, *([0] * (width - len(piece)))] for piece in pieces])
    return ids.to(device), (torch.arange(width)[None] < lengths[:, None]).to(device)
