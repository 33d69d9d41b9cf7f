"""The network itself: states of the base to the rows of A and B of every layer.

At the start ``scale_b`` and ``bias_b`` are zero, so that the product of every adapter is exactly zero and
the first training step starts from the base. What follows the perceivers runs in float32; they themselves
run in bfloat16 on a GPU, as the published ones were trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rune.ml.hypernet.perceiver import Gated, Resampler, precise
from rune.ml.hypernet.shape import PER_LAYER, Shape


@dataclass(frozen=True, slots=True)
class Rows:
    """What is made of chunks for one kind of layer. B lies rank first, as A does."""

    a: Tensor
    """[N, L, r, I]"""
    b: Tensor
    """[N, L, r, O]"""


class Mixer(nn.Module):
    """A residual layer with weights of its own for every layer of the base; its norms are shared."""

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.norm_in, self.norm_out = nn.LayerNorm(width), nn.LayerNorm(width)
        self.wide, self.wide_bias = _uniform(layers, width, 4 * width), _zeros(1, layers, 1, 1, 4 * width)
        self.narrow, self.narrow_bias = _uniform(layers, 4 * width, width), _zeros(1, layers, 1, 1, width)

    def forward(self, x: Tensor) -> Tensor:
        """[N, L, M, r, d] to the same."""
        wide = torch.einsum("nlmrd,lde->nlmre", self.norm_in(x), self.wide) + self.wide_bias
        narrow = torch.einsum("nlmre,led->nlmrd", functional.silu(wide), self.narrow) + self.narrow_bias
        out: Tensor = x + self.norm_out(narrow)
        return out


class Hypernetwork(nn.Module):
    """Context features to LoRA rows, with a learnt adapter that every context shares."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        shape.check()
        self.shape = shape
        layers, d, rank = len(shape.layers), shape.width, shape.rank
        self.projection = Gated(shape.hidden, shape.projection, d)
        self.encoder = Resampler(shape, shape.latents, shape.blocks)
        self.decoder = Resampler(shape, shape.queries, 1)
        self.mixers = nn.ModuleList(Mixer(layers, d) for _ in range(shape.mixers))
        spread = 0.5 / math.sqrt(d + shape.widest * rank)
        self.head = nn.Parameter(torch.randn(layers, len(shape.targets), d, shape.widest) * spread)
        by_name = {target.name: target for target in shape.targets}
        self.scale_a = nn.ParameterDict({name: torch.ones(1, layers, rank, 1) for name in by_name})
        self.scale_b = nn.ParameterDict({name: torch.zeros(1, layers, rank, 1) for name in by_name})
        self.bias_a = nn.ParameterDict({
            name: torch.randn(layers, rank, t.inner) * 0.2 / math.sqrt(t.inner * rank)
            for name, t in by_name.items()
        })  # fmt: skip
        self.bias_b = nn.ParameterDict({
            name: torch.zeros(layers, rank, t.outer) for name, t in by_name.items()
        })  # fmt: skip

    def forward(self, features: Tensor, mask: Tensor) -> dict[str, Rows]:
        """Features [N, L or 1, S, h] and what is no padding, bool [N, S]: rows for each kind of layer."""
        e = precise(self.aggregated(features, mask))
        for mixer in self.mixers:
            e = mixer(e)
        e = e / e.norm(dim=-1, keepdim=True)
        made = torch.einsum("nlmrd,lmde->nlmre", e, self.head)
        return {
            t.name: Rows(
                made[:, :, m, :, : t.inner] * self.scale_a[t.name],
                made[:, :, m, :, t.inner : t.inner + t.outer] * self.scale_b[t.name],
            )
            for m, t in enumerate(self.shape.targets)
        }

    def aggregated(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features [N, L or 1, S, h] and mask [N, S]: one vector for each row, [N, L, M, r, d].

        Per layer, the layers are folded into the batch: the perceivers are shared and do not know which
        layer they read.
        """
        number, maps = features.shape[:2]
        seen = None if bool(mask.all()) else mask.repeat(maps, 1)  # layer first, as the features below
        with torch.autocast(features.device.type, torch.bfloat16, enabled=features.is_cuda):
            projected = self.projection(features.transpose(0, 1).flatten(0, 1))  # [L * N, S, d]
            read = self.decoder(self.encoder(projected, seen), None)
        kinds, rank = len(self.shape.targets), self.shape.rank
        if self.shape.features == PER_LAYER:
            return read.unflatten(0, (maps, number)).transpose(0, 1).unflatten(2, (kinds, rank))
        return read.unflatten(1, (len(self.shape.layers), kinds, rank))

    def bias(self) -> Mapping[str, Rows]:
        """What is added to every adapter, whatever the context: rows [1, L, r, I] and [1, L, r, O]."""
        names = [target.name for target in self.shape.targets]
        return {name: Rows(self.bias_a[name][None], self.bias_b[name][None]) for name in names}

    def undecayed(self) -> set[str]:
        """Names of parameters that weight decay leaves alone: scales, biases, norms, latents."""
        words = ("scale_", "bias", "norm", "latents")
        return {name for name, _ in self.named_parameters() if any(word in name for word in words)}


def _uniform(layers: int, inner: int, outer: int) -> nn.Parameter:
    """[L, inner, outer], uniform with variance 1 / inner."""
    bound = math.sqrt(3 / inner)
    return nn.Parameter((torch.rand(layers, inner, outer) * 2 - 1) * bound)


def _zeros(*sizes: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(*sizes))
