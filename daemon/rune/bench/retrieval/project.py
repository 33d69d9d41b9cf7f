"""A project on disk with a card for every session, as distillations would leave them, without weights."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rune import config, lessons
from rune.paths import Echoes
from rune.ports import Embedder
from rune.records import card as cards
from rune.records import ledger
from rune.records.card import Card
from rune.records.trajectory import Trajectory


def write(folder: Path, pasts: Sequence[Trajectory]) -> list[str]:
    """A card for each session that has lessons or a task; the ids of all, in order."""
    echoes = Echoes(folder)
    echoes.adapters.mkdir(parents=True, exist_ok=True)
    ids = [hashlib.sha256(past.session.encode()).hexdigest()[:16] for past in pasts]
    made = {past.events: _card(past) for past in {past.events: past for past in pasts}.values()}
    with echoes.ledger.open("w") as lines:
        for id, past in zip(ids, pasts, strict=True):
            target = echoes.adapters / id
            target.mkdir(exist_ok=True)
            (target / "card.json").write_bytes(
                cards.dump(replace(made[past.events], session=past.session, id=id))
            )
            detail = {"session": past.session, "source_hash": past.session, "served": True}
            line = {"v": ledger.VERSION, "adapter": id, "entry": "added", "at": 0.0, "detail": detail}
            lines.write(json.dumps(line) + "\n")
    return ids


def _card(past: Trajectory) -> Card:
    found = lessons.find(past, config.DistilConfig().max_lessons)
    return Card(
        past.session, past.session, len(past.events), {}, "none", "none", 8, 16.0, ("q_proj",), 60, 1.0,
        "none", tuple(found), lessons.summary(past, found), {"heldout": 0.0}, {"heldout": 1.0}, 0.0,
    )  # fmt: skip


def repeated(pasts: Sequence[Trajectory], size: int) -> list[Trajectory]:
    """So many sessions, the same ones over and over under other names; short ones, for time's sake."""
    short = [past for past in pasts if len(past.events) < 10] or list(pasts)
    return [replace(short[n % len(short)], session=f"copy-{n}") for n in range(size)]


class Once:
    """Embeds a text once in the life of the process: index and rivals share the vectors of documents."""

    def __init__(self, embedder: Embedder) -> None:
        self.inner = embedder
        self._known: dict[str, list[float]] = {}

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text."""
        new = sorted(
            {text for text in texts if text not in self._known}, key=len
        )  # alike in length: no padding
        self._known.update(zip(new, self.inner.embed(new), strict=True))
        return [self._known[text] for text in texts]


class Drawn:
    """Embeds a question, and draws the vectors of documents by lot."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._width = len(embedder.embed(["width"])[0])
        self._dice = np.random.default_rng(0)

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of about unit length per text."""
        if len(texts) == 1:
            return self._embedder.embed(texts)
        drawn = self._dice.standard_normal((len(texts), self._width)) / math.sqrt(self._width)
        found: list[list[float]] = drawn.tolist()
        return found
