"""Children that evolution has learnt anew, beside what arithmetic makes of the same parents.

For each child that serves in the evolved project its parents are merged in every way of ``rune.ml.merge``;
each result is asked what the gate asks: the probes of all parents, and questions that no session is about.
The learnt ones passed that gate, or they would not serve; families whose child was refused are not looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from rune.bench.distil.figures import portion
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Row, Work, of
from rune.evolution import gate
from rune.evolving import examining
from rune.evolving.examining import Examined, Taught
from rune.library import Library
from rune.ml.merge import WAYS
from rune.records.card import Card, living
from rune.units import done
from rune.worker import Parts

ROW, LEARNT = "merged", "learnt"


@dataclass(frozen=True, slots=True)
class Family:
    """What children of the same parents are held against."""

    parts: Parts
    taught: Taught
    parents: Mapping[str, Examined]
    base: Sequence[str]
    """What the base alone says to questions that no session is about."""

    def judged(self, folder: Path) -> dict[str, Any]:
        """What the gate says of a child."""
        breeder, config = self.parts.breeder, self.parts.config.evolution
        asking = examining.judging(breeder, folder, self.taught, self.parents, self.base, config)
        verdict, marks = done(asking)
        return {
            "right": sum(_all(marks)), "fitness": verdict.child, "best_parent": verdict.best,
            "interference": round(verdict.interference, 4), "leakage": round(verdict.leakage, 4),
            "accepted": verdict.accepted,
        }  # fmt: skip


def measure(scene: Scene, parts: Parts, library: Library) -> None:
    """Judge what was not judged yet."""
    base = cache(lambda: done(examining.unrelated(parts.breeder, None)))
    for child in library.cards():
        if child.parents:
            about = {"row": ROW, "sessions": len(scene.everything), "parents": list(child.parents)}
            make = partial(_row, about, scene.work.folder / "merging", parts, library, child, base)
            row = scene.work.kept(ROW, child.id, make, of(about))
            told = ", ".join(f"{way} {found['right']}" for way, found in row["ways"].items())
            scene.work.say(f"of {row['asked']} probes the parents know {row['parents_right']}: {told}")


def _row(
    about: Row, into: Path, parts: Parts, library: Library, child: Card, base: Callable[[], Sequence[str]]
) -> Row:
    """One family: its parents as they are, its child as it serves, and one child for each way of merging."""
    states, parents = library.states(), [library.get(id) for id in child.parents]
    folders = [library.folder(one.id) for one in parents]
    taught = {one.id: living(one, states[one.id]).lessons for one in parents}
    known = {one.name: done(examining.examine(parts.breeder, one, taught)) for one in folders}
    family = Family(parts, taught, known, base())
    judged = {LEARNT: family.judged(library.folder(child.id))}
    for way in WAYS:
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        parts.breeder.merge(way, folders, [one.start for one in parents], into)
        judged[way] = family.judged(into)
    shutil.rmtree(into)
    own = _all({id: examined.marks[id] for id, examined in known.items()})
    return {**about, "child": child.id, "asked": len(own), "parents_right": sum(own), "ways": judged}


def rows(work: Work, arms: Sequence[Row]) -> list[Row]:
    """The families of the children that serve in the evolved arm."""
    serving = {id for row in arms if row["row"] == "gated" for id in row["ids"]}
    return [row for row in work.all(ROW) if row["child"] in serving]


def _all(marks: Mapping[str, gate.Marks]) -> list[bool]:
    return [right for kinds in marks.values() for some in kinds.values() for right in some]


def summary(rows: Sequence[Row]) -> dict[str, float | None]:
    """Of all families: the share of probes that each way answers, and how many children pass the gate."""
    asked = sum(row["asked"] for row in rows)
    found: dict[str, float | None] = {
        "families": len(rows) or None,
        "families_parents_recall": portion(sum(row["parents_right"] for row in rows), asked),
    }
    for way in (LEARNT, *WAYS):
        judged = [row["ways"][way] for row in rows]
        found[f"families_{way}_recall"] = portion(sum(one["right"] for one in judged), asked)
        found[f"families_{way}_accepted"] = sum(one["accepted"] for one in judged) if rows else None
    return found
