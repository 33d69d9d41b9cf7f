"""The same knowledge told in other ways: is a session read like a document, a description, an example?

``description`` says what is so, as a task would, ``document`` is the steps as prose, ``demonstrations`` are
questions with their answers, ``trajectory`` is the session, ``no_failures`` the session without the steps
that tell of something that failed. Questions about what is left out are not asked.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace

from rune.ml.hypernet.corpus.sessions import Session

FAILURE = re.compile(r"\bfail|\bFAIL|\bcause\b", re.I)
NUMBER = re.compile(r"^\d+\. ")


def told(session: Session) -> dict[str, Session]:
    """The session in each way."""
    steps = session.text.splitlines()
    plain = [NUMBER.sub("", step) for step in steps]
    kept = [step for step in steps if not FAILURE.search(step)]
    known = [f"{one.about} {one.answer}" for one in session.asked]
    shown = [f"Q: {one.about}?\nA: {one.answer}" for one in session.asked]
    left = tuple(one for one in session.asked if one.answer in "\n".join(kept))
    return {
        "description": replace(session, text=f"Work with these: {'; '.join(known)}."),
        "document": replace(session, text=" ".join(plain)),
        "demonstrations": replace(session, text="\n".join(shown)),
        "trajectory": session,
        "no_failures": replace(session, text="\n".join(kept), asked=left),
    }


def shuffled(session: Session, seed: int) -> Session:
    """The session with its steps in another order; numbers stay with their steps."""
    steps = session.text.splitlines()
    random.Random(seed).shuffle(steps)
    return replace(session, text="\n".join(steps))
