"""A project with a text memory, and a look at everything that lies in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from rune.echoes.store import Store
from rune.paths import Echoes
from rune.records import echo
from rune.records.echo import Entry, Memory

NOON = 1795176000.0
"""20 November 2026, 12:00 UTC."""
FAULTS = Path(__file__).with_name("faults.py")


def _learnt(title: str, **changes: object) -> Entry:
    """An entry with plausible values."""
    fields: dict[str, object] = {
        "layer": "inscribed",
        "title": title,
        "day": date(2026, 11, 1),
        "learning": f"{title} happens in every module.",
        "evidence": (f"`src/{title.split()[-1]}.py:1-5` — found there",),
        "source": "rune:review s1",
        "confidence": 0.8,
        "verified": date(2026, 11, 1),
    }
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def entry() -> Callable[..., Entry]:
    """``entry(title, layer=..., ...)``."""
    return _learnt


@pytest.fixture
def store(echoes: Echoes, clock: Callable[[], float]) -> Store:
    return Store(echoes, clock)


@pytest.fixture
def remember(store: Store) -> Callable[..., None]:
    """``remember(role, entry, ...)``: a MEMORY.md that was there before anything happens."""

    def write(role: str, *entries: Entry) -> None:
        memory = echo.empty(role)
        path = store.echoes.memory(role)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(echo.render(Memory(role, memory.preamble, entries)), "utf-8")

    return write


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """``contents(project)``: every file of it but what the machinery keeps for itself."""
    return _contents


def _contents(project: Path) -> dict[str, bytes]:
    own = (".claude/echoes/journal/", ".claude/echoes/.lock", ".claude/echoes/.gitignore")
    found = {p.relative_to(project).as_posix(): p for p in project.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(own)}


@pytest.fixture
def titles() -> Callable[[Path, str], list[str]]:
    """``titles(project, role)``: of the entries in memory and archive, backups aside."""
    return _titles


def _titles(project: Path, role: str) -> list[str]:
    folder = Echoes(project).role(role)
    files = [folder / "MEMORY.md", *sorted((folder / "archive").glob("entries-*.md"))]
    return [e.title for f in files if f.exists() for e in echo.parse(f.read_text("utf-8"), f).entries]


@pytest.fixture
def broken_off(tmp_path: Path, project: Path) -> Callable[[str, str], Iterator[tuple[Path, int]]]:
    """``broken_off(mode, scenario)``: a copy of the project for every operation that the scenario died at."""
    made = 0

    def run(mode: str, scenario: str, template: Path = project) -> Iterator[tuple[Path, int]]:
        nonlocal made
        made += 1
        copies = tmp_path / f"copies-{made}"
        argv = [sys.executable, str(FAULTS), mode, scenario, str(template), str(copies)]
        told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        for line in told.splitlines():
            name, status = line.split()
            yield copies / name, int(status)

    return run
