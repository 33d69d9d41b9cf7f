"""Command lines: what a shell makes of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.running import shell


def read(line: str) -> list[tuple[str, ...]]:
    return [(one.joint, *one.words) for one in shell.parse(line)]


@pytest.mark.parametrize(
    ("line", "commands"),
    [("cd app && A=1 jest 'a b' 2>&1 | tail -3; echo \"E: $?\"",
      [("", "cd", "app"), ("&&", "jest", "a b"), ("|", "tail", "-3"), (";", "echo", "E: $?")]),
     ("(cd web && npm test) & wait", [("", "cd", "web"), ("&&", "npm", "test"), ("&", "wait")]),
     ("pytest || true\nls", [("", "pytest"), ("||", "true"), (";", "ls")]),
     ("for f in a b; do pytest $f; done", [("", "pytest", "$f")]),
     ("if pytest; then echo ok; fi", [("", "pytest"), (";", "echo", "ok")]),
     ("bash -lc 'cd x && pytest -q'", [("", "cd", "x"), ("&&", "pytest", "-q")]),
     ("git commit -m 'run pytest && ls; now'", [("", "git", "commit", "-m", "run pytest && ls; now")]),
     ("echo $(pytest && ls)", [("", "echo", "$(pytest && ls)")]),
     ("pytest -q \\\n --maxfail=1 # && ls", [("", "pytest", "-q", "--maxfail=1")]),
     ("pytest tests/a.py::test[x-1]", [("", "pytest", "tests/a.py::test[x-1]")]),
     ("! grep -q x a && pytest", [("", "grep", "-q", "x", "a"), ("&&", "pytest")]),
     ("echo it\\'s", [("", "echo", "it's")]),
     ("A=1 B=2 make # all", [("", "make")]),
     ("cat > a.py <<E\nrm b.py\nE\npytest", [("", "cat"), (";", "pytest")]),
     ("", [])],
)  # fmt: skip
def test_a_line_is_its_commands_and_what_joins_them(line: str, commands: list[tuple[str, ...]]) -> None:
    assert read(line) == commands


def test_a_heredoc_is_what_its_command_reads() -> None:
    cat, tee, tests = shell.parse("cat <<'E' | tee x.py && pytest\nls && make\nE")
    assert (cat.words, cat.heredoc, tee.joint) == (("cat",), "ls && make\n", "|")
    assert tests.words == ("pytest",)


@pytest.mark.parametrize(
    ("line", "writes"),
    [("pytest > a.txt 2>&1", ("a.txt",)), ("pytest &> a.txt", ("a.txt",)), ("pytest >> a.txt", ("a.txt",)),
     ("pytest 2>/dev/null", ()), ("pytest 2>&1", ()), ("psql < a.sql", ())],
)  # fmt: skip
def test_only_where_its_output_goes_is_written(line: str, writes: tuple[str, ...]) -> None:
    assert shell.parse(line)[0].writes == writes


def test_what_is_set_for_a_command_is_none_of_its_words() -> None:
    (one,) = shell.parse("A=1 B='x y' pytest -q > o.txt")
    assert (one.env, one.words, one.text) == (("A=1", "B='x y'"), ("pytest", "-q"), "A=1 B='x y' pytest -q")


@given(st.text(alphabet="ab \n'\"`$(){}|&;<>\\!#=-[]", max_size=40))
def test_whatever_is_typed_is_read(line: str) -> None:
    for one in shell.parse(line):
        assert all(isinstance(word, str) for word in one.words)


def test_what_is_appended_and_how_it_is_written_are_known() -> None:
    (one,) = shell.parse("echo 'a b' >> a.txt 2>&1")
    assert (one.appends, one.whole, one.text) == (True, "echo 'a b' >> a.txt", "echo 'a b'")


@pytest.mark.parametrize("mark", ["'", '"', "$(", "<<a", "\\", "(", "a'b\"", "<<a\n", "a && ", "{ ", "if "])
def test_a_line_is_soon_read(mark: str) -> None:
    began = time.process_time()
    shell.parse(mark * (6000 // len(mark)))
    assert time.process_time() - began < 3.0


def test_half_a_character_is_read_as_well() -> None:
    (one,) = shell.parse("pytest -k '\ud800'")
    assert one.program == "pytest"
