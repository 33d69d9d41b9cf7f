from __future__ import annotations

import pytest

from rune.worker.pace import SHARE, Pace


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_after_a_unit_answers_have_three_times_as_long():
    clock = Clock()
    pace = Pace(clock)
    assert pace.goes_on(answering=True)
    with pace.unit():
        clock.now += 4
    assert not pace.goes_on(answering=True)
    assert pace.goes_on(answering=False), "nobody waits: it goes on at once"
    clock.now += (SHARE - 1) * 4 - 0.1
    assert not pace.goes_on(answering=True)
    clock.now += 0.2
    assert pace.goes_on(answering=True), "answers without end do not keep it from its end"


def test_a_unit_that_fails_counts_too():
    clock = Clock()
    pace = Pace(clock)

    def broken():
        with pace.unit():
            clock.now += 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert not pace.goes_on(answering=True)
