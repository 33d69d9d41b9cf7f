"""The runs of a session: a command line may hold several, and a shell keeps its folder. Pure.

Covered: ``cd`` in a call of its own, relative and absolute ones, as long as the session's shell lives. Where
something is run in the same line, some clients put the shell back and others do not: the next line then names
its folder, or is taken to be where it was before.
Not covered: folders in variables.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from rune.records.trajectory import Event, Execution
from rune.running import runs
from rune.running.shell import parse

SHELL = "Bash"
"""The tool that runs command lines."""


def each(events: Sequence[Event]) -> list[tuple[Execution, ...]]:
    """For each event the runs whose outcome is known: executions of one command each, of the same id.

    Where a run works in a folder below the session's, ``cd`` stands in front of its command.
    """
    root, folder, found = _root(events), "", []
    for event in events:
        own: list[Execution] = []
        if isinstance(event, Execution) and event.tool == SHELL:
            line = runs.each(event.command, event.text, event.ok)
            said = runs.unechoed(event.command, event.text) if line else ""
            for run in line:
                if run.ok is not None:
                    place = _below(root, runs.inside(folder, run.folder) if run.folder else folder)
                    command = f"cd {place} && {run.text}" if place else run.text
                    own.append(replace(event, command=command, text=said, ok=run.ok))
            if event.ok and not line:
                folder = runs.folders_of([*parse(event.command), _END], folder)[-1]
        found.append(tuple(own))
    return found


_END = parse("true")[0]


def _root(events: Sequence[Event]) -> str:
    """The folder that holds all those which the session names from the root of the disk: the project's."""
    named = [
        one.words[1]
        for event in events
        if isinstance(event, Execution) and event.tool == SHELL
        for one in parse(event.command)
        if one.program == "cd" and len(one.words) == 2 and one.words[1].startswith("/")
    ]
    return os.path.commonpath(named) if named else ""


def _below(root: str, folder: str) -> str:
    path = PurePosixPath(re.sub(r"^(?:\.\./?)+", "", folder))
    if not root or not path.is_relative_to(root):
        return "" if str(path) == "." else str(path)
    return "" if str(path) == root else str(path.relative_to(root))
