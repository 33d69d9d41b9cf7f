"""Whether one command has taken the place of another one that was run for the same. Pure.

Another program stands for it where it names the same task (`just check` after `make check`) or is known to do
the same job (``rune.evolution.tools``); that it is run for the same question is no evidence, since whoever
describes a run does so loosely. A run of a part does not replace the whole, nor one part another one: two
test files are both run by someone. Without its target a command is the whole only where it then takes
everything; `./deploy.sh` is no more than `./deploy.sh prod`. Of a chain (`make lint && make test`) each step
is a part.

In doubt nothing is replaced. Not covered: the same folder by two names, a flag with its value in one word.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rune.evolution import tools

_AROUND = re.compile(
    r"^(?:(?:sudo|time|timeout \d\w*|npx|bunx|(?:uv|poetry|pdm|pipenv|hatch) run|python[\d.]* -m)\s+"
    r"(?:-\S+\s+)*|(?:\S*/)?(?:\.?venv[\w-]*|node_modules/\.|vendor)/?bin/(?=\w))+"
)
_NAMED = re.compile(
    r"(?:make|just|task|rake|docker(?=\s+compose\b)|(?:npm|pnpm|yarn|bun|mise|deno|composer)\s+run"
    r"|python[\d.]*|node|bash|sh|ruby|php)\s+(?![-&|;<])\S+|\S+"
)
"""A program, or the task or script that is run by one."""
_EVERYTHING = frozenset((".", "./", "...", "./..."))
_PART = re.compile(
    r"-(?:[ekmpt]|run|pl|[dD]test=.*|-(?:lf|ff|last-failed|filter|tests?|bin|grep|only|package|project)(?:=.*)?)"
)
"""Flags that pick a part."""
_ALONE = re.compile(
    r"(?:(?:pytest|py\.test|unittest|tox|nox|mypy|pyright|flake8|pylint|black|isort|ruff (?:check|format)"
    r"|jest|vitest(?: run)?|mocha|eslint|stylelint|prettier|biome \w+|playwright test|rspec|phpunit"
    r"|cargo (?:test|nextest run|check|clippy|build|bench)|golangci-lint run|dotnet test"
    r"|(?P<folder>go (?:test|vet))|docker[ -]compose (?:up|build|pull)"
    r"|(?:npm|pnpm|yarn|bun|mise|composer)(?: run)? (?:tests?|lint|check|typecheck)"
    r"|(?:python[\d.]* )?\S*(?:runtests\.py|manage\.py test))"
    r"|(?P<tasks>(?:\.?/)?gradlew? test|mvn (?:test|verify)))(?=\s|$)"
)
"""What takes everything where nothing is picked: it is the whole of what it does with a target or a filter.
Some take the folder only where they stand; further words of others are tasks, no targets."""
_SUBBED = frozenset((
    "npm", "pnpm", "yarn", "bun", "pip", "uv", "poetry", "pdm", "docker", "docker-compose",
    "docker compose", "cargo", "go", "ruff", "biome", "vitest", "playwright", "mvn", "gradle", "./gradlew",
    "/gradlew", "dotnet", "git", "composer", "bundle", "mise", "terraform", "kubectl", "helm", "alembic",
    "flask", "mix", "golangci-lint",
))  # fmt: skip
"""Programs whose first word says what they do, not with what."""
_PROJECTS = frozenset((
    "npm", "pnpm", "yarn", "bun", "composer", "mise", "docker compose", "docker-compose", "gradle",
    "./gradlew", "/gradlew",
))  # fmt: skip
"""Those whose first word is a task that the project names, or what many programs call so."""
_SCRIPTS = frozenset((".", "script", "scripts", "bin", "tools", "tool", "ci", "hack", "dev", "build"))
"""Folders of scripts for a whole project."""
_MANY = frozenset(("make", "rake", "task", "ninja"))
"""Programs each of whose words is a task."""
_CHECKERS = frozenset(("ruff", "biome", "cargo"))
"""Tools whose "check" is not the project's."""
_COMPOSITE = frozenset((
    "all", "check", "checks", "ci", "verify", "validate", "everything", "deploy", "release", "ship",
    "publish",
))  # fmt: skip
"""Tasks that do by their nature what others do in several steps."""
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
    """Without those that mean everything."""
    everything: bool
    """Whether there were such."""

    @property
    def program(self) -> str:
        return self.name.split()[0] if self.name else ""

    @property
    def task(self) -> str:
        """What is done, whichever program does it."""
        if self.subbed:
            return self.words[0]
        return re.sub(r"^.*/|\.\w+$", "", self.name.split()[-1]) if self.name else ""

    @property
    def picked(self) -> frozenset[str]:
        """Words that may say of what it is done, or where."""
        rest = self.words[1:] if self.subbed else self.words
        return frozenset(word for word in rest if not word.startswith("-") or "=" in word)

    @property
    def subbed(self) -> bool:
        """Whether its first word says what it does."""
        return self.name in _SUBBED and bool(self.words) and not self.words[0].startswith("-")


