"""What a long benchmark has done so far, one JSON file for each piece: a rerun goes on where it stopped."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, TypeAlias

from filelock import FileLock, Timeout

from rune import files, paths
from rune.errors import FormatError, RuneError

Row: TypeAlias = dict[str, Any]


def of(about: Row) -> Callable[[Row], bool]:
    """Whether a piece was made about exactly this: what it has under the same names is the same."""
    return lambda row: about.items() <= row.items()


class Work:
    """A folder of finished pieces, ``<stage>/<name>.json``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._began = time.monotonic()

    def path(self, stage: str, name: str) -> Path:
        """Where one piece lies."""
        return self.folder / stage / f"{paths.safe_name(name)}.json"

    def kept(
        self, stage: str, name: str, make: Callable[[], Row], valid: Callable[[Row], bool] | None = None
    ) -> Row:
        """The piece as it was made before; where there is none, or it is not ``valid`` any more, make it."""
        row = self.get(stage, name)
        if row is None or (valid is not None and not valid(row)):
            row = make()
            files.replace(self.path(stage, name), json.dumps(row, indent=1, ensure_ascii=False).encode())
        return row

    @contextlib.contextmanager
    def claimed(self, stage: str, name: str) -> Iterator[bool]:
        """Whether this process may make a piece while the block runs: not while another process makes it."""
        path = self.path(stage, name).with_suffix(".lock")
        files.private_folder(path.parent)
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def shared(
        self, stage: str, name: str, make: Callable[[], Row], valid: Callable[[Row], bool] | None = None
    ) -> Row | None:
        """As ``kept``, in any number of processes; None where another one is making the piece."""
        with self.claimed(stage, name) as mine:
            return self.kept(stage, name, make, valid) if mine else None

    def complete(self, stage: str, sessions: Iterable[str]) -> None:
        """Check that every session's piece is there.

        Raises:
            RuneError: some are not; another process may be making them.
        """
        if left := sum(self.get(stage, session) is None for session in sessions):
            raise RuneError(f"{left} sessions are not learnt yet: end the stage {stage} first, then run this")

    def hold(self, now: Row) -> None:
        """Hold the pieces to what they would be made of ``now``.

        Raises:
            RuneError: they were made of something else.
        """
        before = self.kept("kind", "kind", lambda: now)
        if other := [name for name in now if before.get(name) != now[name]]:
            raise RuneError(
                f"{self.folder}: its pieces were made with another {' and '.join(other)}; "
                "move it away to begin anew, or go back to the commit that made them"
            )

    def get(self, stage: str, name: str) -> Row | None:
        """A piece that was made before.

        Raises:
            FormatError: somebody changed it.
        """
        path = self.path(stage, name)
        if not path.is_file():
            return None
        try:
            row = json.loads(path.read_bytes())
        except ValueError as error:
            raise FormatError(f"{path}: expected JSON, found {error}; delete the file") from None
        if not isinstance(row, dict):
            raise FormatError(f"{path}: expected an object, found {type(row).__name__}; delete the file")
        return row

    def all(self, stage: str) -> list[Row]:
        """Every piece of a stage, in the order of their names."""
        names = sorted(path.stem for path in (self.folder / stage).glob("*.json"))
        return [row for name in names if (row := self.get(stage, name)) is not None]

    def say(self, text: str) -> None:
        """One line of progress, with the seconds since the start."""
        print(f"[{time.monotonic() - self._began:7.1f} s] {text}", flush=True)


def average(rows: Sequence[Row], name: str) -> float | None:
    """The mean of what rows tell under a name; those that tell nothing do not count."""
    told = [row[name] for row in rows if row.get(name) is not None]
    return round(mean(told), 4) if told else None
