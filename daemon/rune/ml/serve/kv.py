"""Keys and values of the running rows, and attention over them.

A row is a place in the batch: rows that decode lie side by side, so that a step is a view and nothing is
gathered. The tensors are as wide and as long as the rows at hand need, and gone while none runs. What a
model of transformers asks of a cache is one method, ``update``; the attention is registered beside its own,
so that the model itself stays as it is. Shapes: L layers, N rows, K key heads, G query heads for each, C
capacity, E head size, W width seen.

Not covered: models whose layers see a sliding window, and those that do not take their attention from
transformers' interface.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

NAME = "rune_rows"
CHUNK = 128
"""Capacity comes in multiples of this."""


class RowCache:
    """[N, K, C, E] keys and values for each layer."""

    def __init__(self, config: Any, device: torch.device, dtype: torch.dtype) -> None:
        self.layers = int(config.num_hidden_layers)
        self.heads = int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
        self.size = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        self.device = device
        self.dtype = dtype
        self.rows = self.capacity = 0
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._start = self._stop = self._seen = 0
        self._one = False
        """Whether one token of each row is read, each at a place of its own."""
        self._at = torch.empty(0, dtype=torch.long)
        self._index = torch.empty(0, dtype=torch.long)

    @property
    def bytes(self) -> int:
        """Of all keys and values."""
        return self.bytes_for(self.rows, self.capacity)

    def bytes_for(self, rows: int, capacity: int) -> int:
        """Of keys and values of so many rows of this length."""
        return 2 * self.layers * rows * self.heads * capacity * self.size * self.dtype.itemsize

    def shape_with(self, rows: int, length: int) -> tuple[int, int]:
        """Rows and capacity once so many rows of up to this length run, beside those that do."""
        return max(rows, self.rows), max(-(-length // CHUNK) * CHUNK, self.capacity)

    def reserve(self, rows: int, length: int) -> None:
        """Make room; what the rows hold stays. Layer by layer: old tensors go as the new ones come."""
        rows, capacity = self.shape_with(rows, length)
        if (rows, capacity) == (self.rows, self.capacity):
            return
        shape = (rows, self.heads, capacity, self.size)
        for layer in range(self.layers):
            # zeros: a masked place counts nothing, but nothing times NaN is NaN
            fresh = [torch.zeros(shape, dtype=self.dtype, device=self.device) for _ in range(2)]
            if self._kept and len(self._kept) > layer:
                for new, old in zip(fresh, self._kept[layer], strict=True):
                    new[: self.rows, :, : self.capacity] = old
                self._kept[layer] = (fresh[0], fresh[1])
            else:
                self._kept.append((fresh[0], fresh[1]))
        self.rows, self.capacity = rows, capacity

    def move(self, source: int, target: int, length: int) -> None:
        """Let a row take another one's place."""
        for keys, values in self._kept:
            keys[target, :, :length] = keys[source, :, :length]
            values[target, :, :length] = values[source, :, :length]

    def clear(self) -> None:
        """Give everything back."""
        self._kept.clear()
        self.rows = self.capacity = 0

    def prefill(self, row: int, start: int, length: int, rows: int = 1) -> Tensor:
        """The next pass reads ``length`` tokens from place ``start`` on of so many rows; its mask [T, W].

        What is read of a shorter row's padding is overwritten by what the row generates.
        """
        self._start, self._stop, self._seen = row, row + rows, start + length
        self._one = False
        at = torch.arange(start, start + length, device=self.device)
        places = torch.arange(self._seen, device=self.device)
        return self._mask(places[None] <= at[:, None])

    def decode(self, lengths: list[int]) -> Tensor:
        """The next pass reads one token of each of the first rows; returns its mask [N, 1, 1, 1, W]."""
        self._start, self._stop, self._seen = 0, len(lengths), max(lengths) + 1
        self._one = True
        self._at = torch.tensor(lengths, device=self.device)
        self._index = torch.arange(len(lengths), device=self.device)
        places = torch.arange(self._seen, device=self.device)
        return self._mask(places[None] <= self._at[:, None])[:, None, None, None]

    def _mask(self, seen: Tensor) -> Tensor:
        return torch.zeros(seen.shape, device=self.device).masked_fill_(~seen, -torch.inf)

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Take [N, K, T, E] in; returns all that the rows have, [N, K, W, E]. Called by the model."""
        kept = self._kept[layer]
        rows, seen = slice(self._start, self._stop), slice(self._seen)
        for old, new in zip(kept, (keys, values), strict=True):
            if self._one and self._stop > 1:
                old[self._index, :, self._at] = new[:, :, 0]
            else:
                old[rows, :, self._seen - new.shape[2] : self._seen] = new
        return kept[0][rows, :, seen], kept[1][rows, :, seen]

    def get_seq_length(self, layer: int = 0) -> int:
        """Called by models that are not told positions; ours are."""
        return self._seen


def _attend(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
    *, seen: Tensor, scaling: float, **settings: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """[N, K*G, T, E] over [N, K, W, E] to [N, T, K*G, E]; query heads of a group share one key."""
    del mask
    heads, length = key.shape[1], query.shape[2]
    q = (query * scaling).unflatten(1, (heads, -1))  # [N, K, G, T, E]
    groups = q.shape[2]
    scores = (q.flatten(2, 3) @ key.transpose(-1, -2)).float()  # [N, K, G*T, W]
    shares = (scores.unflatten(2, (groups, length)) + seen).softmax(-1).flatten(2, 3)
    out = shares.to(value.dtype) @ value
    return out.unflatten(2, (groups, length)).flatten(1, 2).transpose(1, 2), None


AttentionInterface.register(NAME, _attend)
