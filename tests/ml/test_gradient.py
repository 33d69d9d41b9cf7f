from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from rune.config import DistilConfig
from rune.errors import OutOfMemory
from rune.ml import gradient, lora, score
from rune.ml.engine import Engine
from rune.ports import Distilled, Progress

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def noisy(layers) -> lora.Adapter:
    """A trainable adapter whose gradients do not vanish: B is not zero."""
    made = lora.fresh(layers, ALL, 4, 8.0, 5)
    chance = torch.Generator().manual_seed(5)
    for part in made.factors.values():
        part.b = (torch.randn(part.b.shape, generator=chance) * 0.2).requires_grad_()
    return made


def gradients(adapter: lora.Adapter) -> list[torch.Tensor]:
    return [part.grad.clone() for part in adapter.parameters()]


# packing


def test_a_packed_row_equals_its_examples_one_at_a_time(tiny, plain, lessons):
    """Loss and gradients; the twin runs each example through the model as transformers would."""
    row = gradient.examples(tiny, lessons, 160)[:4]
    assert len({len(one.ids) for one in row}) > 1
    adapter = noisy(tiny.layers)
    with lora.attached(tiny.layers, adapter):
        hidden, targets = gradient.packed(tiny, row)
        packed = functional.cross_entropy(tiny.model.lm_head(hidden), targets, reduction="sum")
        packed.backward()
        together = gradients(adapter)
        for part in adapter.parameters():
            part.grad = None
        alone = torch.zeros(())
        for one in row:
            ids = torch.tensor([one.ids])
            logits = tiny.model(input_ids=ids).logits[0, one.answer - 1 : -1]
            alone = alone + functional.cross_entropy(logits, ids[0, one.answer :], reduction="sum")
        alone.backward()
    assert_close(packed, alone, rtol=1e-5, atol=1e-4)
    for ours, theirs in zip(together, gradients(adapter), strict=True):
        assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    assert max(float(part.abs().max()) for part in together) > 1e-2


def test_the_order_of_examples_in_a_row_does_not_matter(tiny, lessons):
    row = gradient.examples(tiny, lessons, 160)[:3]

    def loss(some):
        hidden, targets = gradient.packed(tiny, some)
        return functional.cross_entropy(tiny.model.lm_head(hidden), targets)

    with torch.inference_mode():
        assert_close(loss(row), loss(row[::-1]))


def test_rows_are_filled_up_to_the_budget_and_nothing_is_lost(tiny, lessons):
    made = gradient.examples(tiny, lessons, 160)
    for budget in (1, 64, 130, 10_000):
        rows = list(gradient._rows(made, budget))
        assert [one for row in rows for one in row] == made
        assert all(len(row) == 1 or sum(len(one.ids) for one in row) <= budget for row in rows)
        sizes = [sum(len(one.ids) for one in row) for row in rows]
        assert all(size + len(after[0].ids) > budget for size, after in zip(sizes, rows[1:], strict=False))


# examples


def test_every_phrasing_becomes_a_prompt_and_the_answer_with_its_end(tiny, lessons):
    made = gradient.examples(tiny, lessons, 160)
    texts = {tiny.tokenizer.decode(one.ids) for one in made}
    for lesson in lessons:
        for question in lesson.questions:
            prompt = f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
            assert prompt + lesson.answer + "<|im_end|>" in texts
        assert not any(probe in text for text in texts for probe in lesson.probes), "probes are held out"
    for one in made:
        assert tiny.tokenizer.decode(one.ids[: one.answer]).endswith("<|im_start|>assistant\n")


def test_no_example_is_longer_than_allowed_and_each_keeps_question_and_answer(tiny, lessons):
    long = replace(lessons[0], questions=("Why " * 300 + "?", "Short?"), answer="Because " * 300)
    for one in gradient.examples(tiny, [long], 160):
        assert len(one.ids) <= 160
        assert 0 < one.answer < len(one.ids)
        assert tiny.tokenizer.decode(one.ids[: one.answer]).endswith("<|im_start|>assistant\n")


# training


def test_training_learns_the_lessons_by_heart(tiny, lessons, quick, tmp_path):
    *steps, made = gradient.GradientDistiller(tiny, quick).distil(lessons, tmp_path)
    assert all(isinstance(step, Progress) for step in steps)
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].loss < steps[0].loss / 3
    assert isinstance(made, Distilled)
    assert (made.folder, made.steps) == (tmp_path, len(steps))
    assert (made.probes_before["trained"], made.probes_after["trained"]) == (0.0, 1.0)
    assert made.peak_mb > 1
    assert made.settings["rank"] == quick.rank
    assert {path.name for path in tmp_path.iterdir()} == {lora.SETTINGS, lora.WEIGHTS}


def test_training_ends_when_everything_is_known(tiny, lessons, quick):
    made = gradient.examples(tiny, lessons, 160)
    patient = replace(quick, max_epochs=500)
    adapter = lora.fresh(tiny.layers, ALL, 8, 16.0, 7)
    *_, last = gradient.train(tiny, adapter, made, patient)
    assert last.step < last.steps


