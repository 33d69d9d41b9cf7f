"""Several files changed as one, with a way back: the state is the one before or the one after, never between.

A change is prepared whole in ``journal/<number>.staged``: the record, the bytes of before, the bytes to come.
One rename makes it ``<number>.begun``; from there on everything is a rename, which needs no room on the disk;
a last rename makes it ``<number>``. Whoever finds a ``.begun`` folder puts every file back. A file that is to
go moves into the folder, a file that is to come moves out of it: so the folder says how far the change came.

Covered: kill -9 between any two operations, there and on the way back; a full disk; a file that somebody else
wrote meanwhile (nothing is overwritten that was not read).
Not covered: another program that writes between the last look and the rename, a few microseconds; a project
that spans several file systems (refused by the system, and put back).
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rune import files
from rune.errors import FormatError, RuneError
from rune.records import change as records
from rune.records.change import Change, Touched

log = logging.getLogger(__name__)

KEEP = 100
"""Changes that can be undone, one after the other."""
RECORD = "change.json"
_NAME = re.compile(r"(\d{6,})(\.staged|\.begun)?")


class Moved(RuneError):
    """A file is no longer what it was when it was read, or what a change left of it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A file as it is and as it shall be; None where there is none."""

    path: Path
    before: bytes | None
    after: bytes | None


class Journal:
    """The changes of one project. The caller holds the lock whenever something is written."""

    def __init__(self, folder: Path, project: Path, keep: int = KEEP) -> None:
        self.folder = folder
        self.project = project
        self.keep = keep

    def commit(self, what: str, at: float, edits: Sequence[Edit], undoes: int = 0) -> Change:
        """Make all edits or none; where one fails, those before it are taken back.

        Raises:
            Moved: a file is no longer what the edit says it is.
            OSError: the disk is full, or a file may not be written.
        """
        touched = tuple(Touched(self._name(e.path), digest(e.before), digest(e.after)) for e in edits)
        change = Change(self._next(), at, what, touched, undoes)
        begun = self._stage(change, edits).rename(self.folder / f"{change.number:06}.begun")
        try:
            files.sync_folder(self.folder)
            for number, file in enumerate(change.files):
                self._make(begun, number, file)
            begun.rename(self._place(change.number))
            files.sync_folder(self.folder)
        except BaseException:
            if begun.is_dir():
                self._put_back(begun)
            raise
        self._forget_old()
        return change

    def recover(self) -> None:
        """Take back what a dead process left in the middle, and sweep what it had only prepared."""
        for begun in sorted(self.folder.glob("*.begun")):
            self._put_back(begun)
        for staged in self.folder.glob("*.staged"):
            files.remove_folder(staged)

    @property
    def interrupted(self) -> bool:
        """Whether somebody is in the middle of a change, or died there."""
        return any(self.folder.glob("*.begun"))

    def changes(self) -> list[Change]:
        """The changes that were made and are still known, the oldest first."""
        return list(self.newest_first())[::-1]

    def newest_first(self) -> Iterator[Change]:
        """The same the other way round, one by one: a damaged record is in the way of older ones alone."""
        for number in reversed(self._numbers()):
            yield records.read(self._place(number) / RECORD)

    def before(self, change: Change) -> list[Edit]:
        """The edits that take a change back.

        Raises:
            Moved: a file is no longer what the change left of it.
        """
        edits = []
        for number, file in enumerate(change.files):
            now = read(path := self.project / file.path)
            if digest(now) != file.after:
                raise Moved(
                    f"{file.path} was changed again after `{change.what}`; nothing is undone. "
                    f"The bytes from before it lie in {self._place(change.number)}"
                )
            was = read(kept := self._place(change.number) / f"{number}.before")
            if digest(was) != file.before:
                raise FormatError(f"{kept}: expected the bytes of {file.path} from before `{change.what}`")
            edits.append(Edit(path, now, was))
        return edits

    # the steps of a change

    def _stage(self, change: Change, edits: Sequence[Edit]) -> Path:
        """Everything that needs room on the disk."""
        staged = files.private_folder(self.folder / f"{change.number:06}.staged")
        try:
            for number, edit in enumerate(edits):
                if edit.after is None:
                    continue  # its bytes come when it goes
                self._copy(staged / f"{number}.after", edit.after, edit.path)
                if edit.before is not None:
                    self._copy(staged / f"{number}.before", edit.before, edit.path)
            files.replace(staged / RECORD, records.dump(change))
        except BaseException:
            files.remove_folder(staged)
            raise
        return staged

    def _make(self, begun: Path, number: int, file: Touched) -> None:
        path = self.project / file.path
        if digest(read(path)) != file.before:
            raise Moved(f"{file.path} was written by somebody else meanwhile; nothing was changed: try again")
        if file.after:
            (begun / f"{number}.after").replace(path)
        else:
            path.rename(begun / f"{number}.before")
        files.sync_folder(path.parent)

    def _put_back(self, begun: Path) -> None:
        """Undo as much as was done, unless somebody has written since: then what is there stays."""
        change = records.read(begun / RECORD)
        done = [(n, file) for n, file in enumerate(change.files) if self._was_made(begun, n, file)]
        now = {file.path: digest(read(self.project / file.path)) for _, file in done}
        later = [file.path for _, file in done if now[file.path] not in (file.before, file.after)]
        if later:  # what a change adds comes first and what it removes last: half of it loses nothing
            log.warning("%s was broken off, and %s written since: kept as it is", change.what, later)
            begun.rename(self._place(change.number))
            return
        for number, file in reversed(done):
            path, kept = self.project / file.path, begun / f"{number}.before"
            if kept.exists():
                kept.replace(path)
            elif not file.before:
                path.unlink(missing_ok=True)
            if path.parent.is_dir():
                files.sync_folder(path.parent)
        files.remove_folder(begun.rename(begun.with_suffix(".staged")))

    @staticmethod
    def _was_made(begun: Path, number: int, file: Touched) -> bool:
        if file.after:
            return not (begun / f"{number}.after").exists()
        return (begun / f"{number}.before").exists()

    def _forget_old(self) -> None:
        for number in self._numbers()[: -self.keep]:
            place = self._place(number)
            files.remove_folder(place.rename(place.with_suffix(".staged")))

    def _copy(self, staged: Path, data: bytes, path: Path) -> None:
        """Bytes for a file, with its rights; what is new is private, but for documents such as a solution."""
        files.replace(staged, data)
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o777)
        elif path.is_relative_to(self.folder.parent):
            files.private_folder(path.parent)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.chmod(0o644)

    # names

    def _name(self, path: Path) -> str:
        return path.relative_to(self.project).as_posix()

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:06}"

    def _numbers(self, unfinished: bool = False) -> list[int]:
        found = [_NAME.fullmatch(path.name) for path in self.folder.glob("*")]
        return sorted(int(m[1]) for m in found if m and (unfinished or not m[2]))

    def _next(self) -> int:
        return max(self._numbers(unfinished=True), default=0) + 1


def digest(data: bytes | None) -> str:
    """SHA-256 of a file's bytes; empty for no file."""
    return "" if data is None else hashlib.sha256(data).hexdigest()


def within(project: Path, path: Path) -> Path:
    """Where a path really leads; a repository may bring links that lead anywhere.

    Raises:
        FormatError: out of the project.
    """
    real = path.resolve()
    if not real.is_relative_to(project.resolve()):
        raise FormatError(f"{path} leads out of the project, to {real}: remove the link")
    return real


def read(path: Path) -> bytes | None:
    """A file's bytes; None where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
