"""How setup says what it is doing: a plain function, and one that draws a bar on the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Report(Protocol):
    """Told of every stage and how far it is."""

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """``total`` is bytes, or None where nobody knows the end; ``done == total`` ends the stage."""


def silent(what: str, done: int, total: int | None) -> None:
    """Say nothing."""


@contextlib.contextmanager
def bars(console: Console) -> Iterator[Report]:
    """A bar for each stage on a terminal; elsewhere (a pipe, a log) one line as each stage begins."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[size]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: set[str] = set()

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self._said:
            self._said.add(what)
            self._console.print(what, markup=False, highlight=False, soft_wrap=True)


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, size="")
        size = f"{done >> 20} of {total >> 20} MB" if total and total > 1 else ""
        self._progress.update(self._tasks[what], completed=done, total=total, size=size)
