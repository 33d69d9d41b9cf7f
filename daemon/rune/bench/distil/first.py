"""The first session's adapter, asked alone and beside all others: what it answers may not change in between.

Its own answers are asked for in the stage ``train``, before there is a second adapter, and once more in the
stage ``served``. There it is also recalled twice by the same code: in a project that holds this session and
nothing else, and in the whole one.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from typing import Any

from rune import files
from rune.bench.distil.scene import Scene, write
from rune.bench.distil.work import Row, of
from rune.library import Library
from rune.paths import Echoes
from rune.records.card import Card
from rune.records.message import Recall
from rune.worker import Parts

TOKENS = 64


def alone(scene: Scene, parts: Parts) -> Row:
    """What it answers while there is no other."""
    card = scene.card(scene.probed[0].session)
    own = card.id if card else ""

    def make() -> Row:
        beside = len(scene.library.cards(include_archived=True))
        return {"adapter": own, "adapters": beside, "answers": _answers(scene, parts, card)}

    return scene.work.kept("first", "alone", make, lambda row: row["adapter"] == own)


def beside(scene: Scene, parts: Parts) -> Row:
    """What it answers beside all others, and what a recall returns in either project."""
    card = scene.card(scene.probed[0].session)
    about: Row = {
        "adapter": card.id if card else "", "settings": asdict(parts.recaller.config),
        "others": sorted(one.id for one in scene.library.cards()),
    }  # fmt: skip

    def make() -> Row:
        recalled = {"recalled": _recalled(scene, parts, scene.echoes)}
        if card:
            recalled["recalled_alone"] = _recalled(scene, parts, _only(scene, card))
        number = len(scene.library.cards(include_archived=True))
        return {**about, "adapters": number, "answers": _answers(scene, parts, card), **recalled}

    return scene.work.kept("first", "end", make, of(about))


def _questions(scene: Scene) -> list[str]:
    return [probe.question for probe in scene.asked(scene.probed[0].session) if probe.headline]


def _answers(scene: Scene, parts: Parts, card: Card | None) -> list[str]:
    folder = scene.library.folder(card.id) if card else None
    return [parts.recaller.generator.answer(question, folder, TOKENS) for question in _questions(scene)]


def _recalled(scene: Scene, parts: Parts, echoes: Echoes) -> list[list[str]]:
    """Which session a recall finds for each question, and what it returns."""
    found = [parts.recaller.recall(Recall(asked, str(echoes.project))) for asked in _questions(scene)]
    return [[one.session, one.answer] for one in found]


def _only(scene: Scene, card: Card) -> Echoes:
    """A project that holds the first session, its adapter, and nothing else."""
    echoes = Echoes(scene.work.folder / "alone")
    files.remove_folder(echoes.project)
    write(echoes, scene.probed[0])
    library = Library(echoes, time.time)
    with library.staging() as stage:
        for part in card.sha256:
            shutil.copyfile(scene.library.folder(card.id) / part, stage / part)
        library.add(stage, card)
    return echoes


def unchanged(before: Row | None, after: Row | None) -> dict[str, float | None]:
    """The shares of its answers, and of what a recall returns, that are word for word the same."""
    own = recalled = None
    if before and after and before["adapter"] == after["adapter"]:
        own = _same(before["answers"], after["answers"])
    if after and "recalled_alone" in after:
        recalled = _same(after["recalled_alone"], after["recalled"])
    return {"session_one_unchanged": own, "session_one_recalled_unchanged": recalled}


def _same(before: list[Any], after: list[Any]) -> float | None:
    pairs = list(zip(before, after, strict=True))
    return round(sum(one == other for one, other in pairs) / len(pairs), 4) if pairs else None
