"""Eight requests with eight adapters: decode steps beside the bare base and beside PEFT.

``base``, ``all`` and ``down`` are one runner with eight running rows, which are bound anew between the
timed steps: nothing, rank 8 on every linear layer, rank 8 on ``down_proj``. ``peft mixed`` is PEFT's batch
with ``adapter_names``, ``peft switch`` PEFT with one request after the other and ``set_adapter`` in
between, each over its own copy of the base, with the cache and the attention that transformers has by
default.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, DynamicCache

from rune.bench.serve.scene import ALL, DOWN, Scene, Spent, ids_of, milliseconds, ratio, timed
from rune.bench.stage import say
from rune.ml.serve.runner import Runner
from rune.serving.types import GenerateRequest, Part, Sampling

ROUNDS = 12
ROWS = 8
PROMPT = 64
RATIOS = {
    "mixed8_over_base": ("base", "all"),
    "mixed8_down_over_base": ("base", "down"),
    "mixed8_over_peft_mixed": ("peft mixed", "all"),
    "mixed8_over_peft_switch": ("peft switch", "all"),
}
"""Steps of the first arm over those of the second."""
KEYS = (*RATIOS, *(f"{key}_cpu" for key in RATIOS))


def run(scene: Scene, model: Path) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows."""
    every, down = scene.adapters("all", ROWS, ALL), scene.adapters("down", ROWS, DOWN)
    runner = scene.runner(rows=ROWS, budget_mb=4096)
    texts = [scene.prompt(PROMPT, number) for number in range(ROWS)]
    for number, text in enumerate(texts):
        sampling = Sampling(max_tokens=ROUNDS * 3 + 24)
        runner.submit(GenerateRequest(str(number), text, (), sampling, str(number)))
    while len(runner.running) < ROWS:
        runner.step()
    rivals = Peft(model, every, ids_of(scene.base, texts))
    arms: dict[str, Callable[[list[Spent]], None]] = {
        "base": lambda into: _step(runner, [], into),
        "all": lambda into: _step(runner, every, into),
        "down": lambda into: _step(runner, down, into),
        "peft mixed": rivals.mixed,
        "peft switch": rivals.switch,
    }
    times: dict[str, list[Spent]] = {name: [] for name in arms}
    names = list(arms)
    for number in range(ROUNDS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            arms[name](times[name])
        say(f"mixed: round {number + 1} of {ROUNDS}")
    runner.close()
    summary = {}
    for key, (above, below) in RATIOS.items():
        summary[key] = ratio([one.wall for one in times[above]], [one.wall for one in times[below]])
        summary[f"{key}_cpu"] = ratio([one.cpu for one in times[above]], [one.cpu for one in times[below]])
    return summary, [
        {"stage": "mixed", "arm": name, "rounds": ROUNDS, "requests": ROWS,
         "step_ms": milliseconds([one.wall for one in taken]),
         "step_cpu_ms": milliseconds([one.cpu for one in taken]),
         "best_ms": round(min(one.wall for one in taken) * 1e3, 3)}
        for name, taken in times.items()
    ]  # fmt: skip


def _step(runner: Runner, parts: list[Part], into: list[Spent]) -> None:
    """Time one decode step with these adapters; no cache holds the base's weights from step to step."""
    for row in range(ROWS):
        adapters = ((runner.pool.get(parts[row]), 1.0),) if parts else ()
        runner.rows.bind(row, adapters)
    with runner.rows.active(0, ROWS):
        pass  # the first look at rows that were bound anew makes their views
    with timed(into):
        runner.step()


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
    def mixed(self, into: list[Spent]) -> None:
        """Time one step of the whole batch."""
        with timed(into):
            self._forward(self.ids, self.cache, adapter_names=self.names)

    @torch.inference_mode()
    def switch(self, into: list[Spent]) -> None:
        """Time one step of each request alone."""
        with timed(into):
            for number, cache in enumerate(self.caches):
                self.model.set_adapter(self.names[number])
                self._forward(self.ids[number : number + 1], cache)

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
