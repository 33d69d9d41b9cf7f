from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from rune import reader
from rune.config import DistilConfig
from rune.ml import gradient, lora, neutral, packing, start, teacher
from rune.ml.engine import Engine
from rune.ml.objective import Objective
from rune.ml.packing import Example
from rune.ml.teacher import Teacher, Told
from rune.records import general
from rune.units import done

PASSAGES = ("$ shop --currency\nEUR", "$ make it\nok")


def told_of(logits: torch.Tensor, top: int) -> Told:
    shares, ids = logits.softmax(-1).topk(top, dim=-1)
    return Told(ids, torch.cat([shares, 1 - shares.sum(-1, keepdim=True)], dim=-1))


def whole(teaches: torch.Tensor, learns: torch.Tensor) -> torch.Tensor:
    """KL(teacher || adapter) over the whole vocabulary, [A]."""
    ours, theirs = learns.log_softmax(-1), teaches.log_softmax(-1)
    return functional.kl_div(ours, theirs, reduction="none", log_target=True).sum(-1)


def test_the_divergence_is_that_of_the_whole_vocabulary_where_all_of_it_is_kept():
    dice = torch.Generator().manual_seed(1)
    teaches, learns = (torch.randn(5, 40, generator=dice) * 3 for _ in range(2))
    kept = Teacher({0: told_of(teaches, 39)}).divergence(0, learns)
    torch.testing.assert_close(kept, whole(teaches, learns), rtol=1e-3, atol=1e-3)


def test_over_the_likeliest_tokens_it_is_less_but_never_below_nothing():
    dice = torch.Generator().manual_seed(2)
    teaches, learns = (torch.randn(50, 40, generator=dice) * 3 for _ in range(2))
    one = Teacher({3: told_of(teaches, 6)})
    few = one.divergence(3, learns)
    assert few is not None
    assert bool((few <= whole(teaches, learns) + 1e-5).all())
    assert bool((few > -1e-6).all())
    torch.testing.assert_close(one.divergence(3, teaches), torch.zeros(50), rtol=0, atol=1e-4)


def test_of_a_beginning_the_first_tokens_count_and_without_a_passage_nothing_does():
    dice = torch.Generator().manual_seed(3)
    teaches, learns = (torch.randn(9, 30, generator=dice) for _ in range(2))
    one = Teacher({0: told_of(teaches, 8)})
    torch.testing.assert_close(one.divergence(0, learns[:4]), one.divergence(0, learns)[:4])
    assert one.divergence(1, learns) is None


def test_the_teacher_says_what_the_base_says_with_the_passage_in_its_prompt(tiny, lessons):
    read = done(teacher.teaching(tiny, lessons, (PASSAGES[0], "  ")))
    assert set(read.told) == {0}
    asked = tiny.prompt(reader.prompt(PASSAGES[0], lessons[0].questions[0]))
    answer = [*tiny.tokenizer.encode(lessons[0].answer, add_special_tokens=False), tiny.stop_ids[0]]
    with torch.inference_mode():
        logits = tiny.model(input_ids=torch.tensor([[*asked, *answer]])).logits[0]
    plain = logits[len(asked) - 1 : -1].float()
    assert len(read.told[0].ids) == len(answer)
    torch.testing.assert_close(
        read.divergence(0, plain), torch.zeros(len(answer)), rtol=0, atol=1e-3
    )  # fmt: skip


def test_a_long_passage_is_read_around_the_answer(tiny, lessons):
    long = "\n".join(f"line {n} of the build" for n in range(400))
    near = teacher.near(tiny, f"{long}\nthe currency is EUR\n{long}", ("EUR",))
    assert "the currency is EUR" in near
    assert len(tiny.tokenizer.encode(near)) <= teacher.PASSAGE


def test_how_well_a_base_reads_is_asked_once_for_all_its_processes(tiny, tmp_path, monkeypatch):
    kept = tmp_path / "general.json"
    share = done(teacher.reads(Engine(tiny), kept))
    assert share == 0.0, "it has random weights"
    right = {probe.prompt: f"It is {probe.keys[0]}." for probe in reader.PROBES[:6]}
    wrong = {probe.prompt: "No idea." for probe in reader.PROBES[6:]}
    general.keep(kept, f"{tiny.hash}:{neutral.TOKENS}", right | wrong)
    engine = Engine(tiny)
    monkeypatch.setattr(engine, "answering", None)
    assert done(teacher.reads(engine, kept)) == 0.5