def replaces(new: str, old: str) -> bool:
    """Whether a younger command may be what is run now instead of an older one.

    >>> replaces("just check", "make check"), replaces("pytest", "pytest tests/test_a.py -k one")
    (True, True)
    >>> replaces("pytest tests/test_a.py", "pytest"), replaces("ruff format .", "ruff check .")
    (False, False)
    >>> replaces("pytest a", "pytest a b"), replaces("make test", "make lint && make test")
    (False, False)
    >>> replaces("cargo build", "npm run build"), replaces("make test-unit", "make test")
    (False, False)
    """
    later, former = _steps(new), _steps(old)
    while len(later) > 1 and len(former) > 1 and later[0] == former[0]:
        later, former = later[1:], former[1:]
    if len(later) != 1 or not former or not _one_world((*later, *former)):
        return False
    (fresh,) = later
    if len(former) > 1:
        return _stands_for(fresh, former)
    return _replaces(fresh, former[0])


def _replaces(new: _Command, old: _Command) -> bool:
    if new.name == old.name:
        return _whole(new, old)
    if _within(new.name, old.name) or _partial(new, old) or new.task in old.picked:
        return False
    if _task(new) == _task(old) and _shared(new) == _shared(old) != "":
        return new.picked == old.picked or _whole(new, old)
    job = tools.job((*new.name.split(), *new.words))
    if not job or job != tools.job((*old.name.split(), *old.words)):
        return False
    return new.picked.isdisjoint(old.picked) or old.picked <= new.picked


def _shared(command: _Command) -> str:
    """Where the task of a command is the project's, which another program may know, too; not a tool's own."""
    if command.subbed:
        return "" if command.name not in _PROJECTS else "."
    path = command.name.split()[-1] if command.name else ""
    folders = [part for part in path.split("/")[:-1] if part not in _SCRIPTS]
    return "/".join(folders) or "."


def _task(command: _Command) -> str:
    """What is done, whichever edition of it: a single digit counts steps, a longer number editions."""
    return re.sub(r"(?<=[a-z])[_-]?\d{2,}$", "", command.task)


def _stands_for(new: _Command, steps: Sequence[_Command]) -> bool:
    """Whether one task does what was done in steps: it is none of them, and can be several."""
    whole = (" " in new.name or "/" in new.name) and not new.picked
    own = {one.task for one in steps if one.name not in _CHECKERS}
    return whole and new.task in _COMPOSITE and new.task not in own


