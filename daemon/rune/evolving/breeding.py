"""Makes one adapter of several, and publishes it if it is fitter than the best of them on their probes.

Covered: a crash at any point. The child is made in a stage and published with one rename; its parents give
up their places after that, and a start that finds both in service finishes it (``carrying.finish``). What
was refused is written down, so that the same is not tried every night. The same parents give the same
child, once. One that knows too little for the gate learns on, and is asked again, before it is given up.
What becomes of a parent in the minutes that this takes: where one leaves service, or other lessons of it are
true, the child is not published, and may be made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rune.config import Config, EvolutionConfig
from rune.errors import RuneError
from rune.evolution import gate
from rune.evolution.actions import Consolidate, Merge, Standing
from rune.evolution.gate import Marks, Verdict
from rune.evolution.plan import joined, whole
from rune.evolving import examining, standing
from rune.evolving.examining import Examined
from rune.library import Library
from rune.ports import Breeder, Distilled, Distiller, Heritage, Progress
from rune.records import ledger
from rune.records.card import Card, Lesson, living, tasks
from rune.records.ledger import NEW, Entry
from rune.units import Work, telling

OF_BEGINNING = ("inherits", "start")
"""Settings that say where training began."""
JUDGEMENT = ("accepted", "reasons", "wanting")
"""Of a verdict what is no figure."""
SUMMARY = 240
"""Characters of each session's task in the child's summary, where it has a line."""


@dataclass(frozen=True, slots=True)
class Nursery:
    """What breeding needs."""

    base_name: str
    base_hash: str
    distiller: Distiller
    breeder: Breeder
    config: Config


@dataclass(frozen=True, slots=True)
class Bred:
    """What came of it."""

    adapter: str
    """The child; empty where it was refused or not made."""
    note: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A child that was made and examined, and that nobody has published yet."""

    way: str
    made: Distilled
    verdict: Verdict
    marks: Mapping[str, Marks]


def ways(action: Consolidate | Merge, config: EvolutionConfig) -> tuple[str, ...]:
    """How a child may come to be: learnt anew, and, where that is switched on, merged as well, to compare."""
    if isinstance(action, Merge):
        return (action.how,)
    return (standing.LEARNT,) if config.merge == "none" else (standing.LEARNT, config.merge)


def courses(way: str, config: EvolutionConfig) -> int:
    """How often a child may be taught before it is given up; a sum is what it is."""
    return max(1, config.courses) if way == standing.LEARNT and config.epochs else 1


def source(way: str, parents: Sequence[str]) -> str:
    """The hash of what a child is made of: the way, and its parents in any order."""
    return hashlib.sha256("\n".join((way, *sorted(parents))).encode()).hexdigest()


def breed(nursery: Nursery, library: Library, action: Consolidate | Merge) -> Iterator[Progress | Bred]:
    """Make the child of a planned action; Progress while it is learnt, Bred last."""
    parents = _parents(nursery, library, action.parents)
    if len(parents) != len(action.parents):
        yield Bred("", "a parent has left service since it was planned")
        return
    if not whole(parents, joined(parents)):
        yield Bred("", "an answer that is true again since it was planned would be lost")
        return
    if before := child_of(library, action.parents):
        yield Bred(before.id, "these parents were brought together before")
        return
    try:
        yield from _bred(nursery, library, action, parents)
    except (RuneError, OSError):  # the files of a parent may be gone
        if child_of(library, action.parents) or not (why := changed(library, parents)):
            raise
        yield Bred("", why)


