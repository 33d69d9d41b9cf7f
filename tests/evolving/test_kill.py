"""Killed at every step of a plan: nothing is lost, and the rerun converges to the same."""

import time

import pytest

from rune.bench.evolve import kill
from rune.library import Library


@pytest.mark.parametrize(
    ("way", "adapters"),
    [
        ("none", {"active": 5, "archived": 1, "refused": 1, "superseded": 6}),
        ("cat", {"active": 6, "archived": 1, "refused": 1, "superseded": 5}),
    ],
    ids=["learnt", "merged"],
)
def test_killed_at_any_step_nothing_is_lost_and_the_rerun_comes_to_the_same(way, adapters):
    """Lessons are retired, adapters superseded by a fitter one, brought together, refused that, archived."""
    row = kill.row_of(way)
    assert row["steps"] > 20
    assert (row["lost_after"], row["same"]) == ([], row["steps"])
    assert row["adapters"] == adapters


def test_what_is_lost_is_seen(echoes):
    truths = kill.project(echoes)
    library = Library(echoes, time.time)
    assert kill.whole(library, truths)
    one = next(card for card in library.cards() if card.session == "s0")
    library.archive(one.id)
    assert not kill.whole(library, truths)
    library.reactivate(one.id)
    weights = library.folder(one.id) / "adapter_model.safetensors"
    weights.chmod(0o600)
    weights.write_bytes(weights.read_bytes()[:-1])
    assert not kill.whole(library, truths)


def test_steps_of_both_ways_add_up():
    rows = [{"steps": 3, "lost": 1, "same": 2}, {"steps": 1, "lost": 0, "same": 1}]
    assert kill.summary(rows) == {"kill_steps": 4, "kill_lost": 1, "kill_converged": 0.75}
    assert kill.summary([]) == {"kill_steps": None, "kill_lost": None, "kill_converged": None}
