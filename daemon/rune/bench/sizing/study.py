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


def run(given: Assumed, seed: int = SEED) -> dict[str, Any]:
    """The whole study, ready to be written."""
    rng = np.random.default_rng(seed)
    rates = [row for exponent in EXPONENTS for row in hit_rates(given, exponent, SIZES, rng)]
    tiers = tier_rows(given, rng)
    fleet = machines(given, tiers)
    routed = routing(given, int(fleet["replicas"]), rng)
    gap = max(abs(row["lru"] - row["che"]) for row in rates)
    summary = {
        "adapter_bytes": given.adapter_bytes,
        "store_tb": round(given.adapters * given.adapter_bytes * given.copies / 1e12, 2),
        "che_largest_error": round(gap, 4),
        **{f"hit_{row['tier']}": row["hit_rate"] for row in tiers},
        **fleet,
        "hit_ram_sticky": routed[0]["hit_rate"],
        "hit_ram_anywhere": routed[1]["hit_rate"],
    }
    rows = [*sizes(given), *rates, *tiers, *routed]
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


def hit_rates(given: Assumed, exponent: float, sizes: Sequence[int], rng: np.random.Generator) -> list[Row]:
    """LRU of several sizes under one exponent: simulated, approximated, and with sessions that stay."""
    shares = caching.zipf(given.adapters, exponent)
    rows = []
    for size in sizes:
        if size >= given.adapters:
            continue
        expected = caching.che(shares, size)
        warm = math.ceil(WARM * expected.time)
        drawn = caching.independent(shares, warm + MEASURED, rng)
        staying, _ = caching.in_sessions(drawn, given.sessions_at_peak, given.stay, rng)
        rows.append({
            "part": "hit_rate", "exponent": exponent, "size": size,
            "lru": round(caching.lru(drawn.tolist(), size, warm), 4), "che": round(expected.hit_rate, 4),
            "lru_sessions": round(caching.lru(staying.tolist(), size, warm), 4),
            "stay_and_che": round(given.stay + (1 - given.stay) * expected.hit_rate, 4),
        })  # fmt: skip
    return rows


def tier_rows(given: Assumed, rng: np.random.Generator) -> list[Row]:
    """What one replica's slots, memory and disk hold, and the share of requests that each answers in time.

    The tiers are inclusive: what is in a slot is in memory and on the disk, too.
    """
    held = {
        "slots": given.slots,
        "ram": int(given.ram_gb * GB / given.adapter_bytes),
        "disk": int(given.disk_gb * GB / given.adapter_bytes),
    }
    rows = []
    for tier, many in held.items():
        size = max(1, min(many, given.adapters - 1))
        [found] = hit_rates(given, given.exponent, [size], rng)
        rows.append({
            "part": "tier", "tier": tier, "adapters": size, "gb": round(size * given.adapter_bytes / GB, 2),
            "hit_rate": found["lru_sessions"],
        })  # fmt: skip
    return rows


def machines(given: Assumed, tiers: Sequence[Row]) -> dict[str, float]:
    """Rates at the peak, the replicas for them, what loading adds to a request, and the monthly cost."""
    slots, ram, disk = (float(row["hit_rate"]) for row in tiers)
    ram, disk = max(slots, ram), max(slots, ram, disk)
    mean = given.users * given.requests_per_user_day / 86_400
    peak = mean * given.peak_over_mean
    able = given.replica_tokens * given.utilisation / given.tokens_per_request
    replicas = max(given.least_replicas, math.ceil(peak / able))
    gigabytes = given.adapter_bytes / GB
    from_disk = gigabytes / given.disk_gb_second * 1e3
    from_store = given.store_ms + gigabytes / given.store_gb_second * 1e3
    added = (1 - slots) * given.slot_ms + (1 - ram) * from_disk + (1 - disk) * from_store
    monthly = given.users * given.requests_per_user_day * given.hours_month / 24
    kept = given.adapters * gigabytes * given.copies * given.price_store_gb_month
    gets = 2 * monthly * (1 - disk) / 1e6 * given.price_million_gets
    rent = replicas * given.hours_month * given.price_replica_hour
    return {
        "requests_second_mean": round(mean, 2), "requests_second_peak": round(peak, 2),
        "requests_second_replica": round(able, 2), "replicas": replicas,
        "store_fetches_second_peak": round(peak * (1 - disk), 3),
        "store_mb_second_peak": round(peak * (1 - disk) * gigabytes * 1e3, 1),
        "load_ms_mean": round(added, 1), "load_ms_from_store": round(from_store + from_disk + given.slot_ms, 1),
        "month_replicas": round(rent), "month_store": round(kept), "month_gets": round(gets, 2),
        "month_total": round(rent + kept + gets), "month_user": round((rent + kept + gets) / given.users, 2),
    }  # fmt: skip


def routing(given: Assumed, replicas: int, rng: np.random.Generator) -> list[Row]:
    """The memory of all replicas together, where a session stays with one of them, and where it does not.

    Sticky is by adapter, not by person: what two people share is then held once.
    """
    size = max(1, min(int(given.ram_gb * GB / given.adapter_bytes), given.adapters // (2 * replicas)))
    shares = caching.zipf(given.adapters, given.exponent)
    warm = math.ceil(WARM * replicas * caching.che(shares, size).time)
    drawn = caching.independent(shares, warm + MEASURED, rng)
    keys, _ = caching.in_sessions(drawn, given.sessions_at_peak, given.stay, rng)
    anywhere = rng.integers(0, replicas, len(keys))
    places = {"sticky": (keys * 2_654_435_761) % (2**32) * replicas // 2**32, "anywhere": anywhere}
    return [
        {
            "part": "routing", "how": how, "replicas": replicas, "size": size,
            "hit_rate": round(caching.replicated(keys.tolist(), where.tolist(), replicas, size, warm), 4),
        }
        for how, where in places.items()
    ]  # fmt: skip
