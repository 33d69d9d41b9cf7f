"""Recorded sessions in the form that the hypernetwork is trained with: a digest, and questions to it."""

from __future__ import annotations

from pathlib import Path

from rune import lessons
from rune.bench import sessions
from rune.errors import RuneError
from rune.ml.hypernet import distiller
from rune.ml.hypernet.corpus import leaks
from rune.ml.hypernet.corpus.sessions import Asked, Session
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory

TOGETHER = 4
"""Lessons of a session that are read at once: more than a network of this size can be expected to hold."""


def training(data: Path) -> list[Session]:
    """The development sessions in pieces of a few lessons; those that are measured with stay away.

    Raises:
        RuneError: a text of a session that is measured with is among them.
    """
    corpus = sessions.load(data)
    made = [piece for past in corpus.development for piece in pieces(past)]
    measured = [piece.text for past in corpus.held_out for piece in pieces(past)]
    if common := leaks.shared([piece.text for piece in made], measured):
        raise RuneError(f"{data}: {common} texts of held-out sessions would be trained")
    return made


def pieces(past: Trajectory) -> list[Session]:
    """A session's lessons, a few at a time."""
    found = lessons.find(past, 24)
    return [piece(found[at : at + TOGETHER]) for at in range(0, len(found), TOGETHER)]


def piece(taught: list[Lesson]) -> Session:
    """Some lessons as one text; each question asks for the whole answer of its lesson."""
    asked = tuple(Asked(one.kind, one.questions[0], one.answer, "") for one in taught if one.questions)
    return Session(distiller.digest(taught), asked, frozenset(), frozenset())
