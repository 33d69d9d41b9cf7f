"""Load, activate and unload one more adapter while 1, 10, 100 and 1,000 are resident, beside PEFT.

Ours: a packed file is mapped, its hash checked, its numbers copied into a row, and all of it let go. PEFT:
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
ROUNDS = 30
PEFT_ROUNDS = 3
EXTRA = 10
KEYS = ("swap_growth_1000_over_1", "swap_speedup_at_100")


def run(scene: Scene, model: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows."""
    parts = scene.adapters("down", max(RESIDENT) + EXTRA, DOWN)
    extra, residents = parts[:EXTRA], parts[EXTRA:]
    ours = _ours(scene, residents, extra)
    say("swap: PEFT")
    peft = dict(_peft(model, residents, extra))
    summary = {
        "swap_growth_1000_over_1": ratio(ours[1000], ours[1]),
        "swap_speedup_at_100": round(milliseconds(peft[100]) / milliseconds(ours[100]), 1),
    }
    rows = [_row("rune", count, times) for count, times in ours.items()]
    return summary, rows + [_row("peft", count, times) for count, times in peft.items()]


def _row(arm: str, resident: int, times: list[float]) -> dict[str, Any]:
    return {"stage": "swap", "arm": arm, "resident": resident, "cycle_ms": milliseconds(times)}


def _ours(scene: Scene, residents: list[Part], extra: list[Part]) -> dict[int, list[float]]:
    """Seconds of each cycle, by how many are resident; the pools take turns."""
    base = scene.base
    pools = {}
    for count in RESIDENT:
        pools[count] = Pool(Shelf(base.layers, base.hash, 64), base.device, 2**40)
        for part in residents[:count]:
            pools[count].get(part)
    rows = Rows(base.layers, 1, base.device, base.dtype)
    times: dict[int, list[float]] = {count: [] for count in RESIDENT}
    for number in range(ROUNDS + 1):
        for count in RESIDENT if number % 2 else reversed(RESIDENT):
            taken = _cycle(pools[count], rows, extra[number % EXTRA])
            if number:  # the first one allocates the row
                times[count].append(taken)
    rows.close()
    return times


def _cycle(pool: Pool, rows: Rows, part: Part) -> float:
    pool.shelf.verified.clear()  # or only the first time would check the hash
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
