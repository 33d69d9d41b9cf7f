"""Which lessons a younger adapter has replaced: the same question has another answer by now. Pure.

A port moves, a command is renamed. What was true then is still in the older adapter's weights, and in its
session's record, so that nothing else would stop it from being said. What became of a failure is history,
not a fact: two ways to mend one error may both be right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rune import cues
from rune.probing import holds
from rune.records.card import Card, Lesson

HISTORY = frozenset(("repair", "cause", "unsolved", "error", "proof", "goal"))
"""Kinds of lessons that tell what happened once."""
LEAST = 3
"""Words of a question that two lessons must share to be about one thing."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A lesson of an older adapter, and the younger one that answers its question."""

    older: str
    place: int
    by: str
    changed: bool
    """Whether the younger one answers something else."""


Subject = tuple[str, frozenset[str]]


def subject(lesson: Lesson) -> Subject | None:
    """What a lesson is about: its first question's words without the answer's; None for history.

    >>> def told(port): return Lesson("said", "", (f"The gate listens on port how many?",), (), (), (port,))
    >>> subject(told("80")) == subject(told("90")), subject(Lesson("repair", "", ("Why?",), ()))
    (True, None)
    """
    if lesson.kind in HISTORY or not lesson.questions or not lesson.keys:
        return None
    words = re.findall(r"[\w./-]+", cues.content(lesson.questions[0].lower()))
    told = {word for key in lesson.keys for word in key.lower().split()}
    found = frozenset(word.strip("./-") for word in words if word not in told)
    return (lesson.kind, found) if len(found) >= LEAST else None


def replaced(cards: Sequence[Card], places: Mapping[str, frozenset[int]] | None = None) -> list[Replaced]:
    """What younger adapters have replaced, each by the youngest that is about the same.

    Args:
        cards: whole ones.
        places: lessons that are retired already, by adapter; they replace nothing and are not replaced.
    """
    about: dict[Subject, list[tuple[Card, int]]] = defaultdict(list)
    for card in sorted(cards, key=lambda card: (card.created, card.id)):
        for place, lesson in enumerate(card.lessons):
            if (found := subject(lesson)) and place not in (places or {}).get(card.id, frozenset()):
                about[found].append((card, place))
    return [one for held in about.values() for one in _outdated(held)]


def _outdated(held: Sequence[tuple[Card, int]]) -> Iterator[Replaced]:
    newest, at = held[-1]
    now = newest.lessons[at]
    for card, place in held[:-1]:
        if card.id != newest.id:
            yield Replaced(card.id, place, newest.id, not _same(card.lessons[place], now))


def _same(one: Lesson, other: Lesson) -> bool:
    """Whether two answers agree: each holds the other's literals, or they are the same words."""
    return one.answer == other.answer or (holds(one.answer, other.keys) and holds(other.answer, one.keys))
