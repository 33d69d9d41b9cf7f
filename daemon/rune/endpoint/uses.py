"""What an answer counts for: the use of an adapter, in the session that it was asked in.

Of the request nothing is written down but when it was answered, by which adapter, how near that was, and in
which session: the line that a recall writes (``rune.records.recalled``).

Not counted: the base's answers, and answers that were broken off, by the engine or by a client that went.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from rune.errors import RuneError
from rune.serving.types import TokenEvent

log = logging.getLogger(__name__)

Events = AsyncGenerator[TokenEvent, None]
ANSWERED = ("stop", "length")


class Notebook(Protocol):
    """What knows the sessions of a project and keeps count: ``rune.remember.Completions``."""

    def asking(self, project: str, named: str) -> str:
        """The open session that a request belongs to; empty where that cannot be told."""

    def note(self, project: str, session: str, adapter: str, score: float, answered: bool) -> None:
        """Write down that an adapter was used.

        Raises:
            OSError: the file cannot be written.
        """


@dataclass(frozen=True, slots=True)
class Use:
    """An adapter that is about to answer."""

    notebook: Notebook
    project: str
    session: str
    """That asks; empty: it is not known."""
    adapter: str
    score: float
    """Its relevance; 0.0 where it was asked for by its id."""

    async def counted(self, events: Events) -> Events:
        """The same events; before the last one of a whole answer the use is on the disk."""
        said = False
        async with aclosing(events):
            async for event in events:
                said = said or bool(event.text)
                if event.finish in ANSWERED:
                    await self._noted(said)
                yield event

    async def _noted(self, said: bool) -> None:
        note = self.notebook.note
        try:
            await asyncio.to_thread(note, self.project, self.session, self.adapter, self.score, said)
        except (OSError, RuneError):  # the answer is worth more than its count
            log.exception("%s: a use of %s could not be counted", self.project, self.adapter)
