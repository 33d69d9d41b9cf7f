"""Several adapters as one, by what they add to the weights: dW_i = (alpha_i / r_i) B_i A_i.

Each way is defined on dW, never on the factors: PEFT's own ``linear``, ``ties`` and ``dare_linear`` combine
A with A and B with B, whose product holds cross terms of different adapters. Where PEFT's arithmetic is
right on any tensors, it is used, on dW (``peft.utils.merge_utils``).

* ``cat``: the sum of w_i dW_i, exact, ranks added up (LoRA Soups: Prabhakar et al. 2024, arXiv:2410.13025);
  w_i = 1 where none are given.
* ``linear``: their mean, exact, ranks added up.
* ``svd``: the best approximation of the sum at the largest parent's rank (Eckart and Young 1936).
* ``ties``: trimmed, signs elected, the agreeing averaged (Yadav et al. 2023, arXiv:2306.01708), then svd.
* ``dare``: entries dropped by lot, the rest scaled up (Yu et al. 2023, arXiv:2311.03099), added up, then svd.

Shapes: I in, O out, R rank.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from peft.utils import merge_utils
from torch import Tensor

from rune.errors import AdapterError
from rune.ml.lora import Adapter, Factors

WAYS = ("cat", "linear", "svd", "ties", "dare")
DENSITY = 0.5
"""Share of the entries that ties and dare keep."""
SEED = 7
"""Of the lot: the same parents give the same child."""
OVERSAMPLED, ITERATIONS = 8, 6
"""Of the randomised SVD of a dense matrix."""


def merge(
    how: str, parents: Sequence[Adapter], weights: Sequence[float] | None = None, rank: int | None = None
) -> Adapter:
    """One adapter of several; its scale is 1.

    Args:
        how: one of ``WAYS``.
        parents: in an order that does not depend on chance.
        weights: one a parent; by default 1, for ``linear`` the mean.
        rank: of the child where it is cut, by default the largest parent's; the exact ways have all of it.

    Raises:
        AdapterError: there is no such way, or no parents.
    """
    if how not in WAYS or not parents:
        raise AdapterError(f"expected parents and one of {', '.join(WAYS)}, found {how!r} of {len(parents)}")
    shares = list(weights or [1 / len(parents) if how == "linear" else 1.0] * len(parents))
    if len(shares) != len(parents):
        raise AdapterError(f"expected a weight for each of {len(parents)} parents, found {len(shares)}")
    names = sorted({name for parent in parents for name in parent.factors})
    ranks = [parent.rank for parent in parents]
    rank = sum(ranks) if how in ("cat", "linear") else rank or max(ranks)
    return Adapter(rank, float(rank), {name: _layer(how, name, parents, shares, rank) for name in names})


def delta(adapter: Adapter, name: str) -> Tensor:
    """What an adapter adds to one layer's weights, [O, I] in float32."""
    part = adapter.factors[name]
    return adapter.scale * (part.b.detach().float() @ part.a.detach().float())


@torch.no_grad()
def _layer(how: str, name: str, parents: Sequence[Adapter], shares: Sequence[float], rank: int) -> Factors:
    having = [
        (parent, share) for parent, share in zip(parents, shares, strict=True) if name in parent.factors
    ]
    if how in ("cat", "linear"):
        return _padded(stacked(name, having), rank)
    if how == "svd":
        return _padded(_low(stacked(name, having), rank), rank)
    deltas = [delta(parent, name) for parent, _ in having]
    weights = torch.tensor([share for _, share in having])
    if how == "ties":
        dense = merge_utils.ties(deltas, weights, DENSITY)
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            dense = merge_utils.dare_linear(deltas, weights, DENSITY)
    return _padded(_dense(dense, rank), rank)


def stacked(name: str, having: Sequence[tuple[Adapter, float]]) -> Factors:
    """The exact weighted sum of one layer: the As below each other, the Bs, scaled, beside each other."""
    parts = [(parent.factors[name], parent.scale * share) for parent, share in having]
    a = torch.cat([part.a.detach().float() for part, _ in parts], dim=0)
    b = torch.cat([part.b.detach().float() * scale for part, scale in parts], dim=1)
    return Factors(a, b)


def _low(sum_of: Factors, rank: int) -> Factors:
    """The best approximation of B A at a rank, from an SVD of a small matrix: QR of both factors first."""
    left, small_left = torch.linalg.qr(sum_of.b)
    right, small_right = torch.linalg.qr(sum_of.a.T)
    u, s, v = torch.linalg.svd(small_left @ small_right.T)
    return _balanced(left @ u[:, :rank], s[:rank], v[:rank] @ right.T)


def _dense(matrix: Tensor, rank: int) -> Factors:
    """The same of a dense matrix [O, I]."""
    many = min(rank + OVERSAMPLED, *matrix.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        u, s, v = torch.svd_lowrank(matrix, q=many, niter=ITERATIONS)
    return _balanced(u[:, :rank], s[:rank], v[:, :rank].T)


def _balanced(u: Tensor, s: Tensor, v: Tensor) -> Factors:
    """U S V as two factors of the same size, so that neither loses more when it is rounded."""
    root = s.sqrt()
    return Factors(root[:, None] * v, u * root)


def _padded(part: Factors, rank: int) -> Factors:
    """With as many rows and columns of zeros as are missing: PEFT's files know one rank for all layers."""
    missing = rank - part.a.shape[0]
    if missing <= 0:
        return part
    a = torch.cat([part.a, part.a.new_zeros(missing, part.a.shape[1])], dim=0)
    b = torch.cat([part.b, part.b.new_zeros(part.b.shape[0], missing)], dim=1)
    return Factors(a, b)
