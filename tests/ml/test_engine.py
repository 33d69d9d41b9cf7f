from __future__ import annotations

import math
from statistics import mean

import pytest
import torch

from rune.ml import engine, gradient, lora
from rune.ml.engine import Engine
from rune.units import done

QUESTIONS = ["Why?", "What caused the failure of the invoice test in the third week?", "How do I build it"]
ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def noisy(layers, seed=5) -> lora.Adapter:
    made = lora.fresh(layers, ALL, 4, 8.0, seed)
    random = torch.Generator().manual_seed(seed)
    for part in made.factors.values():
        part.b = torch.randn(part.b.shape, generator=random) * 0.2
    return made


@pytest.fixture
def served(tiny):
    return Engine(tiny)


@pytest.fixture(scope="module")
def learnt(tiny, lessons, quick, tmp_path_factory):
    """The folder of an adapter that knows both lessons by heart."""
    folder = tmp_path_factory.mktemp("adapters") / "learnt"
    *_, made = gradient.GradientDistiller(tiny, quick).distil(lessons, folder)
    return made.folder


@pytest.mark.parametrize("adapter", [False, True])
def test_a_batch_of_questions_equals_each_alone(served, tiny, adapter):
    used = noisy(tiny.layers) if adapter else None
    together = served.answers(QUESTIONS, used, 24)
    assert together == [served.answers([question], used, 24)[0] for question in QUESTIONS]
    assert len(set(together)) == len(QUESTIONS), "the questions must matter"


@pytest.mark.model
def test_a_batch_equals_each_alone_on_the_real_base_too(real):
    served = Engine(real)
    together = served.answers(QUESTIONS, None, 12)
    assert together == [served.answers([question], None, 12)[0] for question in QUESTIONS]
    assert "paris" in served.answer("What is the capital of France?", None, 24).lower()


def test_decoding_equals_asking_the_plain_model_for_one_token_after_the_other(served, tiny, plain):
    """The twin keeps no cache and pads nothing."""
    ids = torch.tensor([tiny.prompt(QUESTIONS[1])])
    start, model = ids.shape[1], plain()
    with torch.inference_mode():
        for _ in range(16):
            ids = torch.cat([ids, model(input_ids=ids).logits[:, -1].argmax(-1, keepdim=True)], dim=-1)
    made = ids[0, start:].tolist()
    stop = next((n for n, token in enumerate(made) if token in tiny.stop_ids), len(made))
    expected = tiny.tokenizer.decode(made[:stop], skip_special_tokens=True).strip()
    assert served.answers([QUESTIONS[1]], None, 16) == [expected]


def test_an_answer_ends_at_the_stop_token_and_its_neighbours_go_on(served, learnt):
    adapter = served.adapter(learnt)
    assert served.answers(["Which currency?"], adapter, 60) == ["Use EUR."]
    both = served.answers(["Which currency?", "How do I build?"], adapter, 60)
    assert both == ["Use EUR.", "Run `make it`."]


def test_an_answer_is_no_longer_than_asked_for(served, learnt):
    assert served.answer("How do I build?", learnt, 3) == "Run"


def test_without_an_adapter_the_bare_base_answers(served, tiny, learnt):
    bare = served.answer("Which currency?", None, 12)
    assert bare != "Use EUR."
    served.answer("Which currency?", learnt, 12)
    assert served.answer("Which currency?", None, 12) == bare
    assert all(socket.factors is None for socket in tiny.layers.values())


@pytest.mark.parametrize("adapted", [False, True])
def test_the_log_probabilities_of_an_answer_are_what_a_cross_entropy_says(served, tiny, learnt, adapted):
    adapter = served.adapter(learnt) if adapted else None
    prompt = tiny.prompt(QUESTIONS[0])
    told = [*tiny.tokenizer.encode("Use EUR.", add_special_tokens=False), tiny.stop_ids[0]]
    ids = torch.tensor([[*prompt, *told]])
    labels = torch.tensor([[*([-100] * len(prompt)), *told]])
    with lora.attached(tiny.layers, adapter), torch.inference_mode():
        loss = float(tiny.model(input_ids=ids, labels=labels).loss)
    found = served.logprobs(QUESTIONS[0], "Use EUR.", adapter)
    assert len(found) == len(told)
    assert mean(found) == pytest.approx(-loss, abs=1e-4)
    assert served.logprobs(QUESTIONS[0], "Use EUR.", adapter, 2) == pytest.approx(found[:2], abs=1e-4)


def test_an_adapter_makes_what_it_learnt_likelier(served, learnt):
    by = [mean(served.logprobs("Which currency?", "Use EUR.", one)) for one in (served.adapter(learnt), None)]
    assert by[0] > by[1] + 1.0


def test_an_adapter_is_sure_of_what_it_learnt_and_only_the_beginning_counts(served, learnt):
    sure = served.sureness("Which currency?", "Use EUR.", learnt)
    assert 0.8 < sure <= 1.0
    assert served.sureness("Which currency?", "Whatever you like, said the fox.", learnt) < 0.1
    told = served.logprobs("Which currency?", "Use EUR.", served.adapter(learnt))
    assert sure == pytest.approx(math.exp(min(told[: engine.BEGINNING])), abs=1e-4)


def test_no_question_no_answer(served):
    assert served.answers([], None, 12) == []


