"""What every stage works with: the sessions, their probes, the real parts, the work so far."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rune import app, files, paths
from rune.bench import sessions
from rune.bench.distil import probes
from rune.bench.distil.probes import Probe
from rune.bench.distil.work import Row, Work
from rune.bench.stage import models_of
from rune.errors import RuneError
from rune.library import Library
from rune.paths import Echoes, Home
from rune.ports import Embedder
from rune.records import model, trajectory
from rune.records.card import Card
from rune.records.trajectory import Trajectory
from rune.worker import Parts

SEED = 7
HELD_OUT, OTHERS = 40, 11


@dataclass(frozen=True, slots=True)
class Scene:
    """One run of the benchmark."""

    work: Work
    split: str
    probed: tuple[Trajectory, ...]
    """Sessions that are asked about."""
    others: tuple[Trajectory, ...]
    """Sessions whose adapters only lie beside."""
    development: tuple[Trajectory, ...]
    probes: tuple[Probe, ...]

    @property
    def echoes(self) -> Echoes:
        """The one project that holds every session."""
        return Echoes(self.work.folder / "project")

    @property
    def home(self) -> Home:
        """A home of its own; the models are those of the real one."""
        return Home(self.work.folder / "home")

    @property
    def library(self) -> Library:
        """The adapters of the project."""
        return Library(self.echoes, time.time)

    @property
    def everything(self) -> tuple[Trajectory, ...]:
        """Every session that is learnt: those that are asked about, and those that lie beside."""
        return (*self.probed, *self.others)

    @property
    def headline(self) -> list[Probe]:
        """The headline probes of these sessions."""
        return [probe for probe in self.probes if probe.headline]

    def asked(self, session: str) -> list[Probe]:
        """A session's probes, headline first."""
        own = [probe for probe in self.probes if probe.session == session]
        return sorted(own, key=lambda probe: not probe.headline)

    def card(self, session: str) -> Card | None:
        """The adapter of a session, served or not; None where it gave none.

        Raises:
            RuneError: it was not trained yet.
        """
        row = self.work.get("train", session)
        if row is None:
            raise RuneError(f"session {session} is not trained yet; run the stage train first")
        return self.library.get(row["adapter"]) if row["adapter"] else None

    def trained(self) -> list[tuple[Trajectory, Card | None]]:
        """The probed sessions that the stage ``train`` is done with, each with its adapter."""
        return [(past, self.card(past.session)) for past in self.probed if self.is_trained(past.session)]

    def is_trained(self, session: str) -> bool:
        """Whether the stage ``train`` is done with a session."""
        return self.work.get("train", session) is not None

    def complete(self) -> None:
        """Check that every session is learnt, so that a stage means all of them.

        Raises:
            RuneError: some are not.
        """
        self.work.complete("train", (past.session for past in self.everything))

    def rows(self, stage: str, pasts: Sequence[Trajectory]) -> list[Row]:
        """What a stage has made of these sessions so far."""
        found = (self.work.get(stage, past.session) for past in pasts)
        return [row for row in found if row is not None]


def scene(
    data: Path, folder: Path, wanted: int = HELD_OUT, split: str = "heldout", beside: int | None = None
) -> Scene:
    """The sessions of a run: ``wanted`` to ask about, and ``beside`` others (else a share) beside them."""
    corpus = sessions.load(data)
    if split == "development":
        probed, others = corpus.development[:wanted], corpus.development[wanted : wanted + 1]
    else:
        probed = corpus.held_out[:wanted]
        number = max(1, round(OTHERS * len(probed) / HELD_OUT)) if beside is None else beside
        others = (*corpus.development, *corpus.spare)[:number]
    names = {past.session for past in probed}
    asked = tuple(probe for probe in probes.load(split) if probe.session in names)
    return Scene(Work(folder.resolve()), split, probed, others, corpus.development, asked)


def quiet(parts: Parts) -> Parts:
    """The same without evolution that acts by itself.

    Sessions of several repositories lie in one project here: they would retire each other's commands.
    """
    evolution = replace(parts.config.evolution, automatic=False)
    return replace(parts, config=replace(parts.config, evolution=evolution))


def parts(stage: Scene) -> tuple[Parts, Embedder]:
    """The real worker's parts on the scene's own home, without evolution, and the sentence embedder."""
    home = stage.home
    files.private_folder(home.root)
    if not home.models.exists():
        home.models.symlink_to(models_of(paths.home()))
    if paths.home().config.is_file():
        files.replace(home.config, paths.home().config.read_bytes())
    made = app.worker_parts(home)
    from rune.ml import embed  # noqa: PLC0415 - torch

    return quiet(made), embed.MiniLM(model.locate(home, made.config.model.embedder))


def write(echoes: Echoes, past: Trajectory) -> None:
    """A session as ``rune import`` writes it; one that lies there already stays."""
    path = echoes.trajectory(past.session)
    if path.exists():
        return
    trajectory.start(path, past.session, str(echoes.project), "import", past.started)
    trajectory.append(path, past.events, past.redactions)
    trajectory.close(path, "import", past.events[-1].at, len(past.events))


def pace() -> Row:
    """With how many threads a piece was timed, and what else the machine did in the last minute."""
    import torch  # noqa: PLC0415 - heavy

    return {"threads": torch.get_num_threads(), "load": round(os.getloadavg()[0], 2)}


def lot(some: Sequence[Probe], number: int) -> list[Probe]:
    """So many by lot, the same every time, in their order."""
    drawn = random.Random(SEED).sample(range(len(some)), min(number, len(some)))
    return [some[place] for place in sorted(drawn)]
