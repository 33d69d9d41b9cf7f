"""How Rune's own Python is started, ``<home>/launch.json``: hooks and the MCP entry read it, setup writes it.

    {"v": 1, "argv": ["/home/me/.venv/bin/python", "-P", "-m", "rune"]}

``-P`` keeps a folder called ``rune`` in the user's project from being run instead. Hooks run under the
system's ``python3`` and may not import Rune; they append a subcommand to ``argv``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from rune import files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Launch:
    """The command that is ``rune``, without its arguments."""

    argv: tuple[str, ...]


def write(path: Path, launch: Launch) -> bool:
    """Write the file, unless it says the same already; whether it was written."""
    data = json.dumps({"v": VERSION, "argv": list(launch.argv)}).encode() + b"\n"
    if path.exists() and path.read_bytes() == data:
        return False
    files.replace(path, data)
    return True


def read(path: Path) -> Launch:
    """Read ``launch.json``.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is no launch file.
        FileNotFoundError: ``rune setup`` never ran.
    """
    try:
        raw = json.loads(path.read_bytes())
        version, argv = raw["v"], raw["argv"]
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: expected a launch file, found {error!r}: run `rune setup`") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
    if not isinstance(argv, list) or not argv or not all(isinstance(part, str) for part in argv):
        raise FormatError(f"{path}: argv: expected a list of words, found {argv!r}: run `rune setup`")
    return Launch(tuple(argv))
