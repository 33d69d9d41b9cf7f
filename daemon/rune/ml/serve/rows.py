"""The factors of the running rows, stacked: one batched product serves a batch of different adapters.

y_n = W0 x_n + x_n A_n B_n for row n, as in Punica (Chen et al. 2023, arXiv:2310.18547) and S-LoRA (Sheng et
al. 2023, arXiv:2311.03285), with PyTorch's batched product instead of a gather kernel: a CPU has none, and
the rows of a batch change seldom. An adapter is copied into its row when a request is admitted, so that
nothing is gathered in a step. A row without an adapter is zero. Ranks are padded to the largest class among
the rows, modules to their union: the padding costs what the largest adapter of the batch costs anyway, and
is stored nowhere else.

On a CPU factors are float32 even over a bfloat16 base: its batched products of bfloat16 are slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import Tensor

from rune.ml.lora import LoraLinear
from rune.ml.serve.layout import Layout, Shapes, rank_class
from rune.ml.serve.packed import Packed

Bound: TypeAlias = tuple[tuple[Packed, float], ...]
"""The adapters of a row, each with its weight; empty: the bare base."""
NOTHING = Layout((), 0)


class Port:
    """What a linear layer adds for the rows of the batch."""

    __slots__ = ("a", "b", "board")

    def __init__(self, board: Rows) -> None:
        self.board = board
        self.a = self.b = torch.empty(0)

    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """``out`` [N, T, O] with every row's own part added; ``x`` is [N, T, I]."""
        if not self.board.live:
            return out
        if out.dtype == self.a.dtype:
            return out.baddbmm_(torch.bmm(x, self.a), self.b)
        return out.add_(torch.bmm(torch.bmm(x.to(self.a.dtype), self.a), self.b))


class Rows:
    """Stacked factors of up to ``count`` rows; those that are taken come first."""

    def __init__(
        self, layers: Mapping[str, LoraLinear], count: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.layers = layers
        self.shapes = Shapes(layers)
        self.device = device
        self.dtype = torch.float32 if device.type == "cpu" else dtype
        self.bound: list[Bound | None] = [None] * count
        self.live = False
        self.layout = NOTHING
        self._numbers = self._empty(0, NOTHING)
        self._ports: dict[str, Port] = {}
        self._views: dict[tuple[int, int], list[tuple[Port, Tensor, Tensor]]] = {}
        self._shown: tuple[int, int] | None = None

    @property
    def bytes(self) -> int:
        """Of the stacked buffers."""
        return self._numbers.numel() * self.dtype.itemsize

    def bytes_with(self, row: int, adapters: Bound) -> int:
        """Of the stacked buffers once a row is bound."""
        count, layout = self._wanted([*self.bound[:row], adapters, *self.bound[row + 1 :]])
        return count * layout.size * self.dtype.itemsize

    def bind(self, row: int, adapters: Bound) -> None:
        """Give a row its adapters; their ΔW are added up by stacking their ranks."""
        self.bound[row] = adapters
        count, layout = self._wanted(self.bound)
        if (count, layout) == (len(self._numbers), self.layout):
            self._write(row)
        else:
            self._rebuild(count, layout)

    def move(self, source: int, target: int) -> None:
        """Let a row take another one's place; its old place is free."""
        self.bound[target], self.bound[source] = self.bound[source], None
        if self.layout.size:
            self._numbers[target] = self._numbers[source]

    def clear(self, row: int) -> None:
        """The row is free. The buffers stay as they are until another one is bound."""
        self.bound[row] = None

    @contextmanager
    def active(self, start: int, stop: int) -> Iterator[None]:
        """The batch of the block consists of these rows."""
        self.live = any(self.bound[start:stop])
        if self.live and self._shown != (start, stop):
            self._show(start, stop)
        try:
            yield
        finally:
            self.live = False

    def close(self) -> None:
        """Take the ports out of the base and give the buffers back."""
        self.bound = [None] * len(self.bound)
        self._rebuild(0, NOTHING)

    def _show(self, start: int, stop: int) -> None:
        views = self._views.get((start, stop))
        if views is None:
            part = self._numbers[start:stop]
            views = [
                (self._ports[module.name], self.layout.a(part, module), self.layout.b(part, module))
                for module in self.layout.modules
            ]
            if start == 0:  # of every step; those of prompts are many and come back seldom
                self._views[start, stop] = views
        for port, a, b in views:
            port.a, port.b = a, b
        self._shown = (start, stop)

    def _wanted(self, bound: Sequence[Bound | None]) -> tuple[int, Layout]:
        """How many rows, and the smallest layout that holds each of them."""
        adapters = [adapter for row in bound for adapter, _ in row or ()]
        if not adapters:
            return 0, NOTHING
        taken = max(place for place, row in enumerate(bound) if row is not None) + 1
        count = min(1 << (taken - 1).bit_length(), len(bound))
        modules = self.shapes.ordered({m.name for adapter in adapters for m in adapter.layout.modules})
        rank = rank_class(max(sum(adapter.layout.rank for adapter, _ in row or ()) for row in bound))
        return count, Layout(modules, rank)

    def _empty(self, count: int, layout: Layout) -> Tensor:
        return torch.empty(count, layout.size, dtype=self.dtype, device=self.device)

    def _rebuild(self, count: int, layout: Layout) -> None:
        for name in self._ports:
            self.layers[name].port = None
        self.layout, self._shown = layout, None
        self._views.clear()
        self._numbers = self._empty(0, NOTHING)  # the old one goes before the new one comes
        self._numbers = self._empty(count, layout)
        self._ports = {module.name: Port(self) for module in layout.modules}
        for name, port in self._ports.items():
            self.layers[name].port = port
        for row, adapters in enumerate(self.bound):
            if adapters is not None:
                self._write(row)

    def _write(self, row: int) -> None:
        adapters = self.bound[row]
        if not self.layout.size or adapters is None:
            return
        numbers = self._numbers[row]
        if len(adapters) == 1 and adapters[0][0].layout == self.layout:
            adapter, weight = adapters[0]
            numbers.copy_(adapter.numbers)
            if adapter.scale * weight != 1:
                numbers[self.layout.split :].mul_(adapter.scale * weight)
            return
        numbers.zero_()
        at = 0
        for adapter, weight in adapters:
            self._place(numbers, adapter, weight, at)
            at += adapter.layout.rank

    def _place(self, numbers: Tensor, adapter: Packed, weight: float, at: int) -> None:
        """Write one adapter into the ranks from ``at`` on."""
        rank = adapter.layout.rank
        for module in adapter.layout.modules:
            b = self.layout.b(numbers, module)[at : at + rank]
            self.layout.a(numbers, module)[:, at : at + rank] = adapter.layout.a(adapter.numbers, module)
            b.copy_(adapter.layout.b(adapter.numbers, module)).mul_(adapter.scale * weight)
