from collections import Counter

from rune.bench.serve import load
from rune.bench.serve.load import Tally


def test_growth_is_measured_after_what_the_first_requests_fill():
    filling = [(40.0, 200.0)] * 4
    steady, grown = [(50.0, 900.0)] * 12, [(50.0, 930.0)] * 4
    found = load.figures(Tally(Counter(requests=9, lost=1), filling + steady + grown), 30, 0)
    assert (found["load_daemon_growth_mb"], found["load_worker_growth_mb"]) == (0.0, 30.0)
    assert (found["load_requests"], found["load_lost"], found["load_orphans"]) == (9, 1, 0)
    assert set(found) == set(load.KEYS)


def test_a_short_run_has_figures_too():
    assert load.figures(Tally(Counter(), [(1.0, 2.0)]), 0.1, 0)["load_worker_growth_mb"] == 0.0
