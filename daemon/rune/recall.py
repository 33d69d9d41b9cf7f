"""A question to one adapter, and its answer held against the trajectory that the adapter came from.

Retrieval (``rune.finding``) picks at most one adapter, or says why it picks none; the answer is generated
from its weights alone (the generator is given the question and the adapter's folder); then every sentence is
checked: one that the trajectory does not support is withheld. So is an answer that is about something else or
that the adapter is not sure of. Below the floor, or when nothing is left, there is an abstention that says
why, with text evidence where there is any.

The text memory is found through the same index: remembrances and echoes that are close to the question come
before the events of the session. A lesson that rests on an echo which is gone is neither found nor believed.

Cards, text memory and index are looked at for every question; what did not change is not parsed, embedded or
loaded again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rune.config import RecallConfig
from rune.echoes.known import Known, Text
from rune.errors import AdapterError, FormatError, NotServed
from rune.finding import Finder, Found, Searcher
from rune.grounding import Passage, event_text, ground, passage, session_passages
from rune.index import Hit
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Generator
from rune.probing import holds
from rune.records import tokens, trajectory
from rune.records.card import Card, Lesson, outdated
from rune.records.ledger import NEW
from rune.records.message import Evidence, Recall, Recalled
from rune.records.tokens import Find
from rune.records.trajectory import Event

log = logging.getLogger(__name__)

EVIDENCE_LIMIT = 400
"""Characters of one piece of evidence."""
BRIEF = 160
"""Characters of the one place beside an answer: it was checked, and the agent pays for every word."""
TEXTS = {"remembrance": 2, "echo": 3, "knowledge": 1}
"""Kinds of texts in the order in which they are given, and how many of each at most."""
SAME = 40
"""Characters by which an answer is known to tell a lesson: it may end otherwise."""
CUT = 2
"""Tokens below the most of an answer at which it may have been cut off: its text is counted anew."""
UNSUPPORTED = "the adapter's answer is not supported by its session and was withheld; see the evidence"
ASTRAY = "the adapter's answer is about something else (similarity {:.2f}, needed {:.2f}); see the evidence"
UNSURE = "the adapter is not sure of its answer (probability {:.2f}, needed {:.2f}); see the evidence"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on its way to an adapter."""

    request: Recall
    found: Found
    card: Card
    folder: Path
    """Of the adapter; its files are what they were."""
    began: float
    """On the monotonic clock."""


class Recaller(Finder):
    """Finds adapters and asks them, in any project; lives in the worker beside the model."""

    def __init__(
        self,
        index: Searcher,
        generator: Generator,
        count: Callable[[str], int],
        base_hash: str,
        config: RecallConfig,
    ) -> None:
        super().__init__(index, config.floor)
        self.generator = generator
        self.count = count
        self.base_hash = base_hash
        self.config = config

    def recall(self, request: Recall) -> Recalled:
        """Retrieve one adapter, ask it, check the answer, add the evidence."""
        asked = self.begin(request)
        if isinstance(asked, Recalled):
            return asked
        try:
            text = self.generator.answer(request.query, asked.folder, self.config.max_answer_tokens)
        except AdapterError as error:
            return self.silent(asked, str(error))
        return self.end(asked, text)

    def begin(self, request: Recall) -> Asked | Recalled:
        """Retrieve; what is left is to ask the adapter, unless there is none to ask."""
        began = time.monotonic()
        found = self.find(request.project, request.query, request.limit)
        card = found.card or found.weak
        if card is None:
            return self._told(request, found, began, Recalled("", found.abstained))
        asked = Asked(request, found, card, Path(), began)
        try:
            folder = self._usable(self.library(request.project), card)
        except AdapterError as error:
            return self.silent(asked, str(error))
        if found.card is None:
            return self.silent(asked, found.abstained)
        return replace(asked, folder=folder)

    def end(self, asked: Asked, text: str) -> Recalled:
        """What the adapter said, as far as its session says so, too."""
        source, stale = self.record(asked)
        checked = ground(text, source, self.config.support, stale, self.is_cut(text))
        doubt = self._doubt(asked, text, checked.text) if checked.text else UNSUPPORTED
        kept = "" if doubt else checked.text
        answer = replace(
            self._empty(asked, self._near(asked, kept)),
            answer=kept,
            abstained=doubt,
            support=checked.support,
            withheld=checked.withheld,
            answer_tokens=self.count(kept) if kept else 0,
        )
        return self._told(asked.request, asked.found, asked.began, answer)

    def _near(self, asked: Asked, kept: str = "") -> tuple[Evidence, ...]:
        """What its session has on the question; beside an answer the place that it rests on."""
        card, echoes, hits = asked.card, self.library(asked.request.project).echoes, asked.found.hits
        if not kept:
            return evidence(card, echoes, hits, asked.request.limit)
        told = telling(card.lessons, kept)
        lessons = [told] if told else matched(card, hits)
        return resting(places(card, echoes, lessons), told.keys if told else ())

    def is_cut(self, text: str) -> bool:
        """Whether an answer is so long that its end may be missing."""
        return self.count(text) >= self.config.max_answer_tokens - CUT

    def record(self, asked: Asked) -> tuple[list[Passage], tuple[str, ...]]:
        """What an answer is held against: sessions, echoes, lessons; and which literals are outdated."""
        card, library, memory = asked.card, self.library(asked.request.project), asked.found.memory
        found, known = [], {text.id for text in memory.texts}
        for session in card.origins:
            past = intact(library.echoes.trajectory(session))
            found += session_passages(past)
            known |= {event.id for event in past}
        cited = {one for lesson in card.lessons for one in lesson.evidence}
        found += [passage(text.text) for text in memory.texts if text.id in cited]
        whole = (lesson for lesson in card.lessons if lesson.evidence and known.issuperset(lesson.evidence))
        found += [passage(lesson.answer) for lesson in whole]
        return found, outdated(library.get(card.id), library.states().get(card.id, NEW))

    def _doubt(self, asked: Asked, text: str, kept: str) -> str:
        """Why an answer that its session supports is not given all the same; empty where it is."""
        settings, near = self.config, self.nearness(asked, kept)
        if near < settings.near:
            return ASTRAY.format(near, settings.near)
        sure = self.generator.sureness(asked.request.query, text, asked.folder)
        return UNSURE.format(sure, settings.sure) if sure < settings.sure else ""

    def nearness(self, asked: Asked, kept: str) -> float:
        """How near a question is to what is left of an answer, or to the lesson that it tells."""
        lesson = telling(asked.card.lessons, kept)
        return self.index.nearness(asked.request.query, [kept, *(lesson.questions if lesson else ())])

    def silent(self, asked: Asked, why: str) -> Recalled:
        """The adapter could not be asked: the evidence alone."""
        answer = replace(self._empty(asked, self._near(asked)), abstained=why)
        return self._told(asked.request, asked.found, asked.began, answer)

    def _empty(self, asked: Asked, near: tuple[Evidence, ...]) -> Recalled:
        shown = near if asked.request.include_evidence else ()
        tokens = self.count("\n".join(e.text for e in near)) if near else 0
        return Recalled(
            "", "", asked.card.id, asked.card.session, asked.found.relevance,
            evidence=shown, evidence_tokens=tokens,
        )  # fmt: skip

    def _told(self, request: Recall, found: Found, began: float, answer: Recalled) -> Recalled:
        """With what the text memory has to say, and what was considered."""
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


