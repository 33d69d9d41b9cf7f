"""Of what a run speaks: the folder, the package and the files that its command names.

A test that passed in one package of a workspace says nothing of a test that failed in another. A wider run
does, and so does one that names nothing. A narrower one does if the failure spoke of just that; one that
leaves something out does not.

Covered: packages and folders of the runners below, ``cd``, paths and test ids among the arguments, what
``-k`` and the like pick, what ``--deselect`` and the like leave out.
Not covered: folders in variables, a folder beside a package's name, what a configuration picks.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from typing import TypeVar

_HEREDOC = re.compile(r"<<-?\s*['\"]?(\w+)['\"]?.*?\n\1\b", re.S)
_T = TypeVar("_T")
_VALUE = r"(?:=|\s+)(['\"]?)(?P<named>[^\s'\"]+)\1"
_QUOTED = r"(?:=|\s+)(?:(?P<quote>['\"])(?P<inside>[^'\"]+)(?P=quote)|(?P<named>[^\s'\"-][^\s'\"]*))"
"""A value that may hold blanks."""
_PACKAGES = (
    (r"\bcargo\b", r"\s(?:-p|--package)" + _VALUE),
    (r"\bnpm\b", r"\s(?:-w|--workspace)" + _VALUE),
    (r"\byarn\b", r"\bworkspace\s+(?P<named>\S+)"),
    (r"\b(?:pnpm|yarn|bun|turbo|lerna)\b", r"\s(?:-F|--filter|--scope)" + _VALUE),
    (r"\bnx\b", r"\s(?:-p|--projects?)" + _VALUE),
    (r"\bnx\b", r"\bnx\s+[a-z][\w-]*\s+(?P<named>[a-z@][\w@/-]*)"),
    (r"\bmvnw?\b", r"\s(?:-pl|--projects)" + _VALUE),
    (r"\bgradlew?\b", r"\s:?(?P<named>(?:[\w-]+:)*[\w-]+):\w+"),
    (r"\btox\b", r"\s-e" + _VALUE),
)
"""By runner, how a package (or an environment) is named."""
_FOLDERS = (
    (r"\b(?:make|pnpm|npm)\b", r"\s-C" + _VALUE),
    (r"\b(?:make|npm|pnpm|yarn|bun|gradlew?)\b", r"\s--(?:directory|prefix|dir|cwd|project-dir)" + _VALUE),
    (r"\bcargo\b", r"\s--manifest-path" + _VALUE),
    (r"\bmvnw?\b", r"\s(?:-f|--file)" + _VALUE),
    (r"\btsc\b", r"\s(?:-p|-b|--project)" + _VALUE),
    (r"\bcd\b", r"(?:^|[;&(]\s*)cd\s+(['\"]?)(?P<named>[^\s'\";&)-][^\s'\";&)]*)"),
)
"""By runner, how the folder is named in which it is to work."""
_TAKES = re.compile(
    r"-[cCofFIpnkmtwWeX]|--[\w-]+|-(?:run|bench|tags|timeout|count|coverprofile|fuzz|ldflags|pl)|workspace"
)
"""Words after which comes their value, not what is run."""
_TARGET = re.compile(r"[\w@.~*-]*(?:/|\.[A-Za-z]\w{0,4}(?=$|::)|::)\S*|\.{1,2}")
_PATHLESS = re.compile(r"\b(?:git|docker|pip)\b")
"""Whose arguments are messages, images and names rather than what is run."""
_PATTERN = re.compile(r"[*?[]")
_MANIFEST = re.compile(r"Cargo\.toml|pom\.xml|tsconfig[\w.-]*\.json")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a command names; nothing of a kind where it speaks of all."""

    packages: tuple[str, ...]
    folders: tuple[tuple[str, ...], ...]
    targets: tuple[tuple[str, ...], ...]
    picks: tuple[str, ...] = ()
    """Names, expressions and the like by which some of all is picked."""
    leaves: tuple[str, ...] = ()
    """What is left out, as it is written."""


@lru_cache(1024)
def of(command: str) -> Scope:
    """The scope of a command, without what it writes into files.

    >>> of("pnpm --filter @acme/api test").packages, of("go test ./store/... -run X").targets
    (('@acme/api',), (('store',),))
    """
    command = _HEREDOC.sub("<<heredoc", command)
    named = [name for value in _values(command, _PACKAGES) for name in value.lower().split(",")]
    packages = tuple(name.strip(":./^") for name in named if name.strip(":./^") and not name.startswith("!"))
    folders = (_parts(value) for value in _values(command, _FOLDERS) if "$" not in value)
    return Scope(packages, tuple(filter(None, folders)), _targets(command), *_selection(command))


