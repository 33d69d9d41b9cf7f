"""Where the LoRA factors of some modules lie in one flat row of numbers.

Every A, [I, R] each, then every B, [R, O] each, in the order of the base's layers: one copy moves a whole
adapter, and each factor is a view. Shapes: I in, O out, R rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from rune.errors import AdapterError

LEAST_CLASS = 8


@dataclass(frozen=True, slots=True)
class Module:
    """A linear layer of the base that can carry factors."""

    name: str
    inner: int
    out: int


@dataclass(frozen=True)
class Layout:
    """The places of the factors of these modules, all of one rank."""

    modules: tuple[Module, ...]
    rank: int
    places: Mapping[str, tuple[int, int]] = field(init=False, compare=False, repr=False)
    """Offset of a module's A and of its B."""
    split: int = field(init=False, compare=False, repr=False)
    """Where the Bs begin."""
    size: int = field(init=False, compare=False, repr=False)
    """Numbers in a row."""

    def __post_init__(self) -> None:
        split = self.rank * sum(module.inner for module in self.modules)
        places, a, b = {}, 0, split
        for module in self.modules:
            places[module.name] = (a, b)
            a += self.rank * module.inner
            b += self.rank * module.out
        for name, value in (("places", places), ("split", split), ("size", b)):
            object.__setattr__(self, name, value)

    def a(self, rows: Tensor, module: Module) -> Tensor:
        """A of each row: a view [..., I, R] of ``rows`` [..., size]."""
        at = self.places[module.name][0]
        part = rows.narrow(-1, at, module.inner * self.rank)
        return part.unflatten(-1, (module.inner, self.rank))

    def b(self, rows: Tensor, module: Module) -> Tensor:
        """B of each row: a view [..., R, O] of ``rows`` [..., size]."""
        at = self.places[module.name][1]
        part = rows.narrow(-1, at, self.rank * module.out)
        return part.unflatten(-1, (self.rank, module.out))


class Shapes:
    """The modules of a base in their order."""

    def __init__(self, layers: Mapping[str, nn.Module]) -> None:
        self.modules = {
            name: Module(name, int(layer.base.in_features), int(layer.base.out_features))  # type: ignore[union-attr, arg-type]
            for name, layer in layers.items()
        }

    def ordered(self, names: Iterable[str]) -> tuple[Module, ...]:
        """These modules in the base's order.

        Raises:
            AdapterError: the base has no module of such a name.
        """
        wanted = set(names)
        if foreign := wanted - self.modules.keys():
            raise AdapterError(f"expected weights for layers of the base, found {sorted(foreign)[:3]}")
        return tuple(module for name, module in self.modules.items() if name in wanted)


def rank_class(rank: int) -> int:
    """The rank that rows are padded to: 8, 16, 32, 64, ...

    >>> [rank_class(rank) for rank in (1, 8, 9, 24, 64)]
    [8, 8, 16, 32, 64]

    """
    size = LEAST_CLASS
    while size < rank:
        size *= 2
    return size
