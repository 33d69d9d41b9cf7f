"""Training on the tiny base: it learns, goes on where it was cut off, and writes down what it did."""

from __future__ import annotations

import pytest
import torch
from tests.ml.hypernet.conftest import small_shape
from torch.testing import assert_close

from rune.bench.hypernet.numerics import disturbed
from rune.errors import ConfigError, FormatError
from rune.ml import lora
from rune.ml.engine import Engine
from rune.ml.hypernet import checkpoint, learning, record
from rune.ml.hypernet.batches import batch, encoded
from rune.ml.hypernet.corpus.sessions import Asked, Level, Session
from rune.ml.hypernet.features import chunks, features, padded
from rune.ml.hypernet.joining import exported, joined
from rune.ml.hypernet.recipe import Recipe, Stage
from rune.ml.hypernet.training import Trainer

QUICK = Recipe("quick", (Stage(10_000, (Level(),)),), batch=8, rate=3e-3, warm_up=5, evaluate=5, examined=4)


def trainer(tiny, folder, recipe=QUICK) -> Trainer:
    return Trainer(tiny, recipe, folder, small_shape(tiny, width=32, head=16, chunk=64))


def steps(made: Trainer, number: int) -> list[float]:
    return [made._step()["loss"] for _ in range(number)]


def test_the_loss_is_that_of_each_answer_alone_with_its_own_adapter(tiny, tmp_path):
    made = trainer(tiny, tmp_path)
    disturbed(made.network)
    sessions = made._sessions()[:3]
    with torch.no_grad():
        out = learning.answered(tiny, made.network, batch(tiny, made.network.shape, sessions))
    losses = []
    for session in sessions:
        pieces = chunks(encoded(tiny, session.text), made.network.shape)
        ids, mask = padded(pieces, tiny.device)
        with torch.no_grad():
            rows = made.network(features(tiny, ids, mask, made.network.shape), mask)
            adapter = exported(tiny, made.network, joined(made.network, rows, [len(pieces)]))
            for asked in session.asked:
                prompt = tiny.prompt(asked.question)
                answer = [*encoded(tiny, asked.answer), tiny.stop_ids[0]]
                with lora.attached(tiny.layers, adapter):
                    logits = tiny.model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0]
                shares = logits[len(prompt) - 1 : -1].log_softmax(-1)
                losses.append(-float(shares[range(len(answer)), answer].mean()))
    assert float(out.loss) == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_the_first_step_starts_from_the_base_and_later_ones_are_better(tiny, tmp_path):
    made = trainer(tiny, tmp_path)
    losses = steps(made, 30)
    with torch.no_grad(), lora.attached(tiny.layers, None):
        given = batch(tiny, made.network.shape, Trainer(tiny, QUICK, tmp_path)._sessions())
        bare = learning._logits(tiny, given.ids, given.targets, None)
    entropy = torch.nn.functional.cross_entropy(bare, given.targets[given.targets >= 0])
    assert losses[0] == pytest.approx(float(entropy), rel=0.1)
    assert sum(losses[-3:]) / 3 < 0.8 * losses[0]


def test_an_exact_answer_by_the_loss_is_an_exact_answer_by_decoding(tiny, tmp_path):
    made = trainer(tiny, tmp_path)
    [session] = made._sessions()[:1]
    optimizer = torch.optim.AdamW(made.network.parameters(), lr=3e-3)
    given = batch(tiny, made.network.shape, [session])
    for _ in range(150):
        out = learning.answered(tiny, made.network, given)
        if bool(out.right.all()):
            break
        optimizer.zero_grad()
        out.loss.backward()
        optimizer.step()
    assert bool(out.right.all()), "one answer can be learnt by heart"
    adapter = exported(tiny, made.network, out.whole)
    asked = session.asked[0]
    assert Engine(tiny).answers([asked.question], adapter, 40) == [asked.answer]


def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(tiny, tmp_path):
    whole = trainer(tiny, tmp_path / "whole")
    expected = steps(whole, 6)
    first = trainer(tiny, tmp_path / "cut")
    steps(first, 3)
    first.save()
    second = trainer(tiny, tmp_path / "cut")
    assert second.resume()
    assert (second.step, second.seen) == (3, 24)
    assert_close(torch.tensor(steps(second, 3)), torch.tensor(expected[3:]), rtol=1e-4, atol=1e-5)


def test_a_run_writes_its_table_its_picture_and_a_checkpoint(tiny, tmp_path):
    made = trainer(tiny, tmp_path, Recipe("quick", (Stage(40, (Level(),)),), batch=8, evaluate=5, examined=4))
    told: list[dict[str, float]] = []
    made.train(60.0, told.append)
    assert made.seen == 40
    [row] = record.read(tmp_path)
    assert row["step"] == 5
    assert {"loss", "right", "one", "two", "few", "long"} <= row.keys()
    assert told[0]["loss"] == pytest.approx(row["loss"], rel=1e-4)
    assert (tmp_path / record.PICTURE).read_text("utf-8").startswith("<svg")
    read, known = checkpoint.read(tmp_path)
    assert known.record["contexts"] == 40
    assert torch.equal(read.head, made.network.head.detach())


def test_the_table_forgets_what_is_done_again(tmp_path):
    for step in (10, 20, 30):
        record.append(tmp_path, {"step": step, "contexts": step, "loss": 1.0})
    record.keep(tmp_path, 20)
    assert [row["step"] for row in record.read(tmp_path)] == [10, 20]


def test_a_run_of_another_recipe_is_refused(tiny, tmp_path):
    trainer(tiny, tmp_path).save()
    other = trainer(tiny, tmp_path, Recipe("other", QUICK.stages, batch=8))
    with pytest.raises(FormatError, match="quick"):
        other.resume()


def test_training_is_refused_where_held_out_data_would_be_seen(tiny, tmp_path):
    from rune.ml.hypernet.corpus.sessions import Generator
    from rune.ml.hypernet.corpus.vocabulary import Vocabularies

    made = trainer(tiny, tmp_path)
    words = made.generator.vocabularies
    made.generator = Generator(Vocabularies(words.training, words.training))
    with pytest.raises(ConfigError, match="held-out"):
        made.train(1.0)


def test_the_teacher_reads_the_session_and_agrees_with_itself(tiny, tmp_path):
    made = trainer(tiny, tmp_path)
    sessions = made._sessions()
    given = batch(tiny, made.network.shape, sessions)
    tokens, shares = learning.taught(tiny, given, sessions)
    logits = torch.full((len(tokens), 260), -30.0).scatter(1, tokens, shares)
    assert tokens.shape == (int((given.targets >= 0).sum()), learning.LIKELIEST)
    same = learning.divergence(logits, tokens, shares)
    assert float(learning.divergence(torch.zeros(len(tokens), 260), tokens, shares)) > float(same)


def test_real_sessions_come_in_turn_after_the_first_stage(tiny, tmp_path):
    stages = (Stage(8, (Level(),)), Stage(40, (Level(),)))
    real = [Session("1. Read me.", (Asked("said", "What?", "Read me.", ""),), frozenset(), frozenset())]
    recipe = Recipe("quick", stages, batch=8)
    made = Trainer(tiny, recipe, tmp_path, small_shape(tiny), real)
    assert real[0] not in made._sessions()
    made.seen = 8
    assert made._sessions().count(real[0]) == 2
