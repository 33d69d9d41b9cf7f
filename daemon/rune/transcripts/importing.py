"""Past sessions become trajectories like live ones: idempotent, resumable, never over a live capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rune import events, files, paths
from rune.errors import FormatError
from rune.events import Redactor
from rune.paths import Echoes
from rune.records import trajectory
from rune.records.trajectory import KINDS, Event, Execution, Note, Reflection
from rune.transcripts.sessions import Pending, find, group
from rune.transcripts.transcript import Step, Transcript

STRIDE = 1 << 20
"""Bytes between two reports of progress."""
_KIND_OF = {cls: kind for kind, cls in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one session."""

    session: str
    project: str
    path: Path
    state: str
    """new, grown, unchanged, or left (``why`` says the reason)."""
    added: int
    events: dict[str, int]
    """All events of the session by kind, those of earlier imports too."""
    failures: int
    fix_chains: int
    redactions: dict[str, int]
    why: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do (``dry_run``)."""

    sessions: tuple[Imported, ...]
    files: int
    bytes: int
    problems: tuple[str, ...]
    """Damaged places, as ``file:line: what``."""
    dry_run: bool = False


Report = Callable[[int, int, str], None]
"""Told of progress: bytes read, bytes in all, the session in hand."""


def import_all(
    places: Sequence[Path], *, redact: Redactor, project: Path | None = None, here: Path | None = None,
    report: Report = lambda done, total, session: None, dry_run: bool = False, limit: int | None = None,
) -> ImportReport:  # fmt: skip
    """Write past sessions as trajectories; each is one durable write, so that an interrupted import goes on.

    A session goes to ``project`` if given, else to the project it was about, else (that folder is not on this
    machine) to ``here``; without ``here`` it is left. ``limit`` takes the newest so many transcripts.
    Importing twice writes nothing new; of a session that grew, only the new events are written.

    Raises:
        RuneError: a place does not exist.
    """
    chosen = _newest(find(places), limit)
    total, done = sum(path.stat().st_size for path in chosen), 0
    importer = _Importer(redact, project, here, dry_run)
    for number, path in enumerate(chosen):
        transcript = Transcript(path)
        told = 0
        for step in transcript.steps():
            importer.take(step)
            if transcript.offset - told >= STRIDE:
                told = transcript.offset
                report(done + told, total, step.session)
        done += path.stat().st_size
        importer.problems += transcript.problems
        if number + 1 == len(chosen) or group(chosen[number + 1]) != group(path):
            importer.flush()
        report(min(done, total), total, path.stem)
    return ImportReport(tuple(importer.done.values()), len(chosen), total, tuple(importer.problems), dry_run)


def _newest(found: list[Path], limit: int | None) -> list[Path]:
    if limit is None:
        return found
    groups: dict[Path, float] = {}
    for path in found:
        groups[group(path)] = max(groups.get(group(path), 0.0), path.stat().st_mtime)
    kept = set(sorted(groups, key=lambda group: groups[group], reverse=True)[:limit])
    return [path for path in found if group(path) in kept]


@dataclass(slots=True)
class _Open:
    """A session in hand and where it goes; ``why`` says why it is left as it is."""

    pending: Pending
    echoes: Echoes
    path: Path
    closed: bool = False
    redactions: Counter[str] = field(default_factory=Counter)
    why: str = ""


class _Importer:
    """Gathers the steps of transcripts by session and writes what is new of each."""

    def __init__(self, redact: Redactor, project: Path | None, here: Path | None, dry_run: bool) -> None:
        self.done: dict[str, Imported] = {}
        self.problems: list[str] = []
        self._redact, self._project, self._here, self._dry_run = redact, project, here, dry_run
        self._open: dict[str, _Open] = {}
        self._imagined: dict[str, _Open] = {}
        """What a dry run would have written."""

    def take(self, step: Step) -> None:
        """Keep one event until the files of its session are read."""
        if step.session not in self._open:
            self._open[step.session] = self._imagined.get(step.session) or self._opened(step)
        going = self._open[step.session]
        if not going.why:
            going.pending.take(step, self._redact)

    def flush(self) -> None:
        """Write what is new, session by session."""
        for name, going in self._open.items():
            everything = going.pending.ordered()
            if not going.why and not self._dry_run and (going.pending.fresh or not going.closed):
                self._write(going, everything)
            self.done[name] = self._result(going, everything)
            if self._dry_run:
                self._imagined[name] = _imagined(going, everything)
        self._open = {}

    def _opened(self, step: Step) -> _Open:
        place = self._place(step.cwd)
        pending, echoes = Pending(step.session, step.cwd), Echoes(place or Path(step.cwd or "/"))
        going = _Open(pending, echoes, echoes.trajectory(step.session))
        if place is None:
            going.why = f"its folder {step.cwd or '(none)'} is not on this machine: name a project"
        elif going.path.exists() and going.path.stat().st_size:
            self._continue(going)
        return going

    def _place(self, cwd: str) -> Path | None:
        if self._project:
            return self._project
        return paths.project_root(Path(cwd)) if cwd and Path(cwd).is_dir() else self._here

    def _continue(self, going: _Open) -> None:
        """Take up what an earlier import wrote; a live capture knows its session better and is left alone."""
        try:
            before = trajectory.read(going.path)
        except FormatError as error:
            going.why = str(error)
            return
        live = any(not event.id.startswith("t-") for event in before.events if not isinstance(event, Note))
        if before.source != "import" or live:
            going.why = "captured live" if before.closed else "captured live and still running"
        going.pending.earlier, going.closed = before.events, bool(before.closed)
        going.pending.known = {event.id for event in before.events}
        going.redactions.update(before.redactions)

    def _write(self, going: _Open, everything: Sequence[Event]) -> None:
        pending, ignore = going.pending, going.echoes.root / ".gitignore"
        if not ignore.exists():
            files.replace(ignore, b"*\n")
        trajectory.start(going.path, pending.name, str(going.echoes.project), "import", everything[0].at)
        trajectory.append(going.path, pending.fresh, dict(pending.counts))
        trajectory.close(going.path, "import", everything[-1].at, len(everything))

    def _result(self, going: _Open, everything: Sequence[Event]) -> Imported:
        pending, earlier = going.pending, self.done.get(going.pending.name)
        added = len(pending.fresh) + (earlier.added if earlier else 0)
        state = "new" if added == len(everything) else "grown" if added else "unchanged"
        going.redactions.update(pending.counts)
        pending.counts.clear()
        return Imported(
            session=pending.name, project=str(going.echoes.project), path=going.path,
            state="left" if going.why else state, why=going.why, added=added,
            events=dict(Counter(_KIND_OF[type(event)] for event in everything)),
            failures=sum(isinstance(event, Execution) and not event.ok for event in everything),
            fix_chains=len(events.fix_chains(everything)), redactions=dict(going.redactions),
        )  # fmt: skip


def _imagined(going: _Open, everything: Sequence[Event]) -> _Open:
    """A session as if it had been written, without its long texts: a dry run over many must stay small."""
    light = [replace(e, text="") if isinstance(e, Execution | Reflection) else e for e in everything]
    going.pending.earlier, going.pending.fresh, going.closed = tuple(light), [], True
    return going
