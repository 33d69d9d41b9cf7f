"""Stage ``vllm``: eight requests with eight adapters, beside vLLM's CPU build in an environment of its own.

Whole requests, prompt and answer, in process on both sides and with the same number of threads: no HTTP, no
cache of earlier prompts. Both get the same texts and adapters, in turns, in the dtype that our base has by
default: bfloat16 where the machine multiplies it, where it does not, vLLM is slower with it, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import torch

from rune.bench.serve.scene import ALL, DOWN, Scene, ratio
from rune.bench.stage import say
from rune.errors import NotSetUp, RuneError
from rune.ml.serve.runner import Runner
from rune.serving.types import GenerateRequest, Part, Sampling

ROUNDS, ROWS, PROMPT, TOKENS = 5, 8, 64, 32
KEYS = ("mixed8_over_vllm_cpu", "mixed8_down_over_vllm_cpu", "base8_over_vllm_cpu", "vllm_mixed8_over_base",
        "cold_start_vllm_seconds")  # fmt: skip
PEER = Path(__file__).with_name("vllm_peer.py")

SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_NO_USAGE_STATS": "1",
}

Times: TypeAlias = dict[tuple[str, str], list[float]]
"""Seconds of each round by engine (rune, vllm) and adapters (all, down, base)."""
Ask: TypeAlias = Callable[[str], float]


def run(scene: Scene, model: Path, python: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows.

    Args:
        scene: base and adapters.
        model: the base's folder.
        python: of the environment that has vLLM.

    Raises:
        NotSetUp: there is no such environment.
    """
    if not python.is_file():
        raise NotSetUp(f"expected an environment with vllm-cpu, found no {python}: run make vllm")
    kinds = {"all": scene.adapters("all", ROWS, ALL), "down": scene.adapters("down", ROWS, DOWN)}
    texts = [[scene.prompt(PROMPT, ROWS * turn + row) for row in range(ROWS)] for turn in range(ROUNDS + 1)]
    prompts = scene.folder / "prompts.json"
    prompts.write_text(json.dumps(texts), "utf-8")
    runner = scene.runner(rows=ROWS, budget_mb=4096)
    dtype = str(scene.base.model.dtype).removeprefix("torch.")
    times: Times = {}
    ready: list[float] = []
    try:
        for kind, parts in kinds.items():
            with peer(python, model, dtype, prompts, parts) as (ask, seconds):
                ready.append(seconds)
                _rounds(runner, texts, kind, parts, ask, times)
    finally:
        runner.close()
    return summary(times) | {"cold_start_vllm_seconds": round(min(ready), 2)}, [
        {"stage": "vllm", "engine": engine, "adapters": kind, "dtype": dtype, "tokens": ROWS * TOKENS,
         "seconds": [round(one, 3) for one in found]}
        for (engine, kind), found in times.items()
    ]  # fmt: skip


def summary(times: Times) -> dict[str, float]:
    """Ratios of tokens a second within the rounds, which are those of seconds the other way round."""
    found = {
        f"{key}_over_vllm_cpu": ratio(times["vllm", kind], times["rune", kind])
        for key, kind in (("mixed8", "all"), ("mixed8_down", "down"), ("base8", "base"))
    }
    return found | {"vllm_mixed8_over_base": ratio(times["vllm", "base"], times["vllm", "all"])}


def _rounds(
    runner: Runner, texts: list[list[str]], kind: str, parts: list[Part], ask: Ask, times: Times
) -> None:
    """Both in turns, the first round uncounted; the bare base is asked beside one kind of adapters only."""
    for turn, some in enumerate(texts):
        for adapters in (kind, "base") if kind == "all" else (kind,):
            own = parts if adapters == kind else []
            for engine in ("rune", "vllm") if turn % 2 else ("vllm", "rune"):
                line = f"{turn} {'adapters' if own else 'base'}"
                seconds = ask(line) if engine == "vllm" else _answered(runner, some, own)
                if turn:
                    times.setdefault((engine, adapters), []).append(seconds)
                say(f"vllm: round {turn} of {ROUNDS}, {engine}, {adapters}: {seconds:.2f} s")


def _answered(runner: Runner, texts: list[str], parts: list[Part]) -> float:
    """Seconds until every request has its tokens."""
    began = time.perf_counter()
    for row, text in enumerate(texts):
        own = (parts[row],) if parts else ()
        runner.submit(GenerateRequest(str(row), text, own, Sampling(max_tokens=TOKENS), str(row)))
    made: dict[str, int] = {}
    while runner.busy:
        made |= {event.id: event.tokens for event in runner.step()}
    seconds = time.perf_counter() - began
    if sum(made.values()) != ROWS * TOKENS:
        raise RuneError(f"expected {ROWS * TOKENS} tokens of our engine, got {sum(made.values())}")
    return seconds


@contextmanager
def peer(
    python: Path, model: Path, dtype: str, prompts: Path, parts: list[Part]
) -> Iterator[tuple[Ask, float]]:
    """vLLM in a process of its own: how to ask it for a round, and the seconds until it was ready."""
    environment = {**os.environ, **SETTINGS, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [str(part) for part in (python, PEER, model, dtype, prompts, TOKENS)]
    command += [part.folder for part in parts]
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                          env=environment) as process:  # fmt: skip
        if process.stdin is None or process.stdout is None or process.stdout.readline().strip() != "ready":
            raise RuneError(f"vLLM did not start; run {' '.join(command[:6])} to see why")
        to, out = process.stdin, process.stdout

        def ask(line: str) -> float:
            print(line, file=to, flush=True)
            said = json.loads(out.readline() or "{}")
            if said.get("tokens") != ROWS * TOKENS:
                raise RuneError(f"expected {ROWS * TOKENS} tokens of vLLM, got {said}")
            return float(said["seconds"])

        yield ask, time.perf_counter() - began
        to.close()
