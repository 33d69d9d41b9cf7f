"""The plain twin: the formulas with one vector at a time, from a state dict, without any module of ours."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rune.ml.hypernet.shape import PER_LAYER, Shape

Weights = dict[str, Tensor]


def rms(x: Tensor, weight: Tensor) -> Tensor:
    """[d] to [d]."""
    return x / torch.sqrt((x * x).mean() + 1e-6) * weight


def gated(x: Tensor, w: Weights, at: str) -> Tensor:
    """[inner] to [outer]."""
    gate = w[f"{at}.gate.weight"] @ x
    return w[f"{at}.down.weight"] @ (gate * torch.sigmoid(gate) * (w[f"{at}.up.weight"] @ x))


def attend(latent: Tensor, context: list[Tensor], w: Weights, at: str, shape: Shape) -> Tensor:
    """One latent [d] looks at S vectors [d]: [d], head after head."""
    q, heads = w[f"{at}.q.weight"] @ latent, []
    for head in range(shape.heads):
        group = head // (shape.heads // shape.shared_heads)
        mine = slice(head * shape.head, (head + 1) * shape.head)
        theirs = slice(group * shape.head, (group + 1) * shape.head)
        keys = [(w[f"{at}.k.weight"] @ c)[theirs] for c in context]
        values = [(w[f"{at}.v.weight"] @ c)[theirs] for c in context]
        scores = torch.stack([q[mine] @ key / math.sqrt(shape.head) for key in keys])
        shares = torch.exp(scores - scores.max())
        heads.append(sum(s * v for s, v in zip(shares / shares.sum(), values, strict=True)))
    return w[f"{at}.o.weight"] @ torch.cat(heads)


def resampled(context: list[Tensor], w: Weights, at: str, blocks: int, shape: Shape) -> list[Tensor]:
    """S vectors [d] to as many [d] as there are latents."""
    latents = list(w[f"{at}.latents"])
    for number in range(blocks):
        here = f"{at}.blocks.{number}"
        seen = [rms(c, w[f"{here}.context_norm.weight"]) for c in context]
        for place, z in enumerate(latents):
            looked = attend(rms(z, w[f"{here}.latent_norm.weight"]), seen, w, f"{here}.attention", shape)
            z = z + rms(looked, w[f"{here}.attended_norm.weight"])
            inner = gated(rms(z, w[f"{here}.gated_norm.weight"]), w, f"{here}.gated")
            latents[place] = z + rms(inner, w[f"{here}.added_norm.weight"])
    return [rms(z, w[f"{at}.norm.weight"]) for z in latents]


def centred(x: Tensor, w: Weights, at: str) -> Tensor:
    """Layer norm, [d] to [d]."""
    spread = torch.sqrt(((x - x.mean()) ** 2).mean() + 1e-5)
    return (x - x.mean()) / spread * w[f"{at}.weight"] + w[f"{at}.bias"]


def mixed(e: Tensor, layer: int, w: Weights, at: str) -> Tensor:
    """The residual layer of one block of the base, [d] to [d]."""
    wide = centred(e, w, f"{at}.norm_in") @ w[f"{at}.wide"][layer] + w[f"{at}.wide_bias"][0, layer, 0, 0]
    narrow = (wide * torch.sigmoid(wide)) @ w[f"{at}.narrow"][layer] + w[f"{at}.narrow_bias"][0, layer, 0, 0]
    return e + centred(narrow, w, f"{at}.norm_out")


def rows(features: Tensor, length: int, w: Weights, shape: Shape) -> dict[str, tuple[Tensor, Tensor]]:
    """Features [L or 1, S, h] of one chunk of ``length`` tokens: by kind, a [L, r, I] and b [L, r, O]."""
    layers, kinds, rank = len(shape.layers), len(shape.targets), shape.rank
    read = []
    for states in features:
        seen = [gated(state, w, "projection") for state in states[:length]]
        read.append(resampled(resampled(seen, w, "encoder", shape.blocks, shape), w, "decoder", 1, shape))
    made = {
        t.name: (torch.zeros(layers, rank, t.inner), torch.zeros(layers, rank, t.outer))
        for t in shape.targets
    }
    for layer in range(layers):
        for kind, target in enumerate(shape.targets):
            for row in range(rank):
                within = kind * rank + row
                per_layer = shape.features == PER_LAYER
                e = read[layer][within] if per_layer else read[0][layer * kinds * rank + within]
                for number in range(shape.mixers):
                    e = mixed(e, layer, w, f"mixers.{number}")
                y = e / torch.sqrt((e * e).sum()) @ w["head"][layer, kind]
                both = y[: target.inner], y[target.inner : target.inner + target.outer]
                for part, value, scale in zip(made[target.name], both, ("scale_a", "scale_b"), strict=True):
                    part[layer, row] = value * w[f"{scale}.{target.name}"][0, layer, row, 0]
    return made
