"""Closed sessions into the text memory, as one change: findings, reports, then what the sessions tell.

Covered: a session that is taken in twice adds nothing; a crash at any point (the next round completes it); a
MEMORY.md over its limit, which is pruned in the same change; many sessions at once, which do not flood it.
Not covered: two daemons at once, whom the daemon's lock rules out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.echoes import consolidate, filter, findings, prune, recur, reports
from rune.echoes.operations import pruning
from rune.echoes.score import Use
from rune.echoes.store import Change, Store
from rune.echoes.uses import Uses
from rune.errors import FormatError
from rune.gather import learnt
from rune.gather.learnt import Learnt
from rune.paths import Echoes
from rune.records import echo, gathered
from rune.records.echo import Entry
from rune.records.gathered import Gathered
from rune.records.trajectory import Trajectory

LIMIT = 10
"""Patterns that one round adds to a role, however many sessions it takes in: two thirds of a MEMORY.md."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What a round did."""

    added: Mapping[str, int]
    """New entries by role."""
    risen: tuple[str, ...] = ()
    """Ids of entries that recur and so became more permanent."""
    problems: tuple[str, ...] = ()
    """What could not be read and was left as it is."""
    refused: tuple[str, ...] = ()
    """Findings that may not become entries, each with the reason; they lie in an archive."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the sessions of a round have to tell, by role, and what is written down about it."""

    entries: dict[str, list[Entry]]
    taken: tuple[Gathered, ...]


def take_in(store: Store, sessions: Sequence[Trajectory]) -> Intake:
    """Take closed sessions of one project in, and all findings that wait.

    Raises:
        Busy: a session of the project is at work; nothing was done.
        FormatError: a newer Rune wrote one of the records.
    """
    found = _find(store, sessions)
    use = Uses(store.echoes.uses, store.clock)
    with store.change(f"take in {_named(sessions)}") as change:
        waiting = [findings.take(change, role) for role in echo.ROLES]
        problems = [f"{problem.path}: {problem.reason}" for one in waiting for problem in one.problems]
        refused = [f"{one.role}: {it.entry.title!r}: {it.reason}" for one in waiting for it in one.refused]
        added = Counter({one.role: len(one.consolidated.added) for one in waiting})
        risen: list[str] = []
        for role, entries in found.entries.items():
            try:
                new, merged = _add(change, role, entries)
            except FormatError as error:  # reading comes before writing: nothing of this role changes
                problems.append(str(error))
            else:
                added[role] += new
                risen += merged
        _fit(change, use.read())
    for past in sessions:  # before it counts as taken in: written twice it is counted once
        if past.source == "live":
            use.note(past.session)
    gathered.append(store.echoes.gathered, *found.taken)
    use.compact()
    grown = {role: count for role, count in added.items() if count}
    return Intake(grown, tuple(risen), tuple(problems), tuple(refused))


def _named(sessions: Sequence[Trajectory]) -> str:
    if not sessions:
        return "findings"
    return f"session {sessions[0].session}" if len(sessions) == 1 else f"{len(sessions)} sessions"


def _find(store: Store, sessions: Sequence[Trajectory]) -> _Found:
    known = list(gathered.read(store.echoes.gathered))
    events = {(one.session, event) for one in known for event in one.events}
    seen = {report for one in known for report in one.reports}
    entries: dict[str, list[Entry]] = {}
    taken: list[Gathered] = []
    told: list[Learnt] = []
    for past in sessions:
        new = [
            one for one in learnt.find(past, store.echoes.project) if (past.session, one.event) not in events
        ]
        left = [report for report in reports.find(store.echoes, past) if report.sha256 not in seen]
        seen |= {report.sha256 for report in left}
        day = learnt.day(max((event.at for event in past.events), default=past.started))
        for report in left:
            entries.setdefault(report.role, []).extend(reports.entries(report, past.session, day))
        told += new
        taken.append(
            Gathered(
                store.clock(), past.session, past.content_hash, tuple(one.event for one in new),
                tuple(report.sha256 for report in left),
            )
        )  # fmt: skip
    for role in dict.fromkeys(one.role for one in told):
        entries.setdefault(role, []).extend(chosen([one.entry for one in told if one.role == role]))
    return _Found(entries, tuple(taken))


def chosen(entries: Sequence[Entry], limit: int = LIMIT) -> list[Entry]:
    """The entries of the patterns that were found in most sessions, of equals the surest and newest; pure."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(recur.pattern(entry.title), []).append(entry)

    def weight(key: str) -> tuple[int, float, int]:
        found = frozenset().union(*map(recur.origins, groups[key]))
        best = max(groups[key], key=lambda entry: entry.confidence)
        return len(found), best.confidence, best.day.toordinal()

    kept = set(sorted(groups, key=weight, reverse=True)[:limit])
    return [entry for entry in entries if recur.pattern(entry.title) in kept]


def _add(change: Change, role: str, entries: Iterable[Entry]) -> tuple[int, list[str]]:
    """Put entries into a role's memory; how many are new, and the ids of those that recur."""
    memory = change.memory(role)
    fresh = recur.unknown(memory, [filter.clean(entry).entry for entry in entries])
    done = consolidate.consolidate(memory, fresh, change.today)
    risen = recur.rise(done.memory, fresh)
    if fresh:
        archived = [entry for entry in risen.replaced if entry not in done.added]
        change.archive(role, [*done.superseded, *archived])
        change.save(risen.memory)
    new = len(risen.memory.entries) - len(memory.entries)
    return max(0, new), [entry.id for entry in risen.merged]


def _fit(change: Change, uses: Mapping[str, Use]) -> None:
    """Prune the roles that are over their limit by now; a copy of what they were is kept."""
    written = {edit.path for edit in change.edits}
    over = [role for role in echo.ROLES if _lines(change, role, change.echoes, written) > prune.LIMIT]
    for role in over:
        change.backup(role)
    if over:
        pruning.run(change, over, uses)


def _lines(change: Change, role: str, echoes: Echoes, written: set[Path]) -> int:
    return change.memory(role).lines if echoes.memory(role).resolve() in written else 0
