"""What is done in units: a session into an adapter, and what evolution has planned."""

from __future__ import annotations

import hashlib
import itertools
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rune import lessons
from rune.echoes import known
from rune.echoes.known import Known
from rune.errors import IndexUnavailable
from rune.evolution import lineage
from rune.evolving import breeding, carrying, examining, standing
from rune.finding import findable
from rune.lessons import echoed, sources
from rune.lessons.apart import distinct
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Distilled, Progress
from rune.records import ledger, trajectory
from rune.records.card import Card, Lesson
from rune.records.ledger import NEW
from rune.records.message import Advance, Distil, Done, Evolve, Message
from rune.records.trajectory import Trajectory
from rune.units import telling
from rune.worker.parts import Learner, Parts

log = logging.getLogger(__name__)
NOTHING = "nothing to do"
"""What an evolution says that had nothing to do."""

Task = Iterator[Message]
"""Work in progress: Advance after each unit, Done last."""


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
        carrying.retire(library, parts.config.evolution)  # again: it may have been killed before it had
        yield Done(existing.id, "this content was distilled before")
        return
    if not own:
        yield Done("", f"no lessons in {len(past.events)} events: nothing failed, was decided, built or run")
        return
    made: Distilled | None = None
    with library.staging() as stage:
        for state in parts.distiller.distil(taught, stage, passages=sources.passages(past, taught)):
            if isinstance(state, Progress):
                yield Advance(job.session, state.step, state.steps, round(state.loss, 4))
            else:
                made = state
        assert made is not None, "a distiller ends with Distilled"
        card = published(library, stage, receipt(parts, past, taught, made, lessons.summary(past, own)))
    if card is None:
        log.info("an echo was taken out while %s was learnt: once more without it", job.session)
        yield from distil(parts, job)
        return
    carrying.retire(library, parts.config.evolution)
    reindex(parts, job.project, library)
    yield Done(card.id, f"{len(taught)} lessons in {made.seconds:.0f} s")


def published(library: Library, stage: Path, card: Card) -> Card | None:
    """Add an adapter, unless an echo that it was taught is there no more.

    Whoever takes an echo out finds this adapter, or has taken it out before this look.
    """
    with library.alone():
        memory = known.read(library.echoes)
        gone = not all(memory.living(lesson.evidence) for lesson in card.lessons)
        return None if gone else library.add(stage, card)


def evolve(parts: Learner, job: Evolve) -> Task:
    """What is planned for a project: all that needs no model, and the first child that is to be bred."""
    echoes, config = Echoes(Path(job.project)), parts.config.evolution
    library = Library(echoes, time.time)
    library.recover()
    done = carrying.finish(library)
    seen = standing.settle(echoes, config, time.time())
    done += carrying.carry(library, seen.actions)
    related = examining.relate(parts.breeder, library, seen.standings, parts.base_hash)
    asked = yield from telling(related, Advance("", 0, 0, 0.0))
    done += [f"asked {id} what other sessions ask of the same" for id in asked]
    for action in carrying.heavy(seen.actions):
        made_of = " + ".join(action.parents)
        if lost := [id for id in action.parents if not examining.able(library, id, parts.base_hash)]:
            done.append(f"{made_of}: left out, {lost[0]} is damaged or of another base")
            continue
        for state in breeding.breed(parts.nursery, library, action):
            if isinstance(state, Progress):
                yield Advance("", state.step, state.steps, round(state.loss, 4))
            else:
                done.append(f"{made_of}: {state.note} {state.adapter}".rstrip())
        break
    reindex(parts, job.project, library)
    yield Done(note="; ".join(done) or NOTHING)


def reindex(parts: Learner, project: str, library: Library) -> None:
    """Match the index to the library, where this process has one; a server that is away costs no job."""
    if not isinstance(parts, Parts):
        return
    try:
        parts.recaller.refresh(project, itertools.chain(*findable(library)))
    except IndexUnavailable as error:  # the next recall matches it
        log.warning("%s", error)


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

    Where it was brought together with others, or a fitter one of another session took its place, that serves
    for it, or what came of that. A successor that a person has put back since stays beside it.
    """
    states, cards = library.states(), library.cards(include_archived=True)
    state = states.get(card.id, NEW)
    own = {one.id for one in cards if one.session == card.session}
    chain = ledger.heirs(card.id, states)
    later = {*chain, *(one.id for one in lineage.descendants(cards, chain))} - own
    served = any(states.get(id, NEW).status == "active" for id in later)
    if state.status == "superseded" and not served:
        library.reactivate(card.id, "its session and its echoes are again what it was made of", hand=False)
        for other in library.cards():
            kept = states.get(other.id, NEW).put_back_since(state.since)
            if other.session == card.session and other.id != card.id and not kept:
                library.supersede(other.id, card.id)


def receipt(parts: Learner, past: Trajectory, taught: list[Lesson], made: Distilled, summary: str) -> Card:
    """The card of a new adapter."""
    config, own = parts.config.distil, made.settings
    return Card(
        session=past.session, source_hash=source(past, taught), events=len(past.events),
        redactions=past.redactions, base=parts.base_name, base_hash=parts.base_hash,
        rank=own.get("rank", config.rank), alpha=own.get("alpha", config.alpha),
        targets=tuple(own.get("targets", config.targets)), steps=made.steps, seconds=made.seconds,
        engine=made.engine, lessons=tuple(taught), summary=summary,
        probes_before=made.probes_before, probes_after=made.probes_after,
        created=time.time(), peak_mb=made.peak_mb, settings=made.settings,
    )  # fmt: skip
