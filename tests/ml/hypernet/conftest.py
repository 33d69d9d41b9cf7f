"""Hypernetworks of a few thousand weights, with nothing in them left at its first value."""

from __future__ import annotations

import pytest
import torch

from rune.bench.hypernet.numerics import disturbed
from rune.ml.base import Base
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.shape import EARLY_EXIT, PER_LAYER, Shape, targets_of

SMALL = {"rank": 4, "multiplier": 16.0, "width": 16, "latents": 3, "blocks": 2, "heads": 4, "shared_heads": 2,
         "head": 8, "prefix": (1,), "suffix": (2,), "chunk": 12}  # fmt: skip


def small_shape(base: Base, targets=("down_proj",), **changes) -> Shape:
    """A shape for the tiny base; any field replaced."""
    config = base.model.config
    depth = config.num_hidden_layers
    own = {"hidden": config.hidden_size, "layers": tuple(range(depth)), "projection": 48}
    fields = {**SMALL, **own, **changes}
    return Shape(base.name, depth=depth, targets=targets_of(base, targets), **fields)


@pytest.fixture(params=[PER_LAYER, EARLY_EXIT])
def network(request: pytest.FixtureRequest, tiny: Base) -> Hypernetwork:
    """Two kinds of layer and a mixer, of either way to read the base."""
    torch.manual_seed(11)
    shape = small_shape(tiny, ("down_proj", "q_proj"), features=request.param, exit=1)
    return disturbed(Hypernetwork(shape))
