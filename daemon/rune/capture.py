"""From the spool to trajectories, and the knowledge of when a session is over.

Draining is idempotent: every spool line has an id, an event's id derives from it, and an id that the
trajectory holds already is passed over. So a crash between any two writes costs nothing, and no offset is
stored anywhere. A drained spool file goes only after its session is closed and its job is durable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rune import events, files
from rune.config import CaptureConfig
from rune.errors import FormatError, NewerVersion
from rune.paths import Echoes, Home, project_root, safe_name
from rune.ports import Clock
from rune.records import envelope, registry, trajectory
from rune.records.envelope import Envelope
from rune.records.trajectory import Note, Reflection

log = logging.getLogger(__name__)

GRACE = 60.0
"""Seconds between the last line of a spool file and its removal: a late hook may still write."""

Spoken = Callable[[Path], Sequence[Reflection]]
"""What the agent said between its tool calls, from the client's own transcript."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A session that is over and waits to be distilled."""

    session: str
    project: Path
    reason: str


@dataclass(slots=True)
class Session:
    """What the daemon knows of one spool file; rebuilt from disk at every start."""

    session: str
    project: Path
    path: Path
    offset: int = 0
    known: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)
    client: int = 0
    first: float = 0.0
    last: float = 0.0
    last_event: str = ""
    transcript: str = ""
    closed: bool = False
    enqueued: bool = False


class Capture:
    """Drains the spool; one instance per daemon."""

    def __init__(
        self, home: Home, config: CaptureConfig, clock: Clock, redact: events.Redactor, spoken: Spoken
    ) -> None:
        self.home = home
        self.config = config
        self.clock = clock
        self.redact = redact
        self.spoken = spoken
        self.sessions: dict[str, Session] = {}

    def drain(self) -> list[Closed]:
        """Take in everything that hooks have written; return the sessions that are over by now."""
        for spool in sorted(self.home.spool.glob("*.jsonl")):
            try:
                self._drain_file(spool)
            except OSError as error:  # a full disk or a read-only project: the spool keeps the events
                log.warning("%s stays in the spool: %s", spool.name, error)
        return [*self._close_finished()]

    def resume(self) -> None:
        """Find the sessions made for notes alone: no spool file leads to them after a restart."""
        for project in registry.projects(self.home.projects):
            for path in Echoes(project).trajectories.glob("notes-*.jsonl"):
                self.sessions.setdefault(path.stem, self._load(path.stem, project, path))

    def open_sessions(self, project: Path | None = None) -> list[Session]:
        """Sessions that are not over, the most recent last."""
        found = [
            s for s in self.sessions.values() if not s.closed and (project is None or s.project == project)
        ]
        return sorted(found, key=lambda s: s.last)

    def settled(self, closed: Closed) -> None:
        """The session's job is durable: its spool file may go."""
        if session := self.sessions.get(safe_name(closed.session)):
            session.enqueued = True

    def forget(self, session: str) -> None:
        """Remove what the spool holds of a session."""
        self.sessions.pop(safe_name(session), None)
        (self.home.spool / f"{safe_name(session)}.jsonl").unlink(missing_ok=True)

    def note(self, project: Path, client: int, note: Note) -> tuple[str, bool, dict[str, int]]:
        """Write a note into the project's open session: session id, whether it was known, redactions."""
        session = self._session_for(project, client)
        clean, counts = events.sealed(note, self.redact)
        assert isinstance(clean, Note)
        key = " ".join(clean.text.lower().split())
        if key in session.said:
            return session.session, True, counts
        self._begin(session, note.at)
        trajectory.append(session.path, [clean], counts)
        session.said.add(key)
        session.known.add(clean.id)
        session.last = max(session.last, note.at)
        return session.session, False, counts

    def _session_for(self, project: Path, client: int) -> Session:
        """The open session of this client, else the latest one of the project, else one made for notes."""
        found = self.open_sessions(project)
        own = [s for s in found if client and s.client == client]
        if own or found:
            return (own or found)[-1]
        name = f"notes-{int(self.clock() // 86400)}"
        return self.sessions.setdefault(name, self._load(name, project, Echoes(project).trajectory(name)))

    def _drain_file(self, spool: Path) -> None:
        session = self.sessions.get(spool.stem)
        batch: list[Envelope] = []
        start = session.offset if session else 0
        if session and spool.stat().st_size <= start:
            self._clean(spool, session)
            return
        for end, line in files.whole_lines(spool, start):
            try:
                batch.append(envelope.parse(line))
            except NewerVersion as error:  # left for the Rune that can read it
                log.warning("%s: %s", spool.name, error)
                return
            except FormatError as error:
                log.warning("%s: passed over: %s", spool.name, error)
            start = end
        if not batch:
            return
        session = session or self._discover(spool, batch[0])
        if session is None:
            return
        self._take(session, batch)
        session.offset = start

    def _discover(self, spool: Path, first: Envelope) -> Session | None:
        folder = Path(first.project)
        if not first.project or not folder.is_dir():
            log.warning(
                "%s: its project %s is not there; it stays in the spool",
                spool.name,
                first.project or "(none)",
            )
            return None
        project = project_root(folder)
        session = self._load(first.session, project, Echoes(project).trajectory(first.session))
        return self.sessions.setdefault(spool.stem, session)

    def _load(self, name: str, project: Path, path: Path) -> Session:
        session = Session(name, project, path)
        if path.exists():
            past = trajectory.read(path)
            session.known = {event.id for event in past.events}
            session.said = {
                " ".join(e.text.lower().split()) for e in past.events if isinstance(e, Reflection | Note)
            }
            session.closed = bool(past.closed)
            session.first = past.started
            session.last = max((e.at for e in past.events), default=past.started)
        return session

    def _take(self, session: Session, batch: Sequence[Envelope]) -> None:
        """Convert, redact once more, append what is new, with one write."""
        fresh: list[trajectory.Event] = []
        counts: dict[str, int] = {}
        for item in batch:
            _observe(session, item)
            for event in events.from_envelope(item):
                if event.id in session.known:
                    continue
                clean, found = events.sealed(event, self.redact)
                fresh.append(clean)
                for kind, number in (*found.items(), *item.redactions.items()):
                    counts[kind] = counts.get(kind, 0) + number
        if any(item.event in ("Stop", "SessionEnd") for item in batch):
            fresh += self._words(session, fresh, counts)
        if not fresh:
            return
        self._begin(session, batch[0].at)
        trajectory.append(session.path, fresh, counts)
        session.known |= {event.id for event in fresh}
        session.said |= {" ".join(e.text.lower().split()) for e in fresh if isinstance(e, Reflection)}
        session.closed = session.enqueued = False

    def _words(
        self, session: Session, fresh: Sequence[trajectory.Event], counts: dict[str, int]
    ) -> list[trajectory.Event]:
        """What the agent said between tool calls: hooks do not carry it, the client's transcript does."""
        path = Path(session.transcript)
        if not session.transcript or not path.is_file():
            return []
        said = session.said | {" ".join(e.text.lower().split()) for e in fresh if isinstance(e, Reflection)}
        words: list[trajectory.Event] = []
        for reflection in self.spoken(path):
            clean, found = events.sealed(reflection, self.redact)
            assert isinstance(clean, Reflection)
            key = " ".join(clean.text.lower().split())
            if clean.id not in session.known and key not in said:
                said.add(key)
                words.append(clean)
                for kind, number in found.items():
                    counts[kind] = counts.get(kind, 0) + number
        return words

    def _begin(self, session: Session, at: float) -> None:
        if not session.path.exists():
            prepare(Echoes(session.project))
            registry.add(self.home.projects, session.project, at)
            trajectory.start(session.path, session.session, str(session.project), "live", at)

    def _close_finished(self) -> Iterator[Closed]:
        now = self.clock()
        for session in self.sessions.values():
            if session.closed:
                if not session.enqueued:
                    yield Closed(session.session, session.project, "closed before")
                continue
            reason = over(session, now, self.config, client_alive(session.client, session.first))
            if reason and session.path.exists():
                trajectory.close(session.path, reason, now, len(session.known))
                session.closed = True
                yield Closed(session.session, session.project, reason)
            elif reason:  # a session without a single event leaves nothing behind
                session.closed = session.enqueued = True

    def _clean(self, spool: Path, session: Session) -> None:
        """Remove a drained spool file, long enough after its last line that no hook still holds it."""
        if session.closed and session.enqueued and self.clock() - spool.stat().st_mtime > GRACE:
            spool.unlink()
            del self.sessions[spool.stem]


