"""What all stages use: the base, a runner, and adapters of random numbers as PEFT reads them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from rune.bench.stage import say
from rune.config import EngineConfig
from rune.ml import lora
from rune.ml.base import Base
from rune.ml.serve import packed
from rune.ml.serve.runner import Runner
from rune.serving.types import Part

SEED = 20261128
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
DOWN = ("down_proj",)
SIZE = 0.02
"""Of the numbers in B: enough to change every answer."""
TEXT = (
    "The ledger of a shop holds one line for each sale, with the day, the amount and the currency. When one "
    "is taken back, a second line with a negative amount follows, and the sum of the month is counted anew. "
)


class Spent(NamedTuple):
    """Seconds that something took."""

    wall: float
    cpu: float


@dataclass
class Scene:
    """A base and a folder for adapters."""

    base: Base
    folder: Path
    _made: dict[str, list[Part]] = field(default_factory=dict)

    def runner(self, **settings: int) -> Runner:
        """An engine that does not stop at end tokens; close it before the next one is made."""
        made = Runner(self.base, EngineConfig(**settings))  # type: ignore[arg-type]
        made.stops = frozenset()
        return made

    def prompt(self, tokens: int, number: int = 0) -> str:
        """A text of about so many tokens, each number another one."""
        words = f"{number} {TEXT * (1 + tokens // 40)}".split()
        return " ".join(words[: max(2, int(tokens * 0.8))])

    def adapters(self, name: str, count: int, targets: Sequence[str], rank: int = 8) -> list[Part]:
        """So many adapters in bfloat16; those of one name share all factors but one."""
        made = self._made.setdefault(name, [])
        if len(made) < count:
            say(f"writing {count - len(made)} adapters of rank {rank} on {', '.join(targets)}")
            adapter = random_adapter(self.base, targets, rank, len(self._made))
            first = next(iter(adapter.factors.values()))
            shared = first.b
        for number in range(len(made), count):
            own = torch.Generator().manual_seed(number)
            first.b = shared + SIZE * torch.randn(shared.shape, generator=own)
            folder = self.folder / f"{name}-{number}"
            lora.save(adapter, folder, self.base.name)
            made.append(Part(packed.digest_of(folder), str(folder)))
        return made[:count]


def random_adapter(base: Base, targets: Sequence[str], rank: int, seed: int) -> lora.Adapter:
    """An adapter that changes every answer, with alpha twice the rank."""
    made = lora.fresh(base.layers, tuple(targets), rank, 2.0 * rank, seed)
    random = torch.Generator().manual_seed(seed)
    for part in made.factors.values():
        part.b = torch.randn(part.b.shape, generator=random) * SIZE
    return made


@contextmanager
def timed(into: list[Spent]) -> Iterator[None]:
    """Note the seconds of the block: by the clock, and of this process on all its cores."""
    began, worked = time.perf_counter(), time.process_time()
    yield
    into.append(Spent(time.perf_counter() - began, time.process_time() - worked))


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return round(statistics.median(a / b for a, b in zip(above, below, strict=True)), 4)


def milliseconds(seconds: Sequence[float]) -> float:
    """The median, in milliseconds."""
    return round(statistics.median(seconds) * 1e3, 3)


def ids_of(base: Base, texts: Sequence[str]) -> Tensor:
    """Token ids [N, T], cut to the shortest."""
    ids = [base.tokenizer.encode(text, add_special_tokens=False) for text in texts]
    width = min(map(len, ids))
    return torch.tensor([one[:width] for one in ids], device=base.device)
