"""The model process: one loop that answers recalls and, between them, advances a distillation step by step.

It speaks lines of ``<id> <message>`` with the daemon over its standard streams. A recall never waits for
more than the one optimizer step in hand. When the daemon goes, the input ends and so does this process.

Where learning has a process of its own (``app.learns_apart``), that one is the same loop with a ``Learner``
instead of ``Parts``: it distils, answers nothing and leaves the index to the process that recalls.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rune import lessons
from rune.config import Config
from rune.echoes import known
from rune.echoes.known import Known
from rune.errors import FormatError, OutOfMemory, RuneError
from rune.evolving import breeding, carrying, examining, standing
from rune.evolving.breeding import Nursery
from rune.lessons import echoed
from rune.lessons.apart import distinct
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Breeder, Distilled, Distiller, Progress
from rune.recall import Recaller
from rune.records import message, trajectory
from rune.records.card import Card, Lesson
from rune.records.ledger import State
from rune.records.message import Advance, Distil, Done, Evolve, Failed, Forget, Message, Ready, Recall
from rune.records.trajectory import Trajectory

log = logging.getLogger(__name__)

Task = Iterator[Message]
"""A distillation in progress: Advance after each unit, Done last."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What the composition root gives a worker that only learns."""

    base_name: str
    base_hash: str
    distiller: Distiller
    config: Config
    breeder: Breeder

    @property
    def nursery(self) -> Nursery:
        """What evolution needs of it."""
        return Nursery(self.base_name, self.base_hash, self.distiller, self.breeder, self.config)


@dataclass(frozen=True, slots=True)
class Parts(Learner):
    """What it gives a worker that answers, too."""

    recaller: Recaller


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
    while True:
        try:
            number, request = link.inbox.get(block=task is None and not waiting)
            if isinstance(request, Distil | Evolve):
                waiting.append((number, request))
            else:
                link.send(number, guarded(lambda request=request: answer(parts, request)))  # type: ignore[misc]
            continue
        except queue.Empty:
            pass
        if task is None:
            number, job = waiting.pop(0)
            task = (number, distil(parts, job) if isinstance(job, Distil) else evolve(parts, job))
        task = _advance(link, *task)


def _advance(link: Link, number: int, task: Task) -> tuple[int, Task] | None:
    """Do one unit of work; None when the task is over."""
    reply = guarded(lambda: next(task))
    link.send(number, reply)
    return (number, task) if isinstance(reply, Advance) else None


def guarded(work: Callable[[], Message]) -> Message:
    """The barrier around a request and a job: an error becomes an answer, with its traceback in the log."""
    try:
        return work()
    except OutOfMemory as error:
        return Failed(type(error).__name__, str(error), retry=True)
    except RuneError as error:
        return Failed(type(error).__name__, str(error))
    except Exception as error:  # the barrier: a broken session must not take the worker along
        log.exception("request failed")
        return Failed(type(error).__name__, str(error), retry=True)


def answer(parts: Learner, request: Message) -> Message:
    """Answer anything that is no distillation."""
    if not isinstance(parts, Parts):
        return Failed("FormatError", f"the learner takes Distil and Evolve, not {type(request).__name__}")
    if isinstance(request, Recall):
        return parts.recaller.recall(request)
    if isinstance(request, Forget):
        parts.recaller.index.remove(request.project, request.session)
        return Done(note="out of the index")
    what = f"the worker takes Recall, Forget, Distil and Evolve, not {type(request).__name__}"
    return Failed("FormatError", what)


