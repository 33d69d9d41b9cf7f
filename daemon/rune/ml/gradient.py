"""The first engine: lessons into a LoRA adapter by a few gradient steps on the frozen base.

The student sees the question and never the session; what it is measured by says ``rune.ml.objective``. Every
epoch asks in new words (``rune.rewording``); what is known already is asked less. Rows hold no padding
(``rune.ml.packing``), and the vocabulary is projected only where an answer token is predicted.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import gc
import itertools
import logging
import math
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from rune import rewording
from rune.config import DistilConfig
from rune.errors import OutOfMemory
from rune.ml import lora, neutral, packing, paraphrase, quantize, score, teacher
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.neutral import Neutral
from rune.ml.objective import Objective
from rune.ml.packing import Example
from rune.ml.start import Start, fitting, scaled, shaped, together, within
from rune.ml.teacher import Teacher
from rune.ports import Distilled, Heritage, Progress
from rune.records.card import Lesson
from rune.units import Work, telling

log = logging.getLogger(__name__)

WHOLE, BEGUN = 2, 2
"""Examples of a lesson in an epoch: with the whole answer, and with its beginning alone."""
BEGINNING = 12
"""Tokens of a beginning: which answer it is to be is decided there, in a third of a whole example's time."""
KNOWN = 2
"""A lesson that was answered without fault in so many epochs running is asked half as often."""
NEUTRAL = 10
"""Neutral questions in an epoch; of few lessons two more than half of them."""


class GradientDistiller:
    """Trains one adapter at a time, in units of one optimizer step, so that recalls can go in between."""

    def __init__(
        self, base: Base, config: DistilConfig, kept: Path | None = None, start: Path | None = None
    ) -> None:
        """``kept`` is where the base's answers to neutral questions lie from process to process.

        ``start`` is the folder of the weights that training begins at, where they fit; None: from nothing.
        They are read for each session: who only answers has no use for them.
        """
        self.base = base
        self.config = config
        self.kept = kept
        self.start = start
        self.engine = Engine(base)
        self._neutral: tuple[Neutral, Neutral] | None = None
        self._reads: float | None = None

    def distil(
        self, lessons: Sequence[Lesson], into: Path, heritage: Heritage | None = None,
        passages: Sequence[str] = (),
    ) -> Iterator[Progress | Distilled]:  # fmt: skip
        """Train, probe, and write PEFT files into ``into``; yields after every unit of work.

        Raises:
            OutOfMemory: not even a quarter of the batch and half of the sequence length fit.
            FormatError, AdapterError: the start is damaged, or a parent.
        """
        for config in _ladder(self.config):
            try:
                yield from self._attempt(lessons, into, config, heritage, passages)
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
        self, lessons: Sequence[Lesson], into: Path, config: DistilConfig, heritage: Heritage | None,
        passages: Sequence[str],
    ) -> Iterator[Progress | Distilled]:  # fmt: skip
        began, asking = time.monotonic(), Progress(0, 0, 0.0)
        held, checked = yield from telling(self.general(), asking)
        teacher = yield from telling(self.teacher(lessons, passages), asking)
        taught = yield from telling(self.worded(lessons, passages), asking)
        aim = Objective(held, config.neutral_weight, teacher, config.context_weight)
        before = yield from telling(score.scoring(self.engine, None, lessons), asking)
        parents = inherited(config, heritage) if heritage else None
        start = parents or (fitting(self.base, config, self.start) if self.start else None)
        if heritage and parents:
            config = replace(config, started_epochs=heritage.epochs, seed=config.seed + heritage.course)
        adapter, config = begun(self.base, config, start)
        now = asking
        for now in train(self.base, adapter, taught, aim, config):
            yield now
        after = yield from telling(score.scoring(self.engine, adapter, lessons, config.batch_tokens), now)
        drift = yield from telling(neutral.drifting(self.base, checked, adapter), now)
        lora.save(adapter, into, self.base.name)
        del adapter
        give_back()
        yield Distilled(
            into, now.step, round(time.monotonic() - began, 2), {**before, "neutral_kl": 0.0},
            {**after, "neutral_kl": round(drift, 4)}, peak_mb(),
            {**asdict(config), "start": start.name if start else "", "inherits": bool(parents),
             "reads": self._reads, "taught_by_context": teacher is not None,
             "paraphrases_kept": paraphrase.more(taught, lessons)},
        )  # fmt: skip

    def general(self) -> Work[tuple[Neutral, Neutral]]:
        """The neutral questions that are trained, and those only measured; the base is asked once."""
        if self._neutral is None:
            asked = (*neutral.TRAINED, *neutral.CHECKED)
            told = yield from neutral.saying(self.engine, asked, self.kept)
            apart = len(neutral.TRAINED)
            trained = yield from neutral.collecting(self.base, asked[:apart], told[:apart])
            checked = yield from neutral.collecting(self.base, asked[apart:], told[apart:])
            self._neutral = trained, checked
        return self._neutral

    def teacher(self, lessons: Sequence[Lesson], passages: Sequence[str]) -> Work[Teacher | None]:
        """The base with these passages in its prompt, if it is a good enough reader."""
        if not self.config.context_weight or not (yield from self._able(passages)):
            return None
        return (yield from teacher.teaching(self.base, lessons, passages))

    def worded(self, lessons: Sequence[Lesson], passages: Sequence[str]) -> Work[Sequence[Lesson]]:
        """The lessons as they are trained: in the base's own words, too, if it is a good enough reader."""
        if not self.config.paraphrases or not (yield from self._able(passages)):
            return lessons
        return (yield from paraphrase.worded(self.engine, lessons, passages))

    def _able(self, passages: Sequence[str]) -> Work[bool]:
        """Whether there is something to read, and the base reads well enough; that is asked once."""
        if not any(passages):
            return False
        if self._reads is None:
            self._reads = yield from teacher.reads(self.engine, self.kept)
        return self._reads >= self.config.reader_floor