def apart(one: str, other: str) -> bool:
    """Whether two runs are of different things, so that neither says anything of the other.

    >>> apart("cargo test -p api", "cargo test -p web"), apart("pytest tests/a.py", "pytest tests")
    (True, False)
    """
    return elsewhere(one, other) or _disjoint(of(one).targets, of(other).targets, _near)


def elsewhere(one: str, other: str) -> bool:
    """Whether two runs are of different packages or folders, whatever files they name there."""
    a, b = of(one), of(other)
    return _disjoint(a.packages, b.packages, _alike) or _disjoint(a.folders, b.folders, _near)


def verifies(passed: str, failed: str, said: str) -> bool:
    """Whether a run that passed tells that what failed in another of its kind is well.

    A run of a part tells it of a run of all where that one spoke of the part, or of no other one.

    >>> verifies("cargo test", "cargo test -p api", "")
    True
    >>> verifies("cargo test -p web", "cargo test", "api failed")
    False
    >>> verifies("pytest -k port", "pytest", "FAILED a.py::test_host")
    False
    """
    if apart(passed, failed):
        return False
    here, there = of(passed), of(failed)
    bad = _WELL.sub("", said)
    told, others = f"{failed}\n{bad}".lower(), {name.lower() for name in _TESTS.findall(bad)}
    narrow = [] if there.packages else [_last(name) for name in here.packages]
    if not there.folders and re.search(r"\w/\w", bad):  # it named files, and so the folder if it was another
        narrow += [path[-1].lower() for path in here.folders if path[0] != "/"]
    parts = [path for path in here.targets if not any(_holds(path, other) for other in there.targets)]
    return (
        (not narrow or any(_spoken(name, told) for name in narrow))
        and (len(parts) < len(here.targets) or not parts or any(_meant(path, told, others) for path in parts))
        and all(pick in there.picks or _picked(pick, there, told, others) for pick in here.picks)
        and set(here.leaves) <= set(there.leaves)
    )


_WELL = re.compile(r"^.*(?:\bPASS(?:ED)?\b|^\s*(?:ok|✓|✔|√)\s|\bok$| \.{2,}| \.\s+\[).*$", re.M)
"""Lines that tell of what went well."""
_TESTS = re.compile(
    r"[\w-]*(?:[tT]ests?|[sS]pec)[\w-]*(?:\.[\w-]+)*\.\w{1,5}\b|(?<=::)\w+|\b(?:test_|Test[A-Z])\w+"
    r"|(?<=FAIL: )\w+"
)
"""Files of tests, and tests."""
_FEW = frozenset(("and", "or", "not", "test", "tests", "the", "should"))


def _meant(path: tuple[str, ...], told: str, others: set[str]) -> bool:
    """Whether what failed spoke of a file or a folder, or of no other test than those in it."""
    own = {part.lower() for part in path}
    return _spoken(path[-1].lower(), told) or not others - own


