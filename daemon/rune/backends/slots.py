"""Who may go to an engine that has room for only so many different adapters at a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rune.errors import EngineBusy

FAIR_SECONDS = 2.0
"""Requests for an adapter in flight may pass those that wait, until one of them has waited so long."""
RETRY_SECONDS = 2.0


class Slots:
    """At most ``most`` different adapters in flight; any number of requests of each."""

    def __init__(self, most: int, queue: int, patience: float) -> None:
        self.most = most
        self.queue = queue
        self.patience = patience
        """Seconds that a request may wait."""
        self.fair = FAIR_SECONDS
        self.flying: Counter[str] = Counter()
        self._line: list[tuple[str, float, asyncio.Future[None]]] = []

    @property
    def waiting(self) -> int:
        """Requests that wait for room."""
        return len(self._line)

    @asynccontextmanager
    async def place(self, digest: str) -> AsyncIterator[None]:
        """Hold a place for one request of an adapter.

        Raises:
            EngineBusy: too many wait, or this one has waited too long.
        """
        if not self._goes(digest, ahead=self._line):
            await self._wait(digest)
        else:
            self.flying[digest] += 1
        try:
            yield
        finally:
            self.flying[digest] -= 1
            self.flying += Counter()  # drops what is at zero
            self._admit()

    async def _wait(self, digest: str) -> None:
        if len(self._line) >= self.queue:
            raise EngineBusy(f"{len(self._line)} requests wait for the engine", RETRY_SECONDS)
        turn = (digest, time.monotonic(), asyncio.get_running_loop().create_future())
        self._line.append(turn)
        try:
            async with asyncio.timeout(self.patience):
                await turn[2]
        except BaseException as error:
            if turn in self._line:
                self._line.remove(turn)
            else:  # it was let in at the same moment
                self.flying[digest] -= 1
                self.flying += Counter()
            self._admit()
            if isinstance(error, TimeoutError):
                said = f"no room for another adapter within {self.patience:g} s"
                raise EngineBusy(said, RETRY_SECONDS) from None
            raise

    def _admit(self) -> None:
        """Let in whoever may go now, the longest waiting first."""
        ahead: list[tuple[str, float, asyncio.Future[None]]] = []
        for turn in self._line:
            if self._goes(turn[0], ahead):
                self.flying[turn[0]] += 1
                turn[2].set_result(None)
            else:
                ahead.append(turn)
        self._line = ahead

    def _goes(self, digest: str, ahead: list[tuple[str, float, asyncio.Future[None]]]) -> bool:
        if digest not in self.flying:
            return not ahead and len(self.flying) < self.most
        return not ahead or time.monotonic() - ahead[0][1] < self.fair
