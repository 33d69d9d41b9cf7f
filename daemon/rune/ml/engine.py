"""Answers from weights: greedy decoding of the base with one adapter attached, several questions in a batch.

The prompt is the question and nothing else. This module cannot reach a trajectory: it is given an adapter's
folder and a question.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from transformers import DynamicCache

from rune.ml import lora
from rune.ml.base import Base

FEW = 2
"""Questions of a batch that one CPU thread decodes faster than two: 40 instead of 54 ms a token for one."""
KEPT = 8
"""Adapters that stay in memory after use (5 MB each)."""


class Engine:
    """The resident base, serving one adapter per batch."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self._kept: OrderedDict[Path, lora.Adapter] = OrderedDict()

    def answer(self, question: str, adapter: Path | None, max_tokens: int) -> str:
        """The greedy answer to one question; ``adapter`` None asks the bare base."""
        return self.answers([question], self.adapter(adapter) if adapter else None, max_tokens)[0]

    def adapter(self, folder: Path) -> lora.Adapter:
        """An adapter by its folder, kept for the next question."""
        if folder not in self._kept:
            self._kept[folder] = lora.load(folder, self.base.device, self.base.dtype)
        self._kept.move_to_end(folder)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[folder]

    def all_answers(
        self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int, batch: int
    ) -> list[str]:
        """Greedy answers to any number of questions, in batches of those that are about equally long."""
        order = sorted(range(len(questions)), key=lambda place: len(questions[place]))
        found = [""] * len(questions)
        for start in range(0, len(order), batch):
            some = order[start : start + batch]
            told = self.answers([questions[place] for place in some], adapter, max_tokens)
            for place, answer in zip(some, told, strict=True):
                found[place] = answer
        return found

    @torch.inference_mode()
    def answers(self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int) -> list[str]:
        """Greedy answers to a batch of questions, left-padded; each equals the answer it gets alone."""
        if not questions:
            return []
        ids, mask = padded(self.base, [self.base.prompt(question) for question in questions])
        cache = DynamicCache(config=self.base.model.config)
        done = torch.zeros(len(questions), dtype=torch.bool, device=self.base.device)
        stops = torch.tensor(self.base.stop_ids, device=self.base.device)
        made: list[Tensor] = []
        with lora.attached(self.base.layers, adapter), narrow(self.base.device, len(questions)):
            for _ in range(max_tokens):
                positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
                out = self.base.model(input_ids=ids, attention_mask=mask, position_ids=positions,
                                      past_key_values=cache, logits_to_keep=1)  # fmt: skip
                ids = out.logits[:, -1].float().argmax(-1, keepdim=True)
                made.append(ids)
                done |= torch.isin(ids[:, 0], stops)
                if bool(done.all()):
                    break
                mask = torch.cat([mask, torch.ones_like(ids)], dim=-1)
        return [ended(self.base, row) for row in torch.cat(made, dim=-1).tolist()]

    @torch.inference_mode()
    def likelihood(self, question: str, answer: str, adapter: lora.Adapter | None) -> float:
        """Mean log-probability of the answer's tokens and its end after the question alone, in nats."""
        prompt = self.base.prompt(question)
        told = [*self.base.tokenizer.encode(answer, add_special_tokens=False), self.base.stop_ids[0]]
        ids = torch.tensor([[*prompt, *told]], device=self.base.device)
        with lora.attached(self.base.layers, adapter):
            logits = self.base.model(input_ids=ids, logits_to_keep=len(told) + 1).logits[0, :-1].float()
        wanted = torch.tensor(told, device=self.base.device)
        return float(logits.log_softmax(-1).gather(-1, wanted[:, None]).mean())


def padded(base: Base, prompts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """Token ids [B, T] padded on the left, and which of them are seen [B, T]."""
    width = max(map(len, prompts))
    pad = base.tokenizer.pad_token_id or 0
    ids = [[pad] * (width - len(p)) + p for p in prompts]
    mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
    return torch.tensor(ids, device=base.device), torch.tensor(mask, device=base.device)


def ended(base: Base, ids: Sequence[int]) -> str:
    """An answer up to its first stop token, as text."""
    end = next((place for place, token in enumerate(ids) if token in base.stop_ids), len(ids))
    return str(base.tokenizer.decode(ids[:end], skip_special_tokens=True)).strip()


@contextmanager
def narrow(device: torch.device, rows: int) -> Iterator[None]:
    """One thread for few rows on a CPU: the matrices are so thin that threads mostly wait for each other."""
    before = torch.get_num_threads()
    if device.type == "cpu" and rows <= FEW:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
