"""A command as a person would type it: what it runs, without how its output is looked at.

Covered: pipes into programs that only show text, output that goes into a file, what only prints before or
after, ``|| true``, the change into the project's own folder.
Not covered: loops and conditions, of which the commands alone are told.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rune import arcs
from rune.running import editing, shell
from rune.running.shell import Simple

LONGEST = 140
"""Characters of a command that is told."""
_SHOWING = frozenset((
    "tail", "head", "cat", "tee", "less", "more", "egrep", "fgrep", "grep", "rg", "wc", "sort", "uniq", "awk",
    "cut", "tr", "column", "nl", "fold", "fmt", "jq", "sed", "strings", "xxd", "bat", "ts",
))  # fmt: skip
"""What is piped into these is looked at."""
_PRINTING = frozenset((
    "echo", "printf", "true", "false", ":", "pwd", "date", "ls", "cat", "head", "tail", "less", "grep", "wc",
    "clear", "exit", "return", "wait", "set",
))  # fmt: skip
"""These only show something, or say how it went."""
_STATUS = re.compile(r"\w+=\$(?:\?|\{PIPESTATUS)")
_CHECKS = re.compile(
    r"test|spec|lint|check|build|compile|vet\b|clippy|mypy|pyright|\btsc\b|jest|ruff|mocha", re.I
)
"""Of these the output is a report, wherever it goes."""

Parts = Sequence[tuple[Simple, str]]
"""Pipelines: the command at the head of each, and how it is told."""


def typed(command: str, root: str = "") -> str:
    """A command as it is taught; empty where it has many lines, is long, or gives orders to a model.

    >>> typed("cd /srv && pytest -q 2>&1 | grep -E 'passed|failed' || true"), typed("pip freeze > dev.txt")
    ('pytest -q', 'pip freeze > dev.txt')

    Args:
        command: as it was run.
        root: the project's folder; a change into a folder inside of it is kept, relative to it.
    """
    line = re.sub(r"\s*\\\n\s*", " ", command.strip())
    if "\n" in line or "<<" in line:
        return ""
    pipes = [[one for _, one in pipe] for pipe in shell.pipes(line)]
    parts = list(_ended([*_without_folder([(pipe[0], _shown(pipe)) for pipe in pipes], root)]))
    joints = (f" {one.joint} ".replace(" ;", ";") if n else "" for n, (one, _) in enumerate(parts))
    told = "".join(f"{joint}{run}" for joint, (_, run) in zip(joints, parts, strict=True))
    fit = len(told) <= LONGEST and "`" not in told and not arcs.unfit(told)
    return told if fit else ""


def _shown(pipe: Sequence[Simple]) -> str:
    """A pipeline up to the last stage that does more than to show text, its output on the screen."""
    checks = _CHECKS.search(" | ".join(one.text for one in pipe)) and not _aside(pipe[0])
    told = [one.text if checks or not _kept(one) else one.whole for one in pipe]
    does = [n for n, one in enumerate(pipe) if one.program not in _SHOWING or editing.edits(one.whole)]
    return " | ".join(told[: max(does, default=0) + 1])


def _kept(one: Simple) -> bool:
    """Whether it belongs to a command where its output goes: to files of the project, without the errors."""
    return bool(one.writes) and all(map(editing.ours, one.writes)) and not one.redirects.startswith("&")


def _aside(one: Simple) -> bool:
    """Whether a command only shows something."""
    if not one.words:
        return _STATUS.match(one.text) is not None
    return one.program in _PRINTING and not _kept(one)


def _ended(parts: Parts) -> Iterator[tuple[Simple, str]]:
    """Without what only prints something at the beginning and at the end; all where nothing else is run."""
    does = [n for n, (one, _) in enumerate(parts) if not _aside(one)]
    yield from parts[does[0] : does[-1] + 1] if does else parts


def _without_folder(parts: Parts, root: str) -> Iterator[tuple[Simple, str]]:
    """Without a change of folder at the beginning, but one that leads into a folder of the project."""
    heads = list(itertools.takewhile(lambda part: part[0].program == "cd", parts))
    if len(heads) == len(parts):
        heads = []
    for one, _ in heads:
        if inner := _inside("".join(one.words[1:2]), root):
            yield one, f"cd {inner}"
    yield from parts[len(heads) :]


def _inside(folder: str, root: str) -> str:
    """A folder of the project below its root; empty for others, and where it is not known."""
    if folder.startswith("/"):
        path, above = PurePath(folder), PurePath(root or "/")
        inner = path.relative_to(above).as_posix() if root and path.is_relative_to(above) else ""
        return "" if inner == "." else inner
    return "" if folder[:1] in ("", "~", "$", "-", ".") and not folder.startswith("./") else folder.strip("/")