def _whole(new: _Command, old: _Command) -> bool:
    """Whether the younger one takes everything, and the older one did the same with a part."""
    (what, rest), (_, before) = _picking(new), _picking(old)
    if what is None or new.task != old.task or not set(rest) < set(before):
        return False
    if what["folder"] and not new.everything:
        return False
    values = {word for flag, word in pairwise(before) if _PART.fullmatch(flag)}
    lost = set(before) - set(rest)
    taken = all(_picks(word) or word in values for word in lost)
    loose = [word for word in lost if not word.startswith("-") and word not in values]
    return taken and not (what["tasks"] and loose) and not any(_picks(word) for word in rest)


def _picking(command: _Command) -> tuple[re.Match[str] | None, tuple[str, ...]]:
    """What a command does, if it takes everything by itself, and the words that may narrow it."""
    every = (*command.name.split(), *command.words)
    what = _ALONE.match(" ".join(every))
    rest = every[len(what[0].split()) :] if what else ()
    return what, tuple(word for word in rest if word != "--")


def _picks(word: str) -> bool:
    """Whether a word of a command says which part is run, not how."""
    if word.startswith("-"):
        return _PART.fullmatch(word) is not None
    return not word.isdecimal() and re.search(r"[=&|;<>]", word) is None


def _within(one: str, other: str) -> bool:
    """Whether the one task is named as a part of the other: "make test" and "make test-unit"."""
    short, long = sorted((one, other), key=len)
    return re.match(rf"{re.escape(short)}[\s:._/-]", long) is not None


def _partial(new: _Command, old: _Command) -> bool:
    """Whether a command has a target or filter that one of another name has not; it may have a subcommand."""
    more = [word for word in new.words if word not in (*old.words, *old.name.split())]
    targets = [word for word in more if not word.startswith("-")]
    if not more:
        return False
    able = 0 if " " in new.name or new.words[0] not in targets else 1
    flags = any(_PART.fullmatch(word) or "=" in word for word in more)
    return flags or len(targets) > able or not all(re.fullmatch(r"[a-z][a-z-]*", word) for word in targets)


def _one_world(steps: Sequence[_Command]) -> bool:
    worlds = {_WORLDS.get(re.sub(r"(?<=[a-z])[\d.]+$", "", one.program), "") for one in steps}
    return len(worlds - {""}) < 2


@lru_cache(4096)
def _steps(command: str) -> tuple[_Command, ...]:
    """The commands of a chain; what is handed to a shell in quotes is one, too."""
    steps: list[list[str]] = [[]]
    for word in _words(command.replace("\n", " ; ")):
        inner = _words(word) if re.search(r"\s(?:&&|\|\|)\s|;\s", word) else [word]
        for part in inner:
            if re.fullmatch(r"&&|\|\||;+|&", part):
                steps.append([])
            elif not re.fullmatch(r"[()]+", part):
                steps[-1].append(part)
    return tuple(one for words in steps if words for one in _tasks(_read(words)))


def _tasks(command: _Command) -> tuple[_Command, ...]:
    """Each task that a command names, where it may name several: "make lint test"."""
    named = [*command.name.split()[1:], *sorted(command.picked, key=command.words.index)]
    if command.program not in _MANY or len(named) < 2 or any("=" in word for word in named):
        return (command,)
    return tuple(_Command(f"{command.program} {one}", (), False) for one in named)


def _words(text: str) -> list[str]:
    """What a shell would take for words; where it would complain, what stands between blanks."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:
        return text.split()


def _read(words: Sequence[str]) -> _Command:
    text = " ".join(word.replace(" ", "\0") for word in words)
    given, text = _split(text, re.match(r"(?:\w+=\S*\s+)*", text))
    _, text = _split(text, _AROUND.match(text))
    name, rest = _split(text, _NAMED.match(text))
    every = [word.replace("\0", " ") for word in (*rest.split(), *given.split())]
    kept = tuple(word for word in every if word not in _EVERYTHING)
    return _Command(name.replace("\0", " "), kept, len(kept) < len(every))


def _split(text: str, found: re.Match[str] | None) -> tuple[str, str]:
    end = found.end() if found else 0
    return text[:end].strip(), text[end:].strip()
