"""A question to one adapter, and its answer held against the trajectory that the adapter came from.

Retrieval picks at most one adapter; the answer is generated from its weights alone (the generator is given
the question and the adapter's folder); then every sentence is checked: one that the trajectory does not
support is withheld. Below the floor, or when nothing is left, there is an abstention that says why, with
text evidence where there is any.

The text memory is found through the same index: remembrances and echoes that are close to the question come
before the events of the session. A lesson that rests on an echo which is gone is neither found nor believed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rune.config import RecallConfig
from rune.echoes import known
from rune.echoes.known import Known, Text
from rune.errors import AdapterError
from rune.grounding import event_text, ground, source_text
from rune.index import Document, Hit, adapters
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Generator
from rune.records import trajectory
from rune.records.card import Card, Lesson, outdated
from rune.records.ledger import State
from rune.records.message import Evidence, Match, Recall, Recalled
from rune.records.trajectory import Event

EVIDENCE_LIMIT = 400
"""Characters of one piece of evidence."""
TEXTS = {"remembrance": 2, "echo": 3, "knowledge": 1}
"""Kinds of texts in the order in which they are given, and how many of each at most."""
NOTHING = "nothing is remembered in this project yet"
UNSUPPORTED = "the adapter's answer is not supported by its session and was withheld; see the evidence"


class Searcher(Protocol):
    """What recall needs of the index."""

    def sync(self, project: str, documents: Sequence[Document]) -> object:
        """Make the index hold exactly these documents of the project."""

    def search(self, project: str, query: str, limit: int) -> list[Hit]:
        """The best documents, best first."""

    def remove(self, project: str, session: str) -> None:
        """Forget a session's documents."""


class Recaller:
    """Answers recalls of any project; lives in the worker beside the model."""

    def __init__(
        self,
        index: Searcher,
        generator: Generator,
        count: Callable[[str], int],
        base_hash: str,
        config: RecallConfig,
    ) -> None:
        self.index = index
        self.generator = generator
        self.count = count
        self.base_hash = base_hash
        self.config = config

    def recall(self, request: Recall) -> Recalled:
        """Retrieve one adapter, ask it, check the answer, add the evidence."""
        began = time.monotonic()
        echoes = Echoes(Path(request.project))
        library = Library(echoes, time.time)
        cards = {card.id: card for card in library.cards()}
        memory = known.read(echoes)
        self.refresh(request.project, cards.values(), memory)
        found = self.index.search(request.project, request.query, 12 * request.limit)
        hits = [hit for hit in found if hit.document.adapter in cards][: 8 * request.limit]
        matches = ranked(hits, cards, request.limit)
        answer = self._best(request, library, cards, hits, matches, memory)
        told = told_by(memory, [hit for hit in found if hit.score >= self.config.floor])
        answer = with_texts(answer, told, request.include_evidence)
        tokens = answer.evidence_tokens + (self.count("\n".join(e.text for e in told)) if told else 0)
        return replace(
            answer, matches=matches, evidence_tokens=tokens, seconds=round(time.monotonic() - began, 3)
        )

    def refresh(self, project: str, cards: Iterable[Card], memory: Known | None = None) -> None:
        """Make the index hold exactly these adapters of the project, and its text memory."""
        memory = memory or known.read(Echoes(Path(project)))
        lessons = [found for card in cards for found in documents(card, memory)]
        self.index.sync(project, [*lessons, *texts(memory)])

    def _best(
        self,
        request: Recall,
        library: Library,
        cards: dict[str, Card],
        hits: Sequence[Hit],
        matches: tuple[Match, ...],
        memory: Known,
    ) -> Recalled:
        if not matches:
            return Recalled("", NOTHING)
        best = matches[0]
        if best.score < self.config.floor:
            measured = f"best match {best.score:.2f}, needed {self.config.floor:.2f}"
            return Recalled("", f"no session is close to the question: {measured}")
        card = cards[best.adapter]
        near = evidence(card, library.echoes, hits, request.limit)
        found = Recalled(
            "", "", best.adapter, card.session, best.score, evidence=near if request.include_evidence else ()
        )
        try:
            library.check_base(card, self.base_hash)
            library.verify(card.id)
            folder = library.folder(card.id)
            text = self.generator.answer(request.query, folder, self.config.max_answer_tokens)
        except AdapterError as error:
            return replace(found, abstained=str(error))
        paths = [library.echoes.trajectory(session) for session in card.origins]
        source = "\n".join((*map(source_text, paths), echoed(card, memory)))
        stale = outdated(library.get(card.id), library.states().get(card.id, State()))
        checked = ground(text, source, self.config.support, stale)
        return replace(
            found,
            answer=checked.text,
            abstained="" if checked.text else UNSUPPORTED,
            support=checked.support,
            withheld=checked.withheld,
            answer_tokens=self.count(checked.text) if checked.text else 0,
            evidence_tokens=self.count("\n".join(e.text for e in near)),
        )


