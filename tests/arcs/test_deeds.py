"""What a command line does to files."""

from __future__ import annotations

import time

import pytest

from rune.arcs import deeds


def done(command: str, project: str = "") -> list[tuple[str, tuple[str, ...], str]]:
    return [(deed.kind, deed.paths, deed.source) for deed in deeds.of(command, project)]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("git checkout -- a.py b.py", [("restore", ("a.py", "b.py"), "")]),
        ("git checkout .", [("restore", ("",), "")]),
        ("git checkout HEAD~1 a.py", [("restore", ("a.py",), "HEAD~1")]),
        ("git checkout main -- a.py", [("restore", ("a.py",), "main")]),
        ("git checkout -b a.py", []),
        ("git -C app -c x=y restore a.py", [("restore", ("a.py",), "")]),
        ("git restore --staged a.py", []),
        ("git restore --staged --worktree a.py", [("restore", ("a.py",), "")]),
        ("git restore -s HEAD~2 a.py", [("restore", ("a.py",), "HEAD~2")]),
        ("git switch -f main", [("restore", ("",), "HEAD")]),
        ("git reset --hard", [("reset", ("",), "HEAD")]),
        ("git reset --soft HEAD~1", [("uncommit", ("",), "HEAD~1")]),
        ("git reset HEAD a.py", []),
        ("git stash", [("stash", ("",), "")]),
        ("git stash -u", [("stash", ("",), "")]),
        ("git stash push -m 'a b' src", [("stash", ("src",), "")]),
        ("git stash save work", [("stash", ("",), "")]),
        ("git stash pop stash@{1}", [("pop", ("",), "1")]),
        ("git stash apply", [("pop", ("",), "0")]),
        ("git stash list; git stash show -p", []),
        ("git commit -am x", [("commit", ("",), "")]),
        ("git commit -m all", [("commit", (), "")]),
        ("git rm a.py; git rm --cached b.py", [("remove", ("a.py",), "")]),
        ("git clean -n; git clean -fd", [("clean", ("",), "")]),
        ("mv a.py b.py; cp a.py lib/", [("move", ("b.py",), "a.py"), ("copy", ("lib/a.py",), "a.py")]),
        ("echo 'git stash' && grep -r 'rm a.py' .", []),
        ("cd app && rm -rf ../lib ./b.py", [("remove", ("lib", "app/b.py"), "")]),
    ],
)
def test_what_is_done_to_which_files(command, found):
    assert done(command) == found


def test_a_file_named_in_full_is_one_of_the_project():
    assert done("cd /p && rm /p/src/a.py b.py", "/p") == [("remove", ("src/a.py", "b.py"), "")]


@pytest.mark.parametrize(
    ("command", "kind", "path"),
    [
        ("cat > a.py <<EOF\nx = 1\nEOF", "write", "a.py"),
        ("cd src && cat <<'EOF' >> a.py\nx = 1\nEOF", "append", "src/a.py"),
        ("tee a.py > /dev/null <<EOF\nx = 1\nEOF", "write", "a.py"),
        ("cat <<EOF | tee -a a.py\nx = 1\nEOF", "append", "a.py"),
    ],
)
def test_a_heredoc_writes_a_file(command, kind, path):
    assert [(deed.kind, deed.paths, deed.text) for deed in deeds.of(command)] == [(kind, (path,), "x = 1\n")]


@pytest.mark.parametrize(
    "command",
    ["python - <<EOF\nx = 1\nEOF", "cat <<EOF\nx\nEOF", "cat > $OUT <<EOF\nx\nEOF", "cat a.txt > b.txt"],
)
def test_not_every_heredoc_does(command):
    assert deeds.of(command) == ()


@pytest.mark.parametrize(
    ("command", "paths", "swaps"),
    [
        ("sed -i 's/prt/port/g' a.py b.py", ("a.py", "b.py"), (("prt", "port"),)),
        ("sed -i '' -e 's|a/b|c|' -e '/DEBUG/d' a.py", ("a.py",), (("a/b", "c"), ("DEBUG", None))),
        (r"sed -i.bak 's/f(x)/g\.y/' a.py", ("a.py",), (("f(x)", "g.y"),)),
        ("perl -pi -e 's/prt/port/' a.py", ("a.py",), (("prt", "port"),)),
        ("sed -i 's/a.*b/c/' a.py", ("a.py",), ()),
        ("sed -i 's/port/&s/' a.py", ("a.py",), ()),
        ("sed -E -i 's/(a|b)/c/' a.py", ("a.py",), ()),
    ],
)
def test_a_stream_editor_swaps_plain_texts(command, paths, swaps):
    assert [(deed.kind, deed.paths, deed.swaps) for deed in deeds.of(command)] == [("replace", paths, swaps)]


def test_a_stream_editor_that_prints_edits_nothing():
    assert deeds.of("sed -n 's/a/b/p' a.py; perl -ne 'print' a.py") == ()


@pytest.mark.parametrize("mark", ["s/a/b/;", "s/a", "\\", "s|", "git stash;", "'"])
def test_what_a_line_does_is_soon_known(mark):
    began = time.process_time()
    deeds.of(f"sed -i '{mark * (6000 // len(mark))}' a.py")
    assert time.process_time() - began < 3.0
