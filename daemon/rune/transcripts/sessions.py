"""Which transcripts there are, what sessions they hold, and what an agent said between its tool calls."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rune import events
from rune.errors import RuneError
from rune.events import Redactor
from rune.records.trajectory import Event, Reflection
from rune.transcripts.transcript import Step, Transcript


@dataclass(frozen=True, slots=True)
class Session:
    """One past session, fit to be written: without secrets, long texts cut."""

    session: str
    cwd: str
    """Where it was started; that folder need not exist on this machine."""
    started: float
    events: tuple[Event, ...]
    """In the order of time."""
    redactions: dict[str, int]
    agents: tuple[str, ...] = ()
    """Subagents that took part."""
    problems: tuple[str, ...] = ()


def default_folder() -> Path:
    """Where the client keeps its transcripts."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude") / "projects"


def find(places: Sequence[Path]) -> list[Path]:
    """The transcript files in these files and folders, a session's subagents right after it.

    Raises:
        RuneError: a place does not exist.
    """
    found: set[Path] = set()
    for place in places:
        if not place.exists():
            raise RuneError(f"{place}: expected a transcript (.jsonl) or a folder of them; there is nothing")
        found |= set(place.rglob("*.jsonl")) if place.is_dir() else {place}
    return sorted(filter(Path.is_file, found), key=lambda path: (group(path), len(path.parts), path))


def group(path: Path) -> Path:
    """What a file belongs to: the transcript without its ending, for the session and its subagents alike."""
    return path.parent.parent if path.parent.name == "subagents" else path.with_suffix("")


def read(place: Path, redact: Redactor) -> list[Session]:
    """The sessions of one transcript, or of all in a folder, each once however often it was saved."""
    pending: dict[str, Pending] = {}
    for path in find([place]):
        transcript = Transcript(path)
        for step in transcript.steps():
            pending.setdefault(step.session, Pending(step.session, step.cwd)).take(step, redact)
        for name in transcript.sessions & pending.keys():
            pending[name].problems += transcript.problems
    return [gathered.session() for gathered in pending.values()]


def reflections_from_transcript(path: Path) -> list[Reflection]:
    """What the agent and its subagents said between their tool calls, as they said it, ids stable.

    No hook reports these words. Whoever adds them to a live trajectory redacts them (``events.sealed``) and
    leaves out what is there already, by id or, for the last message of a turn, by text.
    """
    places = [path, *sorted(path.with_suffix("").glob("subagents/*.jsonl"))]
    steps = (step for place in places if place.is_file() for step in Transcript(place).steps())
    return [step.event for step in steps if isinstance(step.event, Reflection)]


@dataclass(slots=True)
class Pending:
    """What a session has brought so far; ``earlier`` is what was written before."""

    name: str
    cwd: str
    known: set[str] = field(default_factory=set)
    earlier: tuple[Event, ...] = ()
    fresh: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    agents: dict[str, None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def take(self, step: Step, redact: Redactor) -> None:
        """Keep an event, without secrets and cut, unless it is known."""
        if step.agent:
            self.agents[step.agent] = None
        if step.event.id in self.known:
            return
        self.known.add(step.event.id)
        event, taken = events.sealed(step.event, redact)
        self.fresh.append(event)
        self.counts.update(taken)

    def ordered(self) -> tuple[Event, ...]:
        """Everything in the order of time, as it will be read back."""
        return tuple(sorted((*self.earlier, *self.fresh), key=lambda event: (event.at, event.id)))

    def session(self) -> Session:
        """The finished value."""
        ordered = self.ordered()
        return Session(self.name, self.cwd, ordered[0].at, ordered, dict(self.counts), tuple(self.agents),
                       tuple(self.problems))  # fmt: skip
