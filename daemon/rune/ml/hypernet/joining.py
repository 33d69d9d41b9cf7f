"""Chunks into one adapter: ranks are laid side by side, the learnt bias last, so that products add up.

delta W = sum over chunks of B_c A_c, plus the bias. The order of chunks is lost in that sum: what has to be
known about order must be said inside the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from rune.ml import lora
from rune.ml.base import Base
from rune.ml.hypernet.network import Hypernetwork, Rows
from rune.ml.hypernet.shape import paths_of

Joined = Mapping[str, Rows]
"""By kind of layer, rows of whole adapters: a [X, L, R, I], b [X, L, R, O]."""


def joined(network: Hypernetwork, made: Mapping[str, Rows], counts: Sequence[int]) -> Joined:
    """Rows of sum(counts) chunks to X = len(counts) adapters of rank R = r (max(counts) + 1).

    A context with fewer chunks than another is filled up with zero rows, which change nothing.
    """
    bias = network.bias()
    return {
        name: Rows(_side_by_side(rows.a, bias[name].a, counts), _side_by_side(rows.b, bias[name].b, counts))
        for name, rows in made.items()
    }


def _side_by_side(rows: Tensor, bias: Tensor, counts: Sequence[int]) -> Tensor:
    """Rows [N, L, r, *] of chunks and the bias [1, L, r, *]: [X, L, R, *]."""
    rank, most = rows.shape[2], max(counts)
    adapters = []
    for part in rows.split(list(counts)):
        ranks = part.transpose(0, 1).flatten(1, 2)  # [L, r C, *]
        whole = torch.cat([ranks, bias[0].to(rows.dtype)], 1)
        empty = rank * (most - len(part))
        adapters.append(torch.nn.functional.pad(whole, (0, 0, 0, empty)))
    return torch.stack(adapters)


def batched(base: Base, network: Hypernetwork, whole: Joined, owners: Sequence[int]) -> lora.Adapter:
    """An adapter for a batch whose row n is asked of context ``owners[n]``; gradients flow through it.

    Factors are a [B, R, I] and b [B, O, R] for each layer: only for batches of exactly these rows.
    """
    shape, factors = network.shape, {}
    rows = torch.tensor(owners, device=base.device)
    rank = next(iter(whole.values())).a.shape[2]
    for name, both in whole.items():
        # unbound at once: the gradient of an index is as large as what was indexed, once for every layer
        layers = zip(both.a[rows].unbind(1), both.b[rows].mT.unbind(1), strict=True)
        for path, (a, b) in zip(paths_of(base, shape, name), layers, strict=True):
            factors[path] = lora.Factors(a, b)
    return lora.Adapter(rank, shape.multiplier * rank, factors)


def exported(base: Base, network: Hypernetwork, whole: Joined, context: int = 0) -> lora.Adapter:
    """One context's adapter as PEFT knows it.

    PEFT multiplies by alpha / R; the multiplier is folded into B and alpha is R, because some readers take
    alpha for a whole number.
    """
    shape, factors = network.shape, {}
    rank = next(iter(whole.values())).a.shape[2]
    for name, both in whole.items():
        for place, path in enumerate(paths_of(base, shape, name)):
            a, b = both.a[context, place], both.b[context, place].T * shape.multiplier
            factors[path] = lora.Factors(a.detach().clone(), b.detach().contiguous())
    return lora.Adapter(rank, float(rank), factors)
