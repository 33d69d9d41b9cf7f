"""Load, activate and unload one more adapter while 1, 10, 100 and 1,000 are resident, beside PEFT.

Ours: a packed file is mapped, its numbers copied into a row, and all of it let go; ``first`` is the same
for a file that this process maps for the first time, whose hash is checked. PEFT checks none:
``load_adapter``, ``set_adapter``, ``delete_adapter``. PEFT with 1,000 residents is left out: loading them
takes it half an hour.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rune.bench.serve.mixed import loaded
from rune.bench.serve.scene import DOWN, Scene, milliseconds, ratio
from rune.bench.stage import say
from rune.ml.serve.packed import Shelf
from rune.ml.serve.pool import Pool
from rune.ml.serve.rows import Rows
from rune.serving.types import Part

RESIDENT = (1, 10, 100, 1000)
PEFT_RESIDENT = (1, 10, 100)
ROUNDS = 60
PEFT_ROUNDS = 3
EXTRA = 10
Times = dict[int, list[float]]
KEYS = ("swap_growth_1000_over_1", "swap_speedup_at_100", "first_swap_speedup_at_100")


def run(scene: Scene, model: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows."""
    parts = scene.adapters("down", max(RESIDENT) + EXTRA, DOWN)
    extra, residents = parts[:EXTRA], parts[EXTRA:]
    ours, first = _ours(scene, residents, extra)
    say("swap: PEFT")
    peft = dict(_peft(model, residents, extra))
    summary = {
        "swap_growth_1000_over_1": ratio(ours[1000], ours[1]),
        "swap_speedup_at_100": round(milliseconds(peft[100]) / milliseconds(ours[100]), 1),
        "first_swap_speedup_at_100": round(milliseconds(peft[100]) / milliseconds(first[100]), 1),
    }
    arms = {"rune": ours, "rune first": first, "peft": peft}
    rows = [_row(arm, count, taken) for arm, times in arms.items() for count, taken in times.items()]
    return summary, rows


def _row(arm: str, resident: int, times: list[float]) -> dict[str, Any]:
    return {"stage": "swap", "arm": arm, "resident": resident, "cycle_ms": milliseconds(times),
            "best_ms": round(min(times) * 1e3, 3)}  # fmt: skip


def _ours(scene: Scene, residents: list[Part], extra: list[Part]) -> tuple[Times, Times]:
    """Seconds of each cycle, by how many are resident, known files and new ones; the pools take turns."""
    base = scene.base
    pools = {}
    for count in RESIDENT:
        pools[count] = Pool(Shelf(base.layers, base.hash, 64), base.device, 2**40)
        for part in residents[:count]:
            pools[count].get(part)
    rows = Rows(base.layers, 1, base.device, base.dtype)
    times: Times = {count: [] for count in RESIDENT}
    first: Times = {count: [] for count in RESIDENT}
    for number in range(ROUNDS + 1):
        for count in RESIDENT if number % 2 else reversed(RESIDENT):
            part = extra[number % EXTRA]
            pools[count].shelf.verified.clear()
            new, again = _cycle(pools[count], rows, part), _cycle(pools[count], rows, part)
            if number:  # the first one allocates the row
                first[count].append(new)
                times[count].append(again)
    rows.close()
    return times, first


def _cycle(pool: Pool, rows: Rows, part: Part) -> float:
    began = time.perf_counter()
    rows.bind(0, ((pool.get(part), 1.0),))
    pool.forget(part.digest)
    return time.perf_counter() - began


def _peft(model: Path, residents: list[Part], extra: list[Part]) -> Iterator[tuple[int, list[float]]]:
    made: Any = loaded(model, {"r0": residents[0]})
    have = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for count in PEFT_RESIDENT:
            for number in range(have, count):
                made.load_adapter(residents[number].folder, adapter_name=f"r{number}")
            have = count
            times = []
            for number in range(PEFT_ROUNDS):
                began = time.perf_counter()
                made.load_adapter(extra[number].folder, adapter_name="extra")
                made.set_adapter("extra")
                made.delete_adapter("extra")
                times.append(time.perf_counter() - began)
                made.set_adapter("r0")
            say(f"swap: PEFT with {count} resident")
            yield count, times
