"""From the spool to trajectories, and the knowledge of when a session is over.

Draining is idempotent: every spool line has an id, an event's id derives from it, and an id that the
trajectory holds already is passed over. So a crash between any two writes costs nothing, and no offset is
stored anywhere. A drained spool file goes only after its session is closed and its job is durable.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from rune import events, files
from rune.config import CaptureConfig
from rune.errors import FormatError, NewerVersion, RuneError
from rune.paths import Echoes, Home, project_root, safe_name, standing
from rune.ports import Clock
from rune.records import envelope, registry, trajectory
from rune.records.envelope import Envelope
from rune.records.trajectory import Note, Reflection

log = logging.getLogger(__name__)

GRACE = 60.0
"""Seconds between the last line of a spool file and its removal: a late hook may still write."""
SUCCEEDED = 60.0
"""A session of an unknown client that was silent this long is over when the project's next one starts."""

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
        self._told: set[str] = set()

    def drain(self) -> list[Closed]:
        """Take in everything that hooks have written; return the sessions that are over by now."""
        self._drop_lost()
        for spool in sorted(self.home.spool.glob("*.jsonl")):
            try:
                self._drain_file(spool)
            except (OSError, RuneError) as error:  # a full disk, a damaged trajectory: the events stay
                self._tell(spool, str(error))
        return [*self._close_finished()]

    def _drop_lost(self) -> None:
        """Let go of sessions whose project is gone: nobody makes it anew, and the spool keeps the events."""
        for name, session in list(self.sessions.items()):
            if not session.enqueued and not session.project.is_dir():
                del self.sessions[name]

    def _tell(self, spool: Path, why: str) -> None:
        """Write into the log why a file stays in the spool, once: draining comes every other second."""
        text = f"{spool.name} stays in the spool: {why}"
        if text not in self._told:
            self._told.add(text)
            log.warning("%s", text)

    def resume(self) -> None:
        """Find the sessions made for notes alone: no spool file leads to them after a restart."""
        for project in registry.projects(self.home.projects):
            for path in Echoes(project).trajectories.glob("notes-*.jsonl"):
                self.sessions.setdefault(path.stem, self._load(path.stem, project, path))

    def open_sessions(self, project: Path | None = None) -> list[Session]:
        """Sessions that are not over, the most recent last."""
        now = list(self.sessions.values())  # in one step: another thread may be draining
        found = [s for s in now if not s.closed and (project is None or s.project == project)]
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
        clean = replace(clean, tags=tuple(self.redact(tag)[0] for tag in clean.tags))
        key = _gist(clean)
        if key in session.said:
            return session.session, True, counts
        self._begin(session, note.at)
        trajectory.append(session.path, [clean], counts)
        session.said.add(key)
        session.known.add(clean.id)
        session.last = max(session.last, note.at)
        session.closed = session.enqueued = False
        return session.session, False, counts

    def _session_for(self, project: Path, client: int) -> Session:
        """The open session of this client, else the latest one of the project, else one made for notes."""
        found = self.open_sessions(project)
        own = [s for s in found if client and s.client == client]
        if own or found:
            return (own or found)[-1]
        whose = hashlib.sha256(str(project).encode()).hexdigest()[:8]
        name = f"notes-{int(self.clock() // 86400)}-{whose}"
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
                self._tell(spool, str(error))
                break
            except FormatError:  # not its message: that quotes the line
                log.warning("%s: no envelope in the line before byte %d; passed over", spool.name, end)
            start = end
        if batch and session is None:
            session = self._discover(spool, batch[0])
        if session is None:
            return
        self._take(session, batch)
        session.offset = start

    def _discover(self, spool: Path, first: Envelope) -> Session | None:
        folder = standing(Path(first.project)) if first.project else None
        if folder is None:
            self._tell(spool, f"its project {first.project or '(none)'} is not there")
            return None
        project = project_root(folder)
        session = self._load(first.session, project, Echoes(project).trajectory(first.session))
        return self.sessions.setdefault(spool.stem, session)

    def _load(self, name: str, project: Path, path: Path) -> Session:
        session = Session(name, project, path)
        if path.exists():
            past = trajectory.read(path)
            session.known = {event.id for event in past.events}
            session.said = {_gist(e) for e in past.events if isinstance(e, Reflection | Note)}
            session.closed = bool(past.closed)
            session.first = past.started
            session.last = max((e.at for e in past.events), default=past.started)
        return session

    def _take(self, session: Session, batch: Sequence[Envelope]) -> None:
        """Convert, redact once more, append what is new, with one write."""
        fresh: list[trajectory.Event] = []
        counts: dict[str, int] = {}
        for item in batch:
            session.transcript = str(item.payload.get("transcript_path") or session.transcript)
            new = [event for event in events.from_envelope(item) if event.id not in session.known]
            sealed = [events.sealed(event, self.redact) for event in new]
            fresh += [event for event, _ in sealed]
            for found in (*(found for _, found in sealed), item.redactions if new else {}):
                _count(counts, found)
        if any(item.event in ("Stop", "SessionEnd") for item in batch):
            fresh += self._words(session, fresh, counts)
        if fresh:
            self._begin(session, batch[0].at)
            trajectory.append(session.path, fresh, counts)
            session.known |= {event.id for event in fresh}
            session.said |= {_gist(e) for e in fresh if isinstance(e, Reflection)}
            session.closed = session.enqueued = False
        for item in batch:  # only now: what is not written down has not been seen
            _observe(session, item)

    def _words(
        self, session: Session, fresh: Sequence[trajectory.Event], counts: dict[str, int]
    ) -> list[trajectory.Event]:
        """What the agent said between tool calls: hooks do not carry it, the client's transcript does."""
        path = Path(session.transcript)
        if not session.transcript or not path.is_file():
            return []
        said = session.said | {_gist(e) for e in fresh if isinstance(e, Reflection)}
        words: list[trajectory.Event] = []
        for reflection in self.spoken(path):
            clean, found = events.sealed(reflection, self.redact)
            assert isinstance(clean, Reflection)
            key = _gist(clean)
            if clean.id not in session.known and key not in said:
                said.add(key)
                words.append(clean)
                _count(counts, found)
        return words

    def _begin(self, session: Session, at: float) -> None:
        if not session.path.exists():
            prepare(Echoes(session.project))
            registry.add(self.home.projects, session.project, at)
        # always: a disk that was full when the header was written has left an empty file
        trajectory.start(session.path, session.session, str(session.project), "live", at)

    def _close_finished(self) -> Iterator[Closed]:
        now = self.clock()
        for session in self.sessions.values():
            if session.closed:
                if not session.enqueued:
                    yield Closed(session.session, session.project, "closed before")
                continue
            alive = client_alive(session.client, session.last)
            reason = over(session, now, self.config, alive, self._succeeded(session))
            if not reason or not session.last:
                continue
            if not session.path.exists():  # a session without a single event leaves nothing behind
                session.closed = session.enqueued = True
                continue
            try:
                trajectory.close(session.path, reason, now, len(session.known))
            except OSError as error:
                self._tell(session.path, str(error))
                continue
            session.closed = True
            yield Closed(session.session, session.project, reason)

    def _succeeded(self, session: Session) -> bool:
        """Whether another session has started in the project since this one was last heard of."""
        others = (one for one in self.sessions.values() if one.project == session.project)
        return any(one is not session and one.first > session.last for one in others)

    def _clean(self, spool: Path, session: Session) -> None:
        """Remove a drained spool file, long enough after its last line that no hook still holds it."""
        if session.closed and session.enqueued and self.clock() - spool.stat().st_mtime > GRACE:
            spool.unlink()
            del self.sessions[spool.stem]


