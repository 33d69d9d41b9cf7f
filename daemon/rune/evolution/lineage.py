"""Who comes from whom: the adapters as a graph without cycles, out of their cards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rune.records.card import Card
from rune.records.ledger import NEW, State


def descendants(cards: Iterable[Card], ids: Iterable[str]) -> list[Card]:
    """Every adapter that was made of one of these, directly or not; parents before children."""
    known, found = set(ids), []
    for card in sorted(cards, key=lambda card: (card.created, card.id)):
        if known & set(card.parents) and card.id not in known:
            known.add(card.id)
            found.append(card)
    return found


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


def of_sessions(cards: Iterable[Card], session: str) -> list[Card]:
    """Every adapter that a session went into."""
    return [card for card in cards if session in card.origins]


def orphans(cards: Sequence[Card], states: Mapping[str, State], going: Iterable[str]) -> list[Card]:
    """Who takes back its place when these go: those that only one of them has superseded."""
    gone = set(going)
    return [
        card for card in cards if card.id not in gone and states.get(card.id, NEW).superseded_by in gone
    ]


def unfinished(cards: Sequence[Card], states: Mapping[str, State]) -> list[tuple[str, str]]:
    """Parents that still serve beside a child that serves: (parent, child). A crash leaves such pairs.

    A parent that was put back after the child had come is none of them.
    """
    active = {card.id: states.get(card.id, NEW) for card in cards}
    active = {id: state for id, state in active.items() if state.status == "active"}
    return [
        (parent, card.id)
        for card in cards
        if card.id in active
        for parent in card.parents
        if parent in active and active[parent].since <= active[card.id].since
    ]


def layers(cards: Sequence[Card]) -> list[list[Card]]:
    """The adapters by generation: those without a known parent first, then their children, and so on."""
    depth: dict[str, int] = {}
    for card in sorted(cards, key=lambda card: (card.created, card.id)):
        depth[card.id] = 1 + max((depth[one] for one in card.parents if one in depth), default=-1)
    by_id = {card.id: card for card in cards}
    return [
        [by_id[id] for id, own in depth.items() if own == level]
        for level in range(max(depth.values(), default=-1) + 1)
    ]
