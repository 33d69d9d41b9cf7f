"""Perceiver resamplers: a fixed number of vectors that look at a text of any length.

No linear layer has a bias, norms are RMS with eps 1e-6 computed in float32, nothing knows positions. Keys
and values come from the context only, never from the latents.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rune.ml.hypernet.shape import Shape

EPS = 1e-6


def precise(x: Tensor) -> Tensor:
    """At least float32; float64 stays, so that gradients can be checked."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


class Norm(nn.Module):
    """x / rms(x) * weight over the last axis."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """[..., d] to [..., d]."""
        wide = precise(x)
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPS) * self.weight).to(x.dtype)


class Gated(nn.Module):
    """SwiGLU: down(silu(gate x) * up x)."""

    def __init__(self, inner: int, middle: int, outer: int) -> None:
        super().__init__()
        self.gate = nn.Linear(inner, middle, bias=False)
        self.up = nn.Linear(inner, middle, bias=False)
        self.down = nn.Linear(middle, outer, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[..., inner] to [..., outer]."""
        out: Tensor = self.down(functional.silu(self.gate(x)) * self.up(x))
        return out


class CrossAttention(nn.Module):
    """Latents look at the context: bidirectional, grouped heads, scale 1 / sqrt(head)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.shared, self.head = shape.heads, shape.shared_heads, shape.head
        self.q = nn.Linear(shape.width, shape.heads * shape.head, bias=False)
        self.k = nn.Linear(shape.width, shape.shared_heads * shape.head, bias=False)
        self.v = nn.Linear(shape.width, shape.shared_heads * shape.head, bias=False)
        self.o = nn.Linear(shape.heads * shape.head, shape.width, bias=False)

    def forward(self, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """Latents [N, Q, d], context [N, S, d], mask bool [N, S] or None: [N, Q, d]."""
        q = self._split(self.q(latents), self.heads)
        k, v = self._split(self.k(context), self.shared), self._split(self.v(context), self.shared)
        groups = self.heads // self.shared
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        seen = None if mask is None else mask[:, None, None]
        looked = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)  # [N, H, Q, head]
        out: Tensor = self.o(looked.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor, heads: int) -> Tensor:
        """[N, T, H * head] to [N, H, T, head]."""
        return x.unflatten(-1, (heads, self.head)).transpose(1, 2)


class Block(nn.Module):
    """One look at the context, then a gated layer, each between norms."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d = shape.width
        self.latent_norm, self.context_norm, self.attended_norm = Norm(d), Norm(d), Norm(d)
        self.gated_norm, self.added_norm = Norm(d), Norm(d)
        self.attention = CrossAttention(shape)
        self.gated = Gated(d, 4 * d, d)

    def forward(self, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """Latents [N, Q, d], context [N, S, d], mask [N, S] or None: latents [N, Q, d]."""
        looked = self.attention(self.latent_norm(latents), self.context_norm(context), mask)
        latents = latents + self.attended_norm(looked)
        out: Tensor = latents + self.added_norm(self.gated(self.gated_norm(latents)))
        return out


class Resampler(nn.Module):
    """Learnt latents [Q, d] that look at a context block after block."""

    def __init__(self, shape: Shape, queries: int, blocks: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(queries, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(blocks))
        self.norm = Norm(shape.width)

    def forward(self, context: Tensor, mask: Tensor | None) -> Tensor:
        """Context [N, S, d], mask bool [N, S] or None: [N, Q, d]."""
        latents = self.latents.expand(len(context), -1, -1).to(context.dtype)
        for block in self.blocks:
            latents = block(latents, context, mask)
        out: Tensor = self.norm(latents)
        return out
