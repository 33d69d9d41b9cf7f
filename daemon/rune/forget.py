"""Take a session, or echoes that are gone, out of everything that was made from them.

What is forgotten cannot be trained out of weights: an adapter that was taught it is deleted, and made anew
out of its session without it.

Covered: a crash and a full disk at any point; the next try finds what is left. Whatever may refuse is looked
at before anything is deleted, and what was learnt goes before anything is written about it.
Not covered: what a newer Rune made of an echo, where the ledger does not say so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path

from rune import config, files, index, stages
from rune.echoes import known, oblivion
from rune.echoes.known import Known
from rune.echoes.store import Store
from rune.errors import FormatError, RuneError
from rune.evolution import lineage
from rune.evolving import carrying
from rune.jobs import Jobs
from rune.library import ID, Library
from rune.model_process import ModelProcess
from rune.paths import Echoes, Home
from rune.records import recalled, trajectory
from rune.records.card import Card
from rune.records.ledger import NEW
from rune.records.message import Done, Forget, Forgotten

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unlearnt:
    """What was deleted because it was made from echoes that are gone."""

    adapters: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    """Sessions that are distilled again, without those echoes."""
    left: str = ""
    """Why search data could not be deleted yet."""


def session(home: Home, name: str, project: Path) -> Forgotten:
    """Remove a session's echoes, adapters and trajectory for good; the answer names what went and what stays.

    Raises:
        FormatError: the project holds no such session.
    """
    echoes = Echoes(project)
    library = Library(echoes, time.time)
    check(home, name, project)
    before, store, jobs = known.read(echoes), Store(echoes, time.time), Jobs(home.jobs, time.time)
    if not _there(library, store, jobs, name):
        raise FormatError(
            f"expected a session of {project}, found no trajectory or adapter of {name!r}; "
            "see `rune echoes show`"
        )
    with contextlib.suppress(OSError):  # so that no job of it begins; on a full disk none can
        jobs.forget(name, str(project))
    fetched = {path.name for path in home.fetched.glob("*")}
    path = echoes.trajectory(name)
    trajectories = [f"trajectory {path.name}"] if path.exists() else []
    path.unlink(missing_ok=True)
    gone = _unlearnt(library, home, name, oblivion.of(store, name))
    erased = oblivion.session(store, name)
    lost = before.digests - known.read(echoes).digests
    late = _unlearnt(library, home, name, lost)  # published before its echoes were gone
    adapters, others = {**gone[0], **late[0]}, {**gone[1], **late[1]}
    removed = [f"echo {one}" for one in erased.removed] + [f"adapter {adapter}" for adapter in adapters]
    removed += [f"fetched copy of adapter {id}" for id in (*adapters, *others) if id in fetched]
    removed += trajectories
    recalled.forget(echoes.recalls, name)
    removed += [_taught_it(card) for card in others.values()]
    _spoken_for(library, home)
    jobs.forget(name, str(project))
    return Forgotten(name, tuple(removed), (*erased.left, *_unknown(library)))


def _there(library: Library, store: Store, jobs: Jobs, name: str) -> bool:
    """Whether anything is left of a session: a try that was broken off may have left lines about it alone."""
    echoes = library.echoes
    return (
        echoes.trajectory(name).exists()
        or bool(_made_of(library, name))
        or oblivion.names(store, name)
        or recalled.names(echoes.recalls, name)
        or any((job.session, job.project) == (name, str(echoes.project)) for job in jobs.all())
    )


def _taught_it(card: Card) -> str:
    """What is said of an adapter of another session that went because of an echo."""
    again = "" if card.parents else f": `rune distil {card.session}` makes it anew without"
    return f"adapter {card.id} of session {card.session}, taught an echo of it{again}"


def _unknown(library: Library) -> list[str]:
    """Adapters of which nobody can say what they were made of: card and line of the ledger are damaged."""
    states = library.states()
    damaged = [id for id in library.unreadable() if not any(states.get(id, NEW).origins)]
    why = "nobody can say what it was made of; delete its folder if that may be this session"
    return [f"adapter {id}: {why}" for id in damaged]


def check(home: Home, name: str, project: Path) -> None:
    """Look at all that may refuse to let a session go, before anything is deleted.

    Raises:
        NewerVersion: a newer Rune wrote something that would have to be deleted or written anew.
        FormatError: what says where the session went cannot be read.
    """
    echoes = Echoes(project)
    library = Library(echoes, time.time)
    Jobs(home.jobs, time.time).all()
    recalled.check(echoes.recalls)
    lost = oblivion.of(Store(echoes, time.time), name)
    for id in (*_made_of(library, name), *(card.id for card in _taught(library, lost))):
        library.refuse(id)


def _unlearnt(
    library: Library, home: Home, name: str, lost: frozenset[str]
) -> tuple[dict[str, None], dict[str, Card]]:
    """Delete what was made of a session, and what was taught one of these echoes; the ids, the cards."""
    with library.alone():  # no child is published between the look for what was made of it and its end
        own = dict.fromkeys(_made_of(library, name))
        others = {card.id: card for card in _taught(library, lost) if card.id not in own}
        _deleted(library, home, [*own, *others])
    return own, others


def _made_of(library: Library, session: str) -> list[str]:
    """Every adapter that a session went into, by itself or through its parents."""
    own, cards = library.of_session(session), library.cards(include_archived=True)
    return list(dict.fromkeys((*own, *(card.id for card in lineage.descendants(cards, own)))))


def _deleted(library: Library, home: Home, going: list[str]) -> None:
    """Delete adapters, and their copies out of a shared store; those whose place they had taken get it back.

    Files go first, as a full disk has no room for a line before that. Until the last line says that they are
    gone, another try finds them in the ledger, and whose place they had.
    """
    going = list(dict.fromkeys((*going, *_unsaid(library))))
    for id in going:
        library.refuse(id)
    for id in going:
        library.discard(id)
        files.remove_folder(home.fetched / id)
    stages.sweep(home.fetched)  # a fetch that was killed has left weights under no id
    cards, states = library.cards(include_archived=True), library.states()
    for card in lineage.orphans(cards, states, going):
        if newer := lineage.successor(card, cards, states):
            library.supersede(card.id, newer)
        else:
            library.reactivate(card.id, "what had taken its place was forgotten", hand=False)
    for id in going:
        library.remove(id)


def _unsaid(library: Library) -> list[str]:
    """Adapters whose files are gone already, while the ledger does not say so: a try was broken off."""
    there = (id for id, state in library.states().items() if state.status != "forgotten")
    return [id for id in there if re.fullmatch(ID, id) and not (library.root / id).is_dir()]


def _spoken_for(library: Library, home: Home) -> None:
    """What an adapter that is gone had retired is true again, unless another one knows better, too."""
    try:
        carrying.retire(library, config.load(home.config).evolution)
    except (RuneError, OSError) as error:  # it is forgotten all the same; the next session learnt does it
        log.warning("what is true again was not looked at: %s", error)


def resting_on(echoes: Echoes, before: Known, after: Known | None = None) -> list[Card]:
    """The adapters that were taught an echo of ``before`` that is not in ``after``, and their children."""
    gone = before.digests - (after.digests if after else frozenset())
    return _taught(Library(echoes, time.time), gone)


def _taught(library: Library, gone: frozenset[str]) -> list[Card]:
    """The adapters that were taught an echo of these digests, and their children."""
    lost = {f"{known.ECHO}{digest}" for digest in gone}
    cards = library.cards(include_archived=True)
    taught = [card for card in cards if any(lost & set(lesson.evidence) for lesson in card.lessons)]
    return [*taught, *lineage.descendants(cards, [card.id for card in taught])]


def echoes_gone(home: Home, echoes: Echoes, before: Known) -> Unlearnt:
    """After a person took echoes out: delete the adapters that were taught them, and the index.

    The sessions of these adapters are queued again: what they taught by themselves is not lost.

    Args:
        home: whose index and queue.
        echoes: of which project.
        before: what the text memory was before (``known.read``).

    Raises:
        FormatError: a newer Rune wrote a record of the adapters or the queue.
    """
    library, jobs = Library(echoes, time.time), Jobs(home.jobs, time.time)
    with library.alone():  # no child is published between the look for what was made of it and its end
        cards = resting_on(echoes, before, known.read(echoes))
        _deleted(library, home, [card.id for card in cards])
    _spoken_for(library, home)
    sessions = dict.fromkeys(card.session for card in cards if not card.parents)
    queued = [name for name in sessions if _again(jobs, echoes, name)]
    left = ""
    try:
        if before.texts:
            drop_index(home, str(echoes.project))
    except RuneError as error:  # a server that is away, settings that cannot be read; the next recall does it
        left = str(error)
    return Unlearnt(tuple(card.id for card in cards), tuple(queued), left)


def _again(jobs: Jobs, echoes: Echoes, name: str) -> bool:
    try:
        content = trajectory.read(echoes.trajectory(name)).content_hash
    except (RuneError, OSError):
        return False
    return jobs.enqueue(name, str(echoes.project), content, again=True)


def render(done: Unlearnt) -> str:
    """What a person should know of it; empty where that is nothing."""
    lines = [f"deleted  adapter {adapter}: it was taught what is gone" for adapter in done.adapters]
    if lines:
        again = ", ".join(done.queued) or "none, their trajectories are gone"
        lines.append(f"sessions queued to be distilled again without it: {again}")
    if done.left:
        lines.append(f"search data stay until the next recall: {done.left}")
    return "\n".join(lines)


async def out_of_index(home: Home, worker: ModelProcess, request: Forget) -> None:
    """Take a session out of the search data; where the worker cannot, the whole project's are deleted.

    Raises:
        IndexUnavailable: they lie on a server that does not answer.
    """
    if worker.state == "ready" and isinstance(await worker.ask(request), Done):
        return
    await asyncio.to_thread(drop_index, home, request.project)


def drop_index(home: Home, project: str) -> None:
    """Delete a project's derived index; it is rebuilt from cards at the next recall.

    Raises:
        ConfigError: the settings cannot be read.
        IndexUnavailable: it lies on a server that does not answer; nothing was deleted.
    """
    index.drop(home, config.load(home.config).index, project)
