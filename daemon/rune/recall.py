"""A question to one adapter, and its answer held against the trajectory that the adapter came from.

Retrieval (``Recaller.find``) picks at most one adapter, or says why it picks none; the answer is generated
from its weights alone (the generator is given the question and the adapter's folder); then every sentence is
checked: one that the trajectory does not support is withheld. Below the floor, or when nothing is left, there
is an abstention that says why, with text evidence where there is any.

The text memory is found through the same index: remembrances and echoes that are close to the question come
before the events of the session. A lesson that rests on an echo which is gone is neither found nor believed.

Cards, text memory and index are looked at for every question; what did not change is not parsed, embedded or
loaded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from rune.config import RecallConfig
from rune.echoes import known
from rune.echoes.known import Known, Text
from rune.errors import AdapterError, NotServed
from rune.grounding import event_text, ground, source_text
from rune.index import Document, Hit, Ranked, adapters
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Generator
from rune.records import tokens, trajectory
from rune.records.card import Card, Lesson
from rune.records.ledger import State
from rune.records.message import Evidence, Match, Recall, Recalled
from rune.records.tokens import Find
from rune.records.trajectory import Event

EVIDENCE_LIMIT = 400
"""Characters of one piece of evidence."""
TEXTS = {"remembrance": 2, "echo": 3, "knowledge": 1}
"""Kinds of texts in the order in which they are given, and how many of each at most."""
EQUAL = 0.02
"""Relevances no further apart are equal: the fitter adapter goes first."""
NOTHING = "nothing is remembered in this project yet"
UNSUPPORTED = "the adapter's answer is not supported by its session and was withheld; see the evidence"


Fitness = Callable[[Card, State], float]
"""How good an adapter has proved to be; more is better."""


class Searcher(Protocol):
    """What recall needs of the index."""

    def sync(self, project: str, documents: Sequence[Document]) -> object:
        """Make the index hold exactly these documents of the project."""

    def search(self, project: str, query: str, limit: int) -> list[Hit]:
        """The best documents, best first."""

    def remove(self, project: str, session: str) -> None:
        """Forget a session's documents."""


@dataclass(frozen=True, slots=True)
class Found:
    """What retrieval decided for a question; nothing is generated yet."""

    card: Card | None
    """The adapter to ask; None is an abstention."""
    relevance: float
    """Of the best adapter, also where it is below the floor; 0.0 where there is none."""
    abstained: str
    """Why no adapter is to be asked; empty where one is."""
    matches: tuple[Match, ...]
    """The adapters that were considered, best first, each session once."""
    hits: tuple[Hit, ...]
    """The lessons behind them, best first."""
    texts: tuple[Hit, ...]
    """What the text memory has on the question: its texts from the floor up, best first."""
    memory: Known


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
        self.fitness: Fitness = gain
        self._libraries: dict[str, Library] = {}
        self._made: dict[str, tuple[list[Card], Known, list[Document]]] = {}
        """Of each project the documents, and what they were made of."""

    def library(self, project: str) -> Library:
        """The project's adapters; the same library every time, because it knows what it has parsed."""
        if project not in self._libraries:
            self._libraries[project] = Library(Echoes(Path(project)), time.time)
        return self._libraries[project]

    def find(self, project: str, query: str, limit: int = 3) -> Found:
        """Which adapter of the project a question is for, or why none.

        Between adapters that are equally relevant (``EQUAL``), and only between these, fitness decides.

        Args:
            project: the project's folder.
            query: the question.
            limit: of matches.

        Raises:
            NewerVersion: a newer Rune wrote the ledger.
            FormatError: the index can neither be used nor made anew.
        """
        library, memory = self.library(project), known.read(Echoes(Path(project)))
        cards = {card.id: card for card in library.cards()}
        self.refresh(project, cards.values(), memory)
        found = self.index.search(project, query, 12 * limit)
        hits = tuple(hit for hit in found if hit.document.adapter in cards)[: 8 * limit]
        texts = tuple(hit for hit in found if not hit.document.adapter and hit.score >= self.config.floor)
        states = library.states()
        fitness = {id: self.fitness(cards[id], states.get(id, State())) for id in _adapters(hits)}
        matches = ranked(hits, cards, limit, fitness, self.config.floor)
        if not matches:
            return Found(None, 0.0, NOTHING, (), hits, texts, memory)
        best = matches[0]
        if best.score < self.config.floor:
            measured = f"best match {best.score:.2f}, needed {self.config.floor:.2f}"
            why = f"no session is close to the question: {measured}"
            return Found(None, best.score, why, matches, hits, texts, memory)
        return Found(cards[best.adapter], best.score, "", matches, hits, texts, memory)

    def recall(self, request: Recall) -> Recalled:
        """Retrieve one adapter, ask it, check the answer, add the evidence."""
        began = time.monotonic()
        found = self.find(request.project, request.query, request.limit)
        answer = self._answer(request, found.card, found) if found.card else Recalled("", found.abstained)
        told = told_by(found.memory, found.texts)
        answer = with_texts(answer, told, request.include_evidence)
        tokens = answer.evidence_tokens + (self.count("\n".join(e.text for e in told)) if told else 0)
        seconds = round(time.monotonic() - began, 3)
        return replace(answer, matches=found.matches, evidence_tokens=tokens, seconds=seconds)

    def route(self, request: Find) -> tokens.Found:
        """The adapter that a request for tokens goes to; the rules are those of a recall.

        Raises:
            AdapterError: it was asked for by its id and is damaged, foreign, missing or not in service.
        """
        library = self.library(request.project)
        if request.adapter:
            card = in_service(library, request.adapter)
            return tokens.Found(request.adapter, str(self._usable(library, card)))
        found = self.find(request.project, request.query, 1)
        if found.card is None:
            return tokens.Found(score=found.relevance, why=found.abstained)
        try:
            return tokens.Found(found.card.id, str(self._usable(library, found.card)), found.relevance)
        except AdapterError as error:
            return tokens.Found(score=found.relevance, why=str(error))

    def _usable(self, library: Library, card: Card) -> Path:
        """The folder of an adapter that is made for this base and is what it was."""
        library.check_base(card, self.base_hash)
        library.verify(card.id)
        return library.folder(card.id)

    def refresh(self, project: str, cards: Iterable[Card], memory: Known | None = None) -> None:
        """Make the index hold exactly these adapters of the project, and its text memory."""
        memory, cards = memory or known.read(Echoes(Path(project))), list(cards)
        made = self._made.get(project)
        if made is None or made[:2] != (cards, memory):
            lessons = [document for card in cards for document in documents(card, memory)]
            made = self._made[project] = (cards, memory, [*lessons, *texts(memory)])
        self.index.sync(project, made[2])

    def _answer(self, request: Recall, card: Card, found: Found) -> Recalled:
        """What the adapter says, as far as its session says so, too."""
        library = self.library(request.project)
        path = library.echoes.trajectory(card.session)
        near = evidence(card, path, found.hits, request.limit)
        shown = near if request.include_evidence else ()
        asked = Recalled("", "", card.id, card.session, found.relevance, evidence=shown)
        try:
            folder = self._usable(library, card)
            text = self.generator.answer(request.query, folder, self.config.max_answer_tokens)
        except AdapterError as error:
            return replace(asked, abstained=str(error))
        source = f"{source_text(path)}\n{echoed(card, found.memory)}"
        checked = ground(text, source, self.config.support)
        return replace(
            asked,
            answer=checked.text,
            abstained="" if checked.text else UNSUPPORTED,
            support=checked.support,
            withheld=checked.withheld,
            answer_tokens=self.count(checked.text) if checked.text else 0,
            evidence_tokens=self.count("\n".join(e.text for e in near)),
        )


