"""Which program a command runs, and so of what family it is: ``pytest``, ``go test``, ``js lint``.

What stands at the head decides, after whatever only starts others: ``sudo``, ``npx``, ``uv run``, ``docker
compose exec``. Arguments never do: a runner's name in a message or a path is no run of it. Pure.

Covered: the programs below; any other one under its own name and its subcommand.
Not covered: a program that has another name on this machine.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

from rune.running.shell import Simple


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_LOOKING = _set(
    """Edit MultiEdit NotebookEdit Write [ [[ . : ack ag alias awk base64 basename bat bc break cal cat cd
    chmod chown cksum clear cmp column comm command continue cp curl cut date declare df diff dig
    dirname du echo egrep eval exit export false fd fgrep file find fold free gh grep gunzip gzip
    head help hexdump history host hostname id ifconfig ip jobs jq kill killall less let ln local
    lsof ls man md5sum mkdir mktemp more mv nc netstat nl nslookup od open paste pgrep ping pkill
    popd printenv printf ps pushd pwd read readlink realpath return rev rg rm rmdir rsync scp sed
    seq set sha1sum sha256sum shasum sleep shift sort source split ss ssh stat strings su sum tac tail tar
    tee test top touch tr trap tree true type ulimit umask uname uniq unset unzip uptime wait wc
    wget whereis which whoami xxd yes yq zip"""
)
"""Programs that look around, move files or print: none of these is a run that fails and is mended."""
_LOOKED_FOR = _set(
    """cat config describe diff doc docs env events freeze get help history images info inspect list log
    logs ls metadata outdated ps routes search show showmigrations status top tree version view
    whoami why"""
)
"""Subcommands that look around."""
_NOTHING = _set(
    """--help --version --collect-only --co --list --list-tests --listTests --dry-run --no-run --showConfig"""
)
"""Options with which a runner runs nothing."""
_SAME = {
    "py.test": "pytest", "goimports": "gofmt", "g++": "gcc", "clang": "gcc", "clang++": "gcc", "cc": "gcc",
    "c++": "gcc", "vue-tsc": "tsc", "basedpyright": "pyright", "mvnw": "mvn", "gradlew": "gradle",
    "prek": "pre-commit", "tofu": "terraform", "docker-compose": "docker", "podman": "docker", "pip3": "pip",
    "nodejs": "node", "gmake": "make",
}  # fmt: skip
_ALONE = _set(
    """pytest unittest tox gofmt vitest jest mocha tsc eslint prettier mypy flake8 phpunit pest gcc rspec
    pyright pre-commit ctest ninja rubocop black isort pylint phpstan nox"""
)
"""Programs of which all runs are of one family, whatever the first word after the name."""
_ONLY = {
    "go": "build generate get install mod run test vet",
    "git": "am cherry-pick commit merge push rebase revert",
    "swift": "build run test", "deno": "check fmt lint run task test", "playwright": "test",
}  # fmt: skip
"""Programs of which only these subcommands count."""
_USUAL = {"golangci-lint": "run", "ruff": "check", "playwright": "test"}
"""Subcommands that are so usual that the family has the program's name alone, or may be left out."""
_MANAGERS = frozenset(("npm", "pnpm", "yarn", "bun", "nx", "turbo", "lerna"))
_QUERIES = frozenset(("psql", "mysql", "sqlite3", "mongosh", "redis-cli", "clickhouse-client"))
_VALUED = _set(
    """-C -f -F -w -p -P -pl -am -e -u -U -v -x -k -m -t -n -i -o -g --filter --workspace --prefix --dir
    --cwd --scope --file --directory --project --projects --project-name --profile --profiles --env
    --env-file --volume --workdir --user --name --network --entrypoint --mount --platform --with
    --extra --group --python --package --manifest-path --project-dir --settings --config --target
    --features --tests --context --namespace --publish -chdir"""
)
"""Options whose value is the next word."""
_MODULES = _set(
    """pytest unittest mypy ruff flake8 tox nox pip black isort pylint coverage pyright alembic build
    pre_commit"""
)
"""Python modules that are programs of their own, too."""
_ASSIGNED = re.compile(r"\w+\+?=")
_BARE = re.compile(r"[A-Za-z][\w:.-]*")
_SUBCOMMAND = re.compile(r"[a-z][a-z0-9_:-]*")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*|\$\{?\w*PY(?:THON)?\w*\}?")


@lru_cache(1024)
def family(one: Simple) -> str:
    """The family of a command; empty for looking around.

    >>> from rune.running.shell import parse
    >>> [family(parse(line)[0]) for line in ("uv run pytest -q", "git commit -m pytest", "npm run lint")]
    ['pytest', 'git commit', 'js lint']
    """
    words = started(one.words)
    if words and words[0] in _LOOKING and one.program in _SCRIPTED:
        return f"{one.program} {words[0]}"  # a script of the project that has a common name
    if not words or _NOTHING & set(words[1:]) or words[1:] in (["-h"], ["-V"], ["-v"]):
        return ""
    return _family(words, one)


def _family(words: list[str], one: Simple) -> str:
    base = words[0].removesuffix(".exe").removesuffix(".cmd").rsplit("/", 1)[-1]
    name, rest = _SAME.get(base, base), words[1:]
    if name in _LOOKING or not re.match(r"[\w@.]", name):
        return ""
    if name in _ALONE:
        return name
    if _PYTHON.fullmatch(name):
        return _python(rest, one)
    if name in _INTERPRETERS:
        return _script(bare(rest), _INTERPRETERS[name]) if bare(rest) else ""
    if name in _MANAGERS:
        return _managed(rest, one)
    if name in _QUERIES:
        given = [after for word, after in itertools.pairwise(rest) if word in ("-c", "-e")]
        asked = given[0] if given else one.heredoc
        return f"{name} {_digest(asked)}" if asked else name
    if words[0].startswith(("./", "../", "/")) and name not in _KNOWN:
        return _script(words)
    return _with_subcommand(name, rest)


def _with_subcommand(name: str, rest: Sequence[str]) -> str:
    found = bare(rest)
    if name == "cmake":
        return "ninja" if "--build" in rest else "cmake"
    if name == "mise":
        return f"mise {found[1]}" if found[:1] in (["run"], ["r"]) and len(found) > 1 else ""
    if name in ("mvn", "gradle"):  # the last phase or task is what the others are for
        goal = found[-1].rsplit(":", 1)[-1] if found else ""
        return f"{name} {goal}".strip()
    if name == "make":
        goals = [goal for goal in found if not goal.endswith("clean")] or found
        return "" if {"-n", "--just-print"} & set(rest) else " ".join(("make", *goals))
    if name == "docker" and found[:1] == ["compose"]:
        return "" if found[1:2] and found[1] in _LOOKED_FOR else " ".join(("docker", *found[:2]))
    sub = found[0] if found and (_SUBCOMMAND.fullmatch(found[0]) or name in _ONLY) else _USUAL.get(name, "")
    if sub in _LOOKED_FOR or (name in _ONLY and sub not in _ONLY[name].split()):
        return ""
    return name if _USUAL.get(name) == sub else f"{name} {sub}".strip()


_KNOWN = frozenset((*_ONLY, *_USUAL, "cargo", "dotnet", "mvn", "gradle", "mix", "terraform", "rails", "make"))
"""Programs that keep their names when they are run by a path."""


def _python(rest: Sequence[str], one: Simple) -> str:
    place = next((n for n, word in enumerate(rest) if word == "-c" or not word.startswith("-")), len(rest))
    module = rest[rest.index("-m") + 1 :] if "-m" in rest[: place + 1] else []
    if module:
        return " ".join(("python -m", module[0], *_positional(module[1:])))
    after = rest[place:]
    if one.heredoc is not None or after[:1] in (["-c"], ["-"]):  # one-off: only the same text is the same
        return f"python -c {_digest(one.heredoc or ' '.join(rest))}"
    if not after:
        return ""
    name = after[0].rsplit("/", 1)[-1]
    if name == "runtests.py" or (name == "manage.py" and after[1:2] == ["test"]):
        return "manage.py"
    if after[1:2] and after[1] in _LOOKED_FOR:
        return ""
    return " ".join(("python", name, *_positional(after[1:])))


_INTERPRETERS = {"bash": "script", "sh": "script", "zsh": "script", "node": "node", "php": "php"}
_INTERPRETERS |= {name: name for name in ("ruby", "perl", "tsx", "ts-node", "Rscript", "lua")}
"""Programs that run a script, and how their families are called."""


def _script(words: Sequence[str], name: str = "script") -> str:
    return " ".join((name, words[0].rsplit("/", 1)[-1], *_positional(words[1:])))


def _positional(rest: Sequence[str]) -> list[str]:
    """The subcommand of a program of one's own."""
    return [word for word in rest[:1] if _SUBCOMMAND.fullmatch(word)]


def _managed(rest: Sequence[str], one: Simple) -> str:
    """A script of a JavaScript project, or a tool that a package manager starts."""
    found = bare(rest)
    if found[:1] == ["workspace"]:
        found = found[2:]
    asked = found[:1] in (["run"], ["run-script"])
    found = found[1:] if asked else found
    if not found or (not asked and found[0] in _LOOKED_FOR):
        return ""
    if not asked and (found[0] in _ALONE or found[0] in ("playwright", "biome")):
        return _family([*rest[rest.index(found[0]) :]], one)
    script = found[0].rsplit(":", 1)[-1] if one.program == "nx" else found[0]
    return f"js {'test' if script in ('t', 'tst') else script}"


def bare(words: Sequence[str]) -> list[str]:
    """The arguments that are no options, no values of options and no assignments.

    >>> bare(["-C", "web", "-j4", "CI=1", "test", "--", "-x"])
    ['test']
    """
    found: list[str] = []
    skip = False
    for word in words:
        if word == "--":
            break
        if not skip and not word.startswith(("-", "+")) and not _ASSIGNED.match(word):
            found.append(word)
        skip = not skip and word in _VALUED
    return [word for word in found if _BARE.match(word) or "/" in word or word.startswith(":")]


def _digest(text: str) -> str:
    return hashlib.sha256(re.sub(r"\s+", " ", text).encode()).hexdigest()[:8]


def started(words: Sequence[str]) -> list[str]:
    """What a command runs in the end: without programs that only start others.

    >>> started(("sudo", "-E", "timeout", "60", "uv", "run", "--with", "x", "python", "-m", "pytest", "-q"))
    ['pytest', '-q']
    >>> started(("docker", "compose", "exec", "-T", "web", "npx", "-y", "jest"))
    ['jest']
    """
    now = list(words)
    for _ in range(8):  # nobody starts more of them in each other
        after = _next(now)
        if after is None:
            break
        now = after
    return now


def _next(words: list[str]) -> list[str] | None:
    """What a starter starts; None where the first word is none."""
    if not words:
        return None
    name, rest = words[0].rsplit("/", 1)[-1], words[1:]
    if (name, rest[0] if rest else "") in _TWO:
        return _past(rest[1:]) or None
    if name in _PLAIN:
        after = _past(rest)
        return after[1:] if name == "timeout" else after
    if _PYTHON.fullmatch(name) and "-m" in rest[:3] and rest.index("-m") + 1 < len(rest):
        module = rest[rest.index("-m") + 1 :]
        return [module[0].replace("_", "-"), *module[1:]] if module[0] in _MODULES else None
    if name == "coverage" and rest[:1] == ["run"]:
        after = _past(rest[1:], {"--source", "--omit", "--include", "--rcfile"})
        return ["python", *(["-m", *after] if "-m" in rest else after)]
    if name in ("docker", "podman", "docker-compose"):
        return _contained(name, rest)
    if (name == "kubectl" and rest[:1] == ["exec"]) or (name == "mise" and rest[:1] in (["x"], ["exec"])):
        return rest[rest.index("--") + 1 :] if "--" in rest else None
    return None


_SCRIPTED = frozenset(("hatch", "pdm", "pixi", "rye"))
"""Starters that know scripts of the project's own."""
_PLAIN = _set(
    """sudo doas env time nohup exec command builtin nice ionice stdbuf timeout caffeinate xvfb-run
    unbuffer npx bunx pnpx uvx xargs chronic rtk"""
)
"""Programs that run what follows their options."""
_TWO = frozenset(
    (name, sub)
    for names, subs in (
        ("npm pnpm yarn", "exec dlx x"), ("bun", "x"), ("uv poetry pdm pipenv rye hatch pixi pipx", "run"),
        ("bundle asdf direnv", "exec"), ("rtk", "test err summary proxy"),
    )
    for name in names.split() for sub in subs.split()
)  # fmt: skip
"""Subcommands that do."""


def _past(words: Sequence[str], valued: frozenset[str] | set[str] = _VALUED) -> list[str]:
    """What follows options, their values and assignments."""
    place = 0
    while place < len(words) and (words[place].startswith("-") or _ASSIGNED.match(words[place])):
        if words[place] == "--":
            return list(words[place + 1 :])
        place += 2 if words[place] in valued else 1
    return list(words[place:])


def _contained(name: str, rest: list[str]) -> list[str] | None:
    """What runs in a container; None where the image decides."""
    after = _past(rest)
    if name != "docker-compose" and after[:1] == ["compose"]:
        after = _past(after[1:])
    if after[:1] not in (["exec"], ["run"]):
        return None
    inside = _past(after[1:])[1:]
    return inside or None
