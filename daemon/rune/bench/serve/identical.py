"""Requests that join, leave and are cancelled at random steps, each token held against the request alone.

Alone: the base with that one adapter attached, without a cache, the whole text in one pass; so what is
compared is the choice at each position behind the same tokens. Where it differs, the gap between the two
logits is kept.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch

from rune.bench.serve.scene import ALL, DOWN, Scene
from rune.bench.stage import say
from rune.errors import RuneError
from rune.ml import lora
from rune.ml.serve.request import Row
from rune.ml.serve.runner import Runner
from rune.serving.types import GenerateRequest, Part, Sampling

POSITIONS = 5000
PREFILL = 128
"""Tokens of prompts in a round: short prompts are read together, others in parts."""
KINDS = {"r4": (4, ALL), "r8": (8, ALL), "r16": (16, ("q_proj", "v_proj")), "down": (8, DOWN)}
KEYS = ("token_identical", "largest_gap")


def run(scene: Scene, seed: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Summary and rows."""
    chance = random.Random(seed)
    parts: list[Part | None] = [None]
    for name, (rank, targets) in KINDS.items():
        parts += scene.adapters(f"identical-{name}", 2, targets, rank)
    runner = scene.runner(prefill_tokens=PREFILL)
    shared = _watched(runner)
    rows = _generated(runner, scene, parts, chance)
    if not sum(shared):
        raise RuneError("expected some prompts to be read in one pass, none were")
    steps = runner.stats().steps
    runner.close()
    say(f"identical: {sum(len(row.tokens) for row in rows)} positions in {steps} steps; now each alone")
    gaps = [gap for row in rows for gap in _differences(scene, row)]
    positions = sum(len(row.tokens) for row in rows)
    summary = {
        "token_identical": round(1 - len(gaps) / positions, 6),
        "largest_gap": round(max(gaps, default=0.0), 7),
    }
    return summary, [
        {"stage": "identical", "positions": positions, "requests": len(rows), "steps": steps,
         "prompts_read_together": sum(shared), "different": len(gaps),
         "gaps": [round(gap, 7) for gap in gaps]}
    ]  # fmt: skip


def _watched(runner: Runner) -> list[int]:
    """How many prompts each pass reads that reads several."""
    found: list[int] = []
    before = runner.cache.prefill

    def prefill(row: int, start: int, length: int, rows: int = 1) -> torch.Tensor:
        if rows > 1:
            found.append(rows)
        return before(row, start, length, rows)

    runner.cache.prefill = prefill  # type: ignore[method-assign]
    return found


def _generated(runner: Runner, scene: Scene, parts: list[Part | None], chance: random.Random) -> list[Row]:
    """Run requests until enough tokens are there; every row that there was."""
    seen: dict[str, Row] = {}
    number = 0
    while sum(len(row.tokens) for row in seen.values()) < POSITIONS:
        while len(runner.waiting) < 6 and chance.random() < 0.7:
            part = parts[number % len(parts)]
            text = scene.prompt(chance.randrange(6, 60), number)
            sampling = Sampling(max_tokens=chance.randrange(24, 140))
            asked = GenerateRequest(str(number), text, (part,) if part else (), sampling, str(number % 3))
            runner.submit(asked)
            number += 1
        runner.step()
        seen |= {row.id: row for row in (*runner.running, *([runner.reading] if runner.reading else []))}
        if runner.running and chance.random() < 0.01:
            runner.cancel(chance.choice(runner.running).id)
    return list(seen.values())


@torch.inference_mode()
def _differences(scene: Scene, row: Row) -> list[float]:
    """The logit gap at each position where the request alone would have chosen another token."""
    base, prompt = scene.base, row.asked.ids
    adapter = None
    if row.asked.request.parts:
        adapter = lora.load(Path(row.asked.request.parts[0].folder), base.device, torch.float32)
    ids = torch.tensor([[*prompt, *row.tokens]], device=base.device)
    if not row.tokens:
        return []
    with lora.attached(base.layers, adapter):
        logits = base.model(input_ids=ids[:, :-1], logits_to_keep=len(row.tokens)).logits[0].float()
    taken = torch.tensor(row.tokens, device=base.device)
    gaps = logits.max(-1).values - logits.gather(-1, taken[:, None])[:, 0]
    return [float(gap) for gap, same in zip(gaps, logits.argmax(-1) == taken, strict=True) if not same]
