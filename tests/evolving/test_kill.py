"""Killed at every step of a plan: nothing is lost, and the rerun converges to the same."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from rune.evolving import carrying
from rune.library import STAGE, Library
from rune.paths import Echoes
from rune.records import recalled
from rune.records.recalled import Use
from rune.records.trajectory import Execution

sys.path.insert(0, str(Path(__file__).parent))
import faults

NOON = 1795176000.0


def known(library):
    """Every answer that some adapter in service gives."""
    return {lesson.answer for card in library.cards() for lesson in card.lessons}


def lasting(library):
    """What became of each adapter, times aside."""
    states = library.states()
    return {id: (s.status, s.superseded_by, tuple(s.retired), len(s.outcomes)) for id, s in states.items()}


@pytest.mark.parametrize(
    ("way", "engine", "active", "superseded"),
    [("none", "gradient", 2, 5), ("cat", "merge:cat", 4, 2)],
    ids=["learnt", "merged"],
)
def test_killed_at_any_step_nothing_is_lost_and_the_rerun_comes_to_the_same(
    way, engine, active, superseded, teach, lesson, cluster, project, echoes, write_session, library, tmp_path
):
    """Lessons are retired, adapters superseded, brought together and, one that knows nothing, archived."""
    teach("s8", lesson("gateway port", "8080"), lesson("colour of the sky", "blue"))
    teach("s9", lesson("gateway port", "9090"))
    recalled.append(echoes.recalls, Use(NOON + 5, "s2", cluster[0].id))
    runs = [Execution(f"x{n}", NOON + n, "Bash", "pytest -q", "", n > 5) for n in (1, 9)]
    write_session("s2", events=tuple(runs))
    truths = known(library) - {"The gateway port is set to 8080."}
    teach("s7", lesson("weather in Oslo", "wet"), probes_after={"trained": 0.0, "heldout": 0.05})
    copies = tmp_path / "copies"
    told = subprocess.run(
        [sys.executable, faults.__file__, str(project), str(copies), way],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    *died, (last, done) = [map(int, line.split()) for line in told.splitlines()]
    assert done == faults.DONE
    assert len(died) > 20
    whole = Library(Echoes(copies / str(last)), time.time)
    expected = lasting(whole)
    assert {card.engine for card in whole.cards(True) if card.parents} == {engine}
    count = Counter(status for status, *_ in expected.values())
    assert count == {"active": active, "superseded": superseded, "archived": 1}
    for nth, status in died:
        assert status == faults.DIED
        broken = Library(Echoes(copies / str(nth)), time.time)
        assert truths <= known(broken), f"lost after step {nth}"
        for card in broken.cards(include_archived=True):
            broken.verify(card.id)
        faults.evolve(copies / str(nth), way)
        assert lasting(broken) == expected, f"step {nth}"
        assert list(broken.root.glob(f"{STAGE}*")) == []
        assert carrying.finish(broken) == []
