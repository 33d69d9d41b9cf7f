"""The base reads a long text once and answers many questions about it.

All prompts begin with the same tokens: these are read once, and every question looks back at their keys and
values as if it had read them itself. Copied for each question they would fill gigabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, DynamicCache

from rune.ml.base import Base
from rune.ml.engine import ended, padded
from rune.ml.packing import attention

NAME = "rune_shared_prefix"
Prefix = list[tuple[Tensor, Tensor]]


@torch.inference_mode()
def answers(base: Base, prompts: Sequence[list[int]], max_tokens: int) -> list[str]:
    """Greedy answers of the bare base to prompts that begin alike."""
    if not prompts:
        return []
    shared = common(prompts)
    prefix = _prefix(base, prompts[0][:shared])
    ids, seen = padded(base, [prompt[shared:] for prompt in prompts])
    cache = DynamicCache(config=base.model.config)
    stops = torch.tensor(base.stop_ids, device=base.device)
    done = torch.zeros(len(prompts), dtype=torch.bool, device=base.device)
    made: list[Tensor] = []
    with attention(base.model, NAME):
        for _ in range(max_tokens):
            places = shared + (seen.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            out = base.model(input_ids=ids, position_ids=places, past_key_values=cache, logits_to_keep=1,
                             prefix=prefix, seen=seen)  # fmt: skip
            ids = out.logits[:, -1].float().argmax(-1, keepdim=True)
            made.append(ids)
            done |= torch.isin(ids[:, 0], stops)
            if bool(done.all()):
                break
            seen = torch.cat([seen, torch.ones_like(ids)], dim=-1)
    return [ended(base, row) for row in torch.cat(made, dim=-1).tolist()]


def common(prompts: Sequence[Sequence[int]]) -> int:
    """How many first tokens are the same in all; the last one of each is always its own."""
    shortest = min(map(len, prompts)) - 1
    columns = zip(*prompts, strict=False)
    return next((n for n, column in enumerate(columns) if len(set(column)) > 1 or n == shortest), shortest)


def _prefix(base: Base, ids: list[int]) -> Prefix:
    """Keys and values [K, P, E] of each layer after the common tokens."""
    cache: Any = DynamicCache(config=base.model.config)
    base.model.model(input_ids=torch.tensor([ids], device=base.device), past_key_values=cache)
    return [(layer.keys[0].float(), layer.values[0].float()) for layer in cache.layers]


def _shared(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *,
    prefix: Prefix, seen: Tensor, scaling: float, **settings: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attention over the prefix and each question's own tokens: query [B, H, T, E] to [B, T, H, E]."""
    del mask, settings  # causal among the own tokens, and the whole prefix is before them
    far_keys, far_values = prefix[module.layer_idx]  # type: ignore[index]
    heads, steps, own = far_keys.shape[0], query.shape[2], key.shape[2]
    q = query.float().unflatten(1, (heads, -1)) * scaling  # [B, K, G, T, E]
    far = torch.einsum("bkgte,kpe->bkgtp", q, far_keys)
    near = q @ key.float().unsqueeze(2).transpose(-1, -2)
    causal = torch.ones(steps, own, dtype=torch.bool, device=q.device).tril(own - steps)
    visible = seen.bool()[:, None, None, None] & causal
    shares = torch.cat([far, near.masked_fill(~visible, -torch.inf)], dim=-1).softmax(-1)
    before, after = shares.split([far.shape[-1], own], dim=-1)
    out = torch.einsum("bkgtp,kpe->bkgte", before, far_values) + after @ value.float().unsqueeze(2)
    return out.flatten(1, 2).transpose(1, 2).to(query.dtype), None


AttentionInterface.register(NAME, _shared)