def test_no_reading_probe_is_answered_by_its_question():
    for probe in reader.PROBES:
        asked = probe.question.lower()
        assert not any(key.lower() in asked for key in probe.keys), probe.question
        assert all(key.lower() in probe.passage.lower() for key in probe.keys), probe.question


def test_the_embedded_base_is_no_teacher_and_nothing_is_spent_to_know_it(tiny, monkeypatch):
    known = replace(tiny, hash=start_base())
    engine = Engine(known)
    monkeypatch.setattr(engine, "answering", None)
    assert done(teacher.reads(engine, None)) < DistilConfig().reader_floor


def start_base() -> str:
    import json

    return str(json.loads((start.EMBEDDED / start.NAME).read_text("utf-8"))["base_hash"])


@pytest.mark.parametrize(
    ("floor", "weight", "passages", "teaches"),
    [
        (0.0, 0.5, PASSAGES, True),
        (0.75, 0.5, PASSAGES, False),
        (0.0, 0.0, PASSAGES, False),
        (0.0, 0.5, (), False),
        (0.0, 0.5, ("", ""), False),
    ],
    ids=["always", "it does not read well", "no weight", "no record", "nothing of the session"],
)
def test_a_base_teaches_where_it_reads_well_enough(
    tiny, lessons, quick, tmp_path, floor, weight, passages, teaches
):
    how = replace(quick, max_epochs=2, context_weight=weight, reader_floor=floor, paraphrases=False)
    *_, made = gradient.GradientDistiller(tiny, how).distil(lessons, tmp_path, passages=passages)
    assert made.settings["taught_by_context"] is teaches
    assert (made.settings["reads"] is None) is (weight == 0.0 or not any(passages))


def test_what_is_learnt_from_the_teacher_comes_nearer_to_it_than_what_is_learnt_from_answers(
    tiny, lessons, quick
):
    general_questions = neutral.ask(tiny, Engine(tiny), neutral.TRAINED[:2])
    read = done(teacher.teaching(tiny, lessons, PASSAGES))
    apart = {}
    for weight in (0.0, 1.0):
        adapter = lora.fresh(tiny.layers, quick.targets, 8, 16.0, 7)
        aim = Objective(general_questions, quick.neutral_weight, read, weight)
        for _ in gradient.train(tiny, adapter, lessons, aim, replace(quick, max_epochs=25)):
            pass
        apart[weight] = divergence(tiny, adapter, lessons, read)
    assert apart[1.0] < divergence(tiny, None, lessons, read) / 2
    assert apart[1.0] < apart[0.0] / 2


def divergence(tiny, adapter, lessons, read) -> float:
    """Of the answers' tokens after each lesson's first question, in nats."""
    total = 0.0
    for place, one in enumerate(lessons):
        row = [packing.example(tiny, one.questions[0], one.answer, 208)]
        with torch.inference_mode(), lora.attached(tiny.layers, adapter):
            states, _ = packing.hidden(tiny, row)
            total += float(read.divergence(place, tiny.model.lm_head(states).float()).mean())
    return total


def test_half_of_the_teacher_is_half_of_each_token_s_loss_and_the_first_count_double():
    logits = torch.randn(6, 12, generator=torch.Generator().manual_seed(4))
    targets = torch.arange(6)
    row = [Example(tuple(range(9)), 3, 0)]
    plain = functional.cross_entropy(logits, targets, reduction="none")
    teaches = torch.randn(6, 12, generator=torch.Generator().manual_seed(5))
    read = Teacher({0: told_of(teaches, 11)})
    counts = torch.tensor([2.0, 2, 2, 2, 1, 1])
    empty = neutral.Neutral((), ())
    found = Objective(empty, 1.0, read, 0.5).loss(row, logits, targets)
    apart = read.divergence(0, logits)
    torch.testing.assert_close(found, ((0.5 * plain + 0.5 * apart) * counts).sum() / 6)
    alone = Objective(empty, 1.0).loss(row, logits, targets)
    torch.testing.assert_close(alone, (plain * counts).sum() / 6)
