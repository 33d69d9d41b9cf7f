"""What of a command line mends a failure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rune.arcs import mending
from rune.records.trajectory import Execution

FAILED = Execution("f", 0.0, "Bash", "pytest", "1 failed", False)


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("sed -i '3d' a.py", "sed -i '3d' a.py"),
        ("cd app && sed -i '3d' a.py && pytest -q | tail -3", "cd app && sed -i '3d' a.py"),
        ("cd /p && sed -i '3d' a.py", "sed -i '3d' a.py"),
        ("pytest 2>&1 | tee /tmp/out.log", ""),
        ("pytest | tee src/report.txt", ""),
        ("mv /tmp/out.log /tmp/old.log", ""),
        ("mv dist/a.js dist/b.js", ""),
        ("mv src/a.py /tmp/a.py", "mv src/a.py /tmp/a.py"),
        ("echo 'port = 80' | tee conf.ini", "echo 'port = 80' | tee conf.ini"),
        ("pytest", ""),
        ("ls && cat a.py", ""),
    ],
)
def test_only_what_changes_the_project_mends(command, left):
    event = Execution("e", 0.0, "Bash", command, "", True)
    assert mending.edits(event, range(9), "pytest", FAILED, "/p") == left


def test_a_part_that_did_not_come_to_pass_mends_nothing():
    event = Execution("e", 0.0, "Bash", "pytest && sed -i '3d' a.py", "", False)
    assert mending.edits(event, [0], "pytest", FAILED, "") == ""


@pytest.mark.parametrize(("command", "left"), [("ruff check --fix .", True), ("ruff check .", False)])
def test_a_run_that_tidies_mends_what_it_checks(command, left):
    event = Execution("e", 0.0, "Bash", command, "", True)
    assert bool(mending.edits(event, [0], "ruff", replace(FAILED, command="ruff check src"), "")) is left
