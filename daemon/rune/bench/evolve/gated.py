"""Stage ``gated``: the same real sessions kept as they are, evolved behind the gate, and added up.

Every session becomes an adapter by the worker's own code. ``keep`` serves all of them. ``gated`` is a copy
of that project, evolved until nothing is planned any more. ``cat`` is one adapter, the sum of what all have
learnt (LoRA Soups without its learnt weights), ``mean`` the mean. All are asked the frozen held-out probes
(``rune.bench.evolve.arms``), and the children are held against merged ones (``rune.bench.evolve.families``).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from rune import files, worker
from rune.bench.distil import scene as scenes
from rune.bench.distil import train
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Work
from rune.bench.evolve import arms, families
from rune.bench.evolve.arms import Arm
from rune.bench.evolve.hours import quiet_hours
from rune.errors import RuneError
from rune.evolving import carrying, standing
from rune.library import Library
from rune.ml import lora, merge, start
from rune.paths import Echoes
from rune.records import ledger
from rune.records.card import Card
from rune.worker import Parts

ROUNDS = 500
"""More rounds than sixty adapters can take: each makes a child, or never tries the same parents again."""
SUMS = ("cat", "mean")
OWN = ("added", "scored")
"""Lines of a ledger that say what an adapter is; all others say what became of it beside others."""


def run(data: Path, folder: Path, sessions: int, trained: Path | None = None, rounds: int = ROUNDS) -> None:
    """Everything that is not done yet.

    ``trained`` is the work of ``rune bench distil`` on these sessions; each of the ``rounds`` of evolution
    makes or refuses one child.
    """
    asked = min(sessions, scenes.HELD_OUT)
    scene = scenes.scene(data, folder, asked, beside=sessions - asked)
    if trained is not None:
        adopt(scene, trained)
    measure(scene, scenes.parts(scene)[0], SUMS, rounds)


def adopt(scene: Scene, trained: Path) -> None:
    """Take over what another run has learnt of these sessions, by the same code; what is here stays.

    Not what became of it there beside others: retired lessons live again.

    Raises:
        RuneError: there is nothing of these sessions.
    """
    ours = {past.session for past in scene.everything}
    known = [row for row in Work(trained).all("train") if row["session"] in ours]
    if not known:
        raise RuneError(f"{trained}: expected some of the {len(ours)} sessions of this run, found none")
    if scene.echoes.project.exists():
        return
    theirs = Echoes(trained / "project")
    with _whole(scene.echoes.project) as staged:
        own = {row["adapter"] for row in known}
        for row in known:
            _copy(theirs.trajectory(row["session"]), Echoes(staged).trajectory(row["session"]))
        for id in own - {""}:
            _copy(theirs.adapters / id, Echoes(staged).adapters / id)
        for line in ledger.entries(theirs.ledger):
            if line.adapter in own and line.entry in OWN:
                ledger.record(Echoes(staged).ledger, line)
    for row in known:
        scene.work.kept("train", row["session"], lambda row=row: row)  # type: ignore[misc]


def _copy(source: Path, into: Path) -> None:
    files.private_folder(into.parent)
    copy: Callable[[Path, Path], object] = shutil.copytree if source.is_dir() else shutil.copyfile
    copy(source, into)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A place to make a folder in; it gets its name when it is whole."""
    staged = folder.with_name(f"{folder.name}-making")
    files.remove_folder(staged)
    yield staged
    staged.rename(folder)


def measure(scene: Scene, parts: Parts, sums: Sequence[str], rounds: int = ROUNDS) -> None:
    """Learn, evolve a copy, add up, and ask all of them.

    Raises:
        RuneError: other processes are still learning, those that they have not begun are learnt by then; or
            another one is evolving.
    """
    for place, row in train.learning(scene, parts, scene.everything):
        scene.work.say(f"learnt {place + 1}/{len(scene.everything)} {row['session'][:20]} in {row['wall']} s")
    scene.complete()
    with scene.work.claimed("arms", "all") as mine:
        if not mine:
            raise RuneError(f"{scene.work.folder}: another process is evolving these; wait for it")
        cards = Library(scene.echoes, time.time).cards()
        keep = Arm("keep", scene.echoes)
        grown = _evolved(scene, parts, rounds)
        arms.measure(scene, parts, [keep, grown, *(_summed(scene, name, cards) for name in sums)])
        families.measure(scene, parts, Library(grown.echoes, time.time))


def _evolved(scene: Scene, parts: Parts, rounds: int) -> Arm:
    """A copy of the project, evolved until nothing is planned, or for so many rounds."""
    arm = Arm("gated", Echoes(scene.work.folder / f"gated-{len(scene.everything)}"))
    if not arm.echoes.project.exists():
        with _whole(arm.echoes.project) as staged:
            shutil.copytree(scene.echoes.project, staged)
    library = Library(arm.echoes, time.time)
    carrying.carry(library, standing.retirements(library, parts.config.evolution))
    note = ""
    for number, note in enumerate(islice(quiet_hours(parts, arm.echoes), rounds), 1):
        scene.work.say(f"evolved, round {number}: {note}")
    return replace(arm, complete=note == worker.NOTHING)


def _summed(scene: Scene, name: str, cards: Sequence[Card]) -> Arm:
    """All adapters as one, whatever comes of it."""
    folder = scene.work.folder / f"{name}-{len(scene.everything)}"
    if not folder.exists():
        library = Library(scene.echoes, time.time)
        own = [lora.load(library.folder(card.id), torch.device("cpu"), torch.float32) for card in cards]
        begun = [card.start for card in cards]
        with _whole(folder) as staged:
            one = merge.merge("linear", own) if name == "mean" else start.together(name, own, begun)
            lora.save(one, staged, cards[0].base)
    return Arm(name, scene.echoes, folder)
