"""How the adapters of a project stand: what the files say, as the values that a plan is made of."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from rune.config import EvolutionConfig
from rune.errors import FormatError
from rune.evolution import fitness, outcomes, plan, retiring
from rune.evolution.actions import Action, Attempt, Standing, Update
from rune.evolution.outcomes import Judged
from rune.library import Library
from rune.paths import Echoes
from rune.records import ledger, recalled, trajectory
from rune.records.ledger import NEW, Entry, Outcome, State
from rune.records.recalled import Use
from rune.word import Words

log = logging.getLogger(__name__)
GONE = State("forgotten")
"""Of an adapter that was deleted, or never was here: nothing is written of it any more."""
LEARNT = "learnt"
"""How a consolidated adapter is made."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The adapters as they stand, and what is planned."""

    standings: tuple[Standing, ...]
    actions: tuple[Action, ...]


def look(echoes: Echoes, config: EvolutionConfig, now: float) -> Outlook:
    """Read how the adapters stand, and plan; nothing is written. Outcomes count that nobody has settled yet.

    Raises:
        FormatError: ledger or recalls cannot be read; a newer Rune wrote them, or they are damaged.
    """
    return _planned(echoes, current(Library(echoes, time.time), config, now), config, now)


def settle(echoes: Echoes, config: EvolutionConfig, now: float) -> Outlook:
    """Write down what came of the answers given in sessions that are over, and look."""
    settle_outcomes(echoes, config)
    return _planned(echoes, standings(Library(echoes, time.time), config, now), config, now)


def _planned(echoes: Echoes, found: list[Standing], config: EvolutionConfig, now: float) -> Outlook:
    return Outlook(tuple(found), tuple(plan.plan(found, config, now, attempts(echoes, found, config.merge))))


def current(library: Library, config: EvolutionConfig, now: float) -> list[Standing]:
    """The standings, with the outcomes that nobody has settled yet."""
    fresh: dict[str, list[Outcome]] = defaultdict(list)
    for one in unsettled(library.echoes, config, library.states()):
        fresh[one.adapter].append(one.outcome)
    return standings(library, config, now, fresh)


Fresh: TypeAlias = Mapping[str, Sequence[Outcome]]


def standings(
    library: Library, config: EvolutionConfig, now: float, fresh: Fresh | None = None
) -> list[Standing]:
    """Every adapter that is on disk, in whatever state, oldest first; with ``fresh`` outcomes, by adapter."""
    states, last = library.states(), _last(library.echoes)
    found = []
    for card in library.cards(include_archived=True):
        state = states.get(card.id, NEW)
        for one in (fresh or {}).get(card.id, ()):
            state = ledger.observed(state, one)
        used = max(card.created, state.since, last.get(card.id, 0.0))
        found.append(Standing(card, state, fitness.of(card, state, now, config), used))
    return found


def retirements(library: Library, config: EvolutionConfig) -> list[Update]:
    """What a session that was just learnt has made untrue; this waits for no quiet hour."""
    found = standings(library, config, time.time())
    words = Words([one.card for one in found], {one.id: one.state for one in found})
    return list(retiring.retirements(found, words))


def attempts(echoes: Echoes, found: list[Standing], merge: str) -> frozenset[Attempt]:
    """What was tried with which parents already: those that have a child need no other, made in any way."""
    families = {frozenset(one.card.parents) for one in found if one.card.parents}
    made = {(how, parents) for parents in families for how in (LEARNT, merge)}
    lines = (line for line in ledger.entries(echoes.ledger) if line.entry == "refused")
    return frozenset(made | {ledger.refused(line.detail) for line in lines})


def settle_outcomes(echoes: Echoes, config: EvolutionConfig) -> int:
    """Write down what came of the answers given in sessions that are over; returns how many are new."""
    new = unsettled(echoes, config, Library(echoes, time.time).states())
    for one in new:
        ledger.record(echoes.ledger, Entry(one.adapter, "outcome", time.time(), asdict(one.outcome)))
    return len(new)


def unsettled(echoes: Echoes, config: EvolutionConfig, states: Mapping[str, State]) -> list[Judged]:
    """What came of the answers given in sessions that are over, as far as nobody has written just that down.

    A session that goes on after its end is judged anew as a whole: what was said of it may be wrong by then.
    """
    by_session: dict[str, list[Use]] = defaultdict(list)
    for use in recalled.read(echoes.recalls):
        if use.session:  # what was asked in no known session cannot be judged
            by_session[use.session].append(use)
    known = [(id, one) for id, state in states.items() for one in state.outcomes if one.session in by_session]
    found = []
    for session, uses in by_session.items():
        if events := _events(echoes, session):
            judged = outcomes.judge(uses, events, config)
            before = [Judged(id, one, "") for id, one in known if one.session == session]
            found += outcomes.news(judged, before)
    return [one for one in found if states.get(one.adapter, GONE).status != GONE.status]


def _events(echoes: Echoes, session: str) -> tuple[trajectory.Event, ...]:
    """The events of a session that is over; none of one that is open, damaged or gone."""
    path = echoes.trajectory(session)
    try:
        past = trajectory.read(path) if path.exists() else None
    except FormatError as error:
        log.warning("%s", error)
        return ()
    return past.events if past is not None and past.closed else ()


def _last(echoes: Echoes) -> dict[str, float]:
    found: dict[str, float] = {}
    for use in recalled.read(echoes.recalls):
        found[use.adapter] = max(use.at, found.get(use.adapter, 0.0))
    return found
