"""What agents have found: one file per agent, taken into the role's memory by the lead.

``record`` is for an agent in the middle of its work; ``take`` is for the end of a session:

    with store.change("consolidate findings", anytime=True) as change:
        taken = [findings.take(change, role) for role in ROLES]

Covered: any number of agents at once, also under one name; one that writes while its file is being taken
(the change is refused, and nothing is lost); a crash between writing the memory and deleting the findings.
Not covered: an agent that calls itself the lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rune import files
from rune.echoes import consolidate, filter
from rune.echoes.journal import within
from rune.echoes.store import Change, Store
from rune.errors import EchoError, FormatError, RuneError
from rune.paths import Echoes, safe_name
from rune.records import echo
from rune.records.echo import Entry

LEAD = "lead"
"""The agent that may write for the whole team."""
ENDING = "-findings.md"


class OnlyTheLead(RuneError):
    """An agent that is not the lead wrote for the team."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A findings file that was left as it is, or a memory that findings wait for."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a role's findings."""

    role: str
    consolidated: consolidate.Consolidated
    files: tuple[Path, ...] = ()
    """Taken in, and gone once the change is made."""
    problems: tuple[Problem, ...] = ()
    removed: int = 0
    """Secrets that were taken out."""

    @property
    def refused(self) -> tuple[consolidate.Refused, ...]:
        """Findings that may not become entries; the archive keeps them."""
        return self.consolidated.refused


def record(store: Store, role: str, agent: str, entries: Sequence[Entry]) -> Path:
    """Add to what an agent has found; durable when this returns. Not to be called within a change.

    Raises:
        OnlyTheLead: another agent wants to write for the team.
        EchoError: an entry without evidence, or etched: that is for a person.
    """
    if role not in echo.ROLES:
        raise EchoError("role", f"one of {', '.join(echo.ROLES)}", role)
    path = store.echoes.findings(role, agent)
    _refuse_foreign(role, path)
    for entry in entries:
        if entry.layer == "etched":
            raise EchoError("layer", "inscribed or traced (only a person etches)", entry.layer)
        echo.check_evidence(entry)
    more = "\n".join(echo.print_entry(filter.clean(entry).entry) for entry in entries)
    with store.alone(anytime=True):
        path = within(store.echoes.project, path)
        past = path.read_text("utf-8").rstrip("\n") if path.exists() else f"# Findings of {safe_name(agent)}"
        files.replace(path, f"{past}\n\n{more}".encode())
    return path


def pending(echoes: Echoes) -> list[Path]:
    """The findings files that wait to be taken in."""
    return sorted(path for role in echo.ROLES for path in echoes.role(role).glob(f"*{ENDING}"))


def problems(echoes: Echoes, role: str) -> list[Problem]:
    """What keeps a role's findings waiting; nothing is changed."""
    found: list[Problem] = []
    for path in sorted(echoes.role(role).glob(f"*{ENDING}")):
        try:
            _refuse_foreign(role, path)
            text = within(echoes.project, path).read_text("utf-8")
            found += [Problem(path, reason) for reason in _unreadable(echo.survey(text, path))]
        except (RuneError, OSError, UnicodeDecodeError) as error:
            found.append(Problem(path, _reason(error, path)))
    return found


def take(change: Change, role: str) -> Taken:
    """Take a role's findings into its memory: write the memory, then delete the findings.

    What may not become an entry goes to ``archive/``. A file with something that cannot be read stays as long
    as it has that; it is named, and what can be read of it is taken: twice is once. Where the memory itself
    cannot be read, the findings wait.
    """
    try:
        memory = change.memory(role)
    except FormatError as error:
        waiting = Problem(change.echoes.memory(role), str(error))
        return Taken(role, consolidate.Consolidated(echo.empty(role)), problems=(waiting,))
    batches: list[_Batch] = []
    problems: list[Problem] = []
    for path in sorted(change.echoes.role(role).glob(f"*{ENDING}")):
        try:
            batches.append(_cleaned(role, within(change.echoes.project, path)))
        except (RuneError, OSError, UnicodeDecodeError) as error:
            problems.append(Problem(path, _reason(error, path)))
    problems += [Problem(batch.path, reason) for batch in batches for reason in batch.unreadable]
    found = [entry for batch in batches for entry in batch.entries]
    merged = consolidate.consolidate(memory, found, change.today)
    if found:
        change.archive(role, merged.superseded)
        change.archive(role, [refused.entry for refused in merged.refused], "refused")
        change.save(merged.memory)
    done = tuple(batch.path for batch in batches if not batch.unreadable)
    for path in done:
        change.remove(path)
    return Taken(role, merged, done, tuple(problems), sum(batch.removed for batch in batches))


@dataclass(frozen=True, slots=True)
class _Batch:
    """One findings file, without secrets."""

    path: Path
    entries: tuple[Entry, ...]
    unreadable: tuple[str, ...]
    removed: int


def _cleaned(role: str, path: Path) -> _Batch:
    """Read a findings file; secrets are taken out where they lie, before the journal keeps its bytes."""
    _refuse_foreign(role, path)
    text = path.read_text("utf-8")
    told, secrets = filter.clean_text(text)
    found = echo.survey(text, path)
    cleaned = [filter.clean(entry) for entry in found.entries]
    entries = tuple(one.entry for one in cleaned)
    unreadable = _unreadable(found)
    removed = max(sum(secrets.values()), sum(sum(one.removed.values()) for one in cleaned))
    if removed:
        whole = told if unreadable else "\n".join(echo.print_entry(entry) for entry in entries)
        files.replace(path, whole.encode())
    return _Batch(path, entries, unreadable, removed)


def _unreadable(found: echo.Survey) -> tuple[str, ...]:
    return tuple(f"line {refusal.line}: {refusal.reason}" for refusal in found.refusals)


def _reason(error: Exception, path: Path) -> str:
    """Why a file was left as it is, for whoever names the file."""
    if isinstance(error, UnicodeDecodeError):
        return f"expected UTF-8, found another byte at {error.start}: save it as UTF-8"
    if isinstance(error, OSError):
        return str(error.strerror)
    return str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")


def _refuse_foreign(role: str, path: Path) -> None:
    if role == "team" and path.name != f"{LEAD}{ENDING}":
        agent = path.name.removesuffix(ENDING)
        raise OnlyTheLead(f"{path.name}: expected the lead, found {agent!r}: use another role than team")
