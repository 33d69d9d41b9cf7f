"""What a plan wants and no model is needed for: lines of the ledger. Doing it twice does no harm."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rune.config import EvolutionConfig
from rune.errors import AdapterError
from rune.evolution import lineage
from rune.evolution.actions import Action, Consolidate, Forget, Merge, Update
from rune.evolving import standing
from rune.library import Library
from rune.records import ledger
from rune.records.ledger import NEW, Entry
from rune.word import Words

log = logging.getLogger(__name__)


def finish(library: Library) -> list[str]:
    """Put in order what a crash has left: a parent that serves beside its child gives up its place."""
    done = []
    with library.alone():
        library.recover()  # a child without its line might not serve at all
        for parent, child in lineage.unfinished(library.cards(include_archived=True), library.states()):
            library.supersede(parent, child)
            done.append(f"superseded {parent} by {child}, which was made of it")
    return done


def carry(library: Library, actions: Iterable[Action]) -> list[str]:
    """Do every Update and Forget; what was done meanwhile is left alone. Returns a line for each.

    Nothing is done to an adapter that a person has spoken of since the plan was made: the next one knows.

    The lines hold no answer: they stay in the journal of jobs when a session is forgotten.
    """
    done = []
    for action in actions:
        try:
            with library.alone():  # what a person does meanwhile comes before or after it
                done.append(_carry(library, action))
        except AdapterError as error:  # one that it names was forgotten since it was planned
            log.warning("left out: %s", error)
    return [line for line in done if line]


def retire(library: Library, config: EvolutionConfig) -> list[str]:
    """Retire at once what adapters in service make untrue, if evolution may act by itself.

    For whoever puts an adapter into service or takes one out: what it had retired, or what had retired its
    lessons, may be gone, and another one may know better.
    """
    return carry(library, standing.retirements(library, config)) if config.automatic else []


def heavy(actions: Iterable[Action]) -> list[Consolidate | Merge]:
    """What is left for a process with a model."""
    return [action for action in actions if isinstance(action, Consolidate | Merge)]


def _carry(library: Library, action: Action) -> str:
    states = library.states()
    if _spoken_since(library, action):
        return ""
    match action:
        case Forget(id=id):
            if states.get(id, NEW).status != "active":
                return ""
            library.archive(id, action.because, hand=False)
            return f"archived {id}: {action.because}"
        case Update(old=old, lessons=()):
            serves = action.untrue or states.get(action.by, NEW).status == "active"
            if states.get(old, NEW).status != "active" or not serves:
                return ""
            library.supersede(old, action.by, action.untrue)
            return f"superseded {old} by {action.by}: {action.because}"
        case Update(old=old, lessons=lessons):
            new = sorted(set(lessons) - states.get(old, NEW).retired.keys())
            better = states.get(action.by, NEW)
            if not new or (better.status == "archived" and better.hand):
                return ""
            detail = {"lessons": new, "by": library.get(action.by).id}
            ledger.record(library.ledger, Entry(old, "retired", library.clock(), detail))
            return f"retired {len(new)} lesson(s) of {old}: {action.because}"
        case _:
            return ""


def _spoken_since(library: Library, action: Action) -> bool:
    """Whether a person has put back what an action is about after the action was planned."""
    words = Words(library.cards(include_archived=True), library.states())
    match action:
        case Forget(id=id):
            return words.of(id) > 0.0
        case Update(old=old, word=known):
            return words.of(old) != known
    return False


def describe(action: Action) -> str:
    """One line for a person."""
    match action:
        case Forget():
            return f"archive     {action.id}: {action.because}"
        case Update(lessons=()):
            return f"supersede   {action.old} by {action.by}: {action.because}"
        case Update():
            return f"retire      {len(action.lessons)} lesson(s) of {action.old}: {action.because}"
        case Consolidate():
            return f"consolidate {' + '.join(action.parents)} into one {action.level}: {action.because}"
        case Merge():
            which = f"{' + '.join(action.parents)} ({action.how})"
            return f"merge       {which} into one {action.level}: {action.because}"