def _observe(session: Session, item: Envelope) -> None:
    session.client = item.client or session.client
    session.first = min(session.first or item.at, item.at)
    if item.at >= session.last:
        session.last, session.last_event = item.at, item.event
    session.transcript = str(item.payload.get("transcript_path") or session.transcript)


def over(session: Session, now: float, config: CaptureConfig, alive: bool | None) -> str:
    """Why a session is over; empty while it is not. ``alive`` is None where the client's process is unknown.

    Pure: SessionEnd first, then a client that is gone, then silence: short after a Stop, four times as long
    in the middle of a step, and never while the client is known to run a step.
    """
    silent = now - session.last
    if session.last_event == "SessionEnd":
        return "SessionEnd"
    if alive is False and silent > config.gone_seconds:
        return "client gone"
    waiting = session.last_event in ("Stop", "StopFailure", "SessionStart", "")
    if waiting and silent > config.silence_seconds:
        return "silence"
    if not waiting and alive is None and silent > 4 * config.silence_seconds:
        return "silence"
    return ""


def client_alive(pid: int, seen: float) -> bool | None:
    """Whether the client's process still runs; a process younger than the session is somebody else's."""
    if not pid:
        return None
    try:
        return bool(psutil.Process(pid).create_time() <= seen + 1.0)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return None


def prepare(echoes: Echoes) -> None:
    """Make the project's echoes folder, kept out of git by a file of its own."""
    files.private_folder(echoes.trajectories)
    ignore = echoes.root / ".gitignore"
    if not ignore.exists():
        files.replace(ignore, b"*\n")
