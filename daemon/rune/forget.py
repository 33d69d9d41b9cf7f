"""Take a session out of everything that was made from it: trajectory, adapters, index."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from rune.errors import FormatError
from rune.index import store_folder
from rune.library import Library
from rune.paths import Echoes, Home
from rune.records.message import Forgotten


def session(name: str, project: Path) -> Forgotten:
    """Remove a session's trajectory and adapters for good; the answer names what went.

    Raises:
        FormatError: the project holds no such session.
    """
    echoes = Echoes(project)
    library = Library(echoes, time.time)
    path = echoes.trajectory(name)
    adapters = library.of_session(name)
    if not path.exists() and not adapters:
        raise FormatError(
            f"expected a session of {project}, found no trajectory or adapter of {name!r}; "
            "see `rune echoes show`"
        )
    removed = []
    for adapter in adapters:
        library.remove(adapter)
        removed.append(f"adapter {adapter}")
    if path.exists():
        path.unlink()
        removed.append(f"trajectory {path.name}")
    return Forgotten(name, tuple(removed), ())


def drop_index(home: Home, project: str) -> None:
    """Delete a project's derived index; it is rebuilt from cards at the next recall."""
    shutil.rmtree(store_folder(home.index, project), ignore_errors=True)
