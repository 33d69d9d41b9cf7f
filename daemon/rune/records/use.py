"""Which echoes were of use in which session: ``.claude/echoes/uses.jsonl``.

    {"v": 1, "at": 1795176000.2, "workflow": "<session>", "echoes": ["<digest>", ...]}

A line without echoes says that the workflow took place; it is what the share of useful ones is taken of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Reference:
    """What one workflow was given at one moment."""

    at: float
    workflow: str
    echoes: tuple[str, ...] = ()
    """Digests of entries."""


def append(path: Path, reference: Reference) -> None:
    """Write a reference down; durable when this returns."""
    files.append(path, _line(reference))


def rewrite(path: Path, references: Iterable[Reference]) -> None:
    """Give the file these references and no others, in one step."""
    lines = (json.dumps(_line(reference), ensure_ascii=False) + "\n" for reference in references)
    files.replace(path, "".join(lines).encode("utf-8", "replace"))


def read(path: Path) -> Iterator[Reference]:
    """Every reference in the order of the file; a missing file has none.

    Raises:
        NewerVersion: a newer Rune wrote a line of it.
        FormatError: a line is no reference; file and line are named.
    """
    for number, raw in files.objects(path):
        version, at, workflow, echoes = (raw.get(name) for name in ("v", "at", "workflow", "echoes"))
        if not isinstance(version, int) or version > VERSION:
            raise NewerVersion(
                f"{path}:{number}: version {version!r}; this Rune knows {VERSION}: update rune-memory"
            )
        if not fields.finite(at) or not isinstance(workflow, str):
            raise FormatError(f"{path}:{number}: expected a time and a workflow, found {at!r}, {workflow!r}")
        if not isinstance(echoes, list) or not all(isinstance(digest, str) for digest in echoes):
            raise FormatError(f"{path}:{number}: echoes: expected a list of digests, found {echoes!r}")
        yield Reference(fields.number(at), workflow, tuple(echoes))


def _line(reference: Reference) -> dict[str, object]:
    return {"v": VERSION, **asdict(reference)}
