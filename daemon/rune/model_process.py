"""The daemon's end of the worker: started when there is work, never waited for blindly."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from rune.errors import FormatError
from rune.records import message
from rune.records.message import Advance, Failed, Message, Ready
from rune.records.tokens import Token

log = logging.getLogger(__name__)

LINE_LIMIT = 16 * 1024 * 1024
RETRY_SECONDS = 30.0
"""A worker that could not start is not tried again sooner."""
LOG_LIMIT = 4 * 1024 * 1024
Listener = Callable[[Any], object]
"""Hears what comes before the last answer: Advance of a distillation, Token of what is generated."""


class ModelProcess:
    """One worker at a time; asking starts it."""

    def __init__(
        self, argv: Sequence[str], log_file: Path, rest: float = 0.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.argv = argv
        self.log_file = log_file
        self.environment = environment
        """Of the worker; None: this process's own."""
        self.rest = rest
        """Seconds without work after which it may be stopped; 0 leaves that to the configuration."""
        self.problem = ""
        self.used = time.monotonic()
        self._failed_at = 0.0
        self._stopping = False
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._waiting: dict[int, tuple[asyncio.Future[Message], Listener | None]] = {}
        self._numbers = itertools.count(1)
        self._reader: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        """absent, loading, ready, or broken with the reason."""
        if self._process is not None:
            return "ready" if self._ready.is_set() else "loading"
        return f"broken: {self.problem}" if self.problem else "absent"

    @property
    def busy(self) -> bool:
        """Whether an answer is owed."""
        return bool(self._waiting)

    @property
    def rss_mb(self) -> float:
        """Memory of the worker in MiB; 0 when there is none."""
        try:
            return (
                round(psutil.Process(self._process.pid).memory_info().rss / 2**20, 1)
                if self._process
                else 0.0
            )
        except psutil.NoSuchProcess:
            return 0.0

    async def start(self) -> None:
        """Start the worker if none runs; a broken one is tried again after a while."""
        async with self._starting:  # two that ask at once start one
            await self._start()

    async def _start(self) -> None:
        if self._process is not None or (self.problem and time.monotonic() - self._failed_at < RETRY_SECONDS):
            return
        self.problem = ""
        self.used = time.monotonic()
        self._stopping = False
        self._ready.clear()
        self.log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT:
            self.log_file.replace(self.log_file.with_suffix(".old.log"))
        with self.log_file.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=self.environment,
                limit=LINE_LIMIT,
            )
        self._reader = asyncio.create_task(self._read(self._process))

    async def wait_ready(self, timeout: float) -> bool:
        """Start the worker and wait until its model is loaded; False when it is not by then."""
        await self.start()
        if self._process is None:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout)
        return self._process is not None and self._ready.is_set()

    async def ask(self, request: Message, progress: Listener | None = None) -> Message:
        """Send a request, wait for its last answer; a worker that dies answers Failed, to be tried again."""
        await self.start()
        if self._process is None or self._process.stdin is None:
            return Failed("NotSetUp", self.problem or "the worker could not be started", retry=True)
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (future, progress)
        try:
            self._process.stdin.write(b"%d " % number + message.encode(request))
            await self._process.stdin.drain()
            return await future
        except (BrokenPipeError, ConnectionResetError):
            return Failed("WorkerGone", "the worker went away", retry=True)
        finally:
            self._waiting.pop(number, None)
            self.used = time.monotonic()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                number, _, body = line.partition(b" ")
                self._dispatch(int(number), message.decode(body))
        except (FormatError, ValueError):  # an answer that cannot be read is never waited for
            log.exception("the worker is ended: it said what nobody understands")
            process.kill()
        code = await process.wait()
        self._process = None
        if not self._ready.is_set() and not self.problem and not self._stopping:
            self.problem = f"the worker ended with exit status {code} while it loaded; see {self.log_file}"
        if self.problem:
            self._failed_at = time.monotonic()
        self._ready.set()  # wakes whoever waits; the state says that nobody is there
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_result(
                    Failed(
                        "WorkerGone", self.problem or f"the worker ended with exit status {code}", retry=True
                    )
                )

    def _dispatch(self, number: int, answer: Message) -> None:
        if isinstance(answer, Ready):
            self.used = time.monotonic()
            self._ready.set()
        elif number == 0 and isinstance(answer, Failed):
            self.problem = answer.message
        elif number in self._waiting:
            future, progress = self._waiting[number]
            if isinstance(answer, Advance) or (isinstance(answer, Token) and not answer.finish):
                if progress:
                    progress(answer)
            elif not future.done():
                future.set_result(answer)

    async def stop(self, patience: float = 3.0) -> None:
        """End the worker: first by ending its input, then by force."""
        async with self._starting:  # one that is just being started is ended, too
            process = self._process
        if process is None:
            return
        self._stopping = True
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            process.kill()
        if self._reader is not None:
            await self._reader
