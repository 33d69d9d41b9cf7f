"""Old names of agents and concepts in the metadata of echoes, renamed; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One renamed line."""

    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """A text after migration."""

    text: str
    changes: tuple[Change, ...]


RENAMES: Mapping[str, Mapping[str, str]] = {}
"""Version of the map to old name -> new name."""


def migrate(text: str, names: Mapping[str, str] | None = None) -> Migrated:
    """Rename on the lines of source and evidence alone; without ``names`` by every map in order."""
    raise NotImplementedError