def documents(card: Card, memory: Known | None = None) -> list[Document]:
    """What an adapter can be found by: the session's summary, each lesson whose echoes are there."""
    found = [Document(f"{card.id}:summary", card.id, card.session, card.summary)] if card.summary else []
    for number, lesson in enumerate(card.lessons):
        if memory is None or memory.living(lesson.evidence):
            text = f"{lesson.questions[0]} {lesson.answer}"
            found.append(Document(f"{card.id}:{number}", card.id, card.session, text))
    return found


def texts(memory: Known) -> list[Document]:
    """What the text memory can be found by; it belongs to no adapter and no session."""
    return [Document(text.id, "", "", text.text) for text in memory.texts]


def echoed(card: Card, memory: Known) -> str:
    """The echoes that an adapter was taught and that are still there: its answer may rest on them, too."""
    cited = {one for lesson in card.lessons for one in lesson.evidence}
    return "\n".join(text.text for text in memory.texts if text.id in cited)


def told_by(memory: Known, hits: Sequence[Hit]) -> tuple[Evidence, ...]:
    """The texts among the hits, remembrances first, each kind with its best ones."""
    by_id = {text.id: text for text in memory.texts}
    found = [by_id[hit.document.id] for hit in hits if hit.document.id in by_id]
    chosen = [text for kind, many in TEXTS.items() for text in [t for t in found if t.kind == kind][:many]]
    return tuple(_as_evidence(text) for text in chosen)


def _as_evidence(text: Text) -> Evidence:
    return Evidence("", text.name, text.kind, _cut(text.text), text.path)


def with_texts(answer: Recalled, told: tuple[Evidence, ...], wanted: bool) -> Recalled:
    """An answer with the texts before its other evidence; an abstention says that there are some."""
    if not told or not wanted:
        return answer
    more = "; what the text memory says is in the evidence" if answer.abstained else ""
    return replace(answer, evidence=(*told, *answer.evidence), abstained=answer.abstained + more)


def ranked(hits: Sequence[Hit], cards: dict[str, Card], limit: int) -> tuple[Match, ...]:
    """Adapters by their best document, best first."""
    return tuple(
        Match(found.adapter, found.session, cards[found.adapter].summary[:160], round(found.score, 4))
        for found in adapters(hits)[:limit]
    )


def evidence(card: Card, echoes: Echoes, hits: Sequence[Hit], limit: int) -> tuple[Evidence, ...]:
    """The events behind the lessons that match best, out of the trajectories of the adapter's sessions."""
    lessons = _matched(card, hits)
    wanted = list(dict.fromkeys(event for lesson in lessons for event in lesson.evidence))
    found: dict[str, Evidence] = {}
    for session in card.origins if wanted else ():
        path = echoes.trajectory(session)
        name = f".claude/echoes/trajectories/{path.name}"
        for e in trajectory.read(path).events if path.exists() else ():
            if e.id in wanted:
                found[e.id] = Evidence(session, e.id, trajectory.kind_of(e), _shown(e), name)
    return tuple(found[one] for one in wanted if one in found)[: max(1, limit) * 2]


def _matched(card: Card, hits: Sequence[Hit]) -> list[Lesson]:
    numbers = [hit.document.id.rpartition(":")[2] for hit in hits if hit.document.adapter == card.id]
    found = [
        card.lessons[int(number)]
        for number in numbers
        if number.isdigit() and int(number) < len(card.lessons)
    ]
    return (found or list(card.lessons))[:2]


def _shown(event: Event) -> str:
    return _cut(event_text(event))


def _cut(text: str) -> str:
    return (
        text
        if len(text) <= EVIDENCE_LIMIT
        else f"{text[: EVIDENCE_LIMIT * 2 // 3]} … {text[-EVIDENCE_LIMIT // 3 :]}"
    )
