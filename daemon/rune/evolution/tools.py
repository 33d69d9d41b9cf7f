"""Tools that are known to do one job: where one of them came, another one went. Pure.

Only what a project uses one of is listed. It may well run two type checkers, two linters of two languages,
and its tests beside those of another kind; who looks at a file runs no test. A tool that is not here does a
job of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

_JS, _PYTHON = "packages of javascript", "packages of python"
_PROGRAMS = {
    program: job
    for job, programs in {
        _JS: "npm pnpm yarn bun",
        _PYTHON: "pip uv poetry pdm pipenv",
        "tasks": "make just task rake",
        "tests of javascript": "jest vitest mocha ava",
        "tests of python": "pytest py.test unittest nosetests",
        "containers": "docker-compose podman-compose",
    }.items()
    for program in programs.split()
}
"""Whole programs."""
_COMMANDS = {
    command: job
    for job, commands in {
        "lint of python": ("flake8", "pycodestyle", "pyflakes", "ruff check"),
        "lint of javascript": ("eslint", "tslint", "jshint", "biome check", "biome lint"),
        "format of python": ("black", "yapf", "autopep8", "ruff format"),
        "format of javascript": ("prettier", "biome format"),
        "tests of javascript": ("jest", "vitest", "vitest run", "mocha", "ava"),
        "tests of python": ("pytest", "py.test", "unittest", "nosetests"),
        "install of javascript": ("npm install", "npm ci", "npm i", "pnpm install", "pnpm i",
                                  "yarn install", "bun install", "bun i"),
        "install of python": ("pip install", "uv sync", "uv pip", "uv add", "poetry install", "poetry add",
                              "pdm install", "pdm add", "pipenv install"),
    }.items()
    for command in commands
}  # fmt: skip
"""Programs with what they are told to do."""


def job(words: Sequence[str]) -> str:
    """What a command does, by its first words; empty where that is not known.

    >>> job(("ruff", "check", "src")), job(("ruff", "format")), job(("ls", "src"))
    ('lint of python', 'format of python', '')
    """
    return _COMMANDS.get(" ".join(words[:2])) or _COMMANDS.get(" ".join(words[:1]), "")


def alike(one: str, other: str) -> bool:
    """Whether two programs, by their bare names, are used for the same: a project has one of them.

    >>> alike("npm", "pnpm"), alike("npm", "pip"), alike("npm test", "pnpm test")
    (True, False, False)
    """
    return one != other and _PROGRAMS.get(one, "") == _PROGRAMS.get(other, "-")