def _picked(pick: str, there: Scope, told: str, others: set[str]) -> bool:
    """Whether what failed spoke of something that an expression picks, or of no test at all."""
    ways = re.split(r"\||\bor\b|\+|,", pick.lower())
    named = [[name for name in re.findall(r"[\w.-]{2,}", way) if name not in _FEW] for way in ways]
    spoken = any(
        names and all(re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", told) for name in names)
        for names in named
    )
    return spoken or not (there.picks or others)


def _spoken(name: str, text: str) -> bool:
    return "*" in name or re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


_PICKING = (
    (r"\b(?:pytest|py\.test)\b", r"\s(?:-k|-m|--keyword)" + _QUOTED),
    (
        r"\b(?:vitest|jest|mocha|playwright|npm|pnpm|yarn|bun)\b",
        r"\s(?:-t|-g|--grep|--testNamePattern|--test-name-pattern|--testPathPatterns?|--project)" + _QUOTED,
    ),
    (r"\bgo\s+test\b", r"\s--?run" + _QUOTED),
    (r"\bcargo\b", r"\s(?:--test|--bin|--example|--bench|-E|--filter-expr)" + _QUOTED),
    (
        r"\bcargo\s+(?:\+\S+\s+)?(?:nextest\s+run|t|test)\b",
        r"\b(?:nextest\s+run|t|test)\s+(?:-(?!-(?:\s|$))\S+\s+)*(?P<named>[A-Za-z_][\w:]*)(?=\s|$)",
    ),
    (r"\bmvnw?\b", r"\s-D(?:it\.)?test" + _QUOTED),
    (r"\bgradlew?\b", r"\s--tests" + _QUOTED),
    (
        r"\b(?:dotnet|swift|phpunit|pest|artisan|bazel)\b",
        r"\s--(?:filter|testsuite|group|test_filter)" + _QUOTED,
    ),
    (r"\brspec\b", r"\s(?:-e|--example|-t|--tag)" + _QUOTED),
    (r"\bctest\b", r"\s(?:-R|-L|--tests-regex)" + _QUOTED),
    (r"\bmix\b", r"\s--only" + _QUOTED),
    (r"\b(?:ruff|flake8|pylint|mypy|golangci-lint)\b", r"\s--(?:select|enable|enable-only)" + _QUOTED),
    (r"\bnox\b", r"\s-(?:s|-sessions?)" + _QUOTED),
    (
        r"\b(?:manage\.py\s+test|runtests\.py|unittest)\b",
        r"\s(?P<named>(?!-)[A-Za-z_]\w*(?:\.\w+)*)(?=\s|$)(?<!\stest)(?<!\sunittest)",
    ),
)
"""By runner, how some of all is picked."""
_LEAVING = re.compile(
    r"\s(?:--deselect|--ignore(?:-glob)?|--exclude(?:-task|-dir)?|--skip|--testPathIgnorePatterns|--extend-exclude)"
    r"(?:=|\s+)\S+|\s-Dmaven\.test\.skip\S*|\s-DskipTests\S*|\s-DskipITs\S*|\s--no-verify\b"
    r"|(?<=gradle|radlew)(?=.*?(\s-x\s+\S+))|\s-k[ =]['\"]?not\s+[^'\"]+"
)


def _selection(command: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a command picks, and what it leaves out."""
    leaves = tuple(found[1] or found[0].strip() for found in _LEAVING.finditer(command))
    picks = [name for name in _values(command, _PICKING) if not re.match(r"not\s", name)]
    return tuple(dict.fromkeys(picks)), leaves


def _values(command: str, ways: Sequence[tuple[str, str]]) -> list[str]:
    able = (way for runner, way in ways if re.search(runner, command))
    return [_named(found) for way in able for found in re.finditer(way, command)]


def _named(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return groups.get("inside") or groups["named"]


def _targets(command: str) -> tuple[tuple[str, ...], ...]:
    """The paths among the arguments; none where one of them holds all."""
    found: list[tuple[str, ...]] = []
    if _PATHLESS.search(command):
        return ()
    for part in re.split(r"&&|\|\||;|\n", command):
        words = [word.strip("'\"") for word in re.sub(r"\d?>+\s*\S+", " ", part.split("|")[0]).split()]
        if words[:1] == ["cd"]:
            continue
        for before, word in itertools.pairwise(words):
            if _TARGET.fullmatch(word) and not word.startswith("-") and not _TAKES.fullmatch(before):
                found.append(_parts(word))
    return tuple(dict.fromkeys(found)) if all(found) else ()


def _parts(path: str) -> tuple[str, ...]:
    """A path or a test id in its parts, an absolute one after a ``/``; nothing of what holds all.

    >>> _parts("./tests/a.py::test_b"), _parts("/srv/app/"), _parts("./...")
    (('tests', 'a.py', 'test_b'), ('/', 'srv', 'app'), ())
    """
    parts = [part for part in re.split(r"/|\\|::", path) if part not in ("", ".", "..", "...")]
    parts = parts[: parts.index("**")] if "**" in parts else parts
    parts = parts[:-1] if parts and _MANIFEST.fullmatch(parts[-1]) else parts
    return ("/", *parts) if parts and path.startswith(("/", "~")) else tuple(parts)


def _disjoint(one: Collection[_T], other: Collection[_T], alike: Callable[[_T, _T], bool]) -> bool:
    return bool(one) and bool(other) and not any(alike(a, b) for a in one for b in other)


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _alike(one: str, other: str) -> bool:
    return _same(_last(one), _last(other))


def _near(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one path may lie in the other: the folder is not known in which a relative one begins."""
    if (one[0] == "/") != (other[0] == "/"):
        whole, part = (one, other) if one[0] == "/" else (other, one)
        return part[0] not in whole or _begins(whole[whole.index(part[0]) :], part)
    return any(_begins(a[place:], b) for a, b in ((one, other), (other, one)) for place in range(len(a)))


def _holds(whole: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether one path may be another one, or hold it, in whichever folder a relative one begins."""
    ways = [(whole[n:], part) for n in range(len(whole))] + [(whole, part[n:]) for n in range(len(part))]
    return any(len(a) <= len(b) and _begins(a, b) for a, b in ways)


def _begins(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether the shorter of two paths is how the longer one begins."""
    return all(_same(a, b) for a, b in zip(one, other, strict=False))


def _same(one: str, other: str) -> bool:
    """Whether two names are one, or one of them is a pattern of the other."""
    if one == other or not _PATTERN.search(one + other):
        return one == other
    return fnmatch(one, other) or fnmatch(other, one)
