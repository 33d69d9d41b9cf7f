"""Which adapter a question is for, or why none: one index over lessons and text memory, a floor, fitness.

Cards, text memory and index are looked at for every question; what did not change is not parsed, embedded or
loaded again. A lesson that rests on an echo which is gone is not found.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rune.echoes import known
from rune.echoes.known import Known
from rune.index import Document, Hit, Ranked, adapters
from rune.library import Library
from rune.paths import Echoes
from rune.records.card import Card, living, tasks
from rune.records.ledger import NEW, State, heirs
from rune.records.message import Match

DEPTH = 200
"""Documents that adapters are ranked by."""
EQUAL = 0.02
"""Relevances no further apart are equal: the fitter adapter goes first."""
NOTHING = "nothing is remembered in this project yet"
WEAK = "the adapter of the nearest session is no better than its base and is not asked; see the evidence"

Fitness = Callable[[Card, State], float | None]
"""How good an adapter has proved to be; more is better, None is not known."""


class Searcher(Protocol):
    """What recall needs of the index."""

    def sync(self, project: str, documents: Sequence[Document]) -> object:
        """Make the index hold exactly these documents of the project."""

    def search(self, project: str, query: str, limit: int) -> list[Hit]:
        """The best documents, best first."""

    def nearness(self, text: str, others: Sequence[str]) -> float:
        """The cosine of a text with the nearest of some others."""

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
    weak: Card | None = None
    """Where no adapter is to be asked, the one no better than its base whose session has evidence."""


class Finder:
    """Finds the adapter that a question is for, in any project."""

    def __init__(self, index: Searcher, floor: float) -> None:
        self.index = index
        self.floor = floor
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
            limit: of matches; less than one is one.

        Raises:
            NewerVersion: a newer Rune wrote the ledger.
            FormatError: the index can neither be used nor made anew.
        """
        library, memory = self.library(project), known.read(Echoes(Path(project)))
        served, weak = ({card.id: card for card in cards} for cards in findable(library))
        self.refresh(project, [*served.values(), *weak.values()], memory)
        found = self.index.search(project, query, DEPTH)
        hits = tuple(hit for hit in found if hit.document.adapter in served | weak)
        texts = tuple(hit for hit in found if not hit.document.adapter and hit.score >= self.floor)
        states, most = library.states(), max(1, limit)
        matches, others = (self._ranked(hits, cards, states, most) for cards in (served, weak))
        if matches and matches[0].score >= self.floor:
            best = matches[0]
            return Found(served[best.adapter], best.score, "", matches, hits, texts, memory)
        if others and others[0].score >= self.floor:
            best = others[0]
            return Found(None, best.score, WEAK, matches, hits, texts, memory, weak[best.adapter])
        score = max((one.score for one in (*matches, *others)), default=0.0)
        why = f"no session is close to the question: best match {score:.2f}, needed {self.floor:.2f}"
        return Found(None, score, why if matches or others else NOTHING, matches, hits, texts, memory)

    def _ranked(
        self, hits: Sequence[Hit], cards: Mapping[str, Card], states: Mapping[str, State], most: int
    ) -> tuple[Match, ...]:
        some = [hit for hit in hits if hit.document.adapter in cards]
        fitness = {id: self.fitness(cards[id], states.get(id, NEW)) for id in _adapters(some)}
        return ranked(some, cards, most, fitness, self.floor)

    def refresh(self, project: str, cards: Iterable[Card], memory: Known | None = None) -> None:
        """Make the index hold exactly these adapters of the project, and its text memory."""
        memory, cards = memory or known.read(Echoes(Path(project))), list(cards)
        made = self._made.get(project)
        if made is None or made[:2] != (cards, memory):
            lessons = [document for card in cards for document in documents(card, memory)]
            made = self._made[project] = (cards, memory, [*lessons, *texts(memory)])
        self.index.sync(project, made[2])

    def forget(self, project: str, session: str) -> None:
        """Take a session out of the index, and whatever the project's files no longer have.

        Raises:
            FormatError, IndexUnavailable: as the index.
        """
        self.refresh(project, itertools.chain(*findable(self.library(project))))
        self.index.remove(project, session)


def findable(library: Library) -> tuple[list[Card], list[Card]]:
    """The adapters in service, and those whose sessions have nothing but adapters no better than the base.

    The latter are never asked, but what their sessions hold is still found, as evidence; of a session the
    newest. What a person or evolution has put away, or another adapter has the place of, is none of them.

    Raises:
        NewerVersion: a newer Rune wrote the ledger.
    """
    states, cards = library.states(), library.cards(include_archived=True)
    found = [(card, states.get(card.id, NEW)) for card in cards]
    served = [living(card, state) for card, state in found if state.status == "active"]
    weak = [(card, state) for card, state in found if state.status == "unserved"]
    if not weak:
        return served, []
    heard = {id for id, state in states.items() if state.status in ("active", "archived")}
    told = {one for card in cards if heard.intersection(heirs(card.id, states)) for one in card.origins}
    apart = {card.session: living(card, state) for card, state in weak if told.isdisjoint(card.origins)}
    return served, list(apart.values())


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


def documents(card: Card, memory: Known | None = None) -> list[Document]:
    """What an adapter can be found by: the tasks of its sessions, each lesson whose echoes are there.

    The lessons' questions in a summary have documents of their own: as one text with them, a task in other
    words was found less often (docs/retrieval.md).
    """
    found = [
        Document(f"{card.id}:summary{number or ''}", card.id, card.session, task)
        for number, task in enumerate(tasks(card))
    ]
    for number, lesson in enumerate(card.lessons):
        if memory is None or memory.living(lesson.evidence):
            text = f"{lesson.questions[0]} {lesson.answer}"
            found.append(Document(f"{card.id}:{number}", card.id, card.session, text))
    return found


def texts(memory: Known) -> list[Document]:
    """What the text memory can be found by; it belongs to no adapter and no session."""
    return [Document(text.id, "", "", text.text) for text in memory.texts]


def ranked(
    hits: Sequence[Hit],
    cards: Mapping[str, Card],
    limit: int,
    fitness: Mapping[str, float | None],
    floor: float,
) -> tuple[Match, ...]:
    """Adapters by their best documents, best first, each session once; the score is that of the best one.

    Below the floor stands nothing before what is above it. Those that are as relevant as the best one
    (``EQUAL``), and relevant at all, stand in the order of their fitness; one whose fitness is not known
    keeps its place.
    """
    found = sorted(adapters(hits), key=lambda one: one.score < floor)
    near = [one.score >= floor and one.weight >= found[0].weight - EQUAL for one in found]
    equal = near.index(False) if False in near else len(near)
    fitter = fittest(found[:equal], fitness)
    shown: dict[str, Ranked] = {}
    for one in (*fitter, *found[equal:]):
        shown.setdefault(one.session, one)
    return tuple(
        Match(one.adapter, one.session, cards[one.adapter].summary[:160], round(one.score, 4))
        for one in list(shown.values())[:limit]
    )


def fittest(found: Sequence[Ranked], fitness: Mapping[str, float | None]) -> list[Ranked]:
    """The same in the order of their fitness, among the places of those whose fitness is known."""
    known = [(place, phi) for place, one in enumerate(found) if (phi := fitness.get(one.adapter)) is not None]
    order = sorted(known, key=lambda one: -one[1])
    made = list(found)
    for (place, _), (best, _) in zip(known, order, strict=True):
        made[place] = found[best]
    return made


def _adapters(hits: Iterable[Hit]) -> set[str]:
    return {hit.document.adapter for hit in hits}
