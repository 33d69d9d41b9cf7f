"""The resident process: takes events in, answers requests, hands closed sessions to the worker one by one.

It carries no model and no tensor library, so that it is always quick and stays small. One per user: a lock
that lives as long as the process decides who it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

import rune
from rune import files, forget, remember, watch
from rune.capture import Capture, client_alive
from rune.config import Config
from rune.echoes import known
from rune.errors import FormatError, RuneError
from rune.evolving.quiet import Quiet
from rune.finding import NOTHING, findable
from rune.gather import GATHERING, Gatherer
from rune.jobs import Job, Jobs
from rune.library import Library
from rune.model_process import ModelProcess
from rune.paths import Echoes, Home
from rune.ports import Door
from rune.records import message, trajectory
from rune.records.message import (
    Advance,
    Distil,
    Done,
    Evolve,
    Failed,
    Forget,
    Health,
    Ingest,
    Message,
    Recall,
    Recalled,
    Serve,
    Status,
    Stop,
)

log = logging.getLogger(__name__)

LINE_LIMIT = 8 * 1024 * 1024


class Daemon:
    """startup, tick, handle, shutdown."""

    def __init__(
        self,
        home: Home,
        config: Config,
        capture: Capture,
        jobs: Jobs,
        worker: ModelProcess,
        learner: ModelProcess | None = None,
        door: Door | None = None,
    ) -> None:
        self.home = home
        self.config = config
        self.capture = capture
        self.jobs = jobs
        self.worker = worker
        self.learner = learner or worker
        self.door = door
        self.gatherer = Gatherer(home, time.time, client_alive)
        self.quiet = Quiet(home, config.evolution, jobs, time.time)
        self.began = self.active = time.monotonic()
        self.last_error = ""
        self.job = ""
        self._disk = asyncio.Lock()
        self._wake = asyncio.Event()
        self._leaving = False
        self._working: asyncio.Task[None] | None = None

    async def serve(self) -> bool:
        """Live until told to leave or idle for long; False at once where another daemon lives already."""
        files.private_folder(self.home.run)
        lock = FileLock(self.home.run / "daemon.lock", mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        with lock:
            server = await self._startup()
            try:
                while not self._leaving:
                    await self._pause()
                    await self.tick()
            finally:
                await self._shutdown(server)
        return True

    async def tick(self) -> None:
        """One round: drain the spool, make jobs durable, start at most one, look after idleness."""
        async with self._disk:
            try:
                await asyncio.to_thread(self._take_in)
            except (OSError, RuneError, ValueError, ArithmeticError) as error:  # an odd line ends no daemon
                self._failed("capture", error)
        resting = self._working is None or self._working.done()
        if resting and not self._leaving and (job := self.jobs.next(time.time())):
            self.job = job.name  # before anybody else has a turn: what is under way cannot be forgotten
            self._working = asyncio.create_task(self._work(job))
        await self._idle()

    def _take_in(self) -> None:
        for closed in self.capture.drain():
            path = Echoes(closed.project).trajectory(closed.session)
            try:
                content = trajectory.read(path).content_hash
            except FormatError as error:  # damaged or deleted: it must not keep the others waiting
                self._failed(f"session {closed.session}", error)
            else:
                self.jobs.enqueue(closed.session, str(closed.project), content)
                self.gatherer.add(closed.project, closed.session, content)
                log.info("session %s is over (%s)", closed.session, closed.reason)
            self.capture.settled(closed)
        self.gatherer.run(lambda project, error: self._failed(f"text memory of {project}", error))
        self.quiet.tick(bool(self.capture.open_sessions()))

    async def _work(self, job: Job) -> None:
        """One distillation or evolution in the worker, with its journal; the barrier around a job."""
        try:
            if not await self.learner.wait_ready(120):
                why = self.learner.problem or "the model did not load within 120 s"
                self.jobs.postponed(job, why, 0 if self._leaving else 60)
                return
            job = self.jobs.started(job)
            request = Distil(job.session, job.project) if job.session else Evolve(job.project)
            self._settle(job, await self.learner.ask(request, self._advanced))
        except Exception as error:  # noqa: BLE001 - the barrier around a job
            self._failed(job.name, error)
            self.jobs.failed(job, str(error))
        finally:
            self.job = ""
            self.active = time.monotonic()
            self._wake.set()

    def _settle(self, job: Job, answer: Message) -> None:
        if isinstance(answer, Done):
            self.jobs.done(job, answer.adapter, answer.note)
            log.info("%s: %s %s", job.name, answer.adapter or "no new adapter", answer.note)
            return
        assert isinstance(answer, Failed), answer
        self.last_error = f"{job.name}: {answer.message}"
        log.warning("%s", self.last_error)
        if self._leaving:
            self.jobs.postponed(job, "the daemon left in the middle of it", 0)
        elif answer.error == "OutOfMemory":
            self.jobs.postponed(job, answer.message, 600)
        else:
            self.jobs.failed(job, answer.message, answer.retry)

    def _advanced(self, progress: Advance) -> None:
        step = f"step {progress.step} of at most {progress.steps}, loss {progress.loss:.3f}"
        done = step if progress.steps else "asking the base"
        self.job = f"{f'distil {progress.session}' if progress.session else 'evolve'}: {done}"

    # requests

    async def answer(self, request: Message) -> Message:
        """What the daemon says to one request."""
        match request:
            case Status():
                return self._health()
            case Recall():
                return await self._recall(request)
            case Ingest():
                async with self._disk:
                    return await asyncio.to_thread(remember.note, self.capture, request, time.time())
            case Distil():
                path = Echoes(Path(request.project)).trajectory(request.session)
                if not path.is_file():
                    what = f"expected a session, found no {path}; see `rune echoes show`"
                    return Failed("FormatError", what)
                content = trajectory.read(path).content_hash
                queued = self.jobs.enqueue(request.session, request.project, content, request.again)
                self.gatherer.add(Path(request.project), request.session, content, GATHERING)
                self._wake.set()
                return Done(note="queued" if queued else "known already")
            case Evolve():
                queued = await asyncio.to_thread(self.quiet.enqueue, request.project, True)
                self._wake.set()
                return Done(note="queued" if queued else "nothing to do, or under way already")
            case Forget():
                async with self._disk:
                    return await self._forget(request)
            case Serve() if self.door:
                return await self.door.answer(request)
            case Stop():
                self._leaving = True
                self._wake.set()
                return Done(note="leaving")
        return Failed("FormatError", f"{type(request).__name__} is no request for the daemon")

    async def _recall(self, request: Recall) -> Message:
        found = await self._recalled(request)
        if isinstance(found, Recalled) and (found.evidence or found.adapter):
            try:
                await asyncio.to_thread(remember.of_use, self.capture, request, found)
            except (RuneError, OSError) as error:  # the answer is worth more than its count
                self._failed("counting uses", error)
        return found

    async def _recalled(self, request: Recall) -> Message:
        echoes = Echoes(Path(request.project))
        nothing = ""
        if not any(findable(Library(echoes, time.time))):
            nothing = remember.nothing_yet(self.capture, self.jobs, request.project)
            if not known.read(echoes).texts:
                return Recalled("", nothing)
        began = time.monotonic()
        if await self.worker.wait_ready(self.config.recall.load_wait_seconds):
            answer = await self.worker.ask(request)
            if isinstance(answer, Recalled):
                said = answer.abstained
                return replace(answer, abstained=said.replace(NOTHING, nothing)) if nothing else answer
            assert isinstance(answer, Failed), answer
            reason = answer.message
        else:
            reason = self.worker.problem or "the model is still loading: ask again in a few seconds"
        found = await asyncio.to_thread(remember.by_words, request, reason)
        return replace(found, seconds=round(time.monotonic() - began, 3))

    async def _forget(self, request: Forget) -> Message:
        if self.job.startswith("evolve") or f"{self.job}:".startswith(f"distil {request.session}:"):
            what = f"session {request.session} is being distilled, or brought together with others"
            return Failed("Busy", f"{what}; try again when `rune status` shows no job")
        project = Path(request.project)
        await asyncio.to_thread(forget.check, self.home, request.session, project)
        await forget.out_of_index(self.home, self.worker, request)  # first: else it would be done by halves
        self.capture.forget(request.session)
        self.gatherer.forget(project, request.session)
        forgotten = await asyncio.to_thread(forget.session, self.home, request.session, project)
        try:
            await forget.out_of_index(self.home, self.worker, request)  # now also what else was made of it
        except RuneError as error:  # the next recall matches the index to what is there
            self._failed("index", error)
        return forgotten

    def _health(self) -> Health:
        return Health(
            pid=os.getpid(), version=rune.__version__, uptime_seconds=round(time.monotonic() - self.began, 1),
            worker=self.worker.state, job=self.job, queued=self.jobs.summary().queued,
            open_sessions=len(self.capture.open_sessions()), last_error=self.last_error,
            rss_mb=round(psutil.Process().memory_info().rss / 2**20, 1), worker_rss_mb=self.worker.rss_mb,
            learner_rss_mb=self.learner.rss_mb if self.learner is not self.worker else 0.0,
            serving=self.door.url if self.door else "",
        )  # fmt: skip

    # lifecycle

    async def _startup(self) -> asyncio.Server:
        files.private_folder(self.home.spool)
        self.capture.resume()
        self.gatherer.resume(self.jobs.all())
        socket = self.home.socket
        files.private_folder(socket.parent)
        socket.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            server = await asyncio.start_unix_server(self._handle, socket, limit=LINE_LIMIT)
        finally:
            os.umask(mask)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._leave)
        self._observer = watch.folder(self.home.spool, lambda: loop.call_soon_threadsafe(self._wake.set))
        if self.door and self.config.serve.enabled:
            try:
                await self.door.start()
            except RuneError as error:  # a taken port keeps nobody from remembering
                self._failed("endpoint", error)
        log.info("daemon %d serves %s", os.getpid(), self.home.root)
        return server

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self.config.daemon.tick_seconds)
        if self._wake.is_set():
            await asyncio.sleep(0.05)  # a burst of events is drained together
        self._wake.clear()

    async def _idle(self) -> None:
        now = time.monotonic()
        jobs = self.jobs.summary()
        processes = (self.worker, self.learner)
        at_work = self.capture.open_sessions() or any(p.busy for p in processes)
        if at_work or jobs.queued or jobs.postponed or (self.door and self.door.url):
            self.active = now  # clients know an open door's address: it stays open
        for process in processes:
            idle = not process.busy and (process is not self.learner or not self.job)
            if idle and now - process.used > (process.rest or self.config.daemon.worker_idle_seconds):
                await process.stop()
        if now - self.active > self.config.daemon.idle_exit_seconds:
            self._leave()

    def _leave(self) -> None:
        self._leaving = True
        self._wake.set()

    async def _shutdown(self, server: asyncio.Server) -> None:
        self._observer.stop()
        server.close()
        if self.door:
            await self.door.stop()
        await asyncio.gather(self.worker.stop(), self.learner.stop())
        if self._working is not None:
            await self._working
        self.home.socket.unlink(missing_ok=True)
        log.info("daemon %d leaves", os.getpid())

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer; the barrier around a request."""
        self.active = time.monotonic()
        try:
            line = await reader.readline()
            if not line:  # somebody only looked whether a daemon is there
                writer.close()
                return
            answer = await self.answer(message.decode(line))
        except (RuneError, OSError, ValueError) as error:
            answer = Failed(type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - the barrier around a request
            self._failed("request", error)
            answer = Failed(type(error).__name__, str(error))
        finally:
            self.active = time.monotonic()
        with contextlib.suppress(ConnectionError):
            writer.write(message.encode(answer))
            await writer.drain()
            writer.close()

    def _failed(self, what: str, error: BaseException) -> None:
        self.last_error = f"{what}: {error}"
        log.error("%s failed", what, exc_info=error)