def test_adapters_in_use_are_kept_and_the_longest_unused_goes(served, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "KEPT", 2)
    for name in ("a", "b", "c"):
        lora.save(noisy(tiny.layers), tmp_path / name, tiny.name)
    first = served.adapter(tmp_path / "a")
    served.adapter(tmp_path / "b")
    assert served.adapter(tmp_path / "a") is first
    served.adapter(tmp_path / "c")
    assert list(served._kept) == [tmp_path / "a", tmp_path / "c"]


def test_the_prompt_is_the_question_and_nothing_else(tiny):
    text = tiny.tokenizer.decode(tiny.prompt("Why?"))
    assert text == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.model
def test_the_real_prompt_is_chatml_without_a_system_turn(real):
    text = real.tokenizer.decode(real.prompt("Why?"))
    assert text == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
    assert real.tokenizer.convert_ids_to_tokens(real.stop_ids[0]) == "<|im_end|>"
    assert real.count("one two three") == 3


def test_a_single_answer_leaves_the_number_of_threads_as_it_was(tiny):
    import torch

    before = torch.get_num_threads()
    Engine(tiny).answer("Which currency?", None, 3)
    assert torch.get_num_threads() == before


class Counted:
    """Counts the calls of a base's model."""

    def __init__(self, monkeypatch, model):
        self.calls = 0
        before = model.forward

        def forward(*arguments, **settings):
            self.calls += 1
            return before(*arguments, **settings)

        monkeypatch.setattr(model, "forward", forward)


GUESSES = (
    ("Which currency?", "Use EUR."),  # right
    ("Which currency?", "Use USD."),  # wrong in the middle
    ("How do I build?", "Nobody knows."),  # wrong from the start
    ("How do I build?", "Run `make it`. Then wait."),  # right, and then goes on
    ("How do I build?", "Run"),  # right, and ends too early
)


@pytest.mark.parametrize("limit", [2, 60])
def test_foreseen_answers_are_the_greedy_ones_whatever_was_foreseen(served, learnt, limit):
    adapter = served.adapter(learnt)
    guesses = [engine.Guess(question, answer, limit) for question, answer in GUESSES]
    alone = [served.answers([question], adapter, limit)[0] for question, _ in GUESSES]
    assert done(served.checking(guesses, adapter)) == alone
    bare = served.answers([one.question for one in guesses], None, limit)
    assert done(served.checking(guesses, None)) == bare
    assert done(served.checking([], adapter)) == []


def test_what_was_foreseen_rightly_is_not_decoded(served, tiny, learnt, monkeypatch):
    adapter, counted = served.adapter(learnt), Counted(monkeypatch, tiny.model)
    right = engine.Guess(*GUESSES[0], 60)
    assert done(served.checking([right, right], adapter)) == ["Use EUR."] * 2
    assert counted.calls == 0  # one pass through the blocks, none through the head for every token
    done(served.checking([engine.Guess(*GUESSES[1], 60)], adapter))
    assert 0 < counted.calls < len(tiny.tokenizer.encode("Use EUR."))


def test_each_answer_has_a_limit_of_its_own_and_the_others_go_on(served, tiny):
    limits = zip(QUESTIONS, (1, 9, 24), strict=True)
    guesses = [engine.Guess(question, "", limit) for question, limit in limits]
    told = done(served.checking(guesses, None))
    assert told == [served.answers([one.question], None, one.limit)[0] for one in guesses]


def test_a_question_too_long_to_be_read_with_its_guess_is_decoded(served, learnt, tiny):
    adapter, question = served.adapter(learnt), "Which currency? " * 60
    told = done(served.checking([engine.Guess(question, "Use EUR.", 12)], adapter))
    assert told == served.answers([question], adapter, 12)


def test_between_two_units_the_base_is_bare_and_answers_others(served, tiny, learnt):
    adapter, bare = served.adapter(learnt), served.answer("Which currency?", None, 12)
    work = served.checking([engine.Guess(*GUESSES[1], 60), engine.Guess(*GUESSES[2], 60)], adapter)
    stops = 0

    def others():
        nonlocal stops
        stops += 1
        assert all(socket.factors is None for socket in tiny.layers.values())
        assert served.answer("Which currency?", None, 12) == bare

    assert run_with(work, others) == ["Use EUR.", "Run `make it`."]
    assert stops > 3


def test_rows_with_adapters_of_their_own_keep_them_when_others_are_done(served, tiny, learnt):
    adapter, other = served.adapter(learnt), noisy(tiny.layers)
    questions = ["Which currency?"] * 3 + QUESTIONS[:2]
    alone = [served.answers([one], adapter, 24)[0] for one in questions[:3]]
    alone += [served.answers([one], other, 24)[0] for one in questions[3:]]
    padded = lora.Adapter(adapter.rank, adapter.alpha, {})
    both = {}
    for name, part in adapter.factors.items():
        theirs = other.factors[name]
        scaled = theirs.b * (other.scale / padded.scale)
        a, b = (torch.zeros(part.a.shape), torch.zeros(part.b.shape))
        a[: other.rank], b[:, : other.rank] = theirs.a, scaled
        both[name] = lora.Factors(torch.stack([part.a] * 3 + [a] * 2), torch.stack([part.b] * 3 + [b] * 2))
    batch = lora.Adapter(adapter.rank, adapter.alpha, both)
    assert served.answers(questions, batch, 24) == alone


def run_with(work, others):
    """Run to the end, and something else wherever it stops."""
    while True:
        try:
            next(work)
        except StopIteration as over:
            return over.value
        others()
