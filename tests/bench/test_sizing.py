"""The sizing study on small numbers: the simulation against what is known, and the sums too."""

import numpy as np
import pytest

from rune.bench.sizing import assumed, caching, study
from rune.errors import ConfigError

SMALL = assumed.changed(["users=10", "adapters=2000", "ram_gb=2", "disk_gb=10", "sessions_at_peak=20"])


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def test_an_lru_cache_keeps_what_was_asked_for_last():
    assert caching.lru([1, 2, 1, 3, 2, 1], 2, 0) == 1 / 6
    assert caching.lru([1, 2, 1, 3, 2, 1], 3, 0) == 3 / 6
    assert caching.lru([1, 1, 1, 1], 1, 2) == 1.0


def test_each_replica_has_a_cache_of_its_own():
    assert caching.replicated([1, 1, 1, 1], [0, 1, 0, 1], 2, 1, 0) == 2 / 4


@pytest.mark.parametrize("exponent", [0.0, 0.8, 1.2])
@pytest.mark.parametrize("size", [10, 300])
def test_ches_approximation_and_the_simulation_agree(rng, exponent, size):
    shares = caching.zipf(1000, exponent)
    expected = caching.che(shares, size)
    assert (1 - np.exp(-shares * expected.time)).sum() == pytest.approx(size)
    drawn = caching.independent(shares, 40_000, rng)
    assert caching.lru(drawn.tolist(), size, 10_000) == pytest.approx(expected.hit_rate, abs=0.02)


def test_where_all_are_equal_the_hit_rate_is_the_share_that_the_cache_holds():
    assert caching.che(caching.zipf(1000, 0.0), 250).hit_rate == pytest.approx(0.25)
    assert caching.che(caching.zipf(10, 1.0), 10).hit_rate == 1.0


def test_sessions_ask_again_what_they_asked_before(rng):
    drawn = caching.independent(caching.zipf(100_000, 0.6), 20_000, rng)
    keys, asks = caching.in_sessions(drawn, 5, 0.7, rng)
    again = [keys[of][1:] == keys[of][:-1] for of in (asks == who for who in range(5))]
    assert np.concatenate(again).mean() == pytest.approx(0.7, abs=0.02)
    assert np.array_equal(caching.in_sessions(drawn, 5, 0.0, rng)[0], drawn)


def test_an_adapter_of_the_default_base_has_the_size_that_peft_writes():
    assert assumed.SHAPES[0].parameters(8) == 2_442_240


def test_the_study_is_the_same_for_the_same_seed_and_its_sums_hold():
    found = study.run(SMALL, 3, 4_000)
    assert found == study.run(SMALL, 3, 4_000)
    told = found["summary"]
    assert told["hit_slots_sticky"] <= told["hit_ram_sticky"] <= told["hit_disk_sticky"] <= 1
    assert told["hit_ram_anywhere"] <= told["hit_ram_sticky"]
    assert told["month_total"] == pytest.approx(
        told["month_replicas"] + told["month_store"] + told["month_gets"], abs=2
    )
    assert told["replicas"] == SMALL.least_replicas


@pytest.mark.parametrize("given", ["user=3", "users=many", "users=0", "stay=1", "shape=9", "rank=-1"])
def test_an_assumption_that_makes_no_sense_is_refused(given):
    with pytest.raises(ConfigError, match="--assume"):
        assumed.changed([given])
