"""Distillations and evolutions to be done: a durable journal, one at a time, three attempts.

Covered: kill -9 of any process at any moment. A job is in the journal before anybody relies on it; one that
was under way when its process died is queued again; done twice it makes nothing new, because what it makes is
looked up first (``Library.for_source``).
Not covered: two daemons that both call ``next``; the daemon's lifetime lock rules that out.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from rune import files
from rune.ports import Clock
from rune.records import job as records
from rune.records.job import Job, JobState, Journal, Summary

__all__ = ["Job", "Jobs", "Summary"]

MAX_ATTEMPTS = 3
AGAIN_AFTER = 86400.0
"""Seconds after which an evolution that was done, and changed nothing of what is planned, is due again."""
COMPACT_AFTER = 1000
"""Lines that newer lines have overtaken before the journal is rewritten."""


class Jobs:
    """The journal of this machine. Anybody may enqueue; one process at a time takes jobs out."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.clock = clock
        self._mine = ""
        self._known: tuple[tuple[int, int, int] | None, Journal] = (None, Journal({}, 0))

    def enqueue(self, session: str, project: str, source_hash: str, again: bool = False) -> bool:
        """Ask for the adapter of a session's content.

        Args:
            session: whose trajectory.
            project: the root of the project it belongs to.
            source_hash: ``Trajectory.content_hash``.
            again: also where it was done before, because the adapter is damaged or was made for another base.

        Returns:
            False where the same is waiting, under way or done.
        """
        return self._enqueue(records.key(session, source_hash), session, project, again)

    def enqueue_evolution(self, project: str, fingerprint: str, again: bool = False) -> bool:
        """Ask for what is planned with a project's adapters; False where just that was asked for before.

        What was done and is planned still is due again after a day: what stood in its way may be gone. What
        failed for good is not tried again unless a person asks (``again``).
        """
        key = records.evolution_key(project, fingerprint)
        known = self._read().jobs.get(key)
        if known and known.state == "failed" and not again:
            return False
        due = known is not None and self.clock() - known.at >= AGAIN_AFTER
        return self._enqueue(key, "", project, again or due)

    def _enqueue(self, key: str, session: str, project: str, again: bool) -> bool:
        with self._lock():
            known = self._read().jobs.get(key)
            if known and (known.waiting or known.state == "started" or (known.state == "done" and not again)):
                return False
            self._write(Job(key, session, project, "queued", self.clock()))
        return True

    def next(self, now: float) -> Job | None:
        """The job to do now: first come, first served; None while one is under way or none is due.

        A job that another process left under way has died with it: it counts as an attempt and waits again.
        """
        with self._lock():
            for job in list(self._read().jobs.values()):
                if job.state == "started" and job.key != self._mine:
                    self._again(job, "the process died while at it")
            jobs = self._read().jobs.values()
            if any(job.state == "started" for job in jobs):
                return None
            return next((job for job in jobs if job.waiting and job.not_before <= now), None)

    def started(self, job: Job) -> Job:
        """A job is under way: one more attempt; returns it as it is now."""
        self._mine = job.key
        return self._step(job, "started", attempts=1, not_before=0.0)

    def done(self, job: Job, made: str, note: str = "") -> None:
        """A job is over; ``made`` is its adapter, empty where nothing was to be learnt, as ``note`` says."""
        self._step(job, "done", made=made, reason=note)

    def postponed(self, job: Job, reason: str, delay: float) -> None:
        """A job is put off through no fault of its own: the attempt does not count."""
        until = self.clock() + delay
        self._step(job, "postponed", attempts=-1, reason=reason, not_before=until)

    def failed(self, job: Job, reason: str, retry: bool = True) -> None:
        """An attempt failed: the job waits again, behind the others, or fails for good after the third.

        Args:
            job: as ``started`` returned it.
            reason: what a person should read.
            retry: False where another attempt cannot help.
        """
        with self._lock():
            current = self._read().jobs.get(job.key)
            if current and retry:
                self._again(current, reason)
            elif current:
                self._write(replace(current, state="failed", at=self.clock(), reason=reason))

    def forget(self, session: str, project: str) -> list[str]:
        """Take a session's jobs out of the journal, for good; returns their keys.

        One that is under way has to be stopped by the caller: what it reports afterwards is not written down.
        """
        with self._lock():
            jobs = self._read().jobs.values()
            gone = [job.key for job in jobs if (job.session, job.project) == (session, project)]
            if gone:
                records.rewrite(self.path, [job for job in jobs if job.key not in gone])
        return gone

    def all(self) -> list[Job]:
        """Every job that the journal knows, in the order in which they wait or came."""
        return list(self._read().jobs.values())

    def summary(self) -> Summary:
        """The journal in numbers."""
        return records.summary(self._read().jobs)

    def _step(self, job: Job, state: JobState, attempts: int = 0, **changes: object) -> Job:
        """Write down what became of a job; one that was forgotten meanwhile stays forgotten."""
        with self._lock():
            current = self._read().jobs.get(job.key)
            count = max(0, (current or job).attempt + attempts)
            stepped: Job = replace(current or job, state=state, at=self.clock(), attempt=count, **changes)  # type: ignore[arg-type]
            if current:
                self._write(stepped)
        return stepped

    def _again(self, job: Job, reason: str) -> None:
        """Queue a job again, or give it up after its last attempt."""
        if job.attempt < MAX_ATTEMPTS:
            said = f"{reason} (attempt {job.attempt} of {MAX_ATTEMPTS})"
            self._write(replace(job, state="queued", at=self.clock(), reason=said))
        else:
            way_out = f"rune distil {job.session}" if job.session else "rune adapters evolve --apply"
            said = f"{reason}; given up after {job.attempt} attempts: try again with `{way_out}`"
            self._write(replace(job, state="failed", at=self.clock(), reason=said))

    def _write(self, job: Job) -> None:
        records.append(self.path, job)
        journal = self._read()
        if journal.lines - len(journal.jobs) > COMPACT_AFTER:
            records.rewrite(self.path, journal.jobs.values())

    def _read(self) -> Journal:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return Journal({}, 0)
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp != self._known[0]:
            self._known = (stamp, records.read(self.path))
        return self._known[1]

    def _lock(self) -> contextlib.AbstractContextManager[None]:
        return files.locked(self.path.with_suffix(".lock"))
