"""Answers from weights: greedy decoding of the base with one adapter attached, several questions in a batch.

The prompt is the question and nothing else. This module cannot reach a trajectory: it is given an adapter's
folder and a question.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from rune.ml import lora, packing
from rune.ml.base import Base
from rune.units import Work, done

FEW = 2
"""Questions of a batch that one CPU thread decodes faster than two: 40 instead of 54 ms a token for one."""
KEPT = 8
"""Adapters that stay in memory after use (5 MB each)."""
SHRINK = 0.75
"""Share of rows that still decode at which the others are left out; that costs a copy of the cache."""
BEGINNING = 4
"""Tokens at the start of an answer that tell whether its adapter knows."""
ROW_TOKENS = 512
"""Tokens of guesses read at a time, and of one of them; what is longer is decoded."""


class Guess(NamedTuple):
    """A question with the answer that it may get; ``limit`` tokens at most are asked for."""

    question: str
    answer: str
    limit: int


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
        return done(self.all_answering(questions, adapter, max_tokens, batch))

    def all_answering(
        self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int, batch: int
    ) -> Work[list[str]]:
        """``all_answers``, a token of each of a batch at a time."""
        return (yield from self.all_checking(unforeseen(questions, max_tokens), adapter, batch))

    def all_checking(
        self, guesses: Sequence[Guess], adapter: lora.Adapter | None, batch: int
    ) -> Work[list[str]]:
        """``checking`` any number of guesses, in batches of those whose questions are about equally long."""
        found = [""] * len(guesses)
        for some in by_length([guess.question for guess in guesses], batch):
            told = yield from self.checking([guesses[place] for place in some], adapter)
            for place, answer in zip(some, told, strict=True):
                found[place] = answer
        return found

    def answers(self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int) -> list[str]:
        """Greedy answers to a batch of questions, left-padded; each equals the answer it gets alone."""
        return done(self.answering(questions, adapter, max_tokens))

    def answering(
        self, questions: Sequence[str], adapter: lora.Adapter | None, max_tokens: int
    ) -> Work[list[str]]:
        """``answers``, a token of each at a time."""
        return (yield from self.checking(unforeseen(questions, max_tokens), adapter))

    def checking(
        self, guesses: Sequence[Guess], adapter: lora.Adapter | None, row_tokens: int = ROW_TOKENS
    ) -> Work[list[str]]:
        """Greedy answers where each is foreseen: only what comes after the first wrong token is decoded.

        One pass reads all guesses (speculative decoding, Leviathan et al. 2023, arXiv:2211.17192, with the
        whole answer as the draft); an adapter that knows its lessons is through with that.
        """
        prompts = [self.base.prompt(guess.question) for guess in guesses]
        begun: list[list[int]] = [[] for _ in guesses]
        if adapter and any(guess.answer for guess in guesses):
            begun = yield from self._confirming(guesses, list(map(len, prompts)), adapter, row_tokens)
        left = [place for place, guess in enumerate(guesses) if self._goes_on(begun[place], guess.limit)]
        decoded = yield from self._decoding(
            [prompts[place] + begun[place] for place in left], adapter,
            [guesses[place].limit - len(begun[place]) for place in left],
        )  # fmt: skip
        for place, ids in zip(left, decoded, strict=True):
            begun[place] = begun[place] + ids
        return [ended(self.base, ids[: guess.limit]) for ids, guess in zip(begun, guesses, strict=True)]

    def _goes_on(self, ids: Sequence[int], limit: int) -> bool:
        """Whether an answer that has these tokens so far gets another one."""
        return not ids or (ids[-1] not in self.base.stop_ids and len(ids) < limit)

    @torch.inference_mode()
    def _confirming(
        self, guesses: Sequence[Guess], lengths: Sequence[int], adapter: lora.Adapter, row_tokens: int
    ) -> Work[list[list[int]]]:
        """For each guess the tokens that greedy decoding begins with: those it has right, and the next.

        ``lengths`` are those of the prompts; nothing is confirmed where a pass takes only a part of one.
        """
        made = [packing.example(self.base, one.question, one.answer, row_tokens) for one in guesses]
        likeliest = []
        for row in packing.rows(made, row_tokens):
            with lora.attached(self.base.layers, adapter):
                states, _ = packing.hidden(self.base, row)
                found = self.base.model.lm_head(states).float().argmax(-1)
            likeliest += [part.tolist() for part in found.split([one.targets for one in row])]
            yield
        return [
            agreed(one.ids[one.answer :], ids) if one.answer == length else []
            for one, ids, length in zip(made, likeliest, lengths, strict=True)
        ]

    @torch.inference_mode()
    def _decoding(
        self, prompts: Sequence[list[int]], adapter: lora.Adapter | None, limits: Sequence[int]
    ) -> Work[list[list[int]]]:
        """Tokens after each prompt, up to a stop token or its limit; rows that are done are left out."""
        made: list[list[int]] = [[] for _ in prompts]
        if not prompts:
            return made
        rows = list(range(len(prompts)))
        ids, mask = padded(self.base, prompts)
        cache = DynamicCache(config=self.base.model.config)
        while True:
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            with lora.attached(self.base.layers, adapter), narrow(self.base.device, len(rows)):
                out = self.base.model(input_ids=ids, attention_mask=mask, position_ids=positions,
                                      past_key_values=cache, logits_to_keep=1)  # fmt: skip
            ids = out.logits[:, -1].float().argmax(-1, keepdim=True)
            for place, token in zip(rows, ids[:, 0].tolist(), strict=True):
                if self._goes_on(made[place], limits[place]):
                    made[place].append(token)
            on = [n for n, place in enumerate(rows) if self._goes_on(made[place], limits[place])]
            if not on:
                return made
            if len(on) <= len(rows) * SHRINK:
                kept, rows = torch.tensor(on, device=ids.device), [rows[n] for n in on]
                cache.batch_select_indices(kept)
                ids, mask, adapter = ids[kept], mask[kept], lora.of_rows(adapter, kept)
            mask = torch.cat([mask, torch.ones_like(ids)], dim=-1)
            yield

    def sureness(self, question: str, answer: str, adapter: Path) -> float:
        """The least probability among an answer's first tokens (``BEGINNING``), from 0.0 to 1.0.

        An adapter that does not know goes astray where it chooses which lesson to tell; what follows is
        learnt by heart and likely either way. docs/design/0005-answers-are-checked.md has the figures.
        """
        return math.exp(min(self.logprobs(question, answer, self.adapter(adapter), BEGINNING)))

    @torch.inference_mode()
    def logprobs(
        self, question: str, answer: str, adapter: lora.Adapter | None, limit: int | None = None
    ) -> list[float]:
        """Log-probabilities of the answer's tokens and its end after the question alone, in nats.

        Of the first ``limit`` of them, or of all.
        """
        prompt = self.base.prompt(question)
        told = [*self.base.tokenizer.encode(answer, add_special_tokens=False), self.base.stop_ids[0]][:limit]
        ids = torch.tensor([[*prompt, *told]], device=self.base.device)
        with lora.attached(self.base.layers, adapter):
            logits = self.base.model(input_ids=ids, logits_to_keep=len(told) + 1).logits[0, :-1].float()
        wanted = torch.tensor(told, device=self.base.device)
        return logits.log_softmax(-1).gather(-1, wanted[:, None])[:, 0].tolist()


def unforeseen(questions: Sequence[str], limit: int) -> list[Guess]:
    """Guesses that foresee nothing: each question is answered by decoding alone."""
    return [Guess(question, "", limit) for question in questions]


def by_length(questions: Sequence[str], size: int) -> Iterator[list[int]]:
    """The places of all questions, so many at a time, each time of those that are about equally long."""
    order = sorted(range(len(questions)), key=lambda place: len(questions[place]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def padded(base: Base, prompts: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
    """Token ids [B, T] padded on the left, and which of them are seen [B, T]."""
    width = max(map(len, prompts))
    pad = base.tokenizer.pad_token_id or 0
    ids = [[pad] * (width - len(p)) + p for p in prompts]
    mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
    return torch.tensor(ids, device=base.device), torch.tensor(mask, device=base.device)


def agreed(guess: Sequence[int], likeliest: Sequence[int]) -> list[int]:
    """What a guess and the likeliest tokens have in common at the start, and the likeliest one after it.

    >>> agreed([5, 6, 7], [5, 6, 9]), agreed([5, 6, 7], [5, 6, 7]), agreed([5, 6], [8, 1])
    ([5, 6, 9], [5, 6, 7], [8])
    """
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(guess, likeliest, strict=True))
    return list(likeliest[: len(list(same)) + 1])


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
