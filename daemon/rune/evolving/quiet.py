"""When evolution may run by itself: no session is open, for a while, and nothing else is to be done."""

from __future__ import annotations

import logging
from pathlib import Path

from rune.config import EvolutionConfig
from rune.errors import RuneError
from rune.evolution.plan import fingerprint
from rune.evolving import examining, standing
from rune.jobs import Jobs
from rune.paths import Echoes, Home
from rune.ports import Clock
from rune.records import registry

log = logging.getLogger(__name__)


class Quiet:
    """Looks for something to do in quiet hours and queues it; one job a project, and one child a job."""

    def __init__(self, home: Home, config: EvolutionConfig, jobs: Jobs, clock: Clock) -> None:
        self.home = home
        self.config = config
        self.jobs = jobs
        self.clock = clock
        self._since = clock()

    def tick(self, busy: bool) -> list[str]:
        """Called again and again; returns the projects that something was queued for.

        Args:
            busy: whether a session is open.
        """
        now = self.clock()
        if busy:
            self._since = now
        summary = self.jobs.summary()
        working = summary.queued or summary.postponed or summary.running
        if not self.config.automatic or working or now - self._since < self.config.quiet_seconds:
            return []
        queued = [str(one) for one in registry.projects(self.home.projects) if self._looked(str(one))]
        if not queued:
            self._since = now  # nothing to do anywhere: look again after as long a while
        return queued

    def enqueue(self, project: str, again: bool = False) -> bool:
        """Queue what is planned for a project; False where that is nothing, or was queued before."""
        echoes = Echoes(Path(project))
        if not echoes.adapters.is_dir():
            return False
        seen = standing.look(echoes, self.config, self.clock())
        unasked = sorted(examining.waiting(seen.standings))
        if not seen.actions and not unasked:
            return False
        return self.jobs.enqueue_evolution(project, fingerprint(seen.actions, unasked), again)

    def _looked(self, project: str) -> bool:
        try:
            return self.enqueue(project)
        except (RuneError, OSError, ValueError, ArithmeticError) as error:  # one must not keep others waiting
            log.warning("evolution of %s: %s", project, error)
            return False
