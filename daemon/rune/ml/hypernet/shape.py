"""Everything that the shapes of a hypernetwork depend on, as one value that travels with its checkpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rune.errors import ConfigError
from rune.ml.base import Base

PER_LAYER, EARLY_EXIT = "per_layer", "early_exit"


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of linear layer that gets an adapter."""

    name: str
    inner: int
    """I, what it reads."""
    outer: int
    """O, what it writes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes; the defaults are those of the published checkpoints."""

    base: str
    hidden: int
    """h"""
    depth: int
    """Blocks of the base."""
    layers: tuple[int, ...]
    """The L blocks that get an adapter, in order."""
    targets: tuple[Target, ...]
    """M kinds, by name."""
    projection: int
    """Inner width of the first projection; 4 h in published checkpoints."""
    rank: int = 8
    multiplier: float = 45.254833995939045
    """The adapter's product is multiplied by this, and not by a share of the rank: 2 r^(3/2) at r = 8."""
    width: int = 512
    """d"""
    latents: int = 8
    blocks: int = 9
    heads: int = 16
    shared_heads: int = 4
    """Heads of keys and values; each serves ``heads / shared_heads`` of the queries'."""
    head: int = 128
    mixers: int = 1
    features: str = PER_LAYER
    """per_layer: a layer's adapter is made of what that block reads. early_exit: all of one early state."""
    exit: int = 0
    """After how many blocks an early exit leaves the base."""
    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()
    """Token ids around every chunk."""
    chunk: int = 512
    """Most tokens of a chunk, before it gets the prefix or suffix that it lacks."""

    @property
    def widest(self) -> int:
        """D, the width of the head: the largest I + O."""
        return max(target.inner + target.outer for target in self.targets)

    @property
    def queries(self) -> int:
        """What the decoder gives for each text that the encoder reads."""
        rows = len(self.targets) * self.rank
        return rows if self.features == PER_LAYER else rows * len(self.layers)

    def check(self) -> None:
        """Raises ConfigError where the values do not fit each other."""
        layers, kinds = list(self.layers), [target.name for target in self.targets]
        wrong = {
            "layers": not layers or layers != sorted(set(layers) & set(range(self.depth))),
            "targets": not kinds or kinds != sorted(set(kinds)),
            "heads": self.heads % self.shared_heads != 0,
            "features": self.features not in (PER_LAYER, EARLY_EXIT),
            "exit": self.features == EARLY_EXIT and not 0 < self.exit <= self.depth,
            "chunk": self.chunk < 1,
        }
        for name, bad in wrong.items():
            if bad:
                raise ConfigError(f"hypernetwork: {name} = {getattr(self, name)!r} does not fit the rest")


def targets_of(base: Base, names: tuple[str, ...]) -> tuple[Target, ...]:
    """The named kinds of layer with their sizes, by name.

    Raises:
        ConfigError: the base has none of that name.
    """
    found = {}
    for path, layer in base.layers.items():
        name = path.rpartition(".")[2]
        if name in names:
            found[name] = Target(name, layer.base.in_features, layer.base.out_features)
    if missing := sorted(set(names) - found.keys()):
        raise ConfigError(f"the base {base.name} has no layer named {missing[0]}")
    return tuple(found[name] for name in sorted(found))


def paths_of(base: Base, shape: Shape, target: str) -> list[str]:
    """The names of the L layers of one kind, in the order of ``shape.layers``.

    Raises:
        ConfigError: the base lacks one.
    """
    at: dict[int, str] = {}
    for path in base.layers:
        found = re.search(r"\.layers\.(\d+)\.", path)
        if found and path.rpartition(".")[2] == target:
            at[int(found[1])] = path
    if missing := [layer for layer in shape.layers if layer not in at]:
        raise ConfigError(f"the base {base.name} has no {target} in block {missing[0]}")
    return [at[layer] for layer in shape.layers]


def check_base(shape: Shape, base: Base) -> None:
    """Raises ConfigError where a hypernetwork was made for another architecture than the base's."""
    config = base.model.config
    found = (int(config.hidden_size), int(config.num_hidden_layers))
    if found != (shape.hidden, shape.depth):
        raise ConfigError(
            f"the hypernetwork is for {shape.base} (width {shape.hidden}, {shape.depth} blocks), "
            f"{base.name} has width {found[0]} and {found[1]} blocks"
        )
    if (sizes := targets_of(base, tuple(t.name for t in shape.targets))) != shape.targets:
        raise ConfigError(f"the hypernetwork is for layers {shape.targets}, {base.name} has {sizes}")
