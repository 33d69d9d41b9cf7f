"""What a person has said of adapters and their lessons, and what that outlives. Pure.

A person who puts an adapter back has the last word on all that was before. The word stands in the ledger, at
one adapter; it goes on with what comes of that one: a child of it, a newer adapter of its session. There a
lesson is known by its statement, since places change.

Not covered: the same statement in other words, and the word of an adapter that is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rune.records.card import Card
from rune.records.ledger import NEW, State


class Words:
    """What was said of the adapters of one project."""

    def __init__(self, cards: Iterable[Card], states: Mapping[str, State]) -> None:
        """Take in whole cards, those out of service, too, and what became of each."""
        self._cards = {card.id: card for card in cards}
        self._states = states
        known = ((card, states.get(card.id, NEW)) for card in self._cards.values())
        self._spoken = [(card, state) for card, state in known if state.word or state.kept]

    def of(self, id: str) -> float:
        """When a person last put an adapter back into service, or one that it comes from; 0.0: never."""
        return max((state.word for _, state in self._lines(id)), default=0.0)

    def kept(self, id: str) -> dict[int, float]:
        """The places of an adapter's lessons that a person has put back, here or there, each with when."""
        said: dict[str, float] = {}
        for card, state in self._lines(id):
            for place, moment in state.kept.items():
                if place < len(card.lessons):
                    answer = statement(card.lessons[place].answer)
                    said[answer] = max(moment, said.get(answer, 0.0))
        own = enumerate(self._cards[id].lessons) if said else ()
        told = ((place, said.get(statement(lesson.answer))) for place, lesson in own)
        return {place: moment for place, moment in told if moment is not None}

    def _lines(self, id: str) -> list[tuple[Card, State]]:
        """Itself and those that it comes from, where a person has spoken and has not put them away since."""
        card = self._cards.get(id)
        if card is None:
            return []
        return [
            (one, state)
            for one, state in self._spoken
            if one.id == id or (_comes_from(card, one) and not (state.status == "archived" and state.hand))
        ]


def _comes_from(card: Card, one: Card) -> bool:
    return one.created <= card.created and set(one.origins) <= set(card.origins)


def statement(answer: str) -> str:
    """What a lesson says, however it is spaced or capitalised.

    >>> statement("The gate  is Open.")
    'the gate is open.'
    """
    return " ".join(answer.lower().split())
