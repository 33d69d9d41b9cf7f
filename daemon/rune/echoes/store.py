"""The text memory of a project as it is changed: one at a time, between workflows, whole, with a way back.

    with store.change("prune reviewer") as change:
        plan = prune.plan(change.memory("reviewer"), uses.read(), store.today)
        pruned = prune.apply(change.memory("reviewer"), plan)
        change.backup("reviewer")
        change.archive("reviewer", pruned.archived)
        change.save(pruned.memory)

Nothing is written before the block ends, and an exception in it changes nothing; so a dry run is a ``Change``
that nobody commits.

Covered: any number of processes at once; a crash at any point; a full disk; an edit by hand while the block
runs (refused); links that lead out of the project (refused).
Not covered: programs that write the same files without the lock, at the very moment of the rename.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rune import files
from rune.echoes import gitignore
from rune.echoes.activity import Phase
from rune.echoes.journal import Edit, Journal, Moved, read, within
from rune.errors import FormatError, RuneError
from rune.paths import Echoes
from rune.records import change as records
from rune.records import echo
from rune.records.echo import Entry, Memory

__all__ = ["Busy", "Change", "Moved", "NothingToUndo", "Store", "text_of"]


class Busy(RuneError):
    """A session of the project is at work: nothing is pruned, migrated or reset under its hands."""


class NothingToUndo(RuneError):
    """No change is left that could be undone."""


class Change:
    """What a change has read and what it shall write; it shows its own writes to later reads."""

    def __init__(self, echoes: Echoes, today: datetime.date) -> None:
        self.echoes = echoes
        self.today = today
        self._read: dict[Path, bytes | None] = {}
        self._write: dict[Path, bytes | None] = {}
        self._backups: dict[Path, bytes] = {}

    def read(self, path: Path) -> bytes | None:
        """A file's bytes as this change will leave them; None where there is none."""
        path = within(self.echoes.project, path)
        if path not in self._read:
            self._read[path] = read(path)
        return self._write.get(path, self._read[path])

    def write(self, path: Path, data: bytes) -> None:
        """Give a file new content."""
        self.read(path)
        self._write[within(self.echoes.project, path)] = data

    def remove(self, path: Path) -> None:
        """Take a file away; undo brings it back."""
        self.read(path)
        self._write[within(self.echoes.project, path)] = None

    def memory(self, role: str) -> Memory:
        """What a role knows; empty where there is no MEMORY.md yet."""
        return _memory(self.read(path := self.echoes.memory(role)), role, path)

    def save(self, memory: Memory) -> None:
        """Write a role's MEMORY.md."""
        self.write(self.echoes.memory(memory.role), echo.render(memory).encode())

    def archive(self, role: str, entries: Sequence[Entry], name: str = "entries") -> None:
        """Keep entries that leave a memory, for good: one file a day, never loaded.

        A file of that day which somebody damaged stays as it is, and the next name is taken.
        """
        if entries:
            path, past = self._archived(role, name)
            more = Memory(past.role, past.preamble, (*past.entries, *entries), past.version)
            self.write(path, echo.render(more).encode())

    def _archived(self, role: str, name: str) -> tuple[Path, Memory]:
        for number in itertools.count(1):
            ending = "" if number == 1 else f"-{number}"
            path = self.echoes.archive(role) / f"{name}-{self.today}{ending}.md"
            with contextlib.suppress(FormatError):
                return path, _memory(self.read(path), role, path)
        raise AssertionError("there is always a next number")

    def backup(self, role: str) -> Path | None:
        """A copy of MEMORY.md as it is, made before anything is changed; returns where.

        It stays for good: undo leaves it, and no later backup overwrites it.
        """
        self.read(path := self.echoes.memory(role))
        data = self._read[within(self.echoes.project, path)]
        if data is None:
            return None
        for number in itertools.count(1):
            name = f"MEMORY-{self.today}{'' if number == 1 else f'-{number}'}.md"
            copy = within(self.echoes.project, self.echoes.archive(role) / name)
            if read(copy) in (None, data):
                break
        self._backups[copy] = data
        return copy

    def keep_backups(self) -> None:
        """Write the backups that were asked for; the store does this right before the change."""
        for path, data in self._backups.items():
            if read(path) is None:
                files.replace(path, data)

    @property
    def edits(self) -> list[Edit]:
        """What differs: additions to an archive first, removals last, so that half of it loses nothing."""
        made = [Edit(path, self._read[path], data) for path, data in self._write.items()]
        return sorted((edit for edit in made if edit.before != edit.after), key=_adding_first)


