"""What kind of file a change is of, and so whether it can be what mended a failure.

Tests, changelogs and scratch files quote an error; the file that was wrong often does not. So source and
configuration come first, tests count where nothing of these was changed, prose only where the failing run
names its file, files outside of the project never.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Literal, TypeAlias, TypeVar

Kind: TypeAlias = Literal["source", "test", "prose", "outside"]
_T = TypeVar("_T")

_PROSE = frozenset((".md", ".markdown", ".rst", ".txt", ".adoc", ".asciidoc", ".org", ".log", ".tex"))
_PROSE_NAMES = re.compile(
    r"(?:CHANGE(?:LOG|S)|HISTORY|NEWS|README|LICEN[CS]E|NOTICE|AUTHORS|CONTRIBUTING|TODO)(?:\.\w+)?", re.I
)
_CONFIG = re.compile(r"(?:.*requirements.*|constraints.*|cmakelists|robots|runtime)\.txt", re.I)
_TEST_FOLDERS = frozenset(
    (
        "test", "tests", "__tests__", "spec", "specs", "e2e", "testdata", "fixtures", "__fixtures__",
        "__snapshots__", "__mocks__",
    )
)  # fmt: skip
_TEST_NAME = re.compile(
    r"(?:test_.*|.*_test|.*_spec|.*[.-](?:test|spec|cy|e2e)|conftest|.*(?<=[a-z0-9])(?:Tests?|Spec|IT))\.\w+"
    r"|.*\.(?:snap|feature)"
)
_BUILT = frozenset(
    (
        "build", "dist", "out", "target", "node_modules", "coverage", "logs", "tmp", "temp", "__pycache__",
        ".venv", ".cache",
    )
)  # fmt: skip
_TESTING = re.compile(r"test|spec|jest|mocha|tox|playwright|unit|manage\.py")


def kind(path: str) -> Kind:
    """What kind of file it is, by its path inside of the project.

    >>> paths = "src/a.py", "tests/test_a.py", "CHANGELOG.md", "/tmp/a.py", "requirements.txt"
    >>> [kind(path) for path in paths]
    ['source', 'test', 'prose', 'outside', 'source']
    """
    pure = PurePath(path)
    if path.startswith(("/", "~", "../")) or re.match(r"[A-Za-z]:[\\/]", path):
        return "outside"
    if _CONFIG.fullmatch(pure.name):
        return "source"
    if _TEST_NAME.fullmatch(pure.name) or _TEST_FOLDERS.intersection(pure.parts[:-1]):
        return "test"
    if pure.suffix.lower() in _PROSE or _PROSE_NAMES.fullmatch(pure.name):
        return "prose"
    return "source"


def built(path: str) -> bool:
    """Whether a command that writes there keeps a result, rather than changing what is run.

    >>> [built(path) for path in ("/tmp/a.py", "out.log", "dist/a.js", "src/a.py")]
    [True, True, True, False]
    """
    parts = PurePath(path).parts[:-1]
    return kind(path) in ("outside", "prose") or bool(_BUILT.intersection(parts))


def fixing(changed: Iterable[_T], path: Callable[[_T], str], family: str, said: str) -> list[_T]:
    """Of several changes those that can have mended a failure.

    Args:
        changed: in their order.
        path: the file of each; empty where a command did it.
        family: of the run that failed: one that is no test is mended in the test that it names.
        said: the command of that run and what it printed.
    """
    able = [(one, _kind(path(one), family, said)) for one in changed]
    first = any(what == "source" for _, what in able)
    return [one for one, what in able if what == "source" or (what == "test" and not first)]


def _kind(path: str, family: str, said: str) -> Kind:
    if not path:
        return "source"
    what = kind(path)
    named = PurePath(path).name in said
    if named and (what == "prose" or (what == "test" and not _TESTING.search(family))):
        return "source"
    return what
