from dataclasses import replace

import pytest

from rune.evolution import lineage
from rune.records.ledger import State


@pytest.fixture
def family(make_card):
    """a and b are of sessions; c of both, d of c and e; f is of its own."""
    made = {"a": (), "b": (), "e": (), "f": (), "c": ("a", "b"), "d": ("c", "e")}
    sessions = {"c": ("s-a", "s-b"), "d": ("s-a", "s-b", "s-e")}
    return [
        make_card(id=id, session=f"s-{id}", parents=parents, sessions=sessions.get(id, ()), created=float(n))
        for n, (id, parents) in enumerate(made.items())
    ]


def ids(cards):
    return [card.id for card in cards]


def test_descendants_are_reached_through_any_number_of_generations(family):
    assert ids(lineage.descendants(family, ["a"])) == ["c", "d"]
    assert ids(lineage.descendants(family, ["e"])) == ["d"]
    assert ids(lineage.descendants(family, ["f"])) == []


def test_a_child_that_seems_older_than_its_parent_is_a_descendant_all_the_same(family):
    turned = [replace(card, created=-card.created) for card in family]  # the clock was set back
    assert ids(lineage.descendants(turned, ["a"])) == ["c", "d"]
    assert [sorted(ids(layer)) for layer in lineage.layers(turned)] == [["a", "b", "e", "f"], ["c"], ["d"]]


def test_ancestors_are_known_although_their_adapters_are_gone(family):
    cards = {card.id: card for card in family if card.id != "a"}
    assert lineage.ancestors(cards, "d") == ["c", "e", "a", "b"]
    assert lineage.ancestors(cards, "f") == lineage.ancestors(cards, "x") == []


def test_who_was_superseded_by_what_goes_takes_its_place_back(family):
    states = {"a": State("superseded", superseded_by="c"), "b": State("superseded", superseded_by="c")}
    assert ids(lineage.orphans(family, states, ["c", "a"])) == ["b"]
    put_away = replace(states["b"], status="archived", hand=True)
    assert ids(lineage.orphans(family, {**states, "b": put_away}, ["c"])) == ["a"]


def test_a_parent_that_serves_beside_its_child_is_unfinished(family):
    states = {"a": State("superseded", superseded_by="c"), "d": State("unserved")}
    assert lineage.unfinished(family, states) == [("b", "c")]
    by_hand = State(since=9.0, word=9.0)
    for child in (State(), State(since=10.0, word=10.0)):
        assert lineage.unfinished(family, {**states, "b": by_hand, "c": child}) == []
    assert lineage.unfinished(family, {**states, "b": State(since=9.0)}) == [("b", "c")]


def test_generations_follow_from_the_parents_that_are_known(family):
    assert [ids(layer) for layer in lineage.layers(family)] == [["a", "b", "e", "f"], ["c"], ["d"]]
    assert lineage.layers([]) == []


def test_whose_session_has_a_later_adapter_that_serves_does_not_take_its_place_back(make_card):
    old, new = (make_card(id=id, created=at, session="s1") for id, at in (("a", 1.0), ("b", 2.0)))
    child = make_card(id="c", session="task-1", parents=("b",), created=3.0)
    cards, states = [old, new, child], {"a": State("superseded", superseded_by="x")}
    assert lineage.successor(old, cards, states) == "b"
    assert lineage.successor(new, cards, states) == ""
    assert lineage.successor(old, cards, {**states, "b": State("archived")}) == ""
    served = {**states, "b": State("superseded", superseded_by="c")}
    assert lineage.successor(old, cards, served) == "b"
    assert lineage.successor(old, cards[:2], served) == "", "the child is gone"
    assert lineage.successor(old, cards, {**states, "a": State("superseded", word=2.5)}) == ""
