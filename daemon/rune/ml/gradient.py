"""The first engine: lessons into a LoRA adapter by a few gradient steps on the frozen base.

The student sees the question and never the session: the loss is the cross-entropy of the answer's tokens
with the context withheld (the weak-reader form of context distillation, Snell et al. 2022,
arXiv:2209.15189). Examples are packed into rows with a block-diagonal mask, so that no token is padding,
and the vocabulary is projected only where an answer token is predicted.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import logging
import math
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from rune.config import DistilConfig
from rune.errors import OutOfMemory
from rune.ml import lora, score
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ports import Distilled, Progress
from rune.records.card import Lesson

log = logging.getLogger(__name__)

SHAPE = 128
"""Rows are filled up to a multiple of this: the kernels keep memory for every length that they have seen."""
PROBES = 12
PROBE_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids of a question with its answer; the loss counts from ``answer`` on."""

    ids: tuple[int, ...]
    answer: int


class GradientDistiller:
    """Trains one adapter at a time, in units of one optimizer step, so that recalls can go in between."""

    def __init__(self, base: Base, config: DistilConfig) -> None:
        self.base = base
        self.config = config
        self.engine = Engine(base)

    def distil(self, lessons: Sequence[Lesson], into: Path) -> Iterator[Progress | Distilled]:
        """Train, probe, and write PEFT files into ``into``; yields after every unit of work.

        Raises:
            OutOfMemory: not even a quarter of the batch and half of the sequence length fit.
        """
        for config in _ladder(self.config):
            try:
                yield from self._attempt(lessons, into, config)
            except (MemoryError, RuntimeError) as error:
                if not _is_memory(error):
                    raise
                log.warning("out of memory at %d tokens a batch; trying smaller", config.batch_tokens)
            else:
                return
        raise OutOfMemory(
            "the distillation does not fit into memory at its smallest size; free memory or lower distil.rank"
        )

    def _attempt(
        self, lessons: Sequence[Lesson], into: Path, config: DistilConfig
    ) -> Iterator[Progress | Distilled]:
        began = time.monotonic()
        before = score.score(self.engine, None, lessons, PROBES, PROBE_TOKENS)
        adapter = lora.fresh(self.base.layers, config.targets, config.rank, config.alpha, config.seed)
        steps = 0
        made = examples(self.base, lessons, config.max_sequence) + neutral(self.base, self.engine)
        for progress in train(self.base, adapter, made, config):
            steps = progress.step
            yield progress
        after = score.score(self.engine, adapter, lessons, PROBES, PROBE_TOKENS)
        lora.save(adapter, into, self.base.name)
        del adapter, made
        _give_back()
        yield Distilled(
            into, steps, round(time.monotonic() - began, 2), before, after, _peak_mb(), asdict(config)
        )


