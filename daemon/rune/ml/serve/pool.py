"""Adapters near at hand, under one budget of bytes with the keys and values of the running rows.

The longest unused adapter goes first; one that a running row or an admission holds is pinned and stays.
``claim`` makes room for what is no adapter: keys and values, and the stacked rows.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import replace

import torch

from rune.errors import AdapterError
from rune.ml.serve.packed import Packed, Shelf
from rune.serving.types import Part


class Pool:
    """Resident adapters by digest."""

    def __init__(self, shelf: Shelf, device: torch.device, budget: int) -> None:
        self.shelf = shelf
        self.device = device
        self.budget = budget
        self.claimed = 0
        """Bytes of the budget that are no resident adapters."""
        self.bytes = 0
        self.loads = self.hits = self.evictions = 0
        self._near: OrderedDict[str, Packed] = OrderedDict()
        self._pins: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._near)

    def __contains__(self, digest: object) -> bool:
        return digest in self._near

    def check(self, part: Part) -> None:
        """Whether an adapter could be loaded; nothing is evicted for it.

        Raises:
            AdapterError: it could not.
        """
        if part.digest not in self._near:
            self.shelf.open(part)

    def get(self, part: Part) -> Packed:
        """The adapter, brought near where it is not; others may be evicted for it.

        It stays resident only where the budget has room for it beside what is pinned and claimed.

        Raises:
            AdapterError: it cannot be loaded.
        """
        if (near := self._near.get(part.digest)) is not None:
            self.hits += 1
            self._near.move_to_end(part.digest)
            return near
        loaded = self.shelf.open(part)
        if loaded.bytes > self.budget:
            raise AdapterError(f"adapter {part.digest} of {loaded.bytes} bytes is larger than the budget")
        if self.device.type != "cpu":
            loaded = replace(loaded, numbers=loaded.numbers.to(self.device))
        self.loads += 1
        if self._evict(loaded.bytes):
            self._near[part.digest] = loaded
            self.bytes += loaded.bytes
        return loaded

    def pin(self, digest: str) -> None:
        """Keep a resident adapter until it is unpinned as often."""
        self._pins[digest] += 1

    def unpin(self, digest: str) -> None:
        """Let go of an adapter; it stays as long as there is room."""
        self._pins[digest] -= 1
        if self._pins[digest] <= 0:
            del self._pins[digest]

    def claim(self, size: int) -> bool:
        """Give up bytes of the budget for something else; False where pinned adapters leave too little."""
        before, self.claimed = self.claimed, size
        if self._evict(0):
            return True
        self.claimed = before
        return False

    def forget(self, digest: str) -> None:
        """Drop an adapter that nobody uses."""
        if digest in self._near and not self._pins[digest]:
            self.bytes -= self._near.pop(digest).bytes

    def _evict(self, wanted: int) -> bool:
        """Make room for so many bytes; False where what may go is not enough. Then nothing goes."""
        over = self.bytes + self.claimed + wanted - self.budget
        if over <= 0:
            return True
        going = []
        for digest, adapter in self._near.items():
            if not self._pins[digest]:
                going.append(digest)
                over -= adapter.bytes
                if over <= 0:
                    break
        if over > 0:
            return False
        for digest in going:
            self.bytes -= self._near.pop(digest).bytes
            self.evictions += 1
        return True
