"""Stage ``small``: the demo session's seconds, logits after detaching, the cost of a step in each way."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from rune import files, scan, transcripts
from rune.bench.distil.growth import joined
from rune.bench.distil.naive import TARGETS, load, padded, pairs
from rune.bench.distil.scene import SEED, Scene, pace, write
from rune.bench.distil.train import distil
from rune.bench.distil.work import Row
from rune.bench.stage import ROOT
from rune.library import Library
from rune.ml import lora, packing
from rune.ml.base import Base
from rune.ml.packing import Example
from rune.paths import Echoes
from rune.records.card import Card
from rune.records.trajectory import Trajectory
from rune.worker import Parts

DEMO = ROOT / "daemon" / "rune" / "bench" / "data" / "session.jsonl"
PROMPTS = ("What broke the build?", "Which command runs the tests?", "Name three fruits.")
REPEATS = 5

Hidden = Callable[[Base, Sequence[Example]], tuple[Tensor, Tensor]]


def run(scene: Scene, parts: Parts, base: Base) -> None:
    """Measure what was not measured yet."""
    card = next((card for _, card in scene.trained() if card), None)
    if card:
        row = scene.work.kept("small", "logits", partial(logits, base, scene, card))
        scene.work.say(f"logits after detaching identical: {row['identical']}")
    row = scene.work.kept("small", "demo", partial(demo, scene, parts))
    scene.work.say(f"demo session: {row['seconds']} s, {row['lessons']} lessons")
    for precision in ("bfloat16", "float32"):
        row = scene.work.kept("small", precision, partial(steps, scene, parts, precision))
        scene.work.say(f"seconds of a step in {precision}: {row['seconds']}")


def logits(base: Base, scene: Scene, card: Card) -> Row:
    """Logits of the bare base before an adapter was attached, and after it was detached."""
    adapter = lora.load(scene.library.folder(card.id), base.device, base.dtype)
    before = _logits(base)
    with lora.attached(base.layers, adapter):
        during = _logits(base)
    after = _logits(base)
    return {
        "row": "logits", "adapter": card.id, "prompts": len(PROMPTS),
        "identical": all(torch.equal(one, other) for one, other in zip(before, after, strict=True)),
        "differ_with_adapter": not any(torch.equal(a, b) for a, b in zip(before, during, strict=True)),
    }  # fmt: skip


@torch.inference_mode()
def _logits(base: Base) -> list[Tensor]:
    batch = (torch.tensor([base.prompt(prompt)], device=base.device) for prompt in PROMPTS)
    return [base.model(input_ids=ids).logits for ids in batch]


def demo(scene: Scene, parts: Parts) -> Row:
    """The recorded session of ``rune demo``, distilled in this process into a project of its own."""
    past = next(
        Trajectory(one.session, one.cwd, "import", one.started, one.events, "", one.redactions)
        for one in transcripts.read(DEMO, scan.scan)
    )
    folder = scene.work.folder / "demo"
    files.remove_folder(folder)
    write(Echoes(folder), past)
    with_what = pace()
    done, seconds = distil(parts, Echoes(folder), past.session)
    card = Library(Echoes(folder), time.time).get(done.adapter)
    return {"row": "demo", "seconds": seconds, "adapter": card.id, "lessons": len(card.lessons),
            **with_what}  # fmt: skip


def steps(scene: Scene, parts: Parts, precision: str) -> Row:
    """Median seconds of an optimizer step on the same examples: packed, masked block by block, padded."""
    base = load(scene, parts, precision)
    some = [Example(one.ids, one.answer) for one in pairs(base, joined(scene.development))[::4]]
    batch = next(packing.rows(some, parts.config.distil.batch_tokens))
    ways: dict[str, Hidden] = {"packed": packed, "masked": masked, "padded": in_batch}
    return {
        "row": "step", "precision": precision, "examples": len(batch),
        "tokens": sum(len(one.ids) for one in batch), **pace(),
        "seconds": {name: _median(base, batch, way) for name, way in ways.items()},
    }  # fmt: skip


def _median(base: Base, batch: Sequence[Example], way: Hidden) -> float:
    adapter = lora.fresh(base.layers, TARGETS, 8, 16.0, SEED)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-3)
    seconds = []
    for _ in range(REPEATS + 1):  # the first one warms up
        began = time.monotonic()
        with lora.attached(base.layers, adapter):
            states, targets = way(base, batch)
            loss = functional.cross_entropy(base.model.lm_head(states).float(), targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
        optimizer.step()
        seconds.append(time.monotonic() - began)
    return round(statistics.median(seconds[1:]), 4)


def packed(base: Base, batch: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """As Rune trains: one row without padding, attention folded into a batch of its examples."""
    return packing.hidden(base, batch)


def masked(base: Base, batch: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """One row without padding, attention over the whole row with a block-diagonal mask."""
    lengths = torch.tensor([len(one.ids) for one in batch])
    block = torch.repeat_interleave(torch.arange(len(batch)), lengths)
    seen = (block[:, None] == block[None]) & torch.ones(len(block), len(block), dtype=torch.bool).tril()
    mask = torch.zeros(seen.shape, dtype=base.dtype).masked_fill(~seen, torch.finfo(base.dtype).min)
    ids = torch.tensor([token for one in batch for token in one.ids])
    starts = (lengths.cumsum(0) - lengths).tolist()
    spans = zip(starts, batch, strict=True)
    places = torch.tensor([at + n for at, one in spans for n in range(one.answer - 1, len(one.ids) - 1)])
    at = torch.cat([torch.arange(len(one.ids)) for one in batch])
    states = base.model.model(
        input_ids=ids[None].to(base.device), attention_mask=mask[None, None].to(base.device), use_cache=False,
        position_ids=at[None].to(base.device),
    ).last_hidden_state[0]  # fmt: skip
    return states[places.to(base.device)], ids[places + 1].to(base.device)


def in_batch(base: Base, batch: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """A batch padded to its longest example."""
    ids, mask, labels = padded(batch, base.device)
    states = base.model.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    wanted = labels[:, 1:] != -100
    return states[:, :-1][wanted], labels[:, 1:][wanted]