def in_service(library: Library, id: str) -> Card:
    """The card of an adapter that may be asked.

    Raises:
        AdapterError: there is none of this id.
        NotServed: it is archived, superseded, forgotten, or no better than its base.
        FormatError: its card is damaged or newer.
    """
    card, status = library.get(id), library.states().get(id, NEW).status
    if status != "active":
        raise NotServed(f"adapter {id} is {status}; `rune echoes show` lists those in service")
    return card


def intact(path: Path) -> tuple[Event, ...]:
    """The events of a session; none where its trajectory is gone or damaged: it supports nothing."""
    try:
        return trajectory.read(path).events if path.exists() else ()
    except (FormatError, OSError) as error:
        log.warning("%s", error)
        return ()


def telling(lessons: Sequence[Lesson], kept: str) -> Lesson | None:
    """The lesson that what is left of an answer tells: none begins more alike, and its keys are there."""

    def alike(lesson: Lesson) -> int:
        pairs = enumerate(zip(lesson.answer, kept, strict=False))
        return next((n for n, (one, other) in pairs if one != other), min(len(lesson.answer), len(kept)))

    best = max(lessons, key=alike, default=None)
    if best is None or alike(best) < min(SAME, len(best.answer)):
        return None
    return best if not best.keys or holds(kept, best.keys) else None


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


def evidence(card: Card, echoes: Echoes, hits: Sequence[Hit], limit: int) -> tuple[Evidence, ...]:
    """The events behind the lessons that match best."""
    found = places(card, echoes, matched(card, hits))[: max(1, limit) * 2]
    return tuple(replace(one, text=_cut(one.text)) for one in found)


def places(card: Card, echoes: Echoes, lessons: Sequence[Lesson]) -> tuple[Evidence, ...]:
    """The events behind these lessons, whole, out of their trajectories."""
    wanted = list(dict.fromkeys(event for lesson in lessons for event in lesson.evidence))
    found: dict[str, Evidence] = {}
    for session in card.origins if wanted else ():
        path = echoes.trajectory(session)
        name = f".claude/echoes/trajectories/{path.name}"
        for e in intact(path):
            if e.id in wanted:
                found[e.id] = Evidence(session, e.id, trajectory.kind_of(e), event_text(e), name)
    return tuple(found[one] for one in wanted if one in found)


def resting(found: Sequence[Evidence], keys: Sequence[str]) -> tuple[Evidence, ...]:
    """Of these places the first that holds most of the keys, cut around one of them."""
    best = max(found, key=lambda one: sum(holds(one.text, [key]) for key in keys), default=None)
    if best is None:
        return ()
    text = best.text
    at = min((place for key in keys if (place := text.lower().find(key.lower())) >= 0), default=0)
    begin = max(0, min(at - BRIEF // 4, len(text) - BRIEF))
    shown = text[begin : begin + BRIEF]
    before, after = ("… " if begin else ""), (" …" if begin + BRIEF < len(text) else "")
    return (replace(best, text=f"{before}{shown}{after}"),)


def matched(card: Card, hits: Sequence[Hit]) -> list[Lesson]:
    """The two lessons of an adapter that search finds nearest."""
    numbers = [hit.document.id.rpartition(":")[2] for hit in hits if hit.document.adapter == card.id]
    found = [
        card.lessons[int(number)]
        for number in numbers
        if number.isdigit() and int(number) < len(card.lessons)
    ]
    return (found or list(card.lessons))[:2]


def _cut(text: str) -> str:
    most = EVIDENCE_LIMIT
    return text if len(text) <= most else f"{text[: most * 2 // 3]} … {text[-most // 3 :]}"
