"""Whether one command has taken the place of another one that was run for the same. Pure.

A run of a part does not replace the whole, nor one part another one: two test files are both run by someone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_AROUND = re.compile(
    r"^(?:(?:sudo|time|timeout \d\w*|npx|bunx|(?:uv|poetry|pdm|pipenv|hatch) run|python[\d.]* -m)\s+"
    r"(?:-\S+\s+)*)+"
)
_NAMED = re.compile(
    r"(?:make|just|task|rake|docker(?=\s+compose\b)|(?:npm|pnpm|yarn|bun|mise|deno|composer)\s+run"
    r"|python[\d.]*|node|bash|sh|ruby|php)\s+(?![-&|;<])\S+|\S+"
)
"""A program, or the task or script that is run by one."""
_EVERYTHING = frozenset((".", "./", "...", "./..."))
_PART = re.compile(
    r"-(?:[ekmpt]|run|-(?:lf|ff|last-failed|filter|tests?|bin|grep|only|package|project)(?:=.*)?)"
)
"""Flags that pick a part."""
_WORLDS = {
    program: world
    for world, programs in {
        "js": "npm pnpm yarn bun node deno vitest jest mocha playwright tsc eslint biome prettier",
        "python": "pip uv poetry pdm pipenv conda python pytest unittest tox nox ruff mypy flake8 black",
        "go": "go gofmt goimports golangci-lint",
        "rust": "cargo rustc",
        "java": "mvn gradle ./gradlew gradlew",
        "php": "php phpunit composer",
        "ruby": "ruby gem bundle rake rspec",
        "dotnet": "dotnet",
        "docker": "docker docker-compose",
        "system": "apt apt-get brew",
    }.items()
    for program in programs.split()
}
"""What a program belongs to: in one project each world has its own dependencies, tests and builds."""


class _Command(NamedTuple):
    name: str
    words: tuple[str, ...]


def replaces(new: str, old: str) -> bool:
    """Whether a younger command may be what is run now instead of an older one.

    >>> replaces("just check", "make check"), replaces("pytest", "pytest tests/test_a.py -k one")
    (True, True)
    >>> replaces("pytest tests/test_a.py", "pytest"), replaces("ruff format .", "ruff check .")
    (False, False)
    >>> replaces("cargo build", "npm run build"), replaces("make test-unit", "make test")
    (False, False)
    """
    fresh, former = _read(new), _read(old)
    if fresh.name == former.name:
        lost = set(former.words) - set(fresh.words)
        return set(fresh.words) < set(former.words) and all(_picks(word) for word in lost)
    worlds = {_world(fresh), _world(former)} - {""}
    return len(worlds) < 2 and not (_within(fresh.name, former.name) or _partial(fresh, former))


def _within(one: str, other: str) -> bool:
    """Whether the one task is named as a part of the other: "make test" and "make test-unit"."""
    short, long = sorted((one, other), key=len)
    return re.match(rf"{re.escape(short)}[\s:._/-]", long) is not None


def _partial(new: _Command, old: _Command) -> bool:
    """Whether a command has a target or filter that one of another name has not; it may have a subcommand."""
    more = [word for word in new.words if word not in (*old.words, *old.name.split())]
    targets = [word for word in more if not word.startswith("-")]
    able = 0 if " " in new.name else 1
    flags = any(_PART.fullmatch(word) or "=" in word for word in more)
    return flags or len(targets) > able or not all(re.fullmatch(r"[a-z][a-z-]*", word) for word in targets)


def _picks(word: str) -> bool:
    """Whether a word of a command says which part is run, not how."""
    return bool(_PART.fullmatch(word)) if word.startswith("-") else re.search(r"[=&|;<>]", word) is None


def _world(command: _Command) -> str:
    return _WORLDS.get(re.sub(r"(?<=[a-z])[\d.]+$", "", command.name.split()[0]), "") if command.name else ""


@lru_cache(4096)
def _read(command: str) -> _Command:
    text = " ".join(command.split())
    given, text = _split(text, re.match(r"(?:\w+=\S*\s+)*", text))
    _, text = _split(text, _AROUND.match(text))
    name, rest = _split(text, _NAMED.match(text))
    return _Command(name, tuple(word for word in (*given.split(), *rest.split()) if word not in _EVERYTHING))


def _split(text: str, found: re.Match[str] | None) -> tuple[str, str]:
    end = found.end() if found else 0
    return text[:end].strip(), text[end:].strip()
