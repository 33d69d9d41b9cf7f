"""Quiet hours one after the other, as the benches that evolve a project go through them."""

from __future__ import annotations

from collections.abc import Iterator

from rune import worker
from rune.paths import Echoes
from rune.records.message import Done, Evolve
from rune.worker import Learner


def quiet_hours(learner: Learner, echoes: Echoes) -> Iterator[str]:
    """What each hour did for a project; the last one says ``worker.NOTHING``."""
    note = ""
    while note != worker.NOTHING:
        *_, last = worker.evolve(learner, Evolve(str(echoes.project)))
        assert isinstance(last, Done), last
        note = last.note
        yield note