class Store:
    """The text memory of one project."""

    def __init__(
        self, echoes: Echoes, clock: Callable[[], float], active: Callable[[], Sequence[Phase]] = tuple
    ) -> None:
        self.echoes = Echoes(echoes.project.resolve())
        self.clock = clock
        self.active = active
        self.journal = Journal(self.echoes.journal, self.echoes.project)

    @property
    def today(self) -> datetime.date:
        """The day by the clock, where this machine is."""
        return datetime.datetime.fromtimestamp(self.clock()).astimezone().date()

    def read(self, role: str) -> Memory:
        """What a role knows; never the half of a change."""
        self.settle()
        return self._begin().memory(role)

    @contextlib.contextmanager
    def change(self, what: str, anytime: bool = False) -> Iterator[Change]:
        """Change the memory: all that the block asks for, or nothing.

        Args:
            what: said by ``undo`` and the history: ``prune reviewer``.
            anytime: also while a session is at work, as for the findings that it writes.

        Raises:
            Busy: a session is at work.
            Moved: somebody wrote one of the files while the block ran.
            NewerVersion: a newer Rune wrote one of the files; nothing is touched.
        """
        with self.alone(anytime):
            change = self._begin()
            yield change
            if change.edits:
                change.keep_backups()
                self.journal.commit(what, self.clock(), change.edits)

    def undo(self) -> records.Change:
        """Take the last change back, byte for byte; called again, the one before.

        Raises:
            NothingToUndo: there is none.
            Moved: a file was changed since; nothing is undone.
        """
        with self.alone(anytime=False):
            last = self.last_change()
            if last is None:
                raise NothingToUndo("there is no change of the text memory that could be undone")
            edits = sorted(self.journal.before(last), key=_archived)  # last: it may hold what comes back
            self.journal.commit(f"undo {last.what}", self.clock(), edits, undoes=last.number)
            return last

    def last_change(self) -> records.Change | None:
        """What ``undo`` would take back."""
        undone = set()
        for change in self.journal.newest_first():
            if change.undoes:
                undone.add(change.undoes)
            elif change.number not in undone:
                return change
        return None

    def settle(self) -> None:
        """Wait for a change that is under way, and take back one whose process died in it."""
        if self.journal.interrupted:
            with files.locked(self.echoes.lock):
                self.journal.recover()

    @contextlib.contextmanager
    def alone(self, anytime: bool = False) -> Iterator[None]:
        """Hold the lock of the text memory, nothing half done in it; not to be taken within a change."""
        with files.locked(self.echoes.lock):
            gitignore.guard(self.echoes)
            self.journal.recover()
            if not anytime and (phases := self.active()):
                raise Busy(_busy(phases))
            yield

    def _begin(self) -> Change:
        return Change(self.echoes, self.today)


def _memory(data: bytes | None, role: str, path: Path) -> Memory:
    if data is None or not data.strip():
        return echo.empty(role)
    return echo.parse(text_of(data, path), path)


def text_of(data: bytes, path: Path) -> str:
    """What a file says.

    Raises:
        FormatError: it is no UTF-8; read with replacements and written again, it would lose bytes.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"found another byte at {error.start}"
        raise FormatError(f"{path}: expected UTF-8, {found}: save it as UTF-8") from None


def _archived(edit: Edit) -> bool:
    return edit.path.parent.name == "archive"


def _adding_first(edit: Edit) -> int:
    if edit.after is None:
        return 2
    return 0 if _archived(edit) else 1


def _busy(phases: Iterable[Phase]) -> str:
    names = ", ".join(f"{p.session} since {datetime.datetime.fromtimestamp(p.since):%H:%M}" for p in phases)
    return f"a session of this project is at work ({names}): wait for its end, or type the command in it"
