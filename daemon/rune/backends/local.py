"""This machine's own engine, in the worker: the daemon's end of it.

Covered: a worker that is still loading, dies in the middle or is not set up; a caller who goes away, at any
moment. Not covered: a caller who reads slowly; what an answer may hold is kept for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from rune.backends import wire
from rune.errors import EngineUnavailable
from rune.model_process import ModelProcess
from rune.records.message import Failed, Message
from rune.records.tokens import (
    Cancel,
    Find,
    Found,
    Measure,
    Prefetch,
    Render,
    Rendered,
    Token,
    Turn,
)
from rune.serving.types import EngineStats, GenerateRequest, Part, TokenEvent

T = TypeVar("T", bound=Message)


class Desk:
    """What the worker knows beside generating: which adapter is meant, and how its base wants a prompt."""

    def __init__(self, process: ModelProcess, patience: float) -> None:
        self.process = process
        self.patience = patience
        """Seconds to wait for a model that is still loading."""

    async def find(self, project: str, query: str) -> Found:
        """The project's adapter that is nearest to a question, if it is near enough.

        Raises:
            EngineUnavailable: no worker answers.
        """
        return await self._ask(Find(project, query), Found)

    async def check(self, project: str, adapter: str) -> Found:
        """One adapter of the project, after a look at its base and its hashes.

        Raises:
            AdapterError: it is not to be used.
            EngineUnavailable: no worker answers.
        """
        return await self._ask(Find(project, adapter=adapter), Found)

    async def render(self, turns: Sequence[Turn]) -> str:
        """A conversation as the prompt of the next answer.

        Raises:
            EngineUnavailable: no worker answers.
        """
        return (await self._ask(Render(tuple(turns)), Rendered)).prompt

    async def _ask(self, request: Find | Render | Measure, wanted: type[T]) -> T:
        await awake(self.process, self.patience)
        answer = await self.process.ask(request)
        if isinstance(answer, Failed):
            raise wire.refusal(answer)
        assert isinstance(answer, wanted), answer
        return answer


class Local(Desk):
    """``Backend`` over the worker's pipe."""

    def __init__(self, process: ModelProcess, patience: float) -> None:
        super().__init__(process, patience)
        self._telling: set[asyncio.Task[Message]] = set()
        self._running: set[asyncio.Task[Message]] = set()

    async def generate(self, request: GenerateRequest) -> AsyncIterator[TokenEvent]:
        """As ``Backend.generate``."""
        await awake(self.process, self.patience)
        said: asyncio.Queue[Message] = asyncio.Queue()
        asking = asyncio.create_task(self.process.ask(wire.asked(request), said.put_nowait))
        asking.add_done_callback(lambda task: said.put_nowait(_last(task)))
        self._running.add(asking)
        begun = over = False
        try:
            while not over:
                event = _event(request.id, await said.get(), begun)
                begun, over = True, event.finish is not None
                yield event
        finally:
            self._running.discard(asking)
            if not asking.done():
                asking.cancel()
                self._tell(Cancel(request.id))

    async def prefetch(self, part: Part) -> None:
        """As ``Backend.prefetch``; nobody waits for it."""
        self._tell(Prefetch((part,)))

    async def stats(self) -> EngineStats:
        """As ``Backend.stats``; an engine that rests holds nothing, and is not started for that."""
        if self.process.state != "ready":
            return EngineStats()
        return await self._ask(Measure(), EngineStats)

    async def close(self) -> None:
        """As ``Backend.close``; the process belongs to the daemon and goes on."""
        for asking in self._running:
            asking.cancel()
        if self._telling:
            await asyncio.wait(self._telling, timeout=1.0)

    def _tell(self, what: Cancel | Prefetch) -> None:
        if self.process.state != "ready":  # telling would start one
            return
        telling = asyncio.create_task(self.process.ask(what))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)


async def awake(process: ModelProcess, patience: float) -> None:
    """Start the worker where there is none, and wait for its model.

    Raises:
        EngineUnavailable: it cannot be started, or is still loading.
    """
    if not await process.wait_ready(patience):
        raise EngineUnavailable(process.problem or "the model is still loading: ask again in a few seconds")


def _last(asking: asyncio.Task[Message]) -> Message:
    """The answer that ends a request, also where there is none."""
    if asking.cancelled():
        return Token("", finish="cancelled")
    if error := asking.exception():
        return Failed(type(error).__name__, str(error), retry=True)
    return asking.result()


def _event(id: str, said: Message, begun: bool) -> TokenEvent:
    """What was said as an event; a refusal is an error as long as nothing was answered.

    Raises:
        EngineBusy, PromptTooLong, AdapterError, EngineUnavailable: the refusal.
    """
    if isinstance(said, Failed):
        if not begun:
            raise wire.refusal(said)
        return TokenEvent(id, finish="error", error=said.message)
    assert isinstance(said, Token), said
    return wire.event(said)
