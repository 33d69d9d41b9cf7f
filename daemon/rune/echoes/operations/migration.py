"""``migrate``: what agents and concepts are called today, on the lines of source and evidence alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rune.echoes import migrate
from rune.echoes.store import Change, text_of
from rune.errors import FormatError
from rune.paths import Echoes
from rune.records import dialects, echo


@dataclass(frozen=True, slots=True)
class Renamed:
    """The renamed lines of one file."""

    path: str
    changes: tuple[migrate.Change, ...]


@dataclass(frozen=True, slots=True)
class Migration:
    """All files with old names, and how many were looked at."""

    files: tuple[Renamed, ...]
    seen: int
    problems: tuple[str, ...] = ()


def run(change: Change) -> Migration:
    """Rename in every Markdown file of the text memory, archives aside: those stay as they were written."""
    renamed: list[Renamed] = []
    problems: list[str] = []
    paths = list(documents(change.echoes))
    for path in paths:
        name = path.relative_to(change.echoes.project).as_posix()
        try:
            text = text_of(change.read(path) or b"", path)
            echo.check_version(dialects.read(text).preamble, path)
            done = migrate.migrate(text)
        except FormatError as error:
            problems.append(str(error))
            continue
        if done.changes:
            change.write(path, done.text.encode())
            renamed.append(Renamed(name, done.changes))
    return Migration(tuple(renamed), len(paths), tuple(problems))


def documents(echoes: Echoes) -> Iterator[Path]:
    """The Markdown files of the role folders, archives aside."""
    for folder in sorted(echoes.root.glob("*/")):
        if folder not in (echoes.trajectories, echoes.adapters, echoes.journal):
            found = sorted(folder.rglob("*.md"))
            yield from (path for path in found if "archive" not in path.relative_to(echoes.root).parts)


def render(done: Migration) -> str:
    """Every renamed line, before and after."""
    lines = []
    for file in done.files:
        lines.append(f"{file.path}: {len(file.changes)} line(s)")
        for change in file.changes:
            lines += [
                f"  {change.line}: - {change.before.strip()}",
                f"  {' ' * len(str(change.line))}  + {change.after.strip()}",
            ]
    count = sum(len(file.changes) for file in done.files)
    lines.append(
        f"{count} change(s) in {len(done.files)} of {done.seen} file(s); learnings are never touched"
    )
    return "\n".join([*lines, *(f"left as it is: {problem}" for problem in done.problems)])
