"""The loop of a model process, and its pipe to the daemon."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from rune.errors import FormatError, RuneError
from rune.records import message
from rune.records.message import Advance, Distil, Done, Evolve, Failed, Forget, Message, Ready
from rune.records.tokens import Find, Render, Rendered
from rune.worker.guard import guarded
from rune.worker.learning import Task, distil, evolve
from rune.worker.pace import Pace
from rune.worker.parts import Learner, Parts
from rune.worker.tokens import Tokens

log = logging.getLogger(__name__)


class Link:
    """Numbered messages over two byte streams; a thread reads, so that a recall is seen between two steps."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self.sink = sink
        self.inbox: queue.Queue[tuple[int, Message]] = queue.Queue()
        threading.Thread(target=self._read, args=(source,), daemon=True).start()

    def send(self, number: int, answer: Message) -> None:
        """Write one answer."""
        self.sink.write(b"%d " % number + message.encode(answer))
        self.sink.flush()

    def _read(self, source: BinaryIO) -> None:
        try:
            for line in source:
                number, _, body = line.partition(b" ")
                self.inbox.put((int(number), message.decode(body)))
        except (FormatError, ValueError):
            log.exception("the daemon said what nobody understands")
        os._exit(0)  # the daemon is gone: leave in the middle of a step, the journal has the job


def run(link: Link, parts: Learner) -> None:
    """Serve until the input ends."""
    task: tuple[int, Task] | None = None
    waiting: list[tuple[int, Distil | Evolve]] = []
    tokens, pace = Tokens(link, parts) if isinstance(parts, Parts) else None, Pace()
    while True:
        resting = task is None and not waiting and not (tokens and tokens.runner.busy)
        try:
            number, request = link.inbox.get(block=resting)
            if isinstance(request, Distil | Evolve):
                waiting.append((number, request))
            elif not (tokens and tokens.take(number, request)):
                link.send(number, guarded(lambda request=request: answer(parts, request)))  # type: ignore[misc]
                if tokens:  # recalls that follow one another do not keep it from its next token
                    tokens.step()
            continue
        except queue.Empty:
            pass
        if tokens:
            tokens.step()
        if task is None and waiting:
            number, job = waiting.pop(0)
            task = (number, distil(parts, job) if isinstance(job, Distil) else evolve(parts, job))
        if task is not None and pace.goes_on(bool(tokens and tokens.runner.busy)):
            with pace.unit():
                task = _advance(link, *task)


def _advance(link: Link, number: int, task: Task) -> tuple[int, Task] | None:
    """Do one unit of work; None when the task is over."""
    reply = guarded(lambda: next(task))
    link.send(number, reply)
    return (number, task) if isinstance(reply, Advance) else None


def answer(parts: Learner, request: Message) -> Message:
    """Answer anything that is no distillation."""
    if not isinstance(parts, Parts):
        return Failed("FormatError", f"the learner takes Distil and Evolve, not {type(request).__name__}")
    if isinstance(request, Find):
        return parts.recaller.route(request)
    if isinstance(request, Render):
        return Rendered(parts.render(request.turns))
    if isinstance(request, Forget):
        parts.recaller.forget(request.project, request.session)
        return Done(note="out of the index")
    return Failed("FormatError", f"{type(request).__name__} is no request for the worker")


def main(build: Callable[[], Learner]) -> None:
    """Take over the standard streams for the protocol (libraries print), load the model, serve."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    source = os.fdopen(os.dup(0), "rb")  # not sys.stdin: Python aborts where a thread reads it until the end
    link = Link(source, sink)
    began = time.monotonic()
    try:
        parts = build()
    except RuneError as error:
        link.send(0, Failed(type(error).__name__, str(error)))
        return
    link.send(0, Ready(round(time.monotonic() - began, 2), parts.base_name))
    run(link, parts)
