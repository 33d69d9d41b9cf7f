"""How often echoes are of use: written down where one is recalled or injected, counted for pruning.

Covered: any number of processes at once; a crash at any point, also while the file is made shorter.
Not covered: whether the agent made anything of what it was given.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rune import files
from rune.echoes.score import Use
from rune.records import use as records
from rune.records.use import Reference

RECENT = 30
"""The workflows that relevance is counted over."""
COMPACT_AFTER = 1000
"""Lines that say nothing more before the file is rewritten."""


class Uses:
    """The references of one project."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.path = path
        self.clock = clock

    def note(self, workflow: str, digests: Iterable[str] = ()) -> None:
        """Write down what a workflow was given; without digests, only that it takes place.

        Args:
            workflow: the session.
            digests: ``Entry.digest`` of each echo.
        """
        with self._alone():
            records.append(self.path, Reference(self.clock(), workflow, tuple(digests)))

    def read(self) -> dict[str, Use]:
        """The use of every echo that was ever referenced, by its digest."""
        return count(records.read(self.path))

    def unused(self) -> Use:
        """The use of an echo that was never referenced: in none of so many workflows."""
        return Use(workflows=len(_recent(_latest(records.read(self.path))[1])))

    def compact(self) -> bool:
        """Make the file shorter where most of it says nothing more; what is counted stays the same."""
        with self._alone():
            past = list(records.read(self.path))
            kept = condensed(past)
            worth_it = len(past) - len(kept) >= COMPACT_AFTER
            if worth_it:
                records.rewrite(self.path, kept)
            return worth_it

    def _alone(self) -> contextlib.AbstractContextManager[None]:
        return files.locked(self.path.with_name(".uses.lock"))


def count(references: Iterable[Reference]) -> dict[str, Use]:
    """How often each echo was of use, in how many of the recent workflows, and when last; pure."""
    latest, workflows = _latest(references)
    recent = _recent(workflows)
    counts: dict[str, int] = {}
    last: dict[str, float] = {}
    for (digest, workflow), at in latest.items():
        counts[digest] = counts.get(digest, 0) + (workflow in recent)
        last[digest] = max(at, last.get(digest, at))
    return {digest: Use(counts[digest], len(recent), _day(at)) for digest, at in last.items()}


def condensed(references: Iterable[Reference]) -> list[Reference]:
    """The fewest references that count the same; pure."""
    latest, workflows = _latest(references)
    recent = _recent(workflows)
    newest: dict[str, tuple[float, str]] = {}
    for (digest, workflow), at in latest.items():
        newest[digest] = max((at, workflow), newest.get(digest, (at, workflow)))
    groups: dict[tuple[float, str], list[str]] = {(workflows[name], name): [] for name in recent}
    for (digest, workflow), at in latest.items():
        if workflow in recent or newest[digest] == (at, workflow):
            groups.setdefault((at, workflow), []).append(digest)
    return [Reference(at, name, tuple(digests)) for (at, name), digests in sorted(groups.items())]


def _latest(references: Iterable[Reference]) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """When each echo was last of use in each workflow, and when each workflow was last heard of."""
    latest: dict[tuple[str, str], float] = {}
    workflows: dict[str, float] = {}
    for one in references:
        workflows[one.workflow] = max(one.at, workflows.get(one.workflow, one.at))
        for digest in one.echoes:
            key = (digest, one.workflow)
            latest[key] = max(one.at, latest.get(key, one.at))
    return latest, workflows


def _recent(workflows: Mapping[str, float]) -> frozenset[str]:
    return frozenset(sorted(workflows, key=lambda name: (workflows[name], name))[-RECENT:])


def _day(at: float) -> datetime.date:
    return datetime.datetime.fromtimestamp(at).astimezone().date()
