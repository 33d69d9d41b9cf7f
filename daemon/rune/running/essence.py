"""What a command comes to: without what changes nothing of what it does, what it installs, what it is given.

Pure. Not covered: variables that were exported before.
"""

from __future__ import annotations

import re

from rune.running import programs
from rune.running.shell import parse

_ASIDE = (
    re.compile(r";\s*echo\b.*$", re.S),
    re.compile(r"\s*(?:2>&1\s*)?\|\s*(?:tail|head|cat|tee|less|grep)\b[^;&]*"),
    re.compile(r"\s*2>&1(?=\s*(?:$|[;&]))"),
    re.compile(r"\s-(?:q+|v+)(?=\s|$)|\s--(?:quiet|verbose|silent)(?=\s|$)"),
    re.compile(r"\bpython[\d.]*\s+-m\s+(?=(?:pip|pytest|mypy|ruff|build)\b)"),
)
_INSTALLING = re.compile(
    r"\b(?:pip[\d.]*|uv(?:\s+pip)?|npm|pnpm|yarn|bun|poetry|cargo|gem|brew|apt(?:-get)?|go)\s+"
    r"(?:install|add|get|i)\b([^|;&]*)"
)
_PACKAGE = re.compile(r"['\"]?((?:@[\w.-]+/)?[A-Za-z](?!\S*\.(?:txt|toml|whl|json)\b)[\w./-]*)")


def essential(command: str) -> str:
    """A command without what changes nothing of what it does: how its output is looked at, ``python -m``.

    >>> essential('python3 -m pip install -q sqlparse 2>&1 | tail -3; echo "Exit: $?"')
    'pip install sqlparse'
    """
    for pattern in _ASIDE:
        command = pattern.sub("", command)
    return command


def installs(command: str) -> frozenset[str]:
    """The packages that a command installs by their names; none where it installs what the project asks for.

    >>> sorted(installs("pip install -q 'sqlparse>=0.4' pytz")), installs("pip install -e . -r dev.txt")
    (['pytz', 'sqlparse'], frozenset())
    """
    named = [word for found in _INSTALLING.finditer(command) for word in found[1].split()]
    return frozenset(found[1].lower() for word in named if (found := _PACKAGE.match(word)))


_SHOWS = re.compile(
    r"(?:FORCE_COLOR|NO_COLOR|CLICOLOR\w*|CI|TERM|COLUMNS|LINES|\w*PAGER|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE"
    r"|RUST_BACKTRACE|DEBUG|VERBOSE|\w*LOG(?:_?LEVEL)?)="
)
"""What changes nothing but what is shown."""


def given(passed: str, failed: str) -> tuple[str, ...]:
    """Variables that a run was given which another one was not, or not with this value.

    >>> given("SETTINGS=app.test CI=1 pytest", "CI=1 pytest -q"), given("env PORT=81 jest", "PORT=80 jest")
    (('SETTINGS=app.test',), ('PORT=81',))
    """
    had = set(_given(failed))
    return tuple(one for one in dict.fromkeys(_given(passed)) if one not in had and not _SHOWS.match(one))


def _given(command: str) -> list[str]:
    found: list[str] = []
    for one in parse(command):
        if programs.family(one):
            found += one.env
            if one.program == "env":
                found += [word for word in one.words[1:] if re.match(r"\w+=", word)]
    return found
