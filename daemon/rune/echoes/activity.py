"""Which sessions of a project are at work: a prompt without its Stop.

Covered: sessions in the spool, taken in or not (a spool file outlives its session); sessions whose spool file
is gone, from their trajectory; turns that the person broke off during a tool; clients that died.
Not covered: a turn that is broken off between two tools, for which the client reports nothing: it counts as
at work until the next prompt, the end of the session or of the client, or ``SILENCE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rune import files
from rune.errors import FormatError, RuneError
from rune.paths import Echoes, Home, project_root, standing
from rune.records import envelope, trajectory
from rune.records.envelope import Envelope
from rune.records.trajectory import Event, Execution, Prompt, Reflection, SessionEnd

SILENCE = 7200.0
"""Seconds without an event after which a session of an unknown client is not at work."""

Alive = Callable[[int, float], bool | None]
"""Whether a client's process runs, by its number and when it was last heard of; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Phase:
    """The step that a session is in."""

    session: str
    prompt: str
    """Id of the event that began it."""
    since: float
    last: float
    """When the session was last heard of."""
    client: int = 0


def active(
    home: Home, echoes: Echoes, now: float, typing: str = "", alive: Alive = lambda pid, seen: None
) -> tuple[Phase, ...]:
    """The sessions of the project that are at work, but for the one whose person is typing.

    Args:
        home: whose spool.
        echoes: of which project.
        now: seconds since the epoch.
        typing: a session in which a person has just typed a command: it waits for that.
        alive: ``capture.client_alive``; without it only silence tells that a client is gone.
    """
    spooled = sorted(home.spool.glob("*.jsonl"))
    taken_in = sorted(echoes.trajectories.glob("*.jsonl"))
    known = {spool.stem for spool in spooled}  # the spool knows a Stop without words, a trajectory does not
    steps = [_spooled(spool, echoes) for spool in spooled]
    steps += [_recorded(path, now) for path in taken_in if path.stem not in known]
    return tuple(step for step in steps if step and step.session != typing and _runs(step, now, alive))


def after(phase: Phase | None, event: Envelope) -> Phase | None:
    """The step that a session is in after an event; pure."""
    if event.event == "UserPromptSubmit":
        return Phase(event.session, event.id, event.at, event.at, event.client)
    if phase is None or _ends(event):
        return None
    return replace(phase, last=event.at, client=event.client or phase.client)


def _ends(event: Envelope) -> bool:
    if event.event == "SessionStart":  # the context is made anew in the middle of a step, too
        return event.payload.get("source") != "compact"
    if event.event == "PostToolUseFailure":
        return bool(event.payload.get("is_interrupt"))
    return event.event in ("Stop", "StopFailure", "SessionEnd")


def _runs(phase: Phase, now: float, alive: Alive) -> bool:
    runs = alive(phase.client, phase.last)
    return now - phase.last < SILENCE if runs is None else runs


def _spooled(spool: Path, echoes: Echoes) -> Phase | None:
    """The step of the session in a spool file; None too where it belongs to another project."""
    phase: Phase | None = None
    for number, event in enumerate(_envelopes(spool)):
        if number == 0 and not _of(echoes, event):
            return None
        phase = after(phase, event)
    return None if phase and _was_closed(echoes.trajectory(phase.session), phase.prompt) else phase


def _of(echoes: Echoes, event: Envelope) -> bool:
    folder = standing(Path(event.project)) if event.project else None
    return folder is not None and project_root(folder) == echoes.project.resolve()


def _envelopes(spool: Path) -> Iterator[Envelope]:
    try:
        for _, line in files.whole_lines(spool):
            try:
                yield envelope.parse(line)
            except FormatError:  # capture says so in the log
                continue
    except FileNotFoundError:  # taken in and removed meanwhile
        return


def _was_closed(path: Path, prompt: str) -> bool:
    """Whether the daemon has closed the session after this prompt."""
    past = _read(path)
    return past is not None and bool(past.closed) and any(event.id == prompt for event in past.events)


def _recorded(path: Path, now: float) -> Phase | None:
    """The step of a session without a spool file; only what was written to lately can be at work."""
    if now - path.stat().st_mtime > SILENCE:
        return None
    past = _read(path)
    return _step(past) if past and not past.closed and past.source == "live" else None


def _read(path: Path) -> trajectory.Trajectory | None:
    try:
        return trajectory.read(path) if path.exists() else None
    except RuneError:  # a damaged one says nothing
        return None


def _step(past: trajectory.Trajectory) -> Phase | None:
    phase: Phase | None = None
    for event in past.events:
        if isinstance(event, Prompt):
            phase = Phase(past.session, event.id, event.at, event.at)
        elif phase is not None:
            phase = None if _over(event) else replace(phase, last=event.at)
    return phase


def _over(event: Event) -> bool:
    """Whether a turn ended here: the agent's last words, a turn that the client broke off, the end."""
    if isinstance(event, Execution):
        return event.tool == "client"
    return isinstance(event, SessionEnd) or (isinstance(event, Reflection) and not event.agent)
