"""The tensors of ``rune bench distil``: reading a common prefix once, the naive way, ways to take a step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from rune.bench.distil import equal, naive, reading, small
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Work
from rune.config import DistilConfig
from rune.ml import lora
from rune.ml.engine import Engine
from rune.ml.packing import Example

LONG = "The port moved to 8080 because 80 needs root. " * 3
QUESTIONS = [f"{LONG} Question: {text}" for text in ("Which port?", "Why did the port move at all?", "Who?")]


def test_a_prefix_read_once_gives_the_answers_of_whole_prompts(tiny):
    prompts = [tiny.prompt(question) for question in QUESTIONS]
    together = reading.answers(tiny, prompts, 24)
    assert together == Engine(tiny).answers(QUESTIONS, None, 24)
    assert len(set(together)) > 1, "the questions must matter"
    assert reading.answers(tiny, prompts[:1], 24) == together[:1]
    assert reading.answers(tiny, [], 24) == []


def test_the_base_keeps_its_own_attention_afterwards(tiny):
    before = tiny.model.config._attn_implementation
    reading.answers(tiny, [tiny.prompt("Why?")], 2)
    assert tiny.model.config._attn_implementation == before


def test_every_prompt_keeps_a_token_of_its_own():
    assert reading.common([[1, 2, 3], [1, 2, 4, 5]]) == 2
    assert reading.common([[1, 2], [1, 2]]) == 1
    assert reading.common([[1], [2]]) == 0


def test_all_ways_to_take_a_step_have_the_same_loss(tiny, lessons):
    batch = [Example(one.ids, one.answer) for one in naive.pairs(tiny, lessons)]
    losses = []
    for way in (small.packed, small.masked, small.in_batch):
        states, targets = way(tiny, batch)
        losses.append(functional.cross_entropy(tiny.model.lm_head(states), targets))
    assert_close(losses[0], losses[1], rtol=1e-4, atol=1e-4)
    assert_close(losses[0], losses[2], rtol=1e-4, atol=1e-4)


def test_a_step_is_timed_on_rows_as_training_asks_them(tiny, lessons):
    rows = small.some_rows(tiny, lessons, DistilConfig(), 2)
    assert 1 <= len(rows) <= 2
    assert all(sum(len(one.ids) for one in row) <= DistilConfig().batch_tokens for row in rows)
    seconds = small.timed(tiny, rows, {"packed": small.packed, "padded": small.in_batch})
    assert seconds.keys() == {"packed", "padded"}
    assert all(taken > 0 for taken in seconds.values())


def test_padding_has_no_label(tiny, lessons):
    batch = naive.pairs(tiny, lessons)
    ids, mask, labels = naive.padded(batch, torch.device("cpu"))
    assert ids.shape == mask.shape == labels.shape
    assert int((labels != -100).sum()) == sum(len(one.ids) - one.answer for one in batch)
    assert bool((labels[mask == 0] == -100).all())


def test_the_naive_way_learns(tiny, lessons, monkeypatch):
    monkeypatch.setattr(naive, "RATE", 5e-3)
    adapter = lora.fresh(tiny.layers, naive.TARGETS, naive.RANK, naive.ALPHA, 7)
    naive.train(tiny, adapter, naive.pairs(tiny, lessons))
    assert Engine(tiny).answers(["Which currency?"], adapter, 24) == ["Use EUR."]


def test_few_epochs_and_the_naive_way_learn_and_answer_the_same(tiny, quick, invoice, tmp_path, monkeypatch):
    monkeypatch.setattr(naive, "RATE", 5e-3)
    past, asked = invoice
    other = replace(past, session="s2")
    scene = Scene(Work(tmp_path / "work"), "heldout", (past, other), (), (), (asked,))
    equal.run(scene, lambda: tiny, distiller := equal.few(tiny, quick, tmp_path / "general.json"))
    (row,) = equal.rows(scene)
    assert (row["session"], row["epochs"], len(row["naive_right"])) == ("s1", equal.EPOCHS, 1)
    assert len(row["our_right"]) == 1
    assert distiller.config.max_epochs == distiller.config.started_epochs == equal.EPOCHS
    assert 0 < row["our_steps_seconds"] <= row["our_seconds"]
    equal.run(scene, lambda: pytest.fail("loaded, to learn nothing"), distiller)
    monkeypatch.setattr(equal, "EPOCHS", 4)
    assert equal.rows(scene) == []
    equal.run(scene, lambda: tiny, distiller)
    assert [row["epochs"] for row in equal.rows(scene)] == [4]