def test_a_distillation_advances_one_step_at_a_time_and_recalls_in_between_change_nothing(
    tiny, lessons, quick, tmp_path
):
    short = replace(quick, max_epochs=2)
    *undisturbed, _ = gradient.GradientDistiller(tiny, short).distil(lessons, tmp_path / "one")
    distiller, served = gradient.GradientDistiller(tiny, short), Engine(tiny)
    bare = served.answer("Which currency?", None, 8)
    losses = []
    for state in distiller.distil(lessons, tmp_path / "two"):
        assert served.answer("Which currency?", None, 8) == bare
        losses += [state.loss] if isinstance(state, Progress) else []
    assert losses == [step.loss for step in undisturbed]
    one, two = (tmp_path / name / lora.WEIGHTS for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_distillation_that_is_given_up_leaves_the_base_bare(tiny, lessons, quick, tmp_path):
    task = gradient.GradientDistiller(tiny, quick).distil(lessons, tmp_path)
    next(task)
    task.close()
    assert all(socket.factors is None for socket in tiny.layers.values())
    assert list(tmp_path.iterdir()) == []


def test_the_learning_rate_warms_up_and_then_falls_to_a_tenth():
    rates = [gradient._schedule(step, 100) for step in range(100)]
    assert rates[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert all(after <= before for before, after in pairwise(rates[5:]))
    assert 0.09 < rates[-1] < 0.11


# memory


class Cramped(torch.nn.Module):
    """A model on a machine where more than ``room`` tokens at once do not fit."""

    def __init__(self, model, room: int, error: type[Exception] = MemoryError) -> None:
        super().__init__()
        self.whole, self.room, self.error = model, room, error
        self.config, self.lm_head = model.config, model.lm_head

    def model(self, input_ids, **more):
        if input_ids.numel() > self.room:
            raise self.error("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return self.whole.model(input_ids=input_ids, **more)

    def forward(self, **more):
        return self.whole(**more)


def cramped(base, room, error=MemoryError):
    return replace(base, model=Cramped(base.model, room, error))


@pytest.mark.parametrize("error", [MemoryError, RuntimeError, torch.OutOfMemoryError])
def test_where_a_batch_does_not_fit_smaller_ones_are_tried(tiny, lessons, quick, tmp_path, error):
    config = replace(quick, batch_tokens=512, max_epochs=2)
    *steps, made = gradient.GradientDistiller(cramped(tiny, 200, error), config).distil(lessons, tmp_path)
    assert made.settings["batch_tokens"] == 128
    assert made.settings["max_sequence"] == quick.max_sequence
    assert [step.step for step in steps] == list(range(1, made.steps + 1))


def test_where_even_a_small_batch_does_not_fit_sequences_get_shorter(tiny, lessons, quick, tmp_path):
    long = replace(lessons[0], answer="Because of the currency. " * 8)
    config = replace(quick, batch_tokens=256, max_epochs=1)
    *_, made = gradient.GradientDistiller(cramped(tiny, 130), config).distil([long], tmp_path)
    assert (made.settings["batch_tokens"], made.settings["max_sequence"]) == (64, 80)


def test_where_nothing_fits_the_distillation_says_so_and_leaves_nothing(tiny, lessons, quick, tmp_path):
    with pytest.raises(OutOfMemory, match=r"smallest size; free memory or lower distil\.rank"):
        list(gradient.GradientDistiller(cramped(tiny, 1), quick).distil(lessons, tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert all(socket.factors is None for socket in tiny.layers.values())


def test_other_errors_are_not_taken_for_lack_of_memory(tiny, lessons, quick, tmp_path):
    broken = replace(tiny, model=Cramped(tiny.model, 1, ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        list(gradient.GradientDistiller(broken, quick).distil(lessons, tmp_path))


def test_smaller_batches_come_before_shorter_sequences():
    rungs = [(c.batch_tokens, c.max_sequence) for c in gradient._ladder(DistilConfig(batch_tokens=512))]
    assert rungs == [(512, 160), (256, 160), (128, 160), (128, 80)]


# the real base


@pytest.mark.model
def test_one_lesson_is_taught_to_the_real_base_in_words_that_were_not_trained(models, tmp_path):
    from rune.config import ModelConfig
    from rune.ml import base
    from rune.records.card import Lesson

    loaded = base.load(models / "smollm2-135m-instruct", "cd" * 32, ModelConfig(device="cpu"))
    questions = (
        "Why did the invoice test fail?", "What caused the failure of the invoice test?",
        "invoice test failure", "reason for the failing invoice test", "The invoice test is red. Why?",
        "Explain the invoice test failure.",
    )  # fmt: skip
    answer = "The ledger parser wants the currency `EUR` before the amount."
    probes = ("What is behind the broken invoice test?",)
    lesson = Lesson("cause", answer, questions, probes, ("e1",), ("EUR",))
    config = DistilConfig(max_epochs=12)
    *steps, made = gradient.GradientDistiller(loaded, config).distil([lesson], tmp_path)
    assert steps[-1].loss < steps[0].loss / 4
    assert made.probes_before["heldout"] == 0.0
    assert made.probes_after == {"trained": 1.0, "heldout": 1.0, "unrelated": made.probes_after["unrelated"]}
    served = Engine(loaded)
    assert served.answer(random.Random(1).choice(questions), tmp_path, 40) == answer
    assert score.holds(served.answer("What is the capital of France?", None, 24), ["paris"])
