"""A registry of 5 to 2,000 adapters under a budget that holds a few dozen, and working sets around that
number.

Requests come all at once, each a short prompt with a few tokens to generate; the mixes are Punica's (Chen
et al. 2023): Distinct (each request another adapter), Uniform, Skewed (Zipf with exponent 1.5), Identical.
Seconds to the first token count from the moment of asking, so that waiting for a row is in them. Every
adapter is packed before; hashes are checked when one is first used.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

import psutil

from rune.bench.recall import percentile
from rune.bench.serve.scene import DOWN, Scene, ratio
from rune.bench.stage import say
from rune.ml.serve.runner import Runner
from rune.serving.types import GenerateRequest, Part, Sampling

SIZES = (5, 100, 1000, 2000)
MIXES = ("distinct", "uniform", "skewed", "identical")
REQUESTS = 12
TOKENS = 6
PROMPT = 16
ROUNDS = 2
BUDGET_MB = 96
SHARES = (0.5, 1.0, 2.0, 4.0)
KEYS = ("throughput_2000_over_5", "ttft_2000_over_5", "throughput_working_set_4_over_half")
Run = dict[str, float]


def run(scene: Scene, seed: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows of the registry's sizes and of the working sets."""
    parts = scene.adapters("down", max(SIZES), DOWN)
    runner = scene.runner(budget_mb=BUDGET_MB, context=128)
    began = time.perf_counter()
    for part in parts:
        runner.pool.check(part)  # packed here, so that no run pays for what is done once
    spent = (time.perf_counter() - began) / len(parts)
    packing = {"stage": "registry", "adapters": len(parts), "pack_ms": round(spent * 1e3, 3)}
    runner.pool.shelf.verified.clear()
    chance = random.Random(seed)
    _asked(runner, scene, parts[:8], 0)  # the first requests fill caches
    runs: dict[tuple[str, int], list[Run]] = {}
    for number in range(ROUNDS):
        for mix in MIXES:
            for size in SIZES if number % 2 else reversed(SIZES):
                wanted = chosen(mix, parts[:size], chance)
                runs.setdefault((mix, size), []).append(_asked(runner, scene, wanted, number))
            say(f"registry: {mix}, round {number + 1} of {ROUNDS}")
    slots = len(runner.pool)
    working = _working_sets(runner, scene, parts, slots)
    runner.close()
    summary = {
        "throughput_2000_over_5": _over(runs, "tokens_per_second"),
        "ttft_2000_over_5": _over(runs, "ttft_p50"),
        "throughput_working_set_4_over_half": ratio(working[4.0], working[0.5]),
    }
    rows = [
        {"stage": "registry", "mix": mix, "adapters": size, "slots": slots, **_middle(found)}
        for (mix, size), found in runs.items()
    ]
    return summary, [packing, *rows] + [
        {"stage": "registry", "working_set_over_slots": share, "slots": slots,
         "tokens_per_second": round(statistics.median(speeds), 2)}
        for share, speeds in working.items()
    ]  # fmt: skip


def chosen(mix: str, parts: Sequence[Part], chance: random.Random) -> list[Part]:
    """The adapter of each request."""
    if mix == "identical":
        return [chance.choice(parts)] * REQUESTS
    if mix == "distinct":
        start = chance.randrange(len(parts))
        return [parts[(start + number) % len(parts)] for number in range(REQUESTS)]
    weights = [(place + 1) ** -1.5 if mix == "skewed" else 1.0 for place in range(len(parts))]
    return chance.choices(parts, weights, k=REQUESTS)


def _asked(runner: Runner, scene: Scene, parts: Sequence[Part], number: int) -> Run:
    """Ask for all at once and run to the end."""
    loads, began = runner.pool.loads, time.perf_counter()
    for place, part in enumerate(parts):
        text = scene.prompt(PROMPT, 1000 * number + place)
        sampling = Sampling(max_tokens=TOKENS)
        runner.submit(GenerateRequest(str(place), text, (part,), sampling, str(place)))
    first: dict[str, float] = {}
    while runner.busy:
        for event in runner.step():
            if event.finish == "error":
                raise RuntimeError(event.error)
            first.setdefault(event.id, time.perf_counter() - began)
    seconds = time.perf_counter() - began
    return {
        "tokens_per_second": round(len(parts) * TOKENS / seconds, 2),
        "ttft_p50": round(percentile(list(first.values()), 0.5), 4),
        "ttft_p95": round(percentile(list(first.values()), 0.95), 4),
        "loads": runner.pool.loads - loads,
        "rss_mb": round(psutil.Process(os.getpid()).memory_info().rss / 2**20, 1),
    }


def _over(runs: dict[tuple[str, int], list[Run]], key: str) -> float:
    """2,000 adapters over 5, the median over all mixes and rounds."""
    many = [one[key] for mix in MIXES for one in runs[mix, 2000]]
    few = [one[key] for mix in MIXES for one in runs[mix, 5]]
    return ratio(many, few)


def _middle(found: Sequence[Run]) -> Run:
    return {key: round(statistics.median(one[key] for one in found), 4) for key in found[0]}


def _working_sets(
    runner: Runner, scene: Scene, parts: Sequence[Part], slots: int
) -> dict[float, list[float]]:
    """Tokens a second while requests go round sets of half to four times the slots."""
    speeds: dict[float, list[float]] = {share: [] for share in SHARES}
    place = 0
    for number in range(ROUNDS + 1):
        for share in SHARES if number % 2 else reversed(SHARES):
            size = max(1, int(slots * share))
            wanted = [parts[(place + step) % size] for step in range(REQUESTS)]
            place += REQUESTS
            speeds[share].append(_asked(runner, scene, wanted, number)["tokens_per_second"])
        say(f"working sets: round {number + 1} of {ROUNDS + 1}")
    return speeds
