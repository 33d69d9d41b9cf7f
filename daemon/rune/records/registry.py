"""The projects whose sessions Rune has captured: ``projects.jsonl`` in the machine's home.

{"v": 1, "project": "/abs", "at": 1795176000.2}
"""

from __future__ import annotations

from pathlib import Path

from rune import files

VERSION = 1


def add(path: Path, project: Path, at: float) -> None:
    """Remember a project; one that is known already is left alone."""
    if project not in projects(path):
        files.append(path, {"v": VERSION, "project": str(project), "at": at})


def projects(path: Path) -> tuple[Path, ...]:
    """Every known project, in the order in which they appeared."""
    return tuple(
        dict.fromkeys(
            Path(raw["project"]) for _, raw in files.objects(path) if isinstance(raw.get("project"), str)
        )
    )
