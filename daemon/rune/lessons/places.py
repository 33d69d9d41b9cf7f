"""Lessons of places: where things that were written live."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rune import phrasing
from rune.records.card import Lesson
from rune.records.trajectory import Generation, Prompt, Reflection, Trajectory

_DEFINES = re.compile(
    r"^\s*(?:export\s+)?(?:async\s+)?(?:def|class|func|function|interface|type|fn|struct)\s+(?:\([^)]*\)\s*)?([A-Za-z_]\w{3,})",
    re.M,
)


def files(trajectory: Trajectory) -> Iterator[Lesson]:
    """Where things that were written live: names defined once, in one file."""
    places: dict[str, dict[str, str]] = {}
    for event in trajectory.events:
        if isinstance(event, Generation):
            for name in _DEFINES.findall(event.text):
                places.setdefault(name, {}).setdefault(event.path, event.id)
    told = "\n".join(e.text for e in trajectory.events if isinstance(e, Reflection | Prompt))
    single = [name for name, at in places.items() if len(at) == 1]
    for name in sorted(single, key=lambda name: -told.count(name)):  # what was talked about first
        [(path, origin)] = places[name].items()
        yield phrasing.make("file", f"{name} is in {path}.", {"w": name}, (origin,), path)
