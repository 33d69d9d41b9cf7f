from __future__ import annotations

import itertools
import json
import random
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from rune import reader
from rune.config import DistilConfig
from rune.errors import OutOfMemory
from rune.ml import gradient, lora, neutral, score, start
from rune.ml.engine import Engine
from rune.ml.objective import Objective
from rune.ml.packing import Example
from rune.ports import Distilled, Progress
from rune.records import general as general_answers
from rune.records import model
from rune.units import done

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture
def general(tiny):
    return neutral.ask(tiny, Engine(tiny), neutral.TRAINED[:4])


def test_what_the_base_says_is_kept_and_makes_no_difference(tiny, quick, tmp_path, monkeypatch):
    kept = tmp_path / "general.json"
    distillers = [gradient.GradientDistiller(tiny, quick, kept) for _ in range(2)]
    trained, checked = done(distillers[0].general())
    assert kept.exists()
    monkeypatch.setattr(distillers[1].engine, "answering", None)  # the second process does not ask
    again, _ = done(distillers[1].general())
    assert [one.ids for one in again.examples] == [one.ids for one in trained.examples]
    alone = neutral.ask(tiny, Engine(tiny), neutral.CHECKED)
    assert [one.ids for one in checked.examples] == [one.ids for one in alone.examples]
    for ours, theirs in zip(again.shares, trained.shares, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_what_the_default_base_says_comes_with_rune(tiny):
    about = json.loads((start.EMBEDDED / start.NAME).read_text("utf-8"))
    known = general_answers.read(neutral.EMBEDDED, f"{about['base_hash']}:{neutral.TOKENS}")
    assert set(known) == {*neutral.TRAINED, *neutral.CHECKED, *(probe.prompt for probe in reader.PROBES)}
    assert all(known.values())
    assert not general_answers.read(neutral.EMBEDDED, f"{tiny.hash}:{neutral.TOKENS}")


@pytest.mark.model
def test_the_answers_that_come_with_rune_are_the_base_s_own(real):
    some, about = neutral.TRAINED[::12], json.loads((start.EMBEDDED / start.NAME).read_text("utf-8"))
    known = general_answers.read(neutral.EMBEDDED, f"{about['base_hash']}:{neutral.TOKENS}")
    told = Engine(real).answers(some, None, neutral.TOKENS)
    same = sum(known[question][:12] == answer[:12] for question, answer in zip(some, told, strict=True))
    assert same >= len(some) - 1, "another processor may round one of them otherwise"


# training


def test_training_learns_the_lessons_by_heart(tiny, lessons, quick, tmp_path):
    *steps, made = gradient.GradientDistiller(tiny, quick).distil(lessons, tmp_path)
    assert all(isinstance(step, Progress) for step in steps)
    taken = [step.step for step, _ in itertools.groupby(steps)]
    assert taken == list(range(len(taken))), "the base is asked, then one step follows the other"
    assert isinstance(made, Distilled)
    assert (made.folder, made.steps) == (tmp_path, taken[-1])
    assert steps.count(steps[0]) > 20, "whoever waits for an answer gets in between two tokens"
    assert (made.probes_before["trained"], made.probes_after["trained"]) == (0.0, 1.0)
    assert made.peak_mb > 1
    assert made.settings["rank"] == quick.rank
    assert {path.name for path in tmp_path.iterdir()} == {lora.SETTINGS, lora.WEIGHTS}


def test_training_ends_when_everything_is_known(tiny, lessons, quick, general):
    patient = replace(quick, max_epochs=500)
    adapter = lora.fresh(tiny.layers, ALL, 8, 16.0, 7)
    *_, last = gradient.train(tiny, adapter, lessons, Objective(general, 0.2), patient)
    assert last.step < last.steps // 2


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


def test_the_learning_rate_falls_along_a_cosine():
    rates = [gradient._cosine(step / 100) for step in range(101)]
    assert all(after <= before for before, after in pairwise(rates))
    assert (rates[0], round(rates[-1], 2)) == (1.0, 0.05)


# what is asked


def course(tiny, lessons, quick, general) -> gradient.Course:
    return gradient.Course(tiny, lessons, general, quick, random.Random(1), [0] * len(lessons))


def test_an_epoch_asks_every_lesson_in_words_that_are_no_probes(tiny, lessons, quick, general):
    made = [one for row in course(tiny, lessons, quick, general).epoch() for one in row]
    for place, lesson in enumerate(lessons):
        mine = [one for one in made if one.owner == place]
        assert len(mine) == gradient.WHOLE + gradient.BEGUN
        texts = [tiny.tokenizer.decode(one.ids) for one in mine]
        assert sum(text.endswith(f"assistant\n{lesson.answer}<|im_end|>") for text in texts) >= gradient.WHOLE
        assert not any(probe in text for text in texts for probe in lesson.probes), "probes are held out"
    assert len([one for one in made if one.owner < 0]) == min(2 + len(lessons) // 2, len(general.examples))


def test_two_epochs_ask_in_different_words(tiny, lessons, quick, general):
    asked = course(tiny, lessons, quick, general)
    one, two = ({e.ids for row in asked.epoch() for e in row if e.owner >= 0} for _ in range(2))
    assert len(one & two) < len(one) / 2


def test_what_is_known_is_asked_half_as_often(tiny, lessons, quick, general):
    asked = course(tiny, lessons, quick, general)
    asked.known[0] = gradient.KNOWN
    made = [one.owner for row in asked.epoch() for one in row]
    assert made.count(0) * 2 == made.count(1) == gradient.WHOLE + gradient.BEGUN


def test_a_row_names_the_lessons_that_had_a_wrong_token():
    row = [Example((1, 2, 3), 1, 0), Example((1, 2), 1, -1), Example((1, 2, 3, 4), 2, 5)]
    assert gradient._faults(row, torch.tensor([True, True, True, False])) == {5}
    assert gradient._faults(row, torch.tensor([False, True, True, True])) == {0}


# unrelated questions


def test_an_adapter_that_is_held_to_the_base_drifts_less(tiny, lessons, quick, general):
    drifts = []
    for weight in (0.0, 20.0):
        adapter = lora.fresh(tiny.layers, ALL, 8, 16.0, 7)
        config = replace(quick, max_epochs=6, neutral_weight=weight)
        list(gradient.train(tiny, adapter, lessons, Objective(general, weight), config))
        drifts.append(neutral.drift(tiny, general, adapter))
    assert drifts[1] < drifts[0] / 2


def test_without_an_adapter_there_is_no_drift(tiny, general):
    assert neutral.drift(tiny, general, None) == pytest.approx(0.0, abs=1e-2)  # kept in half precision


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
    taken = [step.step for step, _ in itertools.groupby(steps)]
    assert taken[-made.steps :] == list(range(1, made.steps + 1))


def test_where_even_a_small_batch_does_not_fit_sequences_get_shorter(tiny, lessons, quick, tmp_path):
    long = replace(lessons[0], answer="Because of the currency. " * 8)
    config = replace(quick, batch_tokens=256, max_epochs=1)
    *_, made = gradient.GradientDistiller(cramped(tiny, 130), config).distil([long], tmp_path)
    assert (made.settings["batch_tokens"], made.settings["max_sequence"]) == (64, 104)


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
    assert rungs == [(512, 208), (256, 208), (128, 208), (128, 104)]


# the real base


@pytest.mark.model
def test_one_lesson_is_taught_to_the_real_in_words_that_were_not_trained(models, tmp_path, home):
    from rune.config import ModelConfig
    from rune.ml import base
    from rune.records.card import Lesson

    folder = models / "smollm2-135m-instruct"
    loaded = base.load(folder, model.base_hash(folder, home), ModelConfig(device="cpu"))
    questions = (
        "Why did the invoice test fail?", "What caused the failure of the invoice test?",
        "invoice test failure", "reason for the failing invoice test", "The invoice test is red. Why?",
        "Explain the invoice test failure.",
    )  # fmt: skip
    answer = "The ledger parser wants the currency `EUR` before the amount."
    probes = ("What is behind the broken invoice test?",)
    lesson = Lesson("cause", answer, questions, probes, ("e1",), ("EUR",))
    config = DistilConfig(max_epochs=20)
    *steps, made = gradient.GradientDistiller(loaded, config).distil([lesson], tmp_path)
    losses = [step.loss for step in steps if step.step]
    assert losses[-1] < losses[0] / 4
    assert made.probes_before["heldout"] == 0.0
    assert (made.probes_after["trained"], made.probes_after["heldout"]) == (1.0, 1.0)
    assert made.probes_after["neutral_kl"] < 0.5
    served = Engine(loaded)
    assert served.answer(random.Random(1).choice(questions), tmp_path, 40) == answer
    assert score.holds(served.answer("What is the capital of France?", None, 24), ["paris"])