def gain(card: Card, state: State) -> float:
    """How many more of its own probes an adapter gets right than the base, as a share; 0.0 where unmeasured.

    The newest scores count.
    """
    after = state.probes or card.probes_after
    measured = {name: after.get(name) for name in ("trained", "heldout")}
    gains = [
        score - (card.probes_before.get(name) or 0.0) for name, score in measured.items() if score is not None
    ]
    return sum(gains) / len(gains) if gains else 0.0


def in_service(library: Library, id: str) -> Card:
    """The card of an adapter that may be asked.

    Raises:
        AdapterError: there is none of this id.
        NotServed: it is archived, superseded, forgotten, or no better than its base.
        FormatError: its card is damaged or newer.
    """
    card, status = library.get(id), library.states().get(id, State()).status
    if status != "active":
        raise NotServed(f"adapter {id} is {status}; `rune echoes show` lists those in service")
    return card


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


def ranked(
    hits: Sequence[Hit], cards: dict[str, Card], limit: int, fitness: dict[str, float], floor: float
) -> tuple[Match, ...]:
    """Adapters by their best document, best first, each session once.

    Those that are as relevant as the best one (``EQUAL``), and relevant at all, stand in the order of their
    fitness.
    """
    found = adapters(hits)
    least = max(found[0].score - EQUAL, floor) if found else floor
    equal = sum(one.score >= least for one in found)
    fitter = sorted(found[:equal], key=lambda one: -fitness.get(one.adapter, 0.0))
    shown: dict[str, Ranked] = {}
    for one in (*fitter, *found[equal:]):
        shown.setdefault(one.session, one)
    return tuple(
        Match(one.adapter, one.session, cards[one.adapter].summary[:160], round(one.score, 4))
        for one in list(shown.values())[:limit]
    )


def _adapters(hits: Iterable[Hit]) -> set[str]:
    return {hit.document.adapter for hit in hits}


def evidence(card: Card, path: Path, hits: Sequence[Hit], limit: int) -> tuple[Evidence, ...]:
    """The trajectory events behind the lessons that match best."""
    lessons = _matched(card, hits)
    wanted = list(dict.fromkeys(event for lesson in lessons for event in lesson.evidence))
    if not path.exists() or not wanted:
        return ()
    events = {event.id: event for event in trajectory.read(path).events}
    shown = [events[one] for one in wanted if one in events][: max(1, limit) * 2]
    name = f".claude/echoes/trajectories/{path.name}"
    return tuple(Evidence(card.session, e.id, trajectory.kind_of(e), _shown(e), name) for e in shown)


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
