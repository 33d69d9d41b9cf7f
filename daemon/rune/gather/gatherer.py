"""Which closed sessions the text memory still has to take in, and when.

Nothing is stored for this: the journal of jobs names every closed session, the project's record of what was
gathered the ones that are done. What is missing there waits, also over a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from rune import files
from rune.echoes import activity, findings
from rune.echoes.store import Busy, Store
from rune.errors import RuneError
from rune.gather.taking import Intake, take_in
from rune.paths import Echoes, Home
from rune.ports import Clock
from rune.records import gathered, trajectory
from rune.records.gathered import Gathered
from rune.records.job import Job
from rune.records.trajectory import Trajectory

log = logging.getLogger(__name__)

BATCH = 30
"""Sessions of one project that a round reads, the newest; older ones beside them are left: an import of years
would say nothing that these do not."""
PATIENCE = 20.0
"""Seconds between two tries while a session of the project is at work."""
GATHERING = 5.0
"""Seconds without another wish to distil after which an import counts as complete."""

Report = Callable[[Path, RuneError | OSError], None]
"""Told what went wrong in a project."""


class Gatherer:
    """The sessions that wait; one instance per daemon."""

    def __init__(self, home: Home, clock: Clock, alive: activity.Alive) -> None:
        self.home = home
        self.clock = clock
        self.alive = alive
        self._waiting: dict[Path, dict[str, str]] = {}
        self._not_before: dict[Path, float] = {}

    def resume(self, jobs: Iterable[Job]) -> None:
        """Find what waits from before: closed sessions that nobody has taken in."""
        for job in (job for job in jobs if job.session):  # an evolution closes none
            self.add(Path(job.project), job.session, job.key.rpartition(":")[2])

    def add(self, project: Path, session: str, content: str, delay: float = 0.0) -> None:
        """A session is closed.

        Args:
            project: where it belongs.
            session: which one.
            content: its content's hash, or the beginning of it.
            delay: seconds to wait for more of the kind, so that an import is taken in as one.
        """
        self._waiting.setdefault(project, {})[session] = content
        self._not_before[project] = self.clock() + delay  # one that ends may be what others waited for

    def forget(self, project: Path, session: str) -> None:
        """A session is not to be taken in any more."""
        self._waiting.get(project, {}).pop(session, None)

    def run(self, report: Report) -> list[Intake]:
        """Take in what waits, project by project; where a session is at work, another time."""
        done = []
        for project in list(self._waiting):  # in one step: another thread may add
            if self._not_before.get(project, 0.0) > self.clock():
                continue
            sessions = self._waiting.pop(project)
            try:
                done += self._project(project, sessions)
            except Busy:
                self._waiting[project] = {**sessions, **self._waiting.get(project, {})}
                self._not_before[project] = self.clock() + PATIENCE
            except (RuneError, OSError) as error:  # the next start of a daemon tries it again
                report(project, error)
        return done

    def _project(self, project: Path, waiting: dict[str, str]) -> list[Intake]:
        echoes = Echoes(project)
        if not echoes.trajectories.is_dir():
            return []
        known = {(one.session, one.content[:16]) for one in gathered.read(echoes.gathered)}
        fresh = [s for s, content in waiting.items() if (s, content[:16]) not in known]
        newest = sorted(fresh, key=lambda session: _started(echoes, session))
        sessions = [past for session in newest[-BATCH:] if (past := _closed(echoes, session))]
        if not sessions and not findings.pending(echoes):
            return []
        store = Store(
            echoes, self.clock, lambda: activity.active(self.home, echoes, self.clock(), alive=self.alive)
        )
        done = take_in(store, sessions)
        left = [Gathered(self.clock(), s, waiting[s]) for s in newest[:-BATCH]]
        gathered.append(echoes.gathered, *left)
        log.info("took in %d session(s) of %s: %s", len(sessions), project, dict(done.added))
        for problem in done.problems:
            log.warning("left as it is: %s", problem)
        for refusal in done.refused:
            log.warning("refused, kept in archive/refused-%s.md: %s", store.today, refusal)
        return [done]


def _started(echoes: Echoes, session: str) -> float:
    """When a session began, by the first line of its trajectory."""
    first = next(files.objects(echoes.trajectory(session)), (0, {}))[1]
    started = first.get("started")
    return float(started) if isinstance(started, int | float) else 0.0


def _closed(echoes: Echoes, session: str) -> Trajectory | None:
    """A session that is over; None where it goes on again, is gone or damaged: the log says so."""
    try:
        past = trajectory.read(echoes.trajectory(session))
    except RuneError:
        return None
    return past if past.closed else None
