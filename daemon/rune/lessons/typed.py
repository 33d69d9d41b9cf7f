"""A command as a person would type it: what it runs, without how its output is looked at.

Covered: pipes into programs that only show text, output that goes into a file, what only prints before or
after, ``|| true``, the change into the project's own folder.
Not covered: control structures of the shell and what stands inside parentheses, which stay as they are.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rune import arcs

LONGEST = 140
"""Characters of a command that is told."""
_QUOTED = (
    r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|`[^`]*`|\$?\((?:[^()'\"]|'[^']*'|\"(?:\\.|[^\"\\])*\"|\([^()]*\))*\)"
    r"|\$\{[^}]*\}"
)
_WORDS = re.compile(rf"(?:{_QUOTED}|\d?[<>]&\d?|&>{{1,2}}|[<>]\||[^;&|])+|&&|\|\||\|&|[;&|]")
"""A simple command, or what stands between two of them."""
_SHOWS = re.compile(
    r"\s*(?:\w+=\S*\s+)*(?:tail|head|cat|tee|less|more|[ef]?grep|rg|wc|sort|uniq|awk|cut|tr|column|nl|fold|fmt|jq"
    r"|sed(?!\s+(?:-\w+\s+)*-i)|strings|xxd|bat|ts|python[\d.]*\s+-m\s+json\.tool)(?=\s|$)"
)
"""What is piped into these is looked at."""
_ASIDE = re.compile(
    r"\s*(?:echo|printf|true|false|:|pwd|date|ls|cat|head|tail|less|grep|wc|clear|exit|return|wait|set\s+[-+]\w.*"
    r"|\w+=\$(?:\?|\{PIPESTATUS).*)(?=\s|$)"
)
"""What only shows something, or says how it went."""
_REDIRECTED = re.compile(
    rf"\s*(?<!\w)(?:\d?>&(?:\d|-)|(?P<to>\d?>{{1,2}}\|?|&>{{1,2}}|>&)\s*(?P<file>(?:{_QUOTED}|[^\s'\"<>&])+))"
    rf"|(?P<kept>(?:{_QUOTED}|[^\s<>&'\"\\`$])+|.)",
    re.S,
)
_CHECKS = re.compile(
    r"test|spec|lint|check|build|compile|vet\b|clippy|mypy|pyright|\btsc\b|jest|ruff|mocha", re.I
)
"""Of these the output is a report, wherever it goes."""
_REPORT = re.compile(r"['\"]?(?:/dev/|/tmp/|/var/|\$|~)|.*\.(?:log|out|err)['\"]?$")
"""Files that are no part of a project."""


def typed(command: str, root: str = "") -> str:
    """A command as it is taught; empty where it has many lines, is long, or gives orders to a model.

    >>> typed("cd /srv && pytest -q 2>&1 | grep -E 'passed|failed' || true"), typed("pip freeze > dev.txt")
    ('pytest -q', 'pip freeze > dev.txt')

    Args:
        command: as it was run.
        root: the project's folder; a change into a folder inside of it is kept, relative to it.
    """
    command = re.sub(r"\s*\\\n\s*", " ", command.strip())
    if "\n" in command or "<<" in command:
        return ""
    parts = list(_ended([*_without_folder(_parts(command), root)]))
    told = "".join(f"{between}{run}" for between, run in parts).strip()
    fit = len(told) <= LONGEST and "`" not in told and not arcs.unfit(told)
    return told if fit else ""


Parts = Sequence[tuple[str, str]]
"""Pipelines, each with what stands before it: ``&&``, ``||``, ``;``, ``&`` or nothing."""


def _parts(command: str) -> Iterator[tuple[str, str]]:
    """The pipelines of a command, without what only shows their output."""
    between, stages = "", [""]
    for found in _WORDS.findall(command):
        if found in ("&&", "||", ";", "&"):
            yield between, _shown(stages)
            between, stages = f" {found} ".replace(" ;", ";"), [""]
        elif found in ("|", "|&"):
            stages.append("")
        else:
            stages[-1] += found
    yield between, _shown(stages)


def _shown(stages: Sequence[str]) -> str:
    """A pipeline up to the last stage that does more than to show text, its output on the screen."""
    told = ["".join(_unredirected(stage, _reported(stages))).strip() for stage in stages]
    does = [n for n, stage in enumerate(told) if not _SHOWS.match(stage) or _written(stage)]
    return " | ".join(told[: max(does, default=0) + 1])


def _reported(stages: Sequence[str]) -> re.Pattern[str]:
    """The files into which a pipeline only writes how it went: all of them, where it checks something."""
    if _ASIDE.match(stages[0]):  # what prints a text does so for the file
        return re.compile("/dev/")
    return re.compile("") if _CHECKS.search(" | ".join(stages)) else _REPORT


def _unredirected(run: str, reports: re.Pattern[str]) -> Iterator[str]:
    for found in _REDIRECTED.finditer(run):
        if found["kept"]:
            yield found["kept"]
        elif found["file"] and found["to"][:1] not in "2&" and not reports.match(found["file"]):
            yield found[0]


def _written(run: str) -> bool:
    return any(found["file"] for found in _REDIRECTED.finditer(run))


def _ended(parts: Parts) -> Iterator[tuple[str, str]]:
    """Without what only prints something at the beginning and at the end; all where nothing else is run."""
    able = [part for part in parts if part[1]]
    does = [n for n, (_, run) in enumerate(able) if not _ASIDE.match(run) or _written(run)]
    kept = able[does[0] : does[-1] + 1] if does else able
    for place, (between, run) in enumerate(kept):
        yield between if place else "", run


def _without_folder(parts: Iterator[tuple[str, str]], root: str) -> Iterator[tuple[str, str]]:
    """Without a change of folder at the beginning, but one that leads into a folder of the project."""
    all_parts = list(parts)
    heads = list(itertools.takewhile(lambda part: re.match(r"cd(?:\s|$)", part[1]), all_parts))
    for between, run in heads if len(all_parts) > len(heads) else ():
        if inner := _inside(run[2:].strip().strip("'\""), root):
            yield between, f"cd {inner}"
    yield from all_parts[len(heads) :] if len(all_parts) > len(heads) else all_parts


def _inside(folder: str, root: str) -> str:
    """A folder of the project below its root; empty for others, and where it is not known."""
    if folder.startswith("/"):
        path, above = PurePath(folder), PurePath(root or "/")
        inner = path.relative_to(above).as_posix() if root and path.is_relative_to(above) else ""
        return "" if inner == "." else inner
    return "" if folder[:1] in ("", "~", "$", "-", ".") and not folder.startswith("./") else folder.strip("/")
