"""Who comes from whom: the adapters as a graph without cycles, out of their cards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from rune.records.card import Card
from rune.records.ledger import NEW, State, heirs


def descendants(cards: Iterable[Card], ids: Iterable[str]) -> list[Card]:
    """Every adapter that was made of one of these, directly or not; parents before children."""
    known, found = set(ids), []
    for card in _by_birth(cards):
        if known & set(card.parents) and card.id not in known:
            known.add(card.id)
            found.append(card)
    return found


def _by_birth(cards: Iterable[Card]) -> Iterator[Card]:
    """Parents before children, else the oldest first: ``created`` alone fails where a clock was set back."""
    left = {card.id: card for card in sorted(cards, key=lambda card: (card.created, card.id))}
    while left:
        born = [card for card in left.values() if not left.keys() & set(card.parents)] or list(left.values())
        yield from born
        left = {id: left[id] for id in left.keys() - {card.id for card in born}}


def ancestors(cards: Mapping[str, Card], id: str) -> list[str]:
    """What an adapter was made of, the nearest first; also ids whose adapters are gone."""
    found: list[str] = []
    waiting = list(cards[id].parents) if id in cards else []
    while waiting:
        one = waiting.pop(0)
        if one not in found:
            found.append(one)
            waiting += cards[one].parents if one in cards else ()
    return found


def orphans(cards: Sequence[Card], states: Mapping[str, State], going: Iterable[str]) -> list[Card]:
    """Who takes back its place when these go: those that one of them has superseded; not what is archived."""
    gone = set(going)
    return [card for card in cards if card.id not in gone and _ousted(states.get(card.id, NEW), gone)]


def _ousted(state: State, by: Set[str]) -> bool:
    return state.status == "superseded" and state.superseded_by in by


def successor(card: Card, cards: Sequence[Card], states: Mapping[str, State]) -> str:
    """The newest later adapter of the same session that serves, or for which another one does; empty: none.

    None takes the place of an adapter that a person has put back since it was made.
    """
    there = {one.id for one in cards}
    own = states.get(card.id, NEW)
    for one in sorted(cards, key=lambda one: (one.created, one.id), reverse=True):
        later = one.session == card.session and one.created > card.created
        if later and not own.put_back_since(one.created):
            *_, last = heirs(one.id, states)
            if last in there and last != card.id and states.get(last, NEW).status == "active":
                return one.id
    return ""


def unfinished(cards: Sequence[Card], states: Mapping[str, State]) -> list[tuple[str, str]]:
    """Parents that still serve beside a child that serves: (parent, child). A crash leaves such pairs.

    A parent that a person has put back since the child was made is none of them.
    """
    active = {card.id: states.get(card.id, NEW) for card in cards}
    active = {id: state for id, state in active.items() if state.status == "active"}
    return [
        (parent, card.id)
        for card in cards
        if card.id in active
        for parent in card.parents
        if parent in active and active[parent].word <= card.created
    ]


def layers(cards: Sequence[Card]) -> list[list[Card]]:
    """The adapters by generation: those without a known parent first, then their children, and so on."""
    depth: dict[str, int] = {}
    for card in _by_birth(cards):
        depth[card.id] = 1 + max((depth[one] for one in card.parents if one in depth), default=-1)
    by_id = {card.id: card for card in cards}
    return [
        [by_id[id] for id, own in depth.items() if own == level]
        for level in range(max(depth.values(), default=-1) + 1)
    ]
