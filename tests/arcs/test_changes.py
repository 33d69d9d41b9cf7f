"""What several edits come to."""

from __future__ import annotations

import pytest

from rune.arcs import changes
from rune.records.trajectory import Execution, Generation


def edit(before: str, text: str, path: str = "a.py") -> Generation:
    return Generation("e", 0.0, "Edit", path, text, before)


def ran(command: str) -> Execution:
    return Execution("e", 0.0, "Bash", command, "", True)


def told(made: list[changes.Made]) -> list[tuple[str, str]]:
    return [(one.before, one.text) for one in made if isinstance(one, Generation)]


@pytest.mark.parametrize(
    ("made", "left"),
    [
        ([edit("load()", "load()\nprint(data)"), edit("print(data)\nold = 1", "new = 2")],
         [("old = 1", "new = 2")]),
        ([edit("end()", "print(data)\nend()"), edit("a = 1\nprint(data)", "a = 2")], [("a = 1", "a = 2")]),
        ([edit("one()\ntwo()", "one()\nlog(1)\ntwo()\nlog(2)"), edit("log(1)\ntwo()", "two()"),
          edit("two()\nlog(2)", "two()")], []),
        ([edit("a = 1", "a = 2\nlog(a)"), edit("log(a)\nend()", "end()")], [("a = 1", "a = 2")]),
        ([edit("a = 1\nend()", "a = 2\nend()"), edit("top()\na = 2", "top()\na = 3")],
         [("top()\na = 1", "top()\na = 3")]),
        ([edit("a = 1", "a = 2"), edit("b = 1", "b = 2")], [("a = 1", "a = 2"), ("b = 1", "b = 2")]),
        ([edit("x()", "x()\nreturn 1", "a.py"), edit("y()\nreturn 1", "y()", "b.py")],
         [("x()", "x()\nreturn 1"), ("y()\nreturn 1", "y()")]),
    ],
)  # fmt: skip
def test_lines_that_came_and_went_are_no_change(made, left):
    assert told(changes.net(made)) == left


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [
        ("sed -i 's/a1/b1/' a.py", "sed -i 's/b1/a1/' a.py", 0),
        ("sed -i 's/a1/b1/' a.py", "sed -i 's/b1/a1/' b.py", 2),
        ("sed -i 's/a1/b1/' a.py", "sed -i 's/b1/c1/' a.py", 2),
        ("mv a.py b.py", "mv b.py a.py", 0),
        ("python fix.py", "python fix.py", 2),
    ],
)
def test_a_command_run_backwards_is_none(first, then, left):
    assert len(changes.net([ran(first), ran(then)])) == left


def test_an_edit_takes_back_a_stream_editor():
    assert changes.net([ran("sed -i 's/prt/port/g' a.py"), edit("x = port", "x = prt")]) == []


def test_between_groups_only_what_was_taken_back_goes():
    first, then = [edit("x = 1", "x = 1\nlog(x)"), edit("y = 1", "y = 2")], [edit("log(x)\nz = a", "z = b")]
    assert [told(group) for group in changes.apart([first, then])] == [
        [("y = 1", "y = 2")],
        [("z = a", "z = b")],
    ]
    first, then = [edit("", "port = 1")], [edit("port = 1", "port = '1'")]
    assert changes.apart([first, then]) == [first, then]


@pytest.mark.parametrize(
    ("later", "there"),
    [
        ([edit("port = 8080", "port = 80")], False),
        ([edit("port = 8080\nhost = 1", "port = 80\nhost = 2")], False),
        ([edit("port = 8080", "port = get('port')")], True),
        ([edit("port = 8080", "port = 80"), edit("port = 80", "port = 8080")], True),
        ([edit("port = 8080", ""), edit("", "port = 8080", "b.py")], True),
        ([edit("port = 8080", "port = 80", "b.py")], True),
    ],
)
def test_a_change_lasts_until_it_is_taken_back(later, there):
    assert changes.lasts(edit("port = 80", "port = 8080"), later) is there


def test_lines_that_were_put_in_last_until_they_are_taken_out():
    put = edit("x()", "x()\nguard(x)")
    assert not changes.lasts(put, [edit("guard(x)\nend()", "end()")])
    assert changes.lasts(put, [edit("guard(x)", "guard(x, y)")])
    assert changes.lasts(put, [edit("guard(x)\nend()", "end()"), edit("z()", "z()\nguard(x)", "b.py")])
    assert changes.lasts(put, [], there=True)
    assert not changes.lasts(put, [], there=False)