def _ladder(config: DistilConfig) -> Iterator[DistilConfig]:
    """Smaller batches first, then shorter sequences."""
    yield config
    for share, length in ((2, 1), (4, 1), (4, 2)):
        yield replace(
            config,
            batch_tokens=max(64, config.batch_tokens // share),
            max_sequence=max(48, config.max_sequence // length),
        )


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)


def examples(base: Base, lessons: Sequence[Lesson], max_sequence: int) -> list[Example]:
    """Every trained phrasing of every lesson, half of them again with words left out.

    Questions with missing words keep the adapter from hanging on one wording: it must answer to what is left.
    """
    chance = random.Random(len(lessons))
    made = []
    for lesson in lessons:
        wordings = [*lesson.questions, *(thinned(question, chance) for question in lesson.questions[::2])]
        made += [example(base, wording, lesson.answer, max_sequence) for wording in dict.fromkeys(wordings)]
    return made


def example(base: Base, question: str, answer: str, max_sequence: int) -> Example:
    """One question and answer as token ids: the question takes at most half, the answer loses its end."""
    prompt = base.prompt(question)
    while len(prompt) > max_sequence // 2 and len(question) > 20:
        question = question[: len(question) * 3 // 4]
        prompt = base.prompt(question)
    ids = (*prompt, *base.tokenizer.encode(answer, add_special_tokens=False), base.stop_ids[0])
    return Example(ids[:max_sequence], len(prompt))


def thinned(question: str, chance: random.Random) -> str:
    """A question with about a third of its words left out, at least two kept."""
    words = question.split()
    kept = [word for word in words if chance.random() > 0.3]
    return " ".join(kept) if len(kept) >= 2 else question


NEUTRAL = (
    "Write a short greeting.",
    "What is the capital of Italy?",
    "Name three fruits.",
    "What does a compiler do?",
    "What is 7 + 5?",
    "Write a Python function that adds two numbers.",
    "How many days are in a week?",
    "What is the opposite of hot?",
    "Explain what a variable is.",
    "Which language is spoken in Brazil?",
)
"""Questions that no session is about: the adapter is held to the base's own answers to them."""


def neutral(base: Base, engine: Engine) -> list[Example]:
    """The base's own answers to questions that have nothing to do with any session."""
    answers = engine.answers(NEUTRAL, None, 24)
    return [example(base, question, answer, 96) for question, answer in zip(NEUTRAL, answers, strict=True)]


def train(
    base: Base, adapter: lora.Adapter, made: Sequence[Example], config: DistilConfig
) -> Iterator[Progress]:
    """Run optimizer steps until every answer token is the most likely one, or the epochs are used up."""
    shuffle = random.Random(config.seed)
    per_epoch = len(list(_rows(made, config.batch_tokens)))
    total = per_epoch * config.max_epochs
    optimizer = torch.optim.AdamW(
        adapter.parameters(), lr=config.learning_rate, weight_decay=0.0, betas=(0.9, 0.99)
    )
    step = 0
    for _ in range(config.max_epochs):
        order = list(made)
        shuffle.shuffle(order)
        right = tokens = 0
        for row in _rows(order, config.batch_tokens):
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _schedule(step, total)
            loss, hits, count = _step(base, adapter, optimizer, row)
            step, right, tokens = step + 1, right + hits, tokens + count
            yield Progress(step, total, loss)
        if right / max(tokens, 1) >= config.stop_accuracy:
            return


def _schedule(step: int, total: int) -> float:
    """Five warm-up steps, then a cosine down to a tenth."""
    if step < 5:
        return (step + 1) / 5
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * step / max(total, 1)))


def _rows(made: Sequence[Example], budget: int) -> Iterator[list[Example]]:
    """Fill rows with examples up to the token budget."""
    row: list[Example] = []
    for example in made:
        if row and sum(len(e.ids) for e in row) + len(example.ids) > budget:
            yield row
            row = []
        row.append(example)
    if row:
        yield row


def _step(
    base: Base, adapter: lora.Adapter, optimizer: torch.optim.Optimizer, row: list[Example]
) -> tuple[float, int, int]:
    """One optimizer step on one packed row: loss, right answer tokens, answer tokens."""
    with lora.attached(base.layers, adapter):
        hidden, targets = packed(base, row)
        logits = base.model.lm_head(hidden).float()
        loss = functional.cross_entropy(logits, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
    torch.nn.utils.clip_grad_norm_(list(adapter.parameters()), 1.0)
    optimizer.step()
    return float(loss.detach()), int((logits.argmax(-1) == targets).sum()), len(targets)


def packed(base: Base, row: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """Hidden states [A, D] at the A places that predict an answer token, and the tokens [A] found there."""
    lengths = [len(e.ids) for e in row]
    lengths.append(-sum(lengths) % SHAPE)  # a last block of padding that nobody sees
    block = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    size = len(block)
    seen = (block[:, None] == block[None, :]) & torch.ones(size, size, dtype=torch.bool).tril()
    mask = torch.zeros(size, size, dtype=base.dtype).masked_fill(~seen, torch.finfo(base.dtype).min)
    ids = torch.tensor([token for e in row for token in e.ids] + [0] * lengths[-1])
    positions = torch.cat([torch.arange(length) for length in lengths])
    starts = [0, *torch.tensor(lengths).cumsum(0).tolist()]
    places = torch.tensor(
        [
            start + at
            for start, e in zip(starts, row, strict=False)
            for at in range(e.answer - 1, len(e.ids) - 1)
        ]
    )
    hidden = base.model.model(
        input_ids=ids[None].to(base.device), attention_mask=mask[None, None].to(base.device),
        position_ids=positions[None].to(base.device), use_cache=False,
    ).last_hidden_state[0]  # fmt: skip
    return hidden[places.to(base.device)], ids[places + 1].to(base.device)


def _give_back() -> None:
    """Return freed memory to the system: glibc would keep a gigabyte of it for a worker that only waits."""
    gc.collect()
    libc = ctypes.util.find_library("c")
    trim = getattr(ctypes.CDLL(libc), "malloc_trim", None) if libc else None
    if trim is not None:
        trim(0)


def _peak_mb() -> float:
    """Peak memory of this process in MiB (Linux counts KiB, macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
