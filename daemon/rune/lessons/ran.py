"""Lessons of what was run: commands, commits, and what one that failed said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rune import phrasing
from rune.arcs.signatures import signature
from rune.lessons.breadth import PART, ROOT, breadth, narrower
from rune.lessons.typed import typed
from rune.records.card import Lesson
from rune.records.trajectory import Execution, Reflection, Trajectory
from rune.running import runs, unfold

_FAMILY_NAMES = {
    "pytest": "the tests", "unittest": "the tests", "go test": "the Go tests", "vitest": "the vitest tests",
    "jest": "the jest tests", "tsc": "the type check", "mypy": "the type check", "eslint": "the linter",
    "ruff": "the linter", "golangci-lint": "the linter", "gofmt": "the formatter",
    "prettier": "the formatter", "go build": "the build", "cargo build": "the build",
    "cargo test": "the Rust tests",
}  # fmt: skip
_SUITE = r"\btest|pytest|vitest|jest"
"""What a command holds that runs tests."""
_WAYS = {
    r"lint:fix|--fix|fmt\b|format|prettier": (
        "How do I have the style repaired?", "tidy up the formatting", "Which command formats the code?",
        "get rid of the style warnings automatically",
    ),
    r"lint|vet\b|ruff": (
        "How do I check the style of the code?", "Which script looks for style problems and imports?",
        "see whether the linter is content", "check style without changing anything",
    ),
    r"type-?check|tsc\b|mypy|pyright": (
        "How do I check the types?", "Is the compiler happy? What do I run?",
        "Which script finds type errors?", "verify the types without building",
    ),
    _SUITE: (
        "How do I see that nothing broke?", "run the whole suite", "Which script runs all unit tests?",
        "What do I type to see that the tests are green?", "entire test suite",
    ),
    r"\bbuild|compile|bundle": (
        "How do I compile it?", "Which command makes the artefacts?", "see whether it still compiles",
    ),
}  # fmt: skip
"""Other words for what the commonest commands are for, by what the command holds."""


def _ways(family: str, command: str) -> tuple[str, ...]:
    """Questions of somebody who does not know how the command is called; none for scripts of their own.

    A command that runs a part of the tests is no answer to who asks for all of them.
    """
    if family.startswith("python "):
        return ()
    held = next((held for held in _WAYS if re.search(held, command)), "")
    return _WAYS[held] if held and breadth(command) <= (ROOT if held == _SUITE else PART) else ()


def commands(trajectory: Trajectory) -> Iterator[Lesson]:
    """Of each family's runs that went well the widest, the last one of equals; known families come first."""
    best: dict[str, tuple[Execution, str]] = {}
    for event, purpose in _purposes(trajectory):
        if not event.ok:
            continue
        family = runs.family(event.command)
        command = typed(event.command, trajectory.project)
        if family and not family.startswith(("git ", "python -c", "gh ")) and command:
            before = typed(best[family][0].command, trajectory.project) if family in best else ""
            if not before or not narrower(command, before):
                best[family] = event, purpose
    for family, (event, purpose) in sorted(best.items(), key=lambda item: _rank(*item)):
        command = typed(event.command, trajectory.project)
        if not purpose and family.startswith("python "):
            continue  # a script of its own name: nobody asks how to run it
        kind, subject = ("task", purpose) if purpose else ("command", _subject(family, command))
        told, slots = f"Run `{command}`.", {"w": subject}
        made = phrasing.make(kind, told, slots, (event.id,), command, lesson="command")
        yield replace(made, questions=(*made.questions, *_ways(family, command)))


def _subject(family: str, command: str) -> str:
    name = _FAMILY_NAMES.get(family, family)
    return name if breadth(command) <= ROOT else f"{name} for a part of the code"


def _rank(family: str, ran: tuple[Execution, str]) -> tuple[bool, float]:
    return family not in _FAMILY_NAMES, -ran[0].at


def _purposes(trajectory: Trajectory) -> Iterator[tuple[Execution, str]]:
    """Every run with what it was for: in the words given with it, else in those just before it.

    Words are of a whole line: where that holds several runs, they are of none.
    """
    plan = ""
    for event, own in zip(trajectory.events, unfold.each(trajectory.events), strict=True):
        if isinstance(event, Reflection) and not event.agent:
            plan = _plan(event.text)
        elif isinstance(event, Execution):
            for run in own:
                yield run, _purpose(event.about or plan) if len(own) == 1 else ""
            plan = ""


def _plan(text: str) -> str:
    """``Let me run the tests to see if they pass:`` at the end of a message: what the next run is for."""
    said = re.search(
        r"\b(?:let me|let's|i'll)(?: now| also| first)* ([a-z][^\n.:`]{8,70})[.:]?\s*$", text, re.I
    )
    return said[1] if said else ""


def _purpose(about: str) -> str:
    """What a command is for ("Run the unit tests"), as it fits after "How do I"."""
    about = re.sub(r"\b(?:again|now|once more)\b", "", " ".join(about.split())).strip(" .")
    return about[0].lower() + about[1:] if 6 <= len(about) <= 70 else ""


_COMMITTED = re.compile(r"^\[[\w./-]+(?: \([\w-]+\))? ([0-9a-f]{7,12})\] (.{8,120})$", re.M)


def commits(trajectory: Trajectory) -> Iterator[Lesson]:
    """Commits that were made: the id under its message."""
    for event in trajectory.events:
        if isinstance(event, Execution) and "git commit" in event.command:
            for name, message in _COMMITTED.findall(event.text):
                told = " ".join(message.split()).rstrip(".")
                yield phrasing.make(
                    "commit", f'{name} is the commit "{told}".', {"w": told}, (event.id,), name
                )


def errors(trajectory: Trajectory, known: Sequence[Lesson]) -> Iterator[Lesson]:
    """What a command that failed said, its last failure, where no story of a failure tells it.

    Two lessons on one failure would be answered with each other's answers.
    """
    answers = "\n".join(lesson.answer for lesson in known)
    cited = {one for lesson in known if lesson.kind != "count" for one in lesson.evidence}
    failed = [e for e in trajectory.events if isinstance(e, Execution) and not e.ok and e.tool == "Bash"]
    families = {runs.family(event.command) for event in failed if event.id in cited} - {""}
    untold = [event for event in failed if runs.family(event.command) not in families]
    last = {told: event for event in untold if (told := typed(event.command, trajectory.project))}
    for command, event in last.items():
        line = signature(event).replace("`", "'")
        short = command if len(command) <= 60 else command[:60].rpartition(" ")[0]
        if len(line) >= 12 and line.lower() not in command.lower() and line not in answers:
            yield phrasing.make("error", f"`{short}` failed with: {line}.", {"w": short}, (event.id,))
