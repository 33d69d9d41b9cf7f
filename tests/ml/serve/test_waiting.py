from __future__ import annotations

from dataclasses import dataclass

import pytest

from rune.errors import EngineBusy
from rune.ml.serve.waiting import Waiting


@dataclass(frozen=True)
class One:
    id: str
    client: str = ""


def line(*ids: str, limit: int = 64) -> Waiting[One]:
    """Ids whose first letter is the client's."""
    waiting: Waiting[One] = Waiting(limit)
    for at, id in enumerate(ids):
        waiting.add(One(id, id[0]), float(at))
    return waiting


def order(waiting: Waiting[One]) -> list[str]:
    return [waiting.pop().id for _ in range(len(waiting))]


def test_clients_take_turns_however_many_requests_one_has():
    assert order(line("a1", "a2", "a3", "a4", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_whose_turn_it_is_can_be_seen_before():
    waiting = line("a1", "b1")
    assert waiting.peek() == waiting.pop()
    assert waiting.peek() == One("b1", "b")
    assert line().peek() is None


def test_a_full_line_says_when_to_come_again():
    with pytest.raises(EngineBusy) as busy:
        line("a1", "b1", "c1", limit=3).check("d", 7.0)
    assert busy.value.retry_after == 7.0


def test_one_client_leaves_a_quarter_of_the_places_to_others():
    waiting = line("a1", "a2", "a3", limit=4)
    waiting.check("b", 1.0)
    with pytest.raises(EngineBusy, match="this client"):
        waiting.check("a", 1.0)


def test_one_that_left_and_those_that_waited_too_long_are_gone():
    waiting = line("a1", "b1", "a2", "c1")
    assert waiting.remove("b1") == One("b1", "b")
    assert waiting.remove("b1") is None
    assert [one.id for one in waiting.expired(1.5)] == ["a1"]
    assert sorted(order(waiting)) == ["a2", "c1"]
