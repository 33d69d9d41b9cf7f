"""The engine of this process behind the ``Backend`` protocol.

One thread belongs to the runner, and everything that touches the runner is a task of that thread:
submitting and cancelling fall between two steps by themselves. The event loop waits for none of it. If a
step raises, the engine is over: what was asked of it ends with EngineUnavailable, and so does whatever is
asked afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rune.errors import EngineUnavailable
from rune.ml.serve.runner import Runner
from rune.serving.types import EngineStats, GenerateRequest, Part, TokenEvent

T = TypeVar("T")


class LocalBackend:
    """One runner, for the tasks of one event loop."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rune-engine")
        self._streams: dict[str, asyncio.Queue[TokenEvent | EngineUnavailable]] = {}
        self._stepping: asyncio.Task[None] | None = None
        self._broken = ""

    async def generate(self, request: GenerateRequest) -> AsyncIterator[TokenEvent]:
        """As ``Backend.generate``."""
        if request.id in self._streams:
            raise ValueError(f"a request {request.id!r} is in flight already")
        stream = self._streams[request.id] = asyncio.Queue()
        ended = False
        try:
            await self._run(lambda: self.runner.submit(request))
            self._go_on()
            while not ended:
                event = await stream.get()
                if isinstance(event, EngineUnavailable):
                    ended = True
                    raise event
                ended = event.finish is not None
                yield event
        finally:
            del self._streams[request.id]
            if not ended and not self._broken:
                # nobody waits for it: the task that is being cancelled has no time for a step
                self._thread.submit(self.runner.cancel, request.id)

    async def prefetch(self, part: Part) -> None:
        """As ``Backend.prefetch``."""
        await self._run(lambda: self.runner.prefetch(part))

    async def stats(self) -> EngineStats:
        """As ``Backend.stats``."""
        return await self._run(self.runner.stats)

    async def close(self) -> None:
        """As ``Backend.close``."""
        self._broken = self._broken or "it was closed"
        if self._stepping is not None:
            with contextlib.suppress(EngineUnavailable):
                await self._stepping
        for id, stream in self._streams.items():
            stream.put_nowait(TokenEvent(id, finish="cancelled"))
        await asyncio.get_running_loop().run_in_executor(self._thread, self.runner.close)
        self._thread.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        """Do something in the engine's thread, between two steps."""
        if self._broken:
            raise EngineUnavailable(f"the engine does not answer: {self._broken}")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _go_on(self) -> None:
        if self._stepping is None or self._stepping.done():
            self._stepping = asyncio.create_task(self._steps())

    async def _steps(self) -> None:
        """Step while there is work."""
        loop = asyncio.get_running_loop()
        try:
            while not self._broken and self.runner.busy:
                for event in await loop.run_in_executor(self._thread, self.runner.step):
                    if stream := self._streams.get(event.id):
                        stream.put_nowait(event)
        except BaseException as error:
            self._broken = f"{type(error).__name__}: {error}"
            for stream in self._streams.values():
                stream.put_nowait(EngineUnavailable(f"the engine stopped: {self._broken}"))
            raise
