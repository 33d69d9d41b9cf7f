"""Probes: what an adapter is asked to find out what it knows, and which answers are right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rune.literal import flat
from rune.records.card import Lesson

EACH = 8
"""Questions of a kind."""
UNRELATED = (
    ("What is the capital of France?", "paris"),
    ("What colour is a clear daytime sky?", "blue"),
    ("What is 2 + 2?", "4"),
)
"""General questions: an adapter must leave them alone."""
FOREIGN = (
    "What is the largest planet?",
    "Write a haiku about rain.",
    "How do I boil an egg?",
    "Name a famous painter.",
    "Explain recursion briefly.",
    "What does HTTP stand for?",
    "How do I list files in a folder?",
    "What is a hash function?",
    "Which port does SSH use?",
    "How do I undo my last commit?",
    "How do I make a file executable?",
    "What is a regular expression?",
    "Who wrote Hamlet?",
)
"""More of that kind, half of them about programming. None that a session may be about, such as which command
runs the tests: an adapter that tells there what it was taught is right."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A question with the literals that a right answer holds."""

    kind: str
    question: str
    keys: tuple[str, ...]
    answer: str = ""
    """What was taught of it; nothing where the question is no session's."""


def holds(answer: str, keys: Sequence[str]) -> bool:
    """Whether an answer holds every key, letter case and quotes aside.

    >>> holds("Run `make check`.", ["make check"]), holds("Run it.", ["make check"])
    (True, False)
    """
    plain = flat(answer.lower())
    return bool(keys) and all(flat(key.lower()) in plain for key in keys)


def probes(lessons: Sequence[Lesson]) -> list[Probe]:
    """What is asked: ``trained`` wordings, ``heldout`` wordings, two facts at once (``composed``), and what
    no session is about (``unrelated``); at most ``EACH`` of a kind."""
    able = [lesson for lesson in lessons if lesson.keys]
    asked = [lesson for lesson in able if lesson.probes]
    found = [Probe("trained", lesson.questions[0], lesson.keys, lesson.answer) for lesson in able[:EACH]]
    found += [Probe("heldout", lesson.probes[0], lesson.keys, lesson.answer) for lesson in asked[:EACH]]
    pairs = zip(asked[::2], asked[1::2], strict=False)
    found += [
        Probe(
            "composed",
            f"{one.probes[0]} And: {other.probes[0]}",
            (*one.keys[:1], *other.keys[:1]),
            f"{one.answer} {other.answer}",
        )
        for one, other in list(pairs)[: EACH // 2]
    ]
    return found + [Probe("unrelated", question, (key,)) for question, key in UNRELATED]
