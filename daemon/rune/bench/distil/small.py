"""Stage ``small``: the demo session's seconds, logits after detaching, the cost of a step in each way."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from rune import files, scan, transcripts
from rune.bench.distil.growth import joined
from rune.bench.distil.naive import TARGETS, load, padded
from rune.bench.distil.scene import SEED, Scene, pace, write
from rune.bench.distil.train import distil
from rune.bench.distil.work import Row
from rune.bench.stage import ROOT
from rune.config import DistilConfig
from rune.library import Library
from rune.ml import gradient, lora, packing
from rune.ml.base import Base
from rune.ml.neutral import Neutral
from rune.ml.packing import Example
from rune.paths import Echoes
from rune.records.card import Card, Lesson
from rune.records.trajectory import Trajectory
from rune.worker import Parts

DEMO = ROOT / "daemon" / "rune" / "bench" / "data" / "session.jsonl"
PROMPTS = ("What broke the build?", "Which command runs the tests?", "Name three fruits.")
PRECISIONS = frozenset({"bfloat16", "float32"})
ROWS, FEWER = 12, 2

Hidden = Callable[[Base, Sequence[Example]], tuple[Tensor, Tensor]]


def run(scene: Scene, parts: Parts, base: Base) -> None:
    """Measure what was not measured yet."""
    card = next((card for _, card in scene.trained() if card), None)
    if card:
        row = scene.work.kept("small", "logits", partial(logits, base, scene, card))
        scene.work.say(f"logits after detaching identical: {row['identical']}")
    row = scene.work.kept("small", "demo", partial(demo, scene, parts))
    scene.work.say(f"demo session: {row['seconds']} s, {row['lessons']} lessons")
    ours = str(base.dtype).removeprefix("torch.")
    for precision in (ours, *sorted(PRECISIONS - {ours})):
        make = partial(steps, scene, parts, precision, precision == ours)
        row = scene.work.kept("small", precision, make)
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


def steps(scene: Scene, parts: Parts, precision: str, ours: bool) -> Row:
    """Seconds of an optimizer step on the same rows of an epoch: packed, masked block by block, padded.

    In the precision that is not ``ours`` on this machine packed alone: it may be emulated, and take minutes.
    """
    base = load(scene, parts, precision)
    rows = some_rows(base, joined(scene.development), parts.config.distil, ROWS if ours else FEWER)
    ways: dict[str, Hidden] = {"packed": packed}
    if ours:
        ways |= {"masked": masked, "padded": in_batch}
    seconds = timed(base, rows, ways)
    return {
        "row": "step", "precision": precision, "ours": ours, "rows": len(rows),
        "examples": sum(map(len, rows)), "tokens": sum(len(one.ids) for row in rows for one in row), **pace(),
        "seconds": seconds,
    }  # fmt: skip


def some_rows(base: Base, lessons: Sequence[Lesson], config: DistilConfig, many: int) -> list[list[Example]]:
    """The first rows of an epoch as training asks for it, without general questions."""
    lessons = lessons[: config.max_lessons]
    chance, known = random.Random(SEED), [0] * len(lessons)
    return gradient.Course(base, lessons, Neutral((), ()), config, chance, known).epoch()[:many]


def timed(base: Base, rows: Sequence[Sequence[Example]], ways: Mapping[str, Hidden]) -> dict[str, float]:
    """Mean seconds of a step in each way; they take turns, so that a slow minute is everybody's."""
    adapter = lora.fresh(base.layers, TARGETS, 8, 16.0, SEED)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-3)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for row in (rows[0], *rows):  # the first one warms up
        for name, way in ways.items():
            began = time.monotonic()
            step(base, adapter, optimizer, row, way)
            seconds[name].append(time.monotonic() - began)
    return {name: round(statistics.mean(taken[1:]), 4) for name, taken in seconds.items()}


def step(
    base: Base, adapter: lora.Adapter, optimizer: torch.optim.Optimizer, batch: Sequence[Example], way: Hidden
) -> None:
    """One optimizer step."""
    with lora.attached(base.layers, adapter):
        states, targets = way(base, batch)
        loss = functional.cross_entropy(base.model.lm_head(states).float(), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
    optimizer.step()


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