def _bred(
    nursery: Nursery, library: Library, action: Consolidate | Merge, parents: Sequence[Standing]
) -> Iterator[Progress | Bred]:
    """Ask the parents, make children in every way, ask them, and publish the best."""
    known: dict[str, Examined] = {}
    base = yield from telling(examining.unrelated(nursery.breeder, None), Progress(0, len(parents), 0.0))
    for one in parents:
        asking = examining.examine(nursery.breeder, library.folder(one.id), _taught(parents))
        known[one.id] = yield from telling(asking, Progress(len(known), len(parents), 0.0))
    trials: list[Trial] = []
    with contextlib.ExitStack() as stages:
        for way in ways(action, nursery.config.evolution):
            made: Distilled | None = None
            for _ in range(courses(way, nursery.config.evolution)):
                stage = stages.enter_context(library.staging())
                made = yield from _made(nursery, library, way, parents, stage, made)
                judging = _examined(nursery, way, parents, known, base, made)
                trial = yield from telling(judging, Progress(made.steps, made.steps, 0.0))
                if not trial.verdict.wanting or changed(library, parents):
                    break
            trials.append(trial)
        yield _settled(nursery, library, action, parents, trials)


def child_of(library: Library, parents: Sequence[str]) -> Card | None:
    """The child that exactly these parents have already, whichever way it was made."""
    cards = library.cards(include_archived=True)
    return next((card for card in cards if card.parents and set(card.parents) == set(parents)), None)


def _taught(parents: Sequence[Standing]) -> examining.Taught:
    return {one.id: living(one.card, one.state).lessons for one in parents}


def _examined(
    nursery: Nursery,
    way: str,
    parents: Sequence[Standing],
    known: Mapping[str, Examined],
    base: Sequence[str],
    made: Distilled,
) -> Work[Trial]:
    """Ask a child what its parents were asked, and judge."""
    asked = nursery.breeder, made.folder, _taught(parents), known, base, nursery.config.evolution
    return Trial(way, made, *(yield from examining.judging(*asked)))


def _settled(
    nursery: Nursery,
    library: Library,
    action: Consolidate | Merge,
    parents: Sequence[Standing],
    trials: Sequence[Trial],
) -> Bred:
    """Publish the fittest child that passed in its parents' place; write down why the others did not.

    Nobody takes a parent away between the look at it and the last line: a child must not outlive what was
    forgotten, and what a person has put away stays away.
    """
    with library.alone():
        if why := changed(library, parents):
            return Bred("", why)
        for trial in trials:
            if not trial.verdict.accepted:
                refuse(library, trial.way, action.parents, trial.verdict)
        able = [trial for trial in trials if trial.verdict.accepted]
        if not able:
            return Bred("", "refused: " + "; ".join(trials[0].verdict.reasons))
        best = max(able, key=lambda trial: trial.verdict.child or 0.0)
        child = library.add(best.made.folder, _receipt(nursery, action, parents, best))
        if library.states()[child.id].status != "active":
            return Bred("", f"{child.id} is no better than the base: its parents go on serving")
        for parent in action.parents:
            library.supersede(parent, child.id)
        return Bred(child.id, f"{len(parents)} adapters are one {action.level} now")


def changed(library: Library, parents: Sequence[Standing]) -> str:
    """Why parents are no longer what their child was made of; empty where they are."""
    cards = {card.id: card for card in library.cards(include_archived=True)}
    states = library.states()
    for one in parents:
        now = states.get(one.id, NEW)
        if one.id not in cards or now.status != "active":
            return f"{one.id} has left service while the child was made"
        if now.retired.keys() != one.state.retired.keys():
            return f"what is true of {one.id} has changed while the child was made"
    return ""


def refuse(library: Library, way: str, parents: Sequence[str], verdict: Verdict) -> None:
    """Write down that these parents were tried this way, and why their child may not serve."""
    detail = {
        "how": way,
        "parents": list(parents),
        "reason": "; ".join(verdict.reasons),
        **_measured(verdict),
    }
    ledger.record(library.ledger, Entry(source(way, parents)[:16], "refused", library.clock(), detail))


def _parents(nursery: Nursery, library: Library, ids: Sequence[str]) -> list[Standing]:
    """Those that are intact and still in service."""
    found = {one.id: one for one in standing.standings(library, nursery.config.evolution, time.time())}
    able = [found[id] for id in ids if id in found and found[id].state.status == "active"]
    for one in able:
        library.check_base(library.verify(one.id), nursery.base_hash)
    return able


