"""Answers from weights: greedy decoding of the base with one adapter attached, several questions in a batch.

The prompt is the question and nothing else. This module cannot reach a trajectory: it is given an adapter's
folder and a question.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import DynamicCache

from rune.ml import lora, packing
from rune.ml.base import Base
from rune.ml.packing import Example
from rune.ports import Said

KEPT = 8
"""Adapters that stay in memory after use (5 MB each)."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Token ids of an answer without its end, and the log-probability of each, that of the end included."""

    prompt: tuple[int, ...]
    ids: tuple[int, ...]
    shares: tuple[float, ...]


class Engine:
    """The resident base, serving one adapter per batch."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self._kept: OrderedDict[Path, lora.Adapter] = OrderedDict()

    def answer(self, question: str, adapter: Path | None, max_tokens: int) -> str:
        """The greedy answer to one question; ``adapter`` None asks the bare base."""
        return self.answers([question], self.adapter(adapter) if adapter else None, max_tokens)[0]

    def said(self, questions: Sequence[str], adapter: Path, max_tokens: int) -> list[Said]:
        """Greedy answers with how sure the adapter was, and how much likelier it makes them than the base."""
        decoded = self._decode(questions, self.adapter(adapter), max_tokens)
        return [
            Said(self._text(one.ids), _mean(one.shares), _mean(one.shares[: len(one.ids)]) - self._bare(one))
            for one in decoded
        ]

    def adapter(self, folder: Path) -> lora.Adapter:
        """An adapter by its folder, kept for the next question."""
        if folder not in self._kept:
            self._kept[folder] = lora.load(folder, self.base.device, self.base.dtype)
        self._kept.move_to_end(folder)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[folder]

    def answers(self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int) -> list[str]:
        """Greedy answers to a batch of questions, left-padded; each equals the answer it gets alone."""
        return [self._text(one.ids) for one in self._decode(questions, adapter, max_tokens)]

    @torch.inference_mode()
    def _decode(
        self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int
    ) -> list[_Decoded]:
        if not questions:
            return []
        prompts = [self.base.prompt(question) for question in questions]
        ids, mask = self._batch(prompts)
        cache = DynamicCache(config=self.base.model.config)
        done = torch.zeros(len(questions), dtype=torch.bool, device=self.base.device)
        stops = torch.tensor(self.base.stop_ids, device=self.base.device)
        made: list[Tensor] = []
        shares: list[Tensor] = []
        with lora.attached(self.base.layers, adapter):
            for _ in range(max_tokens):
                positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
                out = self.base.model(input_ids=ids, attention_mask=mask, position_ids=positions,
                                      past_key_values=cache, logits_to_keep=1)  # fmt: skip
                logits = out.logits[:, -1].float()
                ids = logits.argmax(-1, keepdim=True)
                made.append(ids)
                shares.append(logits.max(-1, keepdim=True).values - logits.logsumexp(-1, keepdim=True))
                done |= torch.isin(ids[:, 0], stops)
                if bool(done.all()):
                    break
                mask = torch.cat([mask, torch.ones_like(ids)], dim=-1)
        tokens, sure = torch.cat(made, dim=-1).tolist(), torch.cat(shares, dim=-1).tolist()
        return [self._ended(p, t, s) for p, t, s in zip(prompts, tokens, sure, strict=True)]

    def _ended(self, prompt: list[int], ids: list[int], shares: list[float]) -> _Decoded:
        end = next((place for place, token in enumerate(ids) if token in self.base.stop_ids), len(ids))
        return _Decoded(tuple(prompt), tuple(ids[:end]), tuple(shares[: end + 1]))

    @torch.inference_mode()
    def _bare(self, one: _Decoded) -> float:
        """The mean log-probability a token of the same answer by the bare base."""
        if not one.ids:
            return 0.0
        states, targets = packing.hidden(self.base, [Example((*one.prompt, *one.ids), len(one.prompt))])
        shares = self.base.model.lm_head(states).float().log_softmax(-1)
        return float(shares.gather(-1, targets[:, None]).mean())

    def _batch(self, prompts: list[list[int]]) -> tuple[Tensor, Tensor]:
        width = max(map(len, prompts))
        pad = self.base.tokenizer.pad_token_id or 0
        ids = [[pad] * (width - len(p)) + p for p in prompts]
        mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
        return torch.tensor(ids, device=self.base.device), torch.tensor(mask, device=self.base.device)

    def _text(self, ids: Sequence[int]) -> str:
        return str(self.base.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
