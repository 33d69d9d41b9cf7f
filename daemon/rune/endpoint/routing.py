"""Which adapter a request goes to, and how that is told."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from rune import paths
from rune.endpoint.problems import Problem
from rune.library import Library
from rune.paths import Echoes
from rune.records.api_key import ApiKey
from rune.records.card import Card
from rune.records.tokens import Found, Turn
from rune.serving.types import Part

AUTO = "rune"
"""The model that is chosen for each request."""


class Desk(Protocol):
    """What knows the adapters: the worker, asked by ``rune.backends.local``."""

    async def find(self, project: str, query: str) -> Found:
        """The nearest adapter, if it is near enough."""

    async def check(self, project: str, adapter: str) -> Found:
        """One adapter, after a look at its base and hashes."""

    async def render(self, turns: tuple[Turn, ...]) -> str:
        """A conversation as a prompt."""


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a request."""

    model: str
    """The base, or the adapter's id."""
    part: Part | None = None
    relevance: float | None = None
    """Of the nearest adapter, where one was looked for."""
    why: str = ""
    """Why it is the base."""

    @property
    def told(self) -> dict[str, Any]:
        """As the body of an answer says it."""
        adapter = self.part.digest if self.part else None
        return {"model": self.model, "adapter": adapter, "relevance": self.relevance, "why": self.why}

    @property
    def headers(self) -> dict[str, str]:
        """As its headers say it; what is no ASCII in the name of a base is percent-encoded."""
        adapter = self.part.digest if self.part else "none"
        said = {"X-Rune-Model": quote(self.model), "X-Rune-Adapter": adapter}
        return said | ({} if self.relevance is None else {"X-Rune-Relevance": f"{self.relevance:.4f}"})


def project_of(key: ApiKey, named: str) -> str:
    """The project of a request: that of the key, or the one that the header names.

    Raises:
        Problem: the header names none, or one that the key does not open.
    """
    if not named:
        return key.project
    folder = Path(named)
    if not folder.is_absolute() or not folder.is_dir():
        raise Problem(400, f"X-Rune-Project: expected a folder, found {named!r}", "project_not_found")
    root = str(paths.project_root(folder))
    if key.project and root != key.project:
        said = f"this API key is for {key.project} alone; `rune serve --project` prints another one's"
        raise Problem(403, said, "project_not_allowed")
    return root


def cards_of(project: str) -> list[Card]:
    """The adapters of a project that are in service; none without a project."""
    return Library(Echoes(Path(project)), time.time).cards() if project else []


class Router:
    """Turns the name of a model into what answers."""

    def __init__(self, desk: Desk, base: str) -> None:
        self.desk = desk
        self.base = base

    async def route(self, model: str, project: str, query: str) -> Route:
        """What answers this request.

        Raises:
            Problem: there is no such model, or no project to look into.
            AdapterError: the named adapter is not to be used.
            EngineUnavailable: nobody is there to look.
        """
        if model == self.base:
            return Route(self.base, why="the base was asked for")
        if model == AUTO:
            return await self._nearest(project, query)
        if not re.fullmatch(r"[0-9a-f]{16}", model) or not await self._exists(project, model):
            said = f"no model {model!r} here; GET /v1/models lists them (of {project or 'no project'})"
            raise Problem(404, said, "model_not_found", "model")
        found = await self.desk.check(project, model)
        return Route(model, Part(found.adapter, found.folder))

    async def _nearest(self, project: str, query: str) -> Route:
        if not project:
            said = (
                "model rune needs a project: its key (`rune serve --project`), or the header X-Rune-Project"
            )
            raise Problem(400, said, "project_required", "model")
        if not await asyncio.to_thread(cards_of, project):  # nothing to look for, and no worker to wake
            return Route(self.base, why="no adapter is in service in this project")
        found = await self.desk.find(project, query)
        score = round(found.score, 4)
        if not found.adapter:
            return Route(self.base, None, score, found.why)
        return Route(found.adapter, Part(found.adapter, found.folder), score)

    async def _exists(self, project: str, adapter: str) -> bool:
        return bool(project) and await asyncio.to_thread((Echoes(Path(project)).adapters / adapter).is_dir)
