"""Asks probes of adapters: those of all parents, and questions that no session is about."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.config import EvolutionConfig
from rune.errors import AdapterError
from rune.evolution import facts, gate
from rune.evolution.actions import Standing
from rune.evolution.gate import Marks, Verdict
from rune.library import Library
from rune.ports import Breeder
from rune.probing import ELSEWHERE, FOREIGN, UNRELATED, Probe, holds, probes
from rune.records.card import Lesson, living
from rune.units import Work

log = logging.getLogger(__name__)
TOKENS = 72
"""Of an answer to which none was taught; else it may be as long as that."""
KINDS = ("trained", "heldout")
STRANGE = (*(question for question, _ in UNRELATED), *FOREIGN, *ELSEWHERE)
"""Questions that no session is about, half of them general, half about other projects."""

Taught = Mapping[str, Sequence[Lesson]]
"""The living lessons of each parent."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What an adapter knows."""

    marks: Mapping[str, Marks]
    """Right or wrong on the probes of each parent, by kind."""
    unrelated: Sequence[str]
    """What it says to questions that no session is about."""


def examine(breeder: Breeder, adapter: Path, taught: Taught) -> Work[Examined]:
    """Ask a parent, or a child, all there is to ask."""
    known = yield from marks(breeder, adapter, taught)
    return Examined(known, (yield from unrelated(breeder, adapter)))


def judging(
    breeder: Breeder,
    child: Path,
    taught: Taught,
    parents: Mapping[str, Examined],
    base: Sequence[str],
    config: EvolutionConfig,
) -> Work[tuple[Verdict, Mapping[str, Marks]]]:
    """Ask a child what its parents were asked: the gate's verdict, and the child's marks.

    ``base`` is what the base says to questions that no session is about.
    """
    found = yield from examine(breeder, child, taught)
    told = [giving_away(base, one.unrelated, taught) for one in (found, *parents.values())]
    before = {id: one.marks for id, one in parents.items()}
    return gate.judge(before, found.marks, gate.Tells(told[0], told[1:]), config), found.marks


def marks(breeder: Breeder, adapter: Path, taught: Taught) -> Work[dict[str, Marks]]:
    """Right or wrong on the probes of each parent, by kind; all are asked together."""
    asked = [(id, probe) for id, lessons in taught.items() for probe in own_probes(lessons)]
    pairs = [(probe.question, probe.answer) for _, probe in asked]
    answers = yield from breeder.answering(pairs, adapter, TOKENS)
    found: dict[str, dict[str, list[bool]]] = {id: {kind: [] for kind in KINDS} for id in taught}
    for (id, probe), answer in zip(asked, answers, strict=True):
        found[id][probe.kind].append(holds(answer, probe.keys))
    return {id: dict(kinds) for id, kinds in found.items()}


def own_probes(lessons: Sequence[Lesson]) -> list[Probe]:
    """What a parent is asked about itself."""
    return [probe for probe in probes(lessons) if probe.kind in KINDS]


def relate(
    breeder: Breeder, library: Library, standings: Sequence[Standing], base_hash: str, most: int = 4
) -> Work[list[str]]:
    """Ask adapters in service what other sessions ask of the same, and write the scores down.

    Each of this base is asked once, and at most so many at a time; returns whom. What was scored is
    generalization. One that is damaged is left to whoever recalls it, who says so.
    """
    asked = waiting(standings)
    some = list(itertools.islice((id for id in asked if able(library, id, base_hash)), most))
    scores = {one.id: one.state.probes or one.card.probes_after for one in standings}
    for id in some:
        pairs = [(probe.question, probe.answer) for probe in asked[id]]
        told = yield from breeder.answering(pairs, library.folder(id), TOKENS)
        right = [holds(answer, probe.keys) for answer, probe in zip(told, asked[id], strict=True)]
        library.score(id, {**scores[id], "related": round(sum(right) / len(right), 4)})
    return some


def able(library: Library, id: str, base_hash: str) -> bool:
    """Whether an adapter can be asked: its files are whole, and it is of this base."""
    try:
        library.check_base(library.verify(id), base_hash)
    except AdapterError as error:
        log.warning("%s is not asked: %s", id, error)
        return False
    return True


def waiting(standings: Sequence[Standing]) -> dict[str, list[Probe]]:
    """What other sessions ask of the same, for each adapter in service that was not asked it yet."""
    active = {one.id: one for one in standings if one.state.status == "active"}
    asked = facts.related([living(one.card, one.state) for one in active.values()])
    scores = {id: one.state.probes or one.card.probes_after for id, one in active.items()}
    return {id: probes for id, probes in asked.items() if scores[id].get("related") is None}


def unrelated(breeder: Breeder, adapter: Path | None) -> Work[list[str]]:
    """What an adapter, or the base alone, says to questions that no session is about."""
    return (yield from breeder.answering([(question, "") for question in STRANGE], adapter, TOKENS))


def giving_away(base: Sequence[str], answers: Sequence[str], taught: Taught) -> dict[str, bool]:
    """For each unrelated question whether an answer tells what a parent was taught, and the base's does not.

    ``base`` is what the base says to them, ``answers`` what a parent or a child says.
    """
    secrets = [lesson.keys for lessons in taught.values() for lesson in lessons if telling(lesson)]
    return {
        question: _tells(answer, secrets) and not _tells(plain, secrets)
        for question, answer, plain in zip(STRANGE, answers, base, strict=True)
    }


def _tells(answer: str, secrets: Sequence[Sequence[str]]) -> bool:
    return any(holds(answer, keys) for keys in secrets)


def telling(lesson: Lesson) -> bool:
    """Whether a lesson's literals are no everyday words: a lone number or a short word says nothing."""
    return sum(map(len, lesson.keys)) >= 5 and any(not key.isalpha() or len(key) >= 8 for key in lesson.keys)
