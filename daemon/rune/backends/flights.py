"""Requests in flight to an engine elsewhere: each is a task that says what it hears, until it is stopped.

And what all that go over HTTP have alike: their connections, and how long a busy server asks to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx

from rune.errors import EngineUnavailable, RuneError
from rune.serving.types import TokenEvent

CONNECT_SECONDS = 5.0
READ_SECONDS = 120.0
"""Between two pieces of an answer, the first among them."""

Say = Callable[[TokenEvent], None]


class Flights:
    """The requests of one backend; what is at work when it closes is cancelled."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._aside: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def aside(self) -> int:
        """Errands that nobody waits for."""
        return len(self._aside)

    async def events(
        self, id: str, ask: Callable[[Say], Coroutine[Any, Any, None]]
    ) -> AsyncIterator[TokenEvent]:
        """What a request is told, up to its end; closing this cancels it.

        Args:
            id: of the request.
            ask: asks the engine, and says each event; the last one has ``finish``.

        Raises, before the first event:
            RuneError: what ``ask`` raised. Later that is the last event.
            EngineUnavailable: it raised anything else.
        """
        said: asyncio.Queue[TokenEvent | RuneError] = asyncio.Queue()
        asking = asyncio.create_task(ask(said.put_nowait))
        asking.add_done_callback(lambda task: said.put_nowait(_last(id, task)))
        self._running.add(asking)
        begun = over = False
        try:
            while not over:
                event = await said.get()
                if isinstance(event, RuneError):
                    if not begun:
                        raise event
                    event = TokenEvent(id, finish="error", error=str(event))
                begun, over = True, event.finish is not None
                yield event
        finally:
            self._running.discard(asking)
            asking.cancel()

    def send(self, errand: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have something done that nobody has to wait for."""
        task = asyncio.create_task(errand)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task

    async def close(self) -> None:
        """Cancel everything, and wait until it has gone."""
        tasks = [*self._running, *self._aside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _last(id: str, asking: asyncio.Task[None]) -> TokenEvent | RuneError:
    """What ends a request whose stream gave no end."""
    if asking.cancelled():
        return TokenEvent(id, finish="cancelled")
    error = asking.exception()
    return error if isinstance(error, RuneError) else EngineUnavailable(f"the engine's answer: {error!r}")


def connections(url: str) -> httpx.AsyncClient:
    """Kept open between requests; the settings of proxies in the environment are for the internet."""
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=None)
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=timeout, limits=limits)


def retry_after(answer: httpx.Response) -> float:
    """Seconds that a busy server asks to wait; 1.0 where it does not say."""
    after = answer.headers.get("retry-after", "")
    return float(after) if after.isdigit() else 1.0