def _gist(said: Reflection | Note) -> str:
    """A text as it is compared: the same words are one saying, however spaced or capitalised."""
    return " ".join(said.text.lower().split())


def _count(counts: dict[str, int], found: Mapping[str, int]) -> None:
    for kind, number in found.items():
        counts[kind] = counts.get(kind, 0) + number


def _observe(session: Session, item: Envelope) -> None:
    session.client = item.client or session.client
    session.first = min(session.first or item.at, item.at)
    ends = item.event in ("SessionStart", "SessionEnd")  # count by their place: a clock may be set back
    if ends or item.at >= session.last:
        session.last, session.last_event = item.at, item.event


def over(
    session: Session, now: float, config: CaptureConfig, alive: bool | None, succeeded: bool = False
) -> str:
    """Why a session is over; empty while it is not.

    Pure: SessionEnd first, then a client that is gone, then the project's next session, then silence: short
    after a Stop, four times as long in the middle of a step, never while the client is known to run a step.

    Args:
        session: what was seen of it.
        now: seconds since the epoch.
        config: how long silence is.
        alive: whether the client's process runs; None where it is unknown.
        succeeded: whether another session of the project has started since; it says something only where the
            client is unknown, for two sessions may well run side by side.
    """
    silent = now - session.last
    if session.last_event == "SessionEnd":
        return "SessionEnd"
    if alive is False and silent > config.gone_seconds:
        return "client gone"
    if alive is None and succeeded and silent > SUCCEEDED:
        return "next session"
    waiting = session.last_event in ("Stop", "StopFailure", "SessionStart", "")
    if waiting and silent > config.silence_seconds:
        return "silence"
    if not waiting and alive is None and silent > 4 * config.silence_seconds:
        return "silence"
    return ""


def client_alive(pid: int, seen: float) -> bool | None:
    """Whether the client's process still runs, None where that is unknown.

    ``seen`` is when the client was last heard of: a process that is younger has only inherited its number.
    """
    if pid <= 0:
        return None
    try:
        process = psutil.Process(pid)
        return bool(process.create_time() <= seen + 1.0 and process.status() != psutil.STATUS_ZOMBIE)
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
