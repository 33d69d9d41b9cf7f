"""Whether anything that is held out was trained: words, forms, whole sessions by their hash.

Covered: what the generator makes, and real sessions that are named as held out. Not covered: what the base
model read before anybody here had it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rune.ml.hypernet.corpus.sessions import Session


@dataclass(frozen=True, slots=True)
class Leaks:
    """What is in both; empty where all is well."""

    words: tuple[str, ...]
    templates: tuple[str, ...]
    sessions: int
    """Whole texts, whitespace and letter case aside."""

    @property
    def none(self) -> bool:
        """Whether training and held-out data are apart."""
        return not (self.words or self.templates or self.sessions)


def between(training: Iterable[Session], held_out: Iterable[Session]) -> Leaks:
    """What two parts of a corpus share."""
    ours, theirs = list(training), list(held_out)
    words = _all(one.words for one in ours) & _all(one.words for one in theirs)
    templates = _all(one.templates for one in ours) & _all(one.templates for one in theirs)
    return Leaks(tuple(sorted(words)), tuple(sorted(templates)), shared(_texts(ours), _texts(theirs)))


def shared(training: Sequence[str], held_out: Sequence[str]) -> int:
    """How many held-out texts were trained, too."""
    known = {fingerprint(text) for text in training}
    return sum(fingerprint(text) in known for text in held_out)


def fingerprint(text: str) -> str:
    """What tells texts apart: their words, without numbers of steps.

    >>> fingerprint("1. Run  it.") == fingerprint("2. run it.")
    True
    """
    plain = " ".join(re.sub(r"^\d+\. ", "", text, flags=re.M).lower().split())
    return hashlib.sha256(plain.encode()).hexdigest()


def _all(parts: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*parts)


def _texts(sessions: Sequence[Session]) -> list[str]:
    return [session.text for session in sessions]
