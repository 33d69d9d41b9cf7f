"""How much of what it checks a command runs: all of it, a part of the tree, or some of the tests.

Covered: folders, packages and files that a command names, options and words that pick tests or leave some
out.
Not covered: what a script or a configuration picks by itself. In doubt a command runs only a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rune.running import scopes

ALL, ROOT, PART, PICKED = range(4)
"""All; the folder that tests or sources lie in; a folder, a package or a file; some tests by their names."""
_TESTS = re.compile(r"test|spec|jest|mocha|playwright|pest|phpunit|tox", re.I)
_PROGRAM = re.compile(r"\b(python[\d.]*|node|ruby|php|bash|sh)\s+(?:-\w+\s+)*[\w./-]+\.\w+")
_PACKAGE = re.compile(r"\b(?:pnpm|turbo|lerna|bun)\s+--filter[=\s]+\S+")
"""How a package is named, which the scope of a command knows."""
_ROOTS = frozenset(("test", "tests", "spec", "specs", "__tests__", "src", "lib", "app", "t"))
_PICKS = re.compile(
    r"(?<!make)\s(?:-k|-t|-g|-run|-bench|-short|-Dtest\S*|-Dit\.test\S*|-DskipTests|-Dmaven\.test\.skip\S*|-x(?=\s+[a-z:]*[Tt]est)"
    r"|--(?:run|grep|grep-invert|filter(?!-)|tests?(?!-)|test[-]?name[-]?pattern|test[-]?path\S*|testsuite|only\S*"
    r"|example|tags?|name|group|exclude\S*|ignore(?!-)\S*|deselect|skip\S*|lf|last-failed|sw|stepwise|changed\S*"
    r"|findRelatedTests|related|shard|since|affected|project|lib|bins?|doc|examples?|suite|collect-only|co|list"
    r"|no-run|dry-run|match|fgrep|select|markers?|testcase|class|method))(?=[\s=]|$)"
    r"|\bpytest\b.*\s-m\s|\bctest\b.*\s-(?:R|E|L)\s|\b(?:phpunit|pest|rspec|playwright)\b.*\s-(?:e|g)\s",
    re.I,
)
_GIVEN = re.compile(
    r"\s(?:[A-Z_]*(?:TEST|ARGS|RUN|PKG|PACKAGE|FILTER|ONLY|FILE|PATTERN|GREP|MATCH)[A-Z_]*|T|K)=\S"
)
"""A variable that says what is run, given to a program that runs others."""
_RUNNER = re.compile(
    r"\b(?:py\.?test|jest|vitest(?:\s+run)?|mocha|rspec|phpunit|pest|playwright\s+test|(?:cargo|go|mix|deno|swift"
    r"|dotnet|bun|yarn|pnpm|npm)\s+(?:run\s+)?(?:test|nextest\s+run)\S*|python[\d.]*\s+-m\s+unittest(?:\s+discover)?"
    r"|manage\.py\s+test)(?=\s|$)(?P<rest>.*)$",
    re.S,
)
"""A runner of tests whose further words are tests, or what their names hold."""
_PICKING = re.compile(r"\.\w{1,4}(?::\d+)*$")
"""A file."""
_FLAG = re.compile(
    r"-[vqxslifwuB]+|-race|-failfast|--(?:release|all\S*|workspace|verbose|quiet|no-\S+|nocapture|runInBand|ci|silent"
    r"|coverage|bail|fail-fast|locked|offline|watch\S*|update\S*|pass\S*|exact|headed|debug|color)?"
)
"""Options without a value; ``--`` alone, too."""
_WORDS = re.compile(r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+")


def breadth(command: str) -> int:
    """How much a command runs, as it is typed: ``ALL`` to ``PICKED``.

    >>> breadth("pytest -q"), breadth("pytest tests"), breadth("pytest tests/api"), breadth("jest -t login")
    (0, 1, 2, 3)
    """
    picking = _PACKAGE.sub(" ", command)
    if _TESTS.search(command) and (_PICKS.search(picking) or _GIVEN.search(picking) or "::" in picking):
        return PICKED
    scope = scopes.of(_PROGRAM.sub(r"\1", command))
    if scope.packages or scope.folders:
        return PART
    named = [*("/".join(target) for target in scope.targets), *_further(command)]
    named = [name for name in named if not name.endswith(".sln")]
    if any(_PICKING.search(name) for name in named):
        return PICKED
    return max((ROOT if name in _ROOTS else PART for name in named), default=ALL)


def _further(command: str) -> Iterator[str]:
    """The words after a runner of tests that are no options and no values of options."""
    for part in re.split(r"&&|\|\||;|\|", command):
        if found := _RUNNER.search(part):
            before = ""
            for word in _WORDS.findall(found["rest"]):
                if not word.startswith("-") and (not before.startswith("-") or _FLAG.fullmatch(before)):
                    name = word.strip("'\"").removeprefix("./").rstrip("/")
                    if name not in ("", ".", "...", "all") and not name.endswith("/..."):
                        yield name
                before = "" if "=" in word else word


def narrower(one: str, other: str) -> bool:
    """Whether a command runs less than another one.

    >>> narrower("pytest tests/a.py", "pytest"), narrower("pytest tests/b", "pytest tests/a")
    (True, False)
    """
    a, b = breadth(one), breadth(other)
    return a > b or (a == b and _inside(scopes.of(one).targets, scopes.of(other).targets))


def _inside(one: tuple[tuple[str, ...], ...], other: tuple[tuple[str, ...], ...]) -> bool:
    """Whether all that one names lies in what the other names, and is not the same."""
    return bool(one) and one != other and all(any(a[: len(b)] == b for b in other) for a in one)