def distil(parts: Learner, job: Distil) -> Task:
    """One closed session into one adapter: lessons, gradient steps, probes, receipt, library, index."""
    echoes = Echoes(Path(job.project))
    library = Library(echoes, time.time)
    library.recover()
    past = trajectory.read(echoes.trajectory(job.session))
    own = lessons.find(past, parts.config.distil.max_lessons)
    taught = with_echoes(own, known.read(echoes), past.session, parts.config.distil.max_lessons)
    if existing := library.for_source(source(past, taught), parts.base_hash):
        in_service_again(library, existing)
        yield Done(existing.id, "this content was distilled before")
        return
    if not own:
        yield Done("", f"no lessons in {len(past.events)} events: nothing failed, was decided, built or run")
        return
    made: Distilled | None = None
    with library.staging() as stage:
        for state in parts.distiller.distil(taught, stage):
            if isinstance(state, Progress):
                yield Advance(job.session, state.step, state.steps, round(state.loss, 4))
            else:
                made = state
        assert made is not None, "a distiller ends with Distilled"
        card = library.add(stage, receipt(parts, past, taught, made, lessons.summary(past, own)))
    if parts.config.evolution.automatic:
        carrying.carry(library, standing.retirements(library, parts.config.evolution))
    if isinstance(parts, Parts):
        parts.recaller.refresh(job.project, library.cards())
    yield Done(card.id, f"{len(taught)} lessons in {made.seconds:.0f} s")


def evolve(parts: Learner, job: Evolve) -> Task:
    """What is planned for a project: all that needs no model, and the first child that is to be bred."""
    echoes, config = Echoes(Path(job.project)), parts.config.evolution
    library = Library(echoes, time.time)
    library.recover()
    done = carrying.finish(library)
    standing.settle_outcomes(echoes, config)
    actions = standing.look(echoes, config, time.time()).actions
    examining.relate(parts.breeder, library, standing.standings(library, config, time.time()))
    done += carrying.carry(library, actions)
    for action in carrying.heavy(actions)[:1]:
        for state in breeding.breed(parts.nursery, library, action):
            if isinstance(state, Progress):
                yield Advance("", state.step, state.steps, round(state.loss, 4))
            else:
                done.append(f"{' + '.join(action.parents)}: {state.note} {state.adapter}".rstrip())
    if isinstance(parts, Parts):
        parts.recaller.refresh(job.project, library.cards())
    yield Done(note="; ".join(done) or "nothing to do")


def with_echoes(own: list[Lesson], memory: Known, session: str, limit: int) -> list[Lesson]:
    """What an adapter is taught: lasting echoes, the session's own lessons, what was found in it."""
    entries = [entry for _, entry in memory.entries]
    first, last = (part(entries, session, limit) for part in (echoed.first, echoed.last))
    return distinct([*first, *own, *last])[:limit] if first or last else own


def source(past: Trajectory, taught: Sequence[Lesson]) -> str:
    """The hash of all that an adapter is made of: the session, and the echoes that it is taught."""
    cited = sorted({one for lesson in taught for one in lesson.evidence if one.startswith(known.ECHO)})
    if not cited:
        return past.content_hash
    return hashlib.sha256("\n".join((past.content_hash, *cited)).encode()).hexdigest()


def in_service_again(library: Library, card: Card) -> None:
    """An adapter whose successor was made of something else than what there is now takes its place back.

    One that was brought together with others is in service already, in what came of that.
    """
    state = library.states().get(card.id, State())
    child = any(one.id == state.superseded_by and card.id in one.parents for one in library.cards())
    if state.status == "superseded" and not child:
        library.reactivate(card.id, "its session and its echoes are again what it was made of")
        for other in library.cards():
            if other.session == card.session and other.id != card.id:
                library.supersede(other.id, card.id)


def receipt(parts: Learner, past: Trajectory, taught: list[Lesson], made: Distilled, summary: str) -> Card:
    """The card of a new adapter."""
    config = parts.config.distil
    return Card(
        session=past.session, source_hash=source(past, taught), events=len(past.events),
        redactions=past.redactions, base=parts.base_name, base_hash=parts.base_hash, rank=config.rank,
        alpha=config.alpha, targets=config.targets, steps=made.steps, seconds=made.seconds, engine="gradient",
        lessons=tuple(taught), summary=summary,
        probes_before=made.probes_before, probes_after=made.probes_after,
        created=time.time(), peak_mb=made.peak_mb, settings=made.settings,
    )  # fmt: skip


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
