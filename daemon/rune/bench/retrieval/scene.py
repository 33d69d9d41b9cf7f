"""A project that is searched: its sessions, the questions to them, and the product's own retrieval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rune import config
from rune.bench.retrieval import project
from rune.bench.retrieval.corpus import Task
from rune.finding import Finder, Found
from rune.index import Index
from rune.ports import Embedder
from rune.records.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Scene:
    """A project with a card for every session, and who searches it."""

    tasks: Sequence[Task]
    ids: Sequence[str]
    """The adapter of each task."""
    pasts: Mapping[str, Trajectory]
    """The session of every adapter, also of those that no task asks for."""
    folder: Path
    finder: Finder
    index: Index

    def find(self, query: str, limit: int = 50) -> Found:
        """As the product finds."""
        return self.finder.find(str(self.folder), query, limit)


def built(work: Path, tasks: Sequence[Task], embedder: Embedder, beside: Sequence[Trajectory] = ()) -> Scene:
    """The project of these tasks and of sessions beside them, and its index, as far as they are not there."""
    folder = work / "project"
    pasts = {past.session: past for past in (*(task.past for task in tasks), *beside)}
    made = dict(zip(pasts, project.write(folder, list(pasts.values())), strict=True))
    finder, index = searching(work, embedder)
    finder.find(str(folder), "warm", 1)
    ids = [made[task.past.session] for task in tasks]
    return Scene(tasks, ids, {made[name]: past for name, past in pasts.items()}, folder, finder, index)


def searching(work: Path, embedder: Embedder) -> tuple[Finder, Index]:
    """The product's own retrieval."""
    index = Index(work / "index", embedder)
    return Finder(index, config.RecallConfig().floor), index


def place(found: Found, id: str) -> int:
    """The place of the right adapter, from 1; 0 where it is not among the matches."""
    return next((n for n, match in enumerate(found.matches, 1) if match.adapter == id), 0)
