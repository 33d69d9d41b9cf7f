"""Read what a project remembers.

What cannot be read is named under ``problems``, and the rest is shown all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from rune import config, events, files
from rune.errors import ConfigError, FormatError
from rune.paths import Echoes, Home, project_root
from rune.records import envelope, job, trajectory
from rune.records.card import Card, Shelf
from rune.records.job import Job
from rune.records.ledger import NEW, State
from rune.records.trajectory import Trajectory

SessionState: TypeAlias = Literal["open", "closed", "distilled"]


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session and its trajectory."""

    session: str
    state: SessionState
    source: str
    started: float
    last: float
    events: dict[str, int]
    redactions: dict[str, int]
    bytes: int
    adapter: str
    note: str
    """What became of its distillation where that is no adapter."""


@dataclass(frozen=True, slots=True)
class AdapterRow:
    """One adapter."""

    id: str
    session: str
    state: str
    superseded_by: str
    created: float
    bytes: int
    lessons: int
    base: str
    summary: str
    probes_before: dict[str, float | None]
    probes_after: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class LastEvent:
    """The event that was captured most recently."""

    at: float
    kind: str
    session: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that ``show`` says."""

    project: str
    ready: bool
    """Whether ``rune setup`` has run."""
    sessions: tuple[SessionRow, ...] = ()
    adapters: tuple[AdapterRow, ...] = ()
    jobs: tuple[Job, ...] = ()
    """Those that wait or are under way."""
    last_event: LastEvent | None = None
    last_error: Job | None = None
    waiting_files: int = 0
    """Spool files with events that no trajectory has yet."""
    waiting_events: int = 0
    problems: tuple[str, ...] = ()

    @property
    def redactions(self) -> dict[str, int]:
        """Secrets taken out, by type, over all sessions."""
        return total(row.redactions for row in self.sessions)


def collect(project: Path, home: Home) -> Overview:
    """Read what there is of a project.

    Args:
        project: any folder of it.
        home: the machine's Rune home.
    """
    project = project_root(project)
    echoes = Echoes(project)
    problems: list[str] = []
    past = _trajectories(echoes, problems)
    shelf = Shelf(echoes.adapters, echoes.ledger)
    cards, states = _adapters(shelf, problems)
    jobs = _jobs(home, str(project), problems)
    waiting = _waiting(home, project, past)
    newest = [(p.events[-1], p.session) for p in past.values() if p.events]
    last = max(newest, key=lambda found: found[0].at, default=None)
    return Overview(
        project=str(project),
        ready=_is_ready(home, problems),
        sessions=tuple(_session_row(echoes, p, cards, states, jobs) for p in _by_age(past)),
        adapters=tuple(_adapter_row(c, states.get(c.id, NEW)) for c in cards),
        jobs=tuple(found for found in jobs if found.waiting or found.state == "started"),
        last_event=LastEvent(last[0].at, trajectory.kind_of(last[0]), last[1]) if last else None,
        last_error=job.summary({found.key: found for found in jobs}).last_error,
        waiting_files=len(waiting),
        waiting_events=sum(waiting),
        problems=tuple(problems),
    )


def _by_age(past: dict[str, Trajectory]) -> list[Trajectory]:
    return sorted(past.values(), key=lambda found: (found.started, found.session))


def _trajectories(echoes: Echoes, problems: list[str]) -> dict[str, Trajectory]:
    found = {}
    for path in sorted(echoes.trajectories.glob("*.jsonl")):
        try:
            found[path.stem] = trajectory.read(path)
        except (FormatError, OSError) as error:
            problems.append(str(error))
    return found


def _adapters(shelf: Shelf, problems: list[str]) -> tuple[list[Card], dict[str, State]]:
    try:
        states = shelf.states()
    except FormatError as error:
        problems.append(str(error))
        states = {}
    found = shelf.cards()
    problems += [str(error) for error in found.values() if isinstance(error, FormatError)]
    cards = [c for c in found.values() if isinstance(c, Card)]
    return sorted(cards, key=lambda c: (c.created, c.id)), states


def _jobs(home: Home, project: str, problems: list[str]) -> list[Job]:
    try:
        jobs = job.read(home.jobs).jobs.values()
    except FormatError as error:
        problems.append(str(error))
        return []
    return [found for found in jobs if found.project == project]


def _is_ready(home: Home, problems: list[str]) -> bool:
    try:
        base = config.load(home.config).model.base
    except ConfigError as error:
        problems.append(str(error))
        return False
    return home.launch.is_file() and (home.models / base).is_dir()


def _waiting(home: Home, project: Path, past: dict[str, Trajectory]) -> list[int]:
    """How many events of each spool file no trajectory has."""
    counts = []
    for spool in sorted(home.spool.glob("*.jsonl")):
        known = {event.id for event in past[spool.stem].events} if spool.stem in past else set()
        fresh = 0
        for line in _envelopes(spool):
            if project_root(Path(line.project)) != project:
                break
            fresh += any(event.id not in known for event in events.from_envelope(line))
        counts.append(fresh)
    return [count for count in counts if count]


def _envelopes(spool: Path) -> Iterable[envelope.Envelope]:
    try:
        for _, line in files.whole_lines(spool):
            yield envelope.parse(line)
    except (FormatError, OSError):
        return  # drained this moment, or a newer plugin's: no news for a person


def _session_row(
    echoes: Echoes, past: Trajectory, cards: list[Card], states: dict[str, State], jobs: list[Job]
) -> SessionRow:
    own = [c for c in cards if past.session in c.origins]
    served = [c for c in own if states.get(c.id, NEW).status == "active"]
    adapter = (served or own)[-1].id if own else ""
    state: SessionState = "open" if not past.closed else "distilled" if adapter else "closed"
    last = max((event.at for event in past.events), default=past.started)
    notes = [found for found in jobs if found.session == past.session and not found.made]
    return SessionRow(
        session=past.session,
        state=state,
        source=past.source,
        started=past.started,
        last=last,
        events=dict(Counter(trajectory.kind_of(event) for event in past.events)),
        redactions=dict(past.redactions),
        bytes=echoes.trajectory(past.session).stat().st_size,
        adapter=adapter,
        note=_note(notes[-1]) if notes and state == "closed" else "",
    )


def _note(found: Job) -> str:
    words = {"done": "no adapter", "started": "being distilled"}.get(found.state, found.state)
    return f"{words}: {found.reason}" if found.reason else words


def _adapter_row(made: Card, state: State) -> AdapterRow:
    return AdapterRow(
        id=made.id,
        session=made.session,
        state=state.status,
        superseded_by=state.superseded_by,
        created=made.created,
        bytes=made.bytes,
        lessons=len(made.lessons),
        base=made.base,
        summary=made.summary,
        probes_before=made.probes_before,
        probes_after=state.probes or made.probes_after,
    )


def total(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Counts of the same names, added up.

    >>> total([{"a": 1}, {"b": 1, "a": 2}])
    {'a': 3, 'b': 1}
    """
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items()))