def begun(base: Base, config: DistilConfig, start: Start | None) -> tuple[lora.Adapter, DistilConfig]:
    """Where training begins, and how long it is from there."""
    if start is None:
        return lora.fresh(base.layers, config.targets, config.rank, config.alpha, config.seed), config
    return lora.trainable(start.adapter), replace(config, max_epochs=config.started_epochs)


def inherited(config: DistilConfig, heritage: Heritage) -> Start | None:
    """What parents add up to at the rank of one of them, if rank and layers are those that are wanted."""
    own = [lora.load(folder, torch.device("cpu"), torch.float32) for folder in heritage.parents]
    if not all(shaped(one, config) for one in own):
        return None
    both = together("svd", own, heritage.starts)
    return Start(scaled(both, config.alpha), within(heritage.starts))


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


@dataclass(slots=True)
class Course:
    """What is asked in each epoch, and how well each lesson is known."""

    base: Base
    lessons: Sequence[Lesson]
    neutral: Neutral
    config: DistilConfig
    dice: random.Random
    known: list[int] = field(default_factory=list)
    """For each lesson the epochs running in which every token was right."""
    about: tuple[str, ...] = ()
    """What the session was about, which is said with any question."""

    def epoch(self) -> list[list[Example]]:
        """The rows of the next epoch, in a new order and in new words."""
        made = [one for place in range(len(self.lessons)) for one in self._asked(place)]
        number = min(NEUTRAL, 2 + len(self.lessons) // 2, len(self.neutral.examples))
        made += self.dice.sample(self.neutral.examples, number)
        self.dice.shuffle(made)
        return packing.filled(made, self.config.batch_tokens)

    def _asked(self, place: int) -> Iterator[Example]:
        lesson = self.lessons[place]
        halved = 2 if self.known[place] >= KNOWN else 1
        for number in range((WHOLE + BEGUN) // halved):
            question = rewording.reword(lesson, self.dice, self.about)
            one = packing.example(self.base, question, lesson.answer, self.config.max_sequence, place)
            begun = number >= WHOLE // halved
            yield replace(one, ids=one.ids[: one.answer + BEGINNING]) if begun else one


def train(
    base: Base, adapter: lora.Adapter, lessons: Sequence[Lesson], aim: Objective, config: DistilConfig
) -> Iterator[Progress]:
    """Run optimizer steps until nearly every answer token is the likeliest, or the epochs are used up."""
    dice, about = random.Random(config.seed), rewording.shared(lessons)
    course = Course(base, lessons, aim.neutral, config, dice, [0] * len(lessons), about)
    optimizer = quantize.optimizer(adapter.parameters(), config.learning_rate, base.backend, base.device)
    step, epochs = 0, config.max_epochs
    for epoch in itertools.count():
        made = course.epoch()
        if not epoch:
            epochs = max(epochs, math.ceil(config.least_steps / len(made)))
        right, wrong = 0, set()
        for place, row in enumerate(made):
            done = (epoch + place / len(made)) / epochs
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * min(1.0, (step + 1) / 5) * _cosine(done)
            loss, hits = _step(base, adapter, optimizer, row, aim)
            step, right = step + 1, right + int(hits.sum())
            wrong |= _faults(row, hits)
            yield Progress(step, len(made) * epochs, loss)
        course.known = [0 if place in wrong else known + 1 for place, known in enumerate(course.known)]
        targets = sum(one.targets for row in made for one in row if one.owner >= 0)
        if right / max(targets, 1) >= config.stop_accuracy or epoch + 1 == epochs:
            return


def _cosine(done: float) -> float:
    """The learning rate's share when this share of the training is done: from 1 down to 0.05."""
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _faults(row: Sequence[Example], hits: Tensor) -> set[int]:
    """The lessons of a row that had a wrong token."""
    parts = hits.split([one.targets for one in row if one.owner >= 0])
    taught = [one for one in row if one.owner >= 0]
    return {one.owner for one, part in zip(taught, parts, strict=True) if not bool(part.all())}


def _step(
    base: Base, adapter: lora.Adapter, optimizer: torch.optim.Optimizer, row: list[Example], aim: Objective
) -> tuple[float, Tensor]:
    """One optimizer step on one row: loss, and which answer tokens [A] of lessons were the likeliest."""
    row = sorted(row, key=lambda one: one.owner < 0)  # lessons first
    taught = sum(one.targets for one in row if one.owner >= 0)
    with lora.attached(base.layers, adapter), quantize.checkpointed(base.model, base.device):
        states, targets = packing.hidden(base, row)
        logits = base.model.lm_head(states).float()
        loss = aim.loss(row, logits, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
    torch.nn.utils.clip_grad_norm_(list(adapter.parameters()), 1.0)
    optimizer.step()
    return float(loss.detach()), logits[:taught].argmax(-1) == targets[:taught]


def give_back() -> None:
    """Return freed memory to the system: glibc would keep a gigabyte of it for a worker that only waits."""
    gc.collect()
    libc = ctypes.util.find_library("c")
    trim = getattr(ctypes.CDLL(libc), "malloc_trim", None) if libc else None
    if trim is not None:
        trim(0)


def peak_mb() -> float:
    """Peak memory of this process in MiB (Linux counts KiB, macOS bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