def _made(
    nursery: Nursery,
    library: Library,
    way: str,
    parents: Sequence[Standing],
    stage: Path,
    before: Distilled | None,
) -> Generator[Progress, None, Distilled]:
    """A child made in one way, or one that was made ``before`` and learns on from there."""
    if way != standing.LEARNT:
        folders = [library.folder(one.id) for one in parents]
        return nursery.breeder.merge(way, folders, [one.card.start for one in parents], stage)
    begins = heritage(nursery, library, parents) if before is None else _itself(nursery, before)
    for state in nursery.distiller.distil(joined(parents), stage, begins):
        if isinstance(state, Progress):
            yield state
        else:
            made = state
    return made if before is None else _together(before, made)


def _itself(nursery: Nursery, before: Distilled) -> Heritage:
    """What a child learns on from."""
    start = str(before.settings.get("start", ""))
    return Heritage((before.folder,), (start,), nursery.config.evolution.epochs, _taken(before))


def _taken(made: Distilled) -> int:
    """How many courses a child has had."""
    return int(made.settings.get("courses", 1))


def _together(before: Distilled, after: Distilled) -> Distilled:
    """What two courses made, one after the other: the weights of the second, the pains of both."""
    own = OF_BEGINNING if after.settings.get("inherits") else ()  # else it began anew, not at the first's
    settings = {**after.settings, **{name: before.settings[name] for name in own if name in before.settings}}
    return replace(
        after, steps=before.steps + after.steps, seconds=round(before.seconds + after.seconds, 2),
        settings={**settings, "courses": _taken(before) + 1},
        peak_mb=max(before.peak_mb, after.peak_mb),
    )  # fmt: skip


def heritage(nursery: Nursery, library: Library, parents: Sequence[Standing]) -> Heritage | None:
    """What a child begins at: its parents' weights, if all that is in them is still true.

    What was retired is not taught to it, and must not come with the weights either.
    """
    epochs = nursery.config.evolution.epochs
    if not epochs or any(one.state.retired for one in parents):
        return None
    folders = tuple(library.folder(one.id) for one in parents)
    return Heritage(folders, tuple(one.card.start for one in parents), epochs)


def _receipt(
    nursery: Nursery, action: Consolidate | Merge, parents: Sequence[Standing], trial: Trial
) -> Card:
    """The card of a child."""
    way, made, cards = trial.way, trial.made, [one.card for one in parents]
    own, else_ = made.settings, nursery.config.distil if way == standing.LEARNT else cards[0]
    hash = source(way, action.parents)
    sessions = tuple(dict.fromkeys(session for card in cards for session in card.origins))
    lessons: list[Lesson] = joined(parents)
    return Card(
        session=f"{action.level}-{hash[:8]}", source_hash=hash, events=sum(card.events for card in cards),
        redactions={}, base=nursery.base_name, base_hash=nursery.base_hash,
        rank=own.get("rank", else_.rank), alpha=own.get("alpha", else_.alpha),
        targets=tuple(own.get("targets", else_.targets)), steps=made.steps,
        seconds=made.seconds, engine=made.engine if way == standing.LEARNT else f"merge:{way}",
        lessons=tuple(lessons), summary="\n".join(task[:SUMMARY] for card in cards for task in tasks(card)),
        probes_before=made.probes_before, probes_after={**made.probes_after, **gate.rates(trial.marks)},
        created=time.time(), peak_mb=made.peak_mb, level=action.level, parents=action.parents,
        sessions=sessions, settings={**own, "gate": _measured(trial.verdict)},
    )  # fmt: skip


def _measured(verdict: Verdict) -> dict[str, object]:
    """The figures of a verdict."""
    return {name: value for name, value in asdict(verdict).items() if name not in JUDGEMENT}
