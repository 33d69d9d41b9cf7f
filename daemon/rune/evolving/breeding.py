"""Makes one adapter of several, and publishes it if it is fitter than the best of them on their probes.

Covered: a crash at any point. The child is made in a stage and published with one rename; its parents give
up their places after that, and a start that finds both in service finishes it (``carrying.finish``). What
was refused is written down, so that the same is not tried every night. The same parents give the same
child, once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rune.config import Config
from rune.evolution import gate
from rune.evolution.gate import Marks, Verdict
from rune.evolution.plan import Consolidate, Merge, Standing, joined
from rune.evolving import examining, standing
from rune.library import Library
from rune.ports import Breeder, Distilled, Distiller, Progress
from rune.records import ledger
from rune.records.card import Card, Lesson, living
from rune.records.ledger import Entry

SUMMARY = 240
"""Characters of each parent's summary in the child's."""


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
    verdict: Verdict | None = None


def how(action: Consolidate | Merge) -> str:
    """The way in which a child comes to be."""
    return action.how if isinstance(action, Merge) else standing.LEARNT


def source(way: str, parents: Sequence[str]) -> str:
    """The hash of what a child is made of: the way, and its parents in any order."""
    return hashlib.sha256("\n".join((way, *sorted(parents))).encode()).hexdigest()


def breed(nursery: Nursery, library: Library, action: Consolidate | Merge) -> Iterator[Progress | Bred]:
    """Make the child of a planned action; Progress while it is learnt, Bred last."""
    parents = _parents(nursery, library, action.parents)
    if len(parents) != len(action.parents):
        yield Bred("", "a parent has left service since it was planned")
        return
    if before := library.for_source(source(how(action), action.parents), nursery.base_hash):
        yield Bred(before.id, "these parents were brought together before")
        return
    with library.staging() as stage:
        made: Distilled | None = None
        for state in _make(nursery, library, action, parents, stage):
            if isinstance(state, Progress):
                yield state
            else:
                made = state
        assert made is not None, "what makes an adapter ends with Distilled"
        for found in _examine(nursery, library, stage, parents):
            if isinstance(found, Progress):
                yield found
            else:
                yield _settled(nursery, library, action, parents, replace(made, folder=stage), *found)


def _settled(
    nursery: Nursery,
    library: Library,
    action: Consolidate | Merge,
    parents: Sequence[Standing],
    made: Distilled,
    verdict: Verdict,
    marks: Mapping[str, Marks],
) -> Bred:
    """Publish the child in its parents' place, or write down why not."""
    if not verdict.accepted:
        refuse(library, how(action), action.parents, verdict)
        return Bred("", "refused: " + "; ".join(verdict.reasons), verdict)
    measured = replace(made, probes_after={**made.probes_after, **gate.rates(marks)})
    child = library.add(made.folder, _receipt(nursery, action, parents, measured, verdict))
    if library.states()[child.id].status != "active":
        return Bred("", f"{child.id} is no better than the base: its parents go on serving", verdict)
    for parent in action.parents:
        library.supersede(parent, child.id)
    return Bred(child.id, f"{len(parents)} adapters are one {action.level} now", verdict)


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


def _make(
    nursery: Nursery, library: Library, action: Consolidate | Merge, parents: Sequence[Standing], stage: Path
) -> Iterator[Progress | Distilled]:
    if isinstance(action, Consolidate):
        yield from nursery.distiller.distil(joined(parents), stage)
    else:
        yield nursery.breeder.merge(action.how, [library.folder(one.id) for one in parents], stage)


def _examine(
    nursery: Nursery, library: Library, stage: Path, parents: Sequence[Standing]
) -> Iterator[Progress | tuple[Verdict, Mapping[str, Marks]]]:
    """Ask everybody everything, one adapter after the other, and judge."""
    taught = {one.id: living(one.card, one.state).lessons for one in parents}
    folders = {id: library.folder(id) for id in taught}
    known = {}
    for place, (id, folder) in enumerate(folders.items(), 1):
        known[id] = examining.marks(nursery.breeder, folder, taught)
        yield Progress(place, len(folders) + 1, 0.0)
    child = examining.marks(nursery.breeder, stage, taught)
    leaks = examining.leaks(nursery.breeder, list(folders.values()), stage, taught)
    yield gate.judge(known, child, leaks, nursery.config.evolution), child


def _receipt(
    nursery: Nursery,
    action: Consolidate | Merge,
    parents: Sequence[Standing],
    made: Distilled,
    verdict: Verdict,
) -> Card:
    """The card of a child."""
    way, cards = how(action), [one.card for one in parents]
    hash = source(way, action.parents)
    sessions = tuple(dict.fromkeys(session for card in cards for session in card.origins))
    lessons: list[Lesson] = joined(parents)
    return Card(
        session=f"{action.level}-{hash[:8]}", source_hash=hash, events=sum(card.events for card in cards),
        redactions={}, base=nursery.base_name, base_hash=nursery.base_hash,
        rank=made.settings.get("rank", cards[0].rank), alpha=made.settings.get("alpha", cards[0].alpha),
        targets=cards[0].targets, steps=made.steps,
        seconds=made.seconds, engine="gradient" if way == standing.LEARNT else f"merge:{way}",
        lessons=tuple(lessons), summary=" ".join(card.summary[:SUMMARY] for card in cards),
        probes_before=made.probes_before, probes_after=made.probes_after, created=time.time(),
        peak_mb=made.peak_mb, settings={**made.settings, "gate": _measured(verdict)}, level=action.level,
        parents=action.parents, sessions=sessions,
    )  # fmt: skip


def _measured(verdict: Verdict) -> dict[str, object]:
    """The figures of a verdict."""
    return {name: value for name, value in asdict(verdict).items() if name not in ("accepted", "reasons")}
