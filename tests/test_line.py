"""A command line in its parts."""

from __future__ import annotations

import time

import pytest

from rune import line


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a && b || c; d | e", [("a",), ("b",), ("c",), ("d",), ("e",)]),
        ("echo 'a && b' \"c; d\"", [("echo", "a && b", "c; d")]),
        ("echo it\\'s", [("echo", "it's")]),
        ("(cd web && npm test)", [("cd", "web"), ("npm", "test")]),
        ("A=1 sudo env B=2 make # all", [("make",)]),
        ("git commit -m \"$(cat x)\"", [("git", "commit", "-m", "$(cat x)")]),
        ("one \\\n  two\nthree", [("one", "two"), ("three",)]),
        ("echo it's", [("echo", "it", "'", "s")]),
        ("", []),
    ],
)  # fmt: skip
def test_a_line_is_split_outside_of_quotes(command, words):
    assert [part.words for part in line.parts(command)] == words


@pytest.mark.parametrize(
    ("command", "writes", "body"),
    [
        ("cat > a.py <<'EOF'\nx = 1\nEOF", ("a.py",), "x = 1\n"),
        ("cat <<EOF >> a.py\nx = 'EOF'\nEOF\nls", ("a.py",), "x = 'EOF'\n"),
        ("cat <<-END > a.py\n\tx\n\tEND", ("a.py",), "\tx\n"),
        ("pytest > out.txt 2>&1", ("out.txt",), None),
        ("pytest 2> err.txt", (), None),
        ("cat <<< word", (), None),
    ],
)
def test_redirections_and_heredocs_belong_to_their_command(command, writes, body):
    first = line.parts(command)[0]
    assert (first.writes, first.body) == (writes, body)


def test_commands_after_a_heredoc_are_read_again():
    found = line.parts("cat > a.py <<EOF\nrm b.py\nEOF\npytest")
    assert [part.words for part in found] == [("cat",), ("pytest",)]


@pytest.mark.parametrize("mark", ["'", '"', "$(", "<<a", "\\", "(", "a'b\"", "<<a\n"])
def test_a_line_is_soon_read(mark):
    began = time.process_time()
    line.parts(mark * (6000 // len(mark)))
    assert time.process_time() - began < 3.0
