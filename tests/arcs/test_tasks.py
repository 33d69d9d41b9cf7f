"""Prompts that go on with a failure, and those that give another task."""

from __future__ import annotations

import pytest

from rune.arcs import tasks

ABOUT = ("pytest", "KeyError: 'port'", "src/conf.py value = data['port']")


@pytest.mark.parametrize(
    "prompt",
    [
        "Now rename the export button.",
        "Leave that one. Work on the export now.",
        "Next, write the release notes for the toolbar.",
        "Add a login form and style it.",
        "Add tests for the export of invoices.",
    ],
)
def test_another_task_does_not_go_on(prompt):
    assert not tasks.continues(prompt, ABOUT)


@pytest.mark.parametrize(
    "prompt",
    [
        "", "yes", "go on", "Please fix it.", "Fix the failing tests.", "Does it still fail?",
        "Try again with -x.", "Take the port from the environment.", "No, that is wrong: undo it.",
        "The values must come from the file.", "Can you make this work on Windows as well?", "weiter",
        "Show me the diff first.", "What did you change in the toolbar?",
    ],
)  # fmt: skip
def test_the_same_task_goes_on(prompt):
    assert tasks.continues(prompt, ABOUT)
