"""Lessons of how many tests there were: the totals that a runner printed, and no other numbers.

A runner that prints a total for each part of a workspace has the sum of them. Where parts may be missing, or
two runners have counted, nothing is told. A run of some of the tests counts for none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rune import phrasing
from rune.events import CUT
from rune.lessons.breadth import ROOT, breadth
from rune.lessons.typed import typed
from rune.records.card import Lesson
from rune.records.trajectory import Execution, Trajectory
from rune.running import runs, unfold
from rune.running.verdicts import LEAD, plain

_TOTALS = {
    "cargo": r"^test result: .*$",
    "nextest": r"^\s*Summary \[.*$",
    "pytest": r"^(?:=+ )?(?:\d+ \w+, )*\d+ (?:passed|failed|errors?)\b.* in [\d.]+s.*$",
    "jest": LEAD + r"Tests:\s+(?:\d+ \w+, )*\d+ total$",
    "vitest": LEAD + r"Tests\s+\d+ \w+.*\(\d+\)$",
    "mocha": LEAD + r"\d+ (?:passing|failing)\b.*$",
    "bun": LEAD + r"\d+ (?:pass|fail)$",
    "playwright": r"^\s*\d+ (?:passed|failed)(?: \([\d.]+m?s?\))?$",
}
"""The lines in which a runner counts its tests; not its files, its suites or its snapshots."""
_TOTAL = {name: re.compile(pattern, re.M) for name, pattern in _TOTALS.items()}
_PARTWISE = frozenset(("cargo",))
"""Runners with a total for each part, so that the end of an output holds not all of them."""
_ANY = re.compile(r"^.*\b\d+ (?:tests? )?pass(?:ed|ing)?\b.*$", re.I | re.M)
_COUNTED = re.compile(r"\b(\d+) (?:tests? )?(pass|fail)(?:ed|ing|ures?)?\b", re.I)
_TESTING = re.compile(r"test|spec|jest|mocha", re.I)
_PART = re.compile(r"\|\s*(?:tail|head)\b")
_TOLD = {"pass": "tests that pass", "fail": "failing tests"}


def find(trajectory: Trajectory) -> Iterator[Lesson]:
    """How many tests there were in the last whole run of each kind of test, where the run said so."""
    last: dict[str, tuple[Execution, dict[str, int]]] = {}
    widest: dict[str, int] = {}
    for event, own in zip(trajectory.events, unfold.each(trajectory.events), strict=True):
        if isinstance(event, Execution) and own and _COUNTED.search(event.text):
            run = next((one for one in reversed(own) if _TESTING.search(one.command)), own[-1])
            family = runs.family(run.command)
            wide = breadth(typed(run.command, trajectory.project) or run.command)
            if wide > widest.get(family, ROOT) or family.startswith("git "):
                continue  # a part, or a hook of a commit, which runs what was run before
            widest[family] = wide
            last[family] = run, counted(event.command, event.text)
    for family, (event, found) in last.items():
        if found.get("pass", 0) > 1:
            told = ", ".join(f"{found[key]} {_TOLD[key]}" for key in _TOLD if key in found)
            subject = f"tests pass with {family}"
            made = f"{told} with {family}."
            yield phrasing.make("count", made, {"w": subject}, (event.id,), str(found["pass"]))


def counted(command: str, text: str) -> dict[str, int]:
    """The tests that passed and that failed; nothing where that is not certain.

    >>> counted("npx jest", "Tests:       87 passed, 87 total\\nSnapshots:   6 passed, 6 total")
    {'pass': 87}
    >>> counted("cargo test", "test result: ok. 118 passed; 0 failed\\ntest result: ok. 12 passed; 0 failed")
    {'pass': 130, 'fail': 0}
    """
    text = plain(text)
    found = {name: lines for name, rule in _TOTAL.items() if (lines := rule.findall(text))}
    if len(found) > 1 or runs.family(command) == "tox":  # the same tests, once for each environment
        return {}
    for name, lines in found.items():
        several = name in _PARTWISE or sum("pass" in line for line in lines) > 1
        return {} if several and (CUT in text or _PART.search(command)) else _sum(lines)
    lines = _ANY.findall(text)
    return _sum(lines) if len(lines) == 1 else {}


def _sum(lines: list[str]) -> dict[str, int]:
    total: dict[str, int] = {}
    for number, what in (pair for line in lines for pair in _COUNTED.findall(line)):
        total[what.lower()] = total.get(what.lower(), 0) + int(number)
    return total
