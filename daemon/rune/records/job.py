"""The journal of jobs, ``<home>/jobs.jsonl``: one line for each step of each job, the newest line counts.

    {"v": 1, "job": "distil:<session>:<hash>", "state": "queued", "at": 1795176000.2, "attempt": 0,
     "session": "...", "project": "/abs", "reason": "", "not_before": 0.0, "made": ""}

An evolution is named ``evolve:<project>:<plan>`` and belongs to no session. ``state`` is queued, started,
done, failed or postponed. A job is named by what it makes, so that asking for it twice makes one. Every
line says everything about its job: a lost line costs one step, never the job.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from rune import fields, files
from rune.errors import NewerVersion

VERSION = 1
JobState: TypeAlias = Literal["queued", "started", "done", "failed", "postponed"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A distillation or an evolution that is wanted, under way or over."""

    key: str
    session: str
    project: str
    state: JobState
    at: float
    attempt: int = 0
    """How often it was started."""
    reason: str = ""
    """Why it failed, was put off or was queued again."""
    not_before: float = 0.0
    made: str = ""
    """The adapter that came of it."""

    @property
    def name(self) -> str:
        """For a person: ``distil <session>``, or ``evolve``."""
        return f"distil {self.session}" if self.session else "evolve"

    @property
    def waiting(self) -> bool:
        """Whether it is still to be done, now or later."""
        return self.state in ("queued", "postponed")


@dataclass(frozen=True, slots=True)
class Journal:
    """What the file says: the newest line of each job, in the order in which they wait."""

    jobs: dict[str, Job]
    lines: int
    """How many lines it took to say so."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The journal in numbers."""

    queued: int
    postponed: int
    done: int
    failed: int
    running: Job | None
    last_error: Job | None
    """The job that failed, was put off or tried again most recently, with its reason."""


def key(session: str, source_hash: str) -> str:
    """What the distillation of this content is called.

    >>> key("s1", "ab" * 32)
    'distil:s1:abababababababab'
    """
    return f"distil:{session}:{source_hash[:16]}"


def evolution_key(project: str, fingerprint: str) -> str:
    """What the evolution of a project is called, by what is planned.

    >>> evolution_key("/home/me/shop", "51a2095857a63605")
    'evolve:4a68c726:51a2095857a63605'
    """
    return f"evolve:{hashlib.sha256(project.encode()).hexdigest()[:8]}:{fingerprint}"


def append(path: Path, job: Job) -> None:
    """Write down a step of a job, durably."""
    files.append(path, _line(job))


def rewrite(path: Path, jobs: Iterable[Job]) -> None:
    """Replace the journal by one line for each of these jobs."""
    text = "".join(json.dumps(_line(job), ensure_ascii=False) + "\n" for job in jobs)
    files.replace(path, text.encode("utf-8", "replace"))


def read(path: Path) -> Journal:
    """Read the journal; a torn or damaged line is named in the log and passed over.

    Raises:
        NewerVersion: a newer Rune wrote a line of it.
    """
    jobs: dict[str, Job] = {}
    lines = 0
    for number, raw in files.objects(path):
        version = raw.get("v")
        if not isinstance(version, int) or version > VERSION:
            known = f"this Rune knows {VERSION}: update rune-memory"
            raise NewerVersion(f"{path}:{number}: job version {version!r}; {known}")
        job = _job(raw)
        if job is None:
            log.warning("%s:%d: expected a job with all its fields, found %r; passed over", path, number, raw)
            continue
        lines += 1
        if job.state == "queued":
            jobs.pop(job.key, None)  # queued again: at the end of the line
        jobs[job.key] = job
    return Journal(jobs, lines)


def summary(jobs: Mapping[str, Job]) -> Summary:
    """Count what is in the journal."""
    by_state: dict[str, list[Job]] = {state: [] for state in get_args(JobState)}
    for job in jobs.values():
        by_state[job.state].append(job)
    troubled = [job for job in jobs.values() if job.reason and job.state != "done"]
    return Summary(
        queued=len(by_state["queued"]),
        postponed=len(by_state["postponed"]),
        done=len(by_state["done"]),
        failed=len(by_state["failed"]),
        running=by_state["started"][-1] if by_state["started"] else None,
        last_error=max(troubled, key=lambda job: job.at, default=None),
    )


def _line(job: Job) -> dict[str, Any]:
    said = asdict(job)
    return {"v": VERSION, "job": said.pop("key"), **said}


_SHAPES: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "float": (int, float), "JobState": str}


def _fits(value: Any, shape: type | tuple[type, ...]) -> bool:
    """A number must be one that can be counted with."""
    return isinstance(value, shape) if shape is str else fields.finite(value) and isinstance(value, shape)


def _job(raw: dict[str, Any]) -> Job | None:
    found = {name: value for name, value in raw.items() if name not in ("v", "job")} | {"key": raw.get("job")}
    known = {field.name: _SHAPES[str(field.type)] for field in fields_of(Job)}
    whole = found.keys() == known.keys() and all(_fits(found[name], known[name]) for name in known)
    return Job(**found) if whole and found["state"] in get_args(JobState) else None
