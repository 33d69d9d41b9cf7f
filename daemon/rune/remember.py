"""What the daemon can do for a project's memory without a model: take notes, and answer by words alone."""

from __future__ import annotations

import time
from pathlib import Path

from rune.capture import Capture
from rune.errors import FormatError
from rune.index import Keywords
from rune.jobs import Jobs
from rune.library import Library
from rune.paths import Echoes
from rune.recall import documents, evidence
from rune.records.message import Ingest, Ingested, Match, Recall, Recalled
from rune.records.trajectory import Note

NOTE_LIMIT = 2000
"""Characters of one note: what is longer is a document, not a lesson."""


def note(capture: Capture, request: Ingest, at: float) -> Ingested:
    """Write something down in the project's open session; it becomes one of the session's lessons.

    Raises:
        FormatError: it is empty or too long.
    """
    text = " ".join(request.content.split())
    if not text or len(text) > NOTE_LIMIT:
        raise FormatError(
            f"content: expected 1 to {NOTE_LIMIT} characters, found {len(text)}; say one thing per call"
        )
    made = Note(f"n-{time.time_ns():x}", at, text, request.kind, request.evidence.strip(), request.tags)
    session, known, counts = capture.note(Path(request.project), request.client, made)
    return Ingested(made.id, session, known, counts)


def nothing_yet(capture: Capture, jobs: Jobs, project: str) -> str:
    """Why a project without adapters has no answer."""
    waiting = len(capture.open_sessions(Path(project)))
    summary = jobs.summary()
    queued = summary.queued + summary.postponed + (summary.running is not None)
    if waiting or queued:
        return (
            f"nothing is remembered in this project yet: {waiting} session(s) still open, "
            f"{queued} waiting to be distilled"
        )
    return "nothing is remembered in this project yet; sessions become memories when they end"


def by_words(request: Recall, reason: str) -> Recalled:
    """Text evidence by BM25, for when no model can answer."""
    library = Library(Echoes(Path(request.project)), time.time)
    cards = {card.id: card for card in library.cards()}
    hits = Keywords([d for card in cards.values() for d in documents(card)]).search(request.query, 4)
    if not hits:
        return Recalled("", reason)
    card = cards[hits[0].document.adapter]
    near = (
        evidence(card, library.echoes.trajectory(card.session), hits, request.limit)
        if request.include_evidence
        else ()
    )
    return Recalled(
        "",
        reason,
        card.id,
        card.session,
        evidence=near,
        matches=(Match(card.id, card.session, card.summary[:160], 0.0),),
    )
