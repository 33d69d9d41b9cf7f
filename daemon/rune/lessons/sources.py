"""Where in its session a lesson stands: what somebody would have to read to know it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rune import orders
from rune.grounding import event_text
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory


def passages(past: Trajectory, taught: Sequence[Lesson]) -> tuple[str, ...]:
    """For each lesson the text of the events that it comes from, without lines that give orders to a model.

    Empty where it comes from none of this session, as what an echo says.
    """
    texts = {event.id: event_text(event).strip() for event in past.events}
    found = ("\n\n".join(texts[id] for id in lesson.evidence if texts.get(id)) for lesson in taught)
    return tuple("\n".join(line for line in text.split("\n") if not orders.instructs(line)) for text in found)
