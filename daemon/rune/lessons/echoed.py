"""Lessons of the text memory: what is etched or inscribed is taught in every adapter of the project.

An entry becomes one lesson, with ``echo:<digest>`` as its evidence, so that an answer that rests on an entry
which is gone by then is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rune import phrasing
from rune.records.card import Lesson
from rune.records.echo import LAYERS, Entry

SHARE = 3
"""One lesson in so many may come from the text memory; the others are the session's own."""
SUBJECT = 80
"""Characters of a title that are asked about."""
ECHO = "echo:"
_PAIR = ("root_cause", "solution")


def first(entries: Iterable[Entry], session: str, limit: int) -> list[Lesson]:
    """What is taught before the session's own lessons: etched, then inscribed, the surest and newest first.

    What was learnt in this very session is left out: its own lessons say it.

    Args:
        entries: of all roles.
        session: whose adapter is made.
        limit: lessons of the whole adapter.
    """
    lasting = [entry for entry in entries if entry.layer != "traced" and not _from(entry, session)]
    return _lessons(sorted(lasting, key=_rank), limit // SHARE)


def last(entries: Iterable[Entry], session: str, limit: int) -> list[Lesson]:
    """What is taught after them: what agents found in this session and wrote down as findings."""
    own = [entry for entry in entries if entry.layer == "traced" and _from(entry, session)]
    gathered = ("rune:work", "rune:plan")
    return _lessons([e for e in own if not e.source.startswith(gathered)], limit // SHARE)


def _from(entry: Entry, session: str) -> bool:
    return session in re.split(r"[\s,]+", entry.source)


def _rank(entry: Entry) -> tuple[int, float, int]:
    return LAYERS.index(entry.layer), -entry.confidence, -entry.verified.toordinal()


def _lessons(entries: Sequence[Entry], limit: int) -> list[Lesson]:
    found = (_lesson(entry) for entry in entries)
    return [lesson for lesson in found if lesson and lesson.keys][:limit]


def _lesson(entry: Entry) -> Lesson | None:
    """An entry as a lesson; None where it says nothing."""
    named = " ".join(_sentence(entry.named(name)) for name in _PAIR if entry.named(name))
    answer = " ".join(filter(None, (_sentence(entry.learning), named)))
    subject = phrasing.cut(entry.title, SUBJECT)
    if not answer or not subject:
        return None
    return phrasing.make("decision", answer, {"w": subject}, (f"{ECHO}{entry.digest}",), lesson=entry.layer)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
