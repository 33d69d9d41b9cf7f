"""What the daemon does for a project's memory without a model: takes notes, answers by words, counts uses."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.capture import Capture
from rune.echoes import known
from rune.echoes.uses import Uses
from rune.errors import FormatError
from rune.finding import documents, findable, texts
from rune.index import Hit, Keywords
from rune.jobs import Jobs
from rune.library import Library
from rune.paths import Echoes
from rune.recall import evidence, told_by, with_texts
from rune.records import recalled
from rune.records.card import Card
from rune.records.message import NOTE_LIMIT, Ingest, Ingested, Match, Recall, Recalled
from rune.records.trajectory import Note


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
    echoes = Echoes(Path(request.project))
    library, memory = Library(echoes, time.time), known.read(echoes)
    cards = {card.id: card for card in itertools.chain(*findable(library))}
    lessons = [found for card in cards.values() for found in documents(card, memory)]
    found = Keywords([*lessons, *texts(memory)]).search(request.query, 12)
    hits = [hit for hit in found if hit.document.adapter][:4]
    answer = _nearest(request, reason, library, cards, hits) if hits else Recalled("", reason)
    return with_texts(answer, told_by(memory, found[:4]), request.include_evidence)


def _nearest(
    request: Recall, reason: str, library: Library, cards: dict[str, Card], hits: Sequence[Hit]
) -> Recalled:
    """The events behind the lessons that share most words with the question."""
    card = cards[hits[0].document.adapter]
    near = evidence(card, library.echoes, hits, request.limit) if request.include_evidence else ()
    match = Match(card.id, card.session, card.summary[:160], 0.0)
    return Recalled("", reason, card.id, card.session, evidence=near, matches=(match,))


def of_use(capture: Capture, request: Recall, found: Recalled) -> None:
    """Write down what a session was given: the adapter, and the echoes.

    A question from outside of any session counts for none; nor does one whose session cannot be told.
    """
    session = _asking(capture, request)
    if not session:
        return
    echoes = Echoes(Path(request.project))
    if found.adapter:
        use = recalled.Use(time.time(), session, found.adapter, found.score, bool(found.answer))
        recalled.append(echoes.recalls, use)
    names = {(one.event, one.path) for one in found.evidence if one.kind == "echo"}
    if names:
        memory = known.read(echoes)
        shown = {text.id for text in memory.texts if (text.name, text.path) in names}
        given = [entry.digest for _, entry in memory.entries if f"{known.ECHO}{entry.digest}" in shown]
        Uses(echoes.uses, time.time).note(session, given)


def _asking(capture: Capture, request: Recall) -> str:
    """The open session of the client that asks, or the only one: which of several is not guessed."""
    if not request.client:
        return ""  # a person at a terminal
    asking = capture.open_sessions(Path(request.project))
    able = [one for one in asking if one.client == request.client] or asking
    return able[0].session if len(able) == 1 else ""


@dataclass(frozen=True, slots=True)
class Completions:
    """Counts the endpoint's answers as ``of_use`` counts recalls.

    No process id ties a request over HTTP to a session: it names its session itself, or the project has but
    one that is open. Which of several it comes from is not guessed.
    """

    capture: Capture

    def asking(self, project: str, named: str) -> str:
        """The open session that a request belongs to; empty where that cannot be told.

        Args:
            project: whose.
            named: by the request; empty: it names none. One that is not open here is no session.
        """
        found = [one.session for one in self.capture.open_sessions(Path(project))]
        if named:
            return named if named in found else ""
        return found[0] if len(found) == 1 else ""

    def note(self, project: str, session: str, adapter: str, score: float, answered: bool) -> None:
        """Write down that an adapter was used, in a session or in none that is known."""
        use = recalled.Use(time.time(), session, adapter, score, answered)
        recalled.append(Echoes(Path(project)).recalls, use)
