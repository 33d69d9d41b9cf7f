from __future__ import annotations

import pytest
import torch

from rune.errors import AdapterError
from rune.ml.serve.packed import Shelf
from rune.ml.serve.pool import Pool


@pytest.fixture
def parts(adapter):
    return [adapter(str(n), rank=4, seed=n) for n in range(4)]


@pytest.fixture
def size(tiny, parts):
    return Shelf(tiny.layers, tiny.hash, 64).open(parts[0]).bytes


@pytest.fixture
def pool(tiny, size):
    """Room for three adapters."""
    return Pool(Shelf(tiny.layers, tiny.hash, 64), torch.device("cpu"), 3 * size)


def near(pool, parts):
    return [n for n, part in enumerate(parts) if part.digest in pool]


def test_the_longest_unused_adapter_goes_first(pool, parts):
    for n in (0, 1, 2, 0, 3):
        pool.get(parts[n])
    assert near(pool, parts) == [0, 2, 3]
    assert (pool.loads, pool.hits, pool.evictions) == (4, 1, 1)


def test_a_pinned_adapter_stays_until_it_is_let_go_as_often(pool, parts):
    first = pool.get(parts[0])
    pool.pin(first.digest)
    pool.pin(first.digest)
    for n in (1, 2, 3):
        pool.get(parts[n])
    assert near(pool, parts) == [0, 2, 3]
    pool.unpin(first.digest)
    pool.get(parts[1])
    assert 0 in near(pool, parts)
    pool.unpin(first.digest)
    pool.get(parts[2])
    pool.get(parts[3])
    pool.get(parts[1])
    assert 0 not in near(pool, parts)


def test_claimed_bytes_drive_out_what_is_idle_and_nothing_pinned(pool, parts, size):
    for part in parts[:3]:
        pool.get(part)
    pool.pin(parts[0].digest)
    assert pool.claim(2 * size)
    assert near(pool, parts) == [0]
    assert not pool.claim(3 * size)
    assert (pool.claimed, near(pool, parts)) == (2 * size, [0]), "a claim that fails changes nothing"


def test_an_adapter_without_room_is_given_but_not_kept(pool, parts, size):
    pool.claim(3 * size)
    assert pool.get(parts[0]).bytes == size
    assert pool.bytes == len(pool) == 0


def test_an_adapter_larger_than_everything_is_refused(pool, parts, size):
    pool.budget = size - 1
    with pytest.raises(AdapterError, match="budget"):
        pool.get(parts[0])


def test_checking_loads_nothing(pool, parts):
    pool.check(parts[0])
    assert len(pool) == pool.loads == 0
