from __future__ import annotations

import random
from dataclasses import replace

import torch
from torch.nn import functional
from torch.testing import assert_close

from rune.ml import lora, packing

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


def examples(base, lessons) -> list[packing.Example]:
    return [
        packing.example(base, question, lesson.answer, 160, place)
        for place, lesson in enumerate(lessons)
        for question in lesson.questions
    ]


# packing


def test_a_packed_row_equals_its_examples_one_at_a_time(tiny, plain, lessons):
    """Loss and gradients; the twin runs each example through the model as transformers would."""
    row = examples(tiny, lessons)[:4]
    assert len({len(one.ids) for one in row}) > 1
    adapter = noisy(tiny.layers)
    with lora.attached(tiny.layers, adapter):
        hidden, targets = packing.hidden(tiny, row)
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
    row = examples(tiny, lessons)[:3]

    def loss(some):
        hidden, targets = packing.hidden(tiny, some)
        return functional.cross_entropy(tiny.model.lm_head(hidden), targets)

    with torch.inference_mode():
        assert_close(loss(row), loss(row[::-1]))


def test_rows_are_filled_up_to_the_budget_and_nothing_is_lost(tiny, lessons):
    made = examples(tiny, lessons)
    for budget in (1, 64, 130, 10_000):
        rows = list(packing.rows(made, budget))
        assert [one for row in rows for one in row] == made
        assert all(len(row) == 1 or sum(len(one.ids) for one in row) <= budget for row in rows)
        sizes = [sum(len(one.ids) for one in row) for row in rows]
        assert all(size + len(after[0].ids) > budget for size, after in zip(sizes, rows[1:], strict=False))


def test_rows_filled_by_first_fit_lose_nothing_and_are_fewer(tiny, lessons):
    made = [one for one in examples(tiny, lessons) for _ in range(9)]
    random.Random(3).shuffle(made)
    for budget in (1, 64, 130, 10_000):
        filled = packing.filled(made, budget)
        assert sorted(one.ids for row in filled for one in row) == sorted(one.ids for one in made)
        sizes = [sum(len(one.ids) for one in row) for row in filled]
        assert all(len(row) == 1 or size <= budget for row, size in zip(filled, sizes, strict=True))
        for at, size in enumerate(sizes):
            later = [one for row in filled[at + 1 :] for one in row]
            assert all(size + len(one.ids) > budget for one in later), "there was room before"
    assert len(packing.filled(made, 96)) < len(list(packing.rows(made, 96)))
    assert packing.filled([], 64) == []


# examples


def test_every_phrasing_becomes_a_prompt_and_the_answer_with_its_end(tiny, lessons):
    made = examples(tiny, lessons)
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
    for one in examples(tiny, [long]):
        assert len(one.ids) <= 160
        assert 0 < one.answer < len(one.ids)
        assert tiny.tokenizer.decode(one.ids[: one.answer]).endswith("<|im_start|>assistant\n")


# layout


def test_a_row_is_folded_into_its_examples_and_back():
    laid = packing.layout([3, 1, 2], 2, torch.device("cpu"))
    row = torch.arange(8)
    folded = row[laid.fold]
    assert folded[:3].tolist() == [[0, 1, 2], [3, 0, 0], [4, 5, 0]]
    assert folded.flatten()[laid.unfold].tolist() == row.tolist()


def test_recalls_between_steps_keep_the_attention_of_the_base(tiny, lessons):
    before = tiny.model.config._attn_implementation
    packing.hidden(tiny, examples(tiny, lessons)[:2])
    assert tiny.model.config._attn_implementation == before != packing.NAME
