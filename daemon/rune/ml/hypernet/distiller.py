"""The hypernetwork behind the port of distillation: a session's lessons as one text, its adapter in one pass.

Its adapter is used only where the probes in words that nobody was taught are answered well enough; else the
session goes to the other distiller, and costs what it would have cost anyway. What is read is a digest of
the session (each lesson's question and answer, numbered), never the raw log: published hypernetworks were
trained on prose of a few hundred tokens, ours on such steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from rune.config import DistilConfig
from rune.errors import ConfigError
from rune.ml import lora, neutral, score
from rune.ml.base import Base
from rune.ml.engine import Engine
from rune.ml.gradient import give_back, peak_mb
from rune.ml.hypernet import checkpoint
from rune.ml.hypernet.batches import encoded
from rune.ml.hypernet.features import chunks, features, padded
from rune.ml.hypernet.joining import exported, joined
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.shape import check_base
from rune.ml.neutral import Neutral
from rune.ports import Distilled, Distiller, Heritage, Progress
from rune.records.card import Lesson
from rune.units import Work, telling

log = logging.getLogger(__name__)

ENGINE = "hypernet"
TOGETHER = 8
"""Chunks that are read at once: memory for the states of all layers is what limits it."""


class HypernetDistiller:
    """Makes an adapter in one pass; ``otherwise`` takes the sessions for which that is not good enough."""

    def __init__(
        self, base: Base, network: Hypernetwork, config: DistilConfig, otherwise: Distiller,
        kept: Path | None = None,
    ) -> None:  # fmt: skip
        """``kept`` is where the base's answers to neutral questions lie, for every distiller of this base."""
        check_base(network.shape, base)
        self.base, self.network, self.config, self.otherwise = base, network, config, otherwise
        self.kept = kept
        self.engine = Engine(base)
        self._checked: Neutral | None = None

    def distil(
        self, lessons: Sequence[Lesson], into: Path, heritage: Heritage | None = None,
        passages: Sequence[str] = (),
    ) -> Iterator[Progress | Distilled]:  # fmt: skip
        """Generate, probe, and write PEFT files into ``into``, or hand over to the other distiller.

        Raises:
            OutOfMemory: as the other distiller.
        """
        if heritage and heritage.course:  # once more, it would generate the same
            yield from self.otherwise.distil(lessons, into, heritage, passages)
            return
        began = time.monotonic()
        adapter, number = generate(self.base, self.network, digest(lessons))
        made = time.monotonic() - began
        yield (now := Progress(1, 3, 0.0))
        before = yield from telling(score.scoring(self.engine, None, lessons), now)
        yield (now := Progress(2, 3, 0.0))
        after = yield from telling(score.scoring(self.engine, adapter, lessons), now)
        if not good_enough(after, self.config.hypernet_floor):
            log.info("hypernetwork: probes %s; trained by gradient steps instead", after)
            yield from self.otherwise.distil(lessons, into, heritage, passages)
            return
        before["neutral_kl"] = 0.0
        checked = yield from telling(self._general(), now)
        drift = yield from telling(neutral.drifting(self.base, checked, adapter), now)
        after["neutral_kl"] = round(drift, 4)
        lora.save(adapter, into, self.base.name)
        settings = {
            "rank": adapter.rank, "alpha": adapter.alpha, "chunks": number, "made_seconds": round(made, 3),
            "targets": [target.name for target in self.network.shape.targets],
            "hypernet_floor": self.config.hypernet_floor,
        }  # fmt: skip
        del adapter
        give_back()
        seconds = round(time.monotonic() - began, 2)
        yield Distilled(into, 0, seconds, before, after, peak_mb(), settings, ENGINE)

    def _general(self) -> Work[Neutral]:
        """The neutral questions, asked of the base once."""
        if self._checked is None:
            told = yield from neutral.saying(self.engine, neutral.CHECKED, self.kept)
            self._checked = yield from neutral.collecting(self.base, neutral.CHECKED, told)
        return self._checked


def load(
    base: Base, folder: Path, config: DistilConfig, otherwise: Distiller, kept: Path | None = None
) -> HypernetDistiller:
    """The distiller of a checkpoint; ``kept`` as ``HypernetDistiller`` has it.

    Raises:
        FormatError: there is none in the folder, or it is damaged.
        ConfigError: it was made for another base.
    """
    network, known = checkpoint.read(folder, base.device)
    if known.base_hash and known.base_hash != base.hash:
        raise ConfigError(f"{folder}: made for {known.shape.base}, not for {base.name} as it is kept here")
    return HypernetDistiller(base, network, config, otherwise, kept)


def good_enough(probes: dict[str, float | None], floor: float) -> bool:
    """Whether held-out probes reach the floor; without any there is nothing to go by, and the answer is no.

    >>> good_enough({"trained": 1.0, "heldout": 0.25}, 0.5), good_enough({"trained": 1.0}, 0.5)
    (False, False)
    """
    held_out = probes.get("heldout")
    return held_out is not None and held_out >= floor


def digest(lessons: Sequence[Lesson]) -> str:
    """What the network reads of a session: numbered, because chunks forget their order.

    >>> digest([Lesson("command", "Run `make it`.", ("How do I build?",), ())])
    '1. How do I build? Run `make it`.'
    """
    told = (" ".join((*lesson.questions[:1], lesson.answer)) for lesson in lessons)
    return "\n".join(f"{number}. {step}" for number, step in enumerate(told, 1))


@torch.inference_mode()
def generate(base: Base, network: Hypernetwork, text: str) -> tuple[lora.Adapter, int]:
    """A text's adapter, ready for PEFT, and how many chunks the text had."""
    pieces = chunks(encoded(base, text.strip()), network.shape)
    parts = []
    for start in range(0, len(pieces), TOGETHER):
        ids, mask = padded(pieces[start : start + TOGETHER], base.device)
        parts.append(network(features(base, ids, mask, network.shape).float(), mask))
    rows = {
        name: type(first)(torch.cat([p[name].a for p in parts]), torch.cat([p[name].b for p in parts]))
        for name, first in parts[0].items()
    }
    return exported(base, network, joined(network, rows, [len(pieces)])), len(pieces)
