"""Lessons of a session: questions and answers that an adapter is taught, and probes that it is never taught.

Answers are the agent's own words, commands and changes, and what the person wished for; never text that gives
orders to a model. The wordings of questions and probes are those of ``rune.phrasing``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rune import arcs
from rune.lessons import counts, places, ran, repairs, steps, told, wishes
from rune.lessons.apart import distinct
from rune.records.card import Lesson
from rune.records.trajectory import Prompt, Trajectory

TELLING = frozenset(("repair", "cause", "unsolved"))
"""Kinds that tell what became of a failure."""
SHARES = {
    "unsolved": 4, "preference": 4, "steps": 2, "error": 5, "command": 6, "goal": 3, "file": 6, "commit": 3,
    "count": 2,
}  # fmt: skip
"""At most so many lessons of a kind, while others wait."""


WORTH = frozenset(("command", "preference"))
"""Kinds worth teaching though their question says all of the answer: how it is typed, that it is to be so."""


def find(trajectory: Trajectory, limit: int) -> list[Lesson]:
    """The lessons of a session, at most ``limit``: repairs, notes, wishes, reports, commands, steps, places.

    No kind takes more than its share while others wait for a place. A lesson whose question says all of its
    answer already (no keys) teaches nothing, but for some (``WORTH``).
    """
    found = arcs.find(trajectory.events, trajectory.project)
    ranked: list[Lesson] = []
    for arc in sorted(found, key=lambda arc: not arc.solved):
        ranked += repairs.of_arc(arc, found)
    ranked += told.notes(trajectory)
    ranked += wishes.find(trajectory)
    ranked += ran.commits(trajectory)
    ranked += counts.find(trajectory)
    ranked += told.said(trajectory, ranked, limit // 2)
    ranked += ran.commands(trajectory)
    ranked += told.goals(trajectory, ranked)
    ranked += steps.find(trajectory)
    ranked += ran.errors(trajectory, ranked)
    ranked = places.files(trajectory, ranked)
    able = [lesson for lesson in distinct(ranked) if lesson.keys or lesson.kind in WORTH]
    return _dated(_shared(able)[:limit], trajectory)


def _dated(found: Sequence[Lesson], trajectory: Trajectory) -> list[Lesson]:
    """The lessons with the time at which the last of their events happened."""
    times = {event.id: event.at for event in trajectory.events}
    return [
        replace(one, at=max((times[id] for id in one.evidence if id in times), default=0.0)) for one in found
    ]


def _shared(ranked: Sequence[Lesson]) -> list[Lesson]:
    """Those within the share of their kind, in their order, then the rest."""
    taken: Counter[str] = Counter()
    first: list[Lesson] = []
    rest: list[Lesson] = []
    for lesson in ranked:
        taken[lesson.kind] += 1
        (first if taken[lesson.kind] <= SHARES.get(lesson.kind, len(ranked)) else rest).append(lesson)
    return first + rest


def summary(trajectory: Trajectory, lessons: Sequence[Lesson]) -> str:
    """What the session was about, for retrieval: the first prompt and the subjects of the first lessons."""
    goal = next((" ".join(e.text.split())[:200] for e in trajectory.events if isinstance(e, Prompt)), "")
    subjects = "; ".join(dict.fromkeys(lesson.questions[0] for lesson in lessons[:6] if lesson.questions))
    return f"{goal} {subjects}".strip()
