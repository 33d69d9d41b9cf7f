"""Which lessons a younger adapter has replaced: the same thing is said of the same, but for its value. Pure.

A port moves, a command is renamed. What was true then is still in the older adapter's weights, and in its
session's record, so that nothing else would stop it from being said. Two lessons are about one thing when

- both tell how something is run or where it is, and their first questions are the same;
- or both state something, in the same words but for the last literal: "the gateway listens on port 8080".

What became of a failure is history, not a fact: two ways to mend one error may both be right.

Not covered: the same thing in quite other words; a value that others follow in its sentence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rune import cues
from rune.probing import Probe
from rune.records.card import Card, Lesson

HISTORY = frozenset(("repair", "cause", "unsolved", "error", "proof", "goal", "commit", "count"))
"""Kinds of lessons that tell what happened once; how many tests passed depends on which were run."""
ASKED = frozenset(("command", "file"))
"""Kinds whose question has one answer at a time."""
LEAST = 3
"""Words that two statements must share to be about one thing."""
_LITERAL = re.compile(r"`[^`]+`|[^\s`]*[\d/\\_=][^\s`]*|[^\s`]+\.\w[^\s`]*|\w*[a-z][A-Z]\w*")
_EDGES = ".,;:!?()[]'\""

Subject = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A lesson of an older adapter, and the youngest one that speaks of the same."""

    older: str
    place: int
    by: str
    changed: bool
    """Whether the younger one says something else."""


def subject(lesson: Lesson) -> tuple[Subject, str] | None:
    """What a lesson is about, and what it says of it; None where that cannot be told apart.

    >>> about, value = subject(Lesson("said", "The gateway now listens on port 8080.", (), ()))
    >>> sorted(about[1]), value
    (['gateway', 'listens', 'port'], '8080')
    """
    if lesson.kind in HISTORY:
        return None
    if lesson.kind in ASKED and lesson.questions:
        return (lesson.kind, _words(lesson.questions[0])), _plain(lesson.answer)
    literals = list(_LITERAL.finditer(lesson.answer))
    if not literals:
        return None
    last = literals[-1]
    words = _words(lesson.answer[: last.start()] + lesson.answer[last.end() :])
    return (("said", words), _plain(last[0])) if len(words) >= LEAST else None


def replaced(cards: Sequence[Card], places: Mapping[str, frozenset[int]] | None = None) -> list[Replaced]:
    """What younger adapters have replaced, each by the youngest that is about the same.

    Args:
        cards: whole ones.
        places: lessons that are retired already, by adapter; they replace nothing and are not replaced.
    """
    about: dict[Subject, list[tuple[str, int, str]]] = defaultdict(list)
    for card in sorted(cards, key=lambda card: (card.created, card.id)):
        for place, lesson in enumerate(card.lessons):
            if (found := subject(lesson)) and place not in (places or {}).get(card.id, frozenset()):
                about[found[0]].append((card.id, place, found[1]))
    return [one for held in about.values() for one in _outdated(held)]


def related(cards: Sequence[Card]) -> dict[str, list[Probe]]:
    """For each adapter the held-out questions of others on what it says, too, and says the same."""
    about: dict[tuple[Subject, str], list[tuple[str, Lesson]]] = defaultdict(list)
    for card in cards:
        for lesson in card.lessons:
            if found := subject(lesson):
                about[found].append((card.id, lesson))
    asked: dict[str, list[Probe]] = defaultdict(list)
    for held in about.values():
        for id, own in held:
            theirs = [text for other, lesson in held if other != id for text in lesson.probes]
            fresh = [text for text in theirs if text not in (*own.questions, *own.probes)]
            asked[id] += [Probe("related", text, own.keys) for text in fresh[:1] if own.keys]
    return {id: probes for id, probes in asked.items() if probes}


def _outdated(held: Sequence[tuple[str, int, str]]) -> Iterator[Replaced]:
    newest, _, now = held[-1]
    for id, place, then in held[:-1]:
        if id != newest:
            yield Replaced(id, place, newest, then != now)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower().strip(_EDGES) for word in cues.content(text.replace("`", "")).split())


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("`", "").split()).strip(_EDGES)
