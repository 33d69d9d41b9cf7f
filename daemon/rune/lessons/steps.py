"""Lessons of the order of steps: what was changed and run for something that the person asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from rune import arcs, phrasing
from rune.lessons.typed import typed
from rune.records.card import Lesson
from rune.records.trajectory import Event, Execution, Generation, Prompt, Trajectory
from rune.running import runs

LEAST, MOST = 3, 4
"""Steps of a lesson: two tell no more than a command or a repair; more are not said in one breath."""
ASKED = 15
"""Characters of a prompt that asks for work."""


def find(trajectory: Trajectory) -> Iterator[Lesson]:
    """One lesson for each request that took several steps."""
    for prompt, events in _requests(trajectory.events):
        steps, subject = taken(events, trajectory.project), phrasing.subject(prompt.text)
        if subject and len(steps) >= LEAST and not arcs.unfit(told := sentence([step for _, step in steps])):
            order = ", then ".join(step for _, step in steps[:2])
            ids = (prompt.id, *(id for id, _ in steps))
            yield phrasing.make("steps", told, {"w": subject}, ids, order)


def _requests(events: Sequence[Event]) -> Iterator[tuple[Prompt, Sequence[Event]]]:
    """Every prompt that asks for work, with what happened until the next one."""
    places = [n for n, e in enumerate(events) if isinstance(e, Prompt) and len(e.text) > ASKED]
    for place, until in itertools.pairwise([*places, len(events)]):
        prompt = events[place]
        assert isinstance(prompt, Prompt)
        yield prompt, events[place + 1 : until]


def taken(events: Sequence[Event], root: str = "") -> list[tuple[str, str]]:
    """The steps among these events as (event id, what was done), at most ``MOST``.

    A file counts where it was first changed, a kind of command where it last succeeded; of too many steps
    those in the middle are left out.
    """
    found: dict[str, tuple[str, str]] = {}
    for event in events:
        match event:
            case Generation(path=path) if path and "`" not in path:
                found.setdefault(path, (event.id, f"change `{path}`"))
            case Execution(ok=True, tool="Bash") if ran := _ran(event, root):
                found.pop(runs.family(event.command), None)
                found[runs.family(event.command)] = event.id, ran
            case _:
                pass
    steps = list(found.values())
    return steps if len(steps) <= MOST else [*steps[: MOST - 2], *steps[-2:]]


def _ran(event: Execution, root: str) -> str:
    """What a run did, as a step; empty where it looked around, ran a script of its own, or is long."""
    family, command = runs.family(event.command), typed(event.command, root)
    if family == "git commit":
        return "commit"
    told = family and not family.startswith(("git ", "python ")) and 0 < len(command) <= 60
    return f"run `{command}`" if told else ""


def sentence(steps: Sequence[str]) -> str:
    """The steps in their order.

    >>> sentence(["change `a.py`", "run `make gen`", "run `pytest`"])
    'First change `a.py`, then run `make gen`, and last run `pytest`.'
    """
    return f"First {', then '.join(steps[:-1])}, and last {steps[-1]}."
