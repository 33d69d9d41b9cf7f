"""How often an LRU cache of adapters has what is asked for: simulated, and by Che's approximation.

The approximation (H. Che, Y. Tung, Z. Wang, "Hierarchical Web caching systems: modeling, design and
experimental results", IEEE JSAC 20(7), 2002; why it is so good: C. Fricker, P. Robert, J. Roberts, "A
versatile and accurate approximation for LRU cache performance", ITC 2012): an object leaves an LRU cache of
C objects when it was not asked for during a time T, the same for all objects; T solves
``sum(1 - exp(-p T)) = C``, and the hit rate is ``sum(p (1 - exp(-p T)))``. It holds for independent requests;
sessions, which ask one adapter several times in a row, are simulated.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]


def zipf(objects: int, exponent: float) -> Shares:
    """The share of each object in the requests, most popular first; they add up to 1."""
    weights = np.arange(1, objects + 1, dtype=np.float64) ** -exponent
    return weights / weights.sum()


@dataclass(frozen=True, slots=True)
class Approximated:
    """What Che's approximation says of one cache."""

    time: float
    """Requests after which an object that nobody asked for has left."""
    hit_rate: float


def che(shares: Shares, size: int) -> Approximated:
    """An LRU cache of ``size`` objects under independent requests.

    ``sum(1 - exp(-p T)) - C`` is concave and rises, so that Newton's steps from below never overshoot.
    """
    if size >= len(shares):
        return Approximated(float("inf"), 1.0)
    time = float(size)
    for _ in range(100):
        stays = np.exp(-shares * time)
        step = (size - float((1 - stays).sum())) / float((shares * stays).sum())
        time += step
        if step < 1e-9 * time:
            break
    return Approximated(time, float((shares * -np.expm1(-shares * time)).sum()))


def independent(shares: Shares, many: int, rng: np.random.Generator) -> Keys:
    """``many`` requests, none of which knows of another."""
    cumulated = np.cumsum(shares)
    cumulated[-1] = 1.0
    return np.searchsorted(cumulated, rng.random(many), side="right").astype(np.int64)


def in_sessions(drawn: Keys, sessions: int, stay: float, rng: np.random.Generator) -> tuple[Keys, Keys]:
    """The same draws as people ask them: ``sessions`` at a time, each staying with its adapter by chance.

    Returns:
        The adapter of each request, and the session that asks.
    """
    asks = rng.integers(0, sessions, len(drawn))
    stays = rng.random(len(drawn)) < stay
    now: dict[int, int] = {}
    said = np.empty_like(drawn)
    told = zip(asks.tolist(), stays.tolist(), drawn.tolist(), strict=True)
    for place, (who, same, fresh) in enumerate(told):
        said[place] = now[who] = now[who] if same and who in now else fresh
    return said, asks


def lru(keys: Iterable[int], size: int, warm: int) -> float:
    """The hit rate of an LRU cache over all requests but the first ``warm``."""
    return replicated(keys, itertools.repeat(0), 1, size, warm)


def replicated(keys: Iterable[int], places: Iterable[int], replicas: int, size: int, warm: int) -> float:
    """The hit rate of ``replicas`` caches of ``size`` each; a request goes to the place beside it."""
    caches: Sequence[OrderedDict[int, None]] = [OrderedDict() for _ in range(replicas)]
    hits = counted = 0
    for number, (key, place) in enumerate(zip(keys, places, strict=False)):
        cache = caches[place]
        if key in cache:
            cache.move_to_end(key)
            hits += number >= warm
        else:
            cache[key] = None
            if len(cache) > size:
                cache.popitem(last=False)
        counted += number >= warm
    return hits / counted if counted else 0.0
