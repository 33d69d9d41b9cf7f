"""How a hypernetwork is trained: one recipe, two sizes, as values that travel with what comes out."""

from __future__ import annotations

from dataclasses import dataclass

from rune.ml.base import Base
from rune.ml.hypernet.corpus.sessions import Level
from rune.ml.hypernet.shape import Shape, targets_of

ALL = ("word", "number", "path", "command", "hash", "decision", "repair", "moved", "changed")


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the curriculum."""

    until: int
    """Contexts seen when it ends."""
    levels: tuple[Level, ...]
    """Contexts take these in turn."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a training run depends on besides base and code."""

    name: str
    stages: tuple[Stage, ...]
    batch: int
    """Contexts in a step."""
    rate: float = 2e-4
    """More than anything else this decides: at 1e-3 nothing was learnt from values out of 5,000 words."""
    scales: float = 20.0
    """The scales of B learn so many times faster: they start at zero, and until they have left it what a
    context adds is lost beside the bias that all contexts share."""
    head: float = 4.0
    """The head's first values are so many times as large as those of the published recipe, which takes eighty
    thousand steps to let them grow."""
    warm_up: int = 50
    """Steps."""
    decay: float = 0.01
    clip: float = 1.0
    betas: tuple[float, float] = (0.9, 0.98)
    teacher: float = 0.0
    """Weight of the divergence from the base that has the context in its prompt."""
    sparse: float = 0.0
    """Weight of the mean absolute value of all rows."""
    evaluate: int = 100
    """Steps between evaluations."""
    examined: int = 48
    """Held-out contexts of a level in an evaluation."""
    save: float = 180.0
    """Seconds between checkpoints."""
    compiled: bool = False
    """By torch, on a GPU."""
    seed: int = 7

    @property
    def contexts(self) -> int:
        """Contexts of the whole run."""
        return self.stages[-1].until

    def stage(self, seen: int) -> Stage:
        """Where in the curriculum a run stands that has seen so many contexts."""
        return next((stage for stage in self.stages if seen < stage.until), self.stages[-1])


ONE = Level()
TWO = Level(facts=(2, 2), questions=2)
FEW = Level(facts=(1, 4), kinds=ALL, near=1, fillers=1, questions=3, numbered=0.5)
LONG = Level(facts=(3, 10), kinds=ALL, near=3, fillers=3, questions=6, numbered=0.8)
ORDER = Level(kinds=("changed",), fillers=1, numbered=1.0)
EXAMINED = {"one": ONE, "two": TWO, "few": FEW, "long": LONG, "order": ORDER}
"""Levels of the evaluation, by their names in the log."""

CPU = Recipe(
    "cpu", (Stage(18_000, (ONE,)), Stage(24_000, (ONE, TWO)), Stage(30_000, (ONE, TWO, FEW))),
    batch=16, evaluate=200, examined=32,
)  # fmt: skip
"""A step takes three seconds of one core without AVX-512: two hours on one of two."""
GPU = Recipe(
    "gpu",
    (
        Stage(40_000, (ONE,)), Stage(120_000, (ONE, TWO)), Stage(300_000, (ONE, TWO, FEW)),
        Stage(500_000, (TWO, FEW, FEW, LONG)),
    ),
    batch=128, rate=4e-4, warm_up=200, evaluate=200, examined=128, save=60.0, compiled=True,
)  # fmt: skip
"""Not tried yet: no GPU was at hand. Four thousand steps; whether they fit into the time is to be seen."""
RECIPES = {recipe.name: recipe for recipe in (CPU, GPU)}


def shape_for(base: Base) -> Shape:
    """The hypernetwork that both sizes train: eight million weights for the default base.

    The later half of the blocks: what a question is about has been gathered by then, and the backward pass
    ends where the first adapter is.
    """
    config = base.model.config
    depth, hidden = int(config.num_hidden_layers), int(config.hidden_size)
    around = base.prompt("")  # the turn that adapters will be asked in
    return Shape(
        base=base.name, hidden=hidden, depth=depth, layers=tuple(range(depth // 2, depth)),
        targets=targets_of(base, ("down_proj",)), projection=hidden, width=128, blocks=3, heads=8,
        shared_heads=4, head=32, prefix=tuple(around[:1]), chunk=256,
    )  # fmt: skip
