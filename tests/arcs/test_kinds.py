"""Kinds of files, and which of them can be a fix."""

from __future__ import annotations

import pytest

from rune.arcs import kinds


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/conf.py", "source"), ("pyproject.toml", "source"), (".github/workflows/ci.yml", "source"),
        ("docker-compose.yml", "source"), ("src/testing.py", "source"), ("src/contest.ts", "source"),
        ("src/latest.go", "source"), ("dev-requirements.txt", "source"), ("CMakeLists.txt", "source"),
        ("tests/helpers.py", "test"), ("src/a.test.tsx", "test"), ("pkg/store_test.go", "test"),
        ("src/test/java/CartTest.java", "test"), ("Sum.Tests/SumTests.cs", "test"), ("conftest.py", "test"),
        ("spec/cart_spec.rb", "test"), ("src/__snapshots__/a.snap", "test"),
        ("README.md", "prose"), ("docs/use.rst", "prose"), ("CHANGES", "prose"), ("LICENSE", "prose"),
        ("out.log", "prose"), ("/tmp/debug.py", "outside"), ("~/.npmrc", "outside"),
        ("../other/a.py", "outside"),
    ],
)  # fmt: skip
def test_the_kind_of_a_file_is_in_its_path(path, kind):
    assert kinds.kind(path) == kind


@pytest.mark.parametrize(
    ("changed", "family", "said", "left"),
    [
        (["src/a.py", "tests/test_a.py", "CHANGELOG.md"], "pytest", "", ["src/a.py"]),
        (["tests/test_a.py", "CHANGELOG.md"], "pytest", "FAILED tests/test_a.py", ["tests/test_a.py"]),
        (["src/a.py", "tests/test_a.py"], "pytest", "FAILED tests/test_a.py", ["src/a.py"]),
        (["src/a.py", "tests/test_a.py"], "ruff", "tests/test_a.py:3: F401", ["src/a.py", "tests/test_a.py"]),
        (["README.md"], "js lint", "README.md:3 MD013", ["README.md"]),
        (["README.md", "/tmp/a.py"], "pytest", "KeyError", []),
        (["", "CHANGELOG.md"], "pytest", "", [""]),
    ],
)
def test_source_mends_before_tests_and_prose_does_not(changed, family, said, left):
    assert kinds.fixing(changed, lambda path: path, family, said) == left
