"""Rows against each adapter alone and against PEFT."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.ml.serve.conftest import quiet

from rune.config import EngineConfig
from rune.ml import lora
from rune.ml.serve.runner import Runner

PROMPTS = ["Why does the invoice test fail?", "Build it", "How do I find the third one?", "Who", "What now"]
TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}


def bound(runner, parts):
    """Bind one row for each part, None for the bare base."""
    for row, part in enumerate(parts):
        runner.rows.bind(row, ((runner.pool.get(part), part.weight),) if part else ())


def batch(base):
    ids = [base.prompt(text)[:12] for text in PROMPTS]
    width = min(map(len, ids))
    return torch.tensor([one[:width] for one in ids])


@torch.inference_mode()
def logits(base, ids, runner=None):
    if runner is None:
        return base.model(input_ids=ids).logits
    with runner.rows.active(0, len(ids)):
        return base.model(input_ids=ids).logits


def alone(base, ids, part):
    adapter = lora.load(Path(part.folder), base.device, base.dtype) if part else None
    with lora.attached(base.layers, adapter):
        return logits(base, ids)


def test_each_row_equals_its_adapter_alone(tiny, make, kinds):
    runner, ids = make(), batch(tiny)
    parts = [kinds["small"], kinds["wide"], None, kinds["down"], kinds["attention"]]
    bound(runner, parts)
    together = logits(tiny, ids, runner)
    for row, part in enumerate(parts):
        torch.testing.assert_close(together[row], alone(tiny, ids[row : row + 1], part)[0], **TOLERANCE)
    assert (together[0] - logits(tiny, ids)[0]).abs().max() > 0.1, "the adapters must matter"


def test_each_row_equals_peft(tiny, plain, make, kinds):
    from peft import PeftModel

    runner, ids, names = make(), batch(tiny), ["small", "down", "wide", "attention"]
    bound(runner, [kinds[name] for name in names])
    with quiet():
        model = PeftModel.from_pretrained(plain(), kinds["small"].folder, adapter_name="small")
        for name in names[1:]:
            model.load_adapter(kinds[name].folder, adapter_name=name)
    with torch.inference_mode():
        expected = model.eval()(input_ids=ids[:4], adapter_names=names).logits
    torch.testing.assert_close(logits(tiny, ids[:4], runner), expected, **TOLERANCE)


def test_a_moved_row_keeps_its_adapter_and_a_row_bound_anew_forgets_the_old_one(tiny, make, kinds):
    runner, ids = make(), batch(tiny)
    bound(runner, [kinds["small"], kinds["down"], kinds["wide"]])
    runner.rows.move(2, 0)
    runner.rows.bind(2, ())
    together = logits(tiny, ids[:3], runner)
    for row, part in enumerate([kinds["wide"], kinds["down"], None]):
        torch.testing.assert_close(together[row], alone(tiny, ids[row : row + 1], part)[0], **TOLERANCE)


def test_rows_are_as_wide_as_the_largest_that_is_bound(make, kinds):
    rows = (runner := make()).rows
    bound(runner, [kinds["down"]])
    down = rows.bytes
    assert (rows.layout.rank, len(rows.layout.modules)) == (8, 2)
    bound(runner, [kinds["down"], kinds["wide"]])
    assert rows.layout.rank == 16
    assert rows.bytes > 10 * down
    rows.clear(1)
    bound(runner, [kinds["down"]])
    assert rows.bytes == down


def test_outside_of_a_batch_the_base_is_the_base(tiny, make, kinds):
    before = logits(tiny, batch(tiny))
    bound(make(), [kinds["wide"]])
    assert torch.equal(logits(tiny, batch(tiny)), before)


def test_several_adapters_in_a_row_add_up(tiny, make, adapter):
    runner, ids = make(composition=True), batch(tiny)[:1]
    one, two = adapter("one", rank=4, seed=1), adapter("two", rank=8, targets=("down_proj",), seed=2)
    runner.rows.bind(0, ((runner.pool.get(one), 0.5), (runner.pool.get(two), 2.0)))
    first, second = (lora.load(Path(part.folder), tiny.device, tiny.dtype) for part in (one, two))
    summed = {}
    for name, part in first.factors.items():
        delta = 0.5 * first.scale * part.b @ part.a
        if other := second.factors.get(name):
            delta = delta + 2.0 * second.scale * other.b @ other.a
        summed[name] = lora.Factors(torch.eye(delta.shape[1]), delta)
    with lora.attached(tiny.layers, lora.Adapter(1, 1.0, summed)):
        expected = logits(tiny, ids)
    torch.testing.assert_close(logits(tiny, ids, runner), expected, **TOLERANCE)


@pytest.mark.model
def test_on_the_real_base_each_row_equals_its_adapter_alone(real, tmp_path):
    from rune.ml.serve.packed import digest_of
    from rune.serving.types import Part

    runner, ids, parts = Runner(real, EngineConfig()), batch(real)[:3], []
    for seed, (rank, targets) in enumerate([(8, ("q_proj", "up_proj")), (16, ("down_proj",))]):
        made = lora.fresh(real.layers, targets, rank, 2.0 * rank, seed)
        random = torch.Generator().manual_seed(seed)
        for part in made.factors.values():
            part.b = torch.randn(part.b.shape, generator=random) * 0.02
        lora.save(made, tmp_path / str(seed), real.name)
        parts.append(Part(digest_of(tmp_path / str(seed)), str(tmp_path / str(seed))))
    parts.append(None)
    bound(runner, parts)
    together = logits(real, ids, runner)
    for row, part in enumerate(parts):
        expected = alone(real, ids[row : row + 1], part)[0]
        torch.testing.assert_close(together[row], expected, atol=1e-3, rtol=1e-3)
    assert (together[0] - logits(real, ids)[0]).abs().max() > 0.1
