"""Eight requests with eight adapters: decode steps beside the bare base and beside PEFT.

``base``, ``all`` and ``down`` are one runner with eight running rows, which are bound anew between the
timed steps: nothing, rank 8 on every linear layer, rank 8 on ``down_proj``. ``peft mixed`` is PEFT's batch
with ``adapter_names``, ``peft switch`` PEFT with one request after the other and ``set_adapter`` in
between, each over its own copy of the base, with the cache and the attention that transformers has by
default.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache

from rune.bench.serve.scene import ALL, DOWN, Scene, ids_of, milliseconds, ratio
from rune.bench.stage import say
from rune.ml.serve.runner import Runner
from rune.serving.types import GenerateRequest, Part, Sampling

ROUNDS = 16
ROWS = 8
PROMPT = 64
KEYS = ("mixed8_over_base", "mixed8_down_over_base", "mixed8_over_peft_mixed", "mixed8_over_peft_switch")


def run(scene: Scene, model: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows."""
    every, down = scene.adapters("all", ROWS, ALL), scene.adapters("down", ROWS, DOWN)
    runner = scene.runner(rows=ROWS, budget_mb=4096)
    texts = [scene.prompt(PROMPT, number) for number in range(ROWS)]
    for number, text in enumerate(texts):
        sampling = Sampling(max_tokens=ROUNDS * 6 + 24)
        runner.submit(GenerateRequest(str(number), text, (), sampling, str(number)))
    while len(runner.running) < ROWS:
        runner.step()
    rivals = Peft(model, every, ids_of(scene.base, texts))
    arms: dict[str, Callable[[], float]] = {
        "base": lambda: _step(runner, []),
        "all": lambda: _step(runner, every),
        "down": lambda: _step(runner, down),
        "peft mixed": rivals.mixed,
        "peft switch": rivals.switch,
    }
    times: dict[str, list[float]] = {name: [] for name in arms}
    names = list(arms)
    for number in range(ROUNDS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            times[name].append(arms[name]())
        say(f"mixed: round {number + 1} of {ROUNDS}")
    runner.close()
    summary = {
        "mixed8_over_base": ratio(times["base"], times["all"]),
        "mixed8_down_over_base": ratio(times["base"], times["down"]),
        "mixed8_over_peft_mixed": ratio(times["peft mixed"], times["all"]),
        "mixed8_over_peft_switch": ratio(times["peft switch"], times["all"]),
    }
    return summary, [
        {"stage": "mixed", "arm": name, "rounds": ROUNDS, "requests": ROWS, "step_ms": milliseconds(taken),
         "best_ms": round(min(taken) * 1e3, 3)}
        for name, taken in times.items()
    ]  # fmt: skip


def _step(runner: Runner, parts: list[Part]) -> float:
    """Seconds of one decode step with these adapters; one step before it warms the caches."""
    for row in range(ROWS):
        adapters = ((runner.pool.get(parts[row]), 1.0),) if parts else ()
        runner.rows.bind(row, adapters)
    runner.step()
    began = time.perf_counter()
    runner.step()
    return time.perf_counter() - began


class Peft:
    """PEFT over a copy of the base."""

    def __init__(self, model: Path, parts: list[Part], ids: torch.Tensor) -> None:
        self.names = [f"a{number}" for number in range(len(parts))]
        self.model = loaded(model, dict(zip(self.names, parts, strict=True)))
        self.ids = ids[:, :1]
        self.cache = DynamicCache(config=self.model.config)
        self.caches = [DynamicCache(config=self.model.config) for _ in parts]
        with torch.inference_mode():
            self._forward(ids, self.cache, adapter_names=self.names)
            for number, cache in enumerate(self.caches):
                self.model.set_adapter(self.names[number])
                self._forward(ids[number : number + 1], cache)

    @torch.inference_mode()
    def mixed(self) -> float:
        """Seconds of one step of the whole batch."""
        self._forward(self.ids, self.cache, adapter_names=self.names)
        began = time.perf_counter()
        self._forward(self.ids, self.cache, adapter_names=self.names)
        return time.perf_counter() - began

    @torch.inference_mode()
    def switch(self) -> float:
        """Seconds of one step of each request alone."""
        began = time.perf_counter()
        for number, cache in enumerate(self.caches):
            self.model.set_adapter(self.names[number])
            self._forward(self.ids[number : number + 1], cache)
        return time.perf_counter() - began

    def _forward(self, ids: torch.Tensor, cache: DynamicCache, **more: Any) -> None:
        self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1, **more)


def loaded(model: Path, parts: dict[str, Part]) -> Any:
    """A PEFT model with these adapters."""
    from peft import PeftModel  # noqa: PLC0415 - takes seconds; other stages do without

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, local_files_only=True)
        (first, part), *others = parts.items()
        made = PeftModel.from_pretrained(base, part.folder, adapter_name=first)
        for name, other in others:
            made.load_adapter(other.folder, adapter_name=name)
    return made.eval()
