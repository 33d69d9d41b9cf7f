"""The study: bytes of each tier, hit rates, replicas and cost, for what is ``assumed``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rune.bench.sizing import caching
from rune.bench.sizing.assumed import SHAPES, Assumed

SEED = 2811
EXPONENTS = (0.6, 0.8, 1.0, 1.2)
SIZES = (64, 1_000, 10_000, 100_000)
MEASURED = 200_000
"""Requests that count, after a cache is warm."""
WARM = 2.0
"""Times Che's T, after which a cache holds what it would hold for ever."""
GB = 1e9

Row = dict[str, Any]


def run(given: Assumed, seed: int = SEED, measured: int = MEASURED) -> dict[str, Any]:
    """The whole study, ready to be written."""
    rng = np.random.default_rng(seed)
    rates = [row for exponent in EXPONENTS for row in hit_rates(given, exponent, SIZES, rng, measured)]
    tiers = tier_rows(given, rng, measured)
    gap = max(abs(row["lru"] - row["che"]) for row in rates)
    summary = {
        "adapter_bytes": given.adapter_bytes,
        "store_tb": round(given.adapters * given.adapter_bytes * given.copies / 1e12, 2),
        "che_largest_error": round(gap, 4),
        **{f"hit_{row['tier']}_{how}": row[how] for row in tiers for how in ("sticky", "anywhere")},
        **machines(given, tiers),
    }
    rows = [*sizes(given), *rates, *tiers]
    return {"assumed": asdict(given), "summary": summary, "rows": rows}


def sizes(given: Assumed) -> list[Row]:
    """Bytes of one adapter, of all of them, and of the search data, per base."""
    search = given.adapters * given.lessons_per_adapter * given.embedding_bytes
    return [
        {
            "part": "bytes", "base": shape.name, "rank": given.rank,
            "adapter_mb": round((one := shape.parameters(given.rank) * given.bytes_per_parameter) / 1e6, 2),
            "store_tb": round(given.adapters * one * given.copies / 1e12, 2),
            "user_gb": round(given.adapters * one / given.users / GB, 2),
            "search_gb": round(search / GB, 2), "user_search_mb": round(search / given.users / 1e6, 1),
        }
        for shape in SHAPES
    ]  # fmt: skip


def hit_rates(
    given: Assumed, exponent: float, sizes: Sequence[int], rng: np.random.Generator, measured: int
) -> list[Row]:
    """LRU of several sizes under one exponent: simulated, approximated, and with sessions that stay."""
    shares = caching.zipf(given.adapters, exponent)
    rows = []
    for size in sizes:
        if size >= given.adapters:
            continue
        expected = caching.che(shares, size)
        warm = math.ceil(WARM * expected.time)
        drawn = caching.independent(shares, warm + measured, rng)
        staying, _ = caching.in_sessions(drawn, given.sessions_at_peak, given.stay, rng)
        rows.append({
            "part": "hit_rate", "exponent": exponent, "size": size,
            "lru": round(caching.lru(drawn.tolist(), size, warm), 4), "che": round(expected.hit_rate, 4),
            "lru_sessions": round(caching.lru(staying.tolist(), size, warm), 4),
            "stay_and_che": round(given.stay + (1 - given.stay) * expected.hit_rate, 4),
        })  # fmt: skip
    return rows


def tier_rows(given: Assumed, rng: np.random.Generator, measured: int) -> list[Row]:
    """What slots, memory and disk of a replica hold, and the share of the fleet's requests that each has.

    The tiers are inclusive: what is in a slot is in memory and on the disk, too. Sticky: all requests of an
    adapter go to one replica; anywhere: to any.
    """
    many = replicas(given)
    held = {"slots": given.slots, "ram": int(given.ram_gb * GB / given.adapter_bytes),
            "disk": int(given.disk_gb * GB / given.adapter_bytes)}  # fmt: skip
    return [_tier(given, tier, max(1, min(size, (given.adapters - 1) // many)), rng, measured)
            for tier, size in held.items()]  # fmt: skip


def _tier(given: Assumed, tier: str, size: int, rng: np.random.Generator, measured: int) -> Row:
    many = replicas(given)
    shares = caching.zipf(given.adapters, given.exponent)
    warm = math.ceil(WARM * caching.che(shares, size * many).time)
    drawn = caching.independent(shares, warm + measured, rng)
    keys, _ = caching.in_sessions(drawn, given.sessions_at_peak, given.stay, rng)
    places = {"sticky": (keys * 2_654_435_761) % (2**32) * many // 2**32,
              "anywhere": rng.integers(0, many, len(keys))}  # fmt: skip
    return {
        "part": "tier", "tier": tier, "replicas": many, "adapters": size,
        "gb": round(size * given.adapter_bytes / GB, 2),
    } | {
        how: round(caching.replicated(keys.tolist(), where.tolist(), many, size, warm), 4)
        for how, where in places.items()
    }  # fmt: skip


def peak_rate(given: Assumed) -> float:
    """Requests a second in the busiest minutes."""
    return given.users * given.requests_per_user_day / 86_400 * given.peak_over_mean


def able(given: Assumed) -> float:
    """Requests a second that one replica answers without a queue that grows."""
    return given.replica_tokens * given.utilisation / given.tokens_per_request


def replicas(given: Assumed) -> int:
    """How many the peak needs."""
    return max(given.least_replicas, math.ceil(peak_rate(given) / able(given)))


def machines(given: Assumed, tiers: Sequence[Row]) -> dict[str, float]:
    """Rates at the peak, the replicas for them, what loading adds to a request, and the monthly cost."""
    slots, ram, disk = np.maximum.accumulate([float(row["sticky"]) for row in tiers]).tolist()
    peak, many, gigabytes = peak_rate(given), replicas(given), given.adapter_bytes / GB
    from_disk = gigabytes / given.disk_gb_second * 1e3
    from_store = given.store_ms + gigabytes / given.store_gb_second * 1e3
    added = (1 - slots) * given.slot_ms + (1 - ram) * from_disk + (1 - disk) * from_store
    monthly = given.users * given.requests_per_user_day * given.hours_month / 24
    kept = given.adapters * gigabytes * given.copies * given.price_store_gb_month
    gets = 2 * monthly * (1 - disk) / 1e6 * given.price_million_gets
    rent = many * given.hours_month * given.price_replica_hour
    total = rent + kept + gets
    return {
        "requests_second_mean": round(peak / given.peak_over_mean, 2),
        "requests_second_peak": round(peak, 2), "requests_second_replica": round(able(given), 2),
        "replicas": many, "store_fetches_second_peak": round(peak * (1 - disk), 3),
        "store_mb_second_peak": round(peak * (1 - disk) * gigabytes * 1e3, 1),
        "load_ms_mean": round(added, 1),
        "load_ms_from_store": round(from_store + from_disk + given.slot_ms, 1),
        "month_replicas": round(rent), "month_store": round(kept), "month_gets": round(gets, 2),
        "month_total": round(total), "month_user": round(total / given.users, 2),
    }  # fmt: skip
