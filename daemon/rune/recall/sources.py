"""What adapters and the text memory can be found by, and what of it is shown as evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rune.echoes.known import Known, Text
from rune.grounding import event_text
from rune.index import Document, Hit
from rune.paths import Echoes
from rune.records import trajectory
from rune.records.card import Card, Lesson
from rune.records.message import Evidence, Recalled
from rune.records.trajectory import Event

EVIDENCE_LIMIT = 400
"""Characters of one piece of evidence."""
TEXTS = {"remembrance": 2, "echo": 3, "knowledge": 1}
"""Kinds of texts in the order in which they are given, and how many of each at most."""


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
