"""Requests in a batch against each alone, and what happens when one is too much, broken or taken back."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from tests.ml.serve.conftest import ask, drained, run, texts

from rune.errors import AdapterError, EngineBusy, PromptTooLong
from rune.ml import lora
from rune.ml.serve.runner import Runner

PROMPTS = [
    "Why?", "What caused the failure of the invoice test in the third week?", "How do I build it",
    "Which command runs the tests of the ledger", "a", "Where is the currency set, and by whom? " * 3,
]  # fmt: skip


@pytest.fixture
def mixed(kinds):
    """Requests with all kinds of adapters, lengths and samplings."""
    parts = [None, *kinds.values()]
    return [
        ask(
            f"r{n}", PROMPTS[n % len(PROMPTS)], *([parts[n % len(parts)]] if parts[n % len(parts)] else []),
            max_tokens=4 + n % 13, temperature=(0.0, 0.9)[n % 2], top_p=(1.0, 0.8)[n // 2 % 2], seed=n,
        )
        for n in range(20)
    ]  # fmt: skip


def alone(make, requests):
    runner = make()
    return {request.id: run(runner, request)[request.id] for request in requests}


@pytest.mark.parametrize("prefill", [256, 5])
def test_a_batch_equals_each_alone_whatever_the_adapters(make, mixed, prefill):
    together = run(make(prefill_tokens=prefill), *mixed)
    assert together == alone(make, mixed)
    assert len(set(together.values())) > 10, "the requests must differ"


@pytest.mark.parametrize("seed", range(3))
def test_joining_leaving_and_cancelling_at_random_steps_changes_no_answer(make, mixed, seed):
    chance, expected = random.Random(seed), alone(make, mixed)
    runner, events, todo = make(rows=5, prefill_tokens=16), [], list(mixed)
    chance.shuffle(todo)
    dropped = {request.id for request in todo[::6]}
    while todo or runner.busy:
        while todo and chance.random() < 0.4:
            runner.submit(todo.pop())
        events += runner.step()
        for id in [row.id for row in runner.running if row.id in dropped and len(row.tokens) > 1]:
            runner.cancel(id)
    found = texts(events)
    ends = {event.id: event.finish for event in events if event.finish}
    assert set(ends) == {request.id for request in mixed}
    for id, text in expected.items():
        if ends[id] == "cancelled":
            assert text.startswith(found[id])
        else:
            assert found[id] == text
    assert "cancelled" in ends.values()


def test_short_prompts_are_read_in_one_pass_and_long_ones_in_parts(make, tiny, kinds, monkeypatch):
    passes, before = [], tiny.model.base_model.forward

    def forward(*arguments, **settings):
        passes.append(tuple(settings["input_ids"].shape))
        return before(*arguments, **settings)

    monkeypatch.setattr(tiny.model.base_model, "forward", forward)
    sizes = {"a": 12, "b": 10, "c": 12, "long": 40, "short": 2}
    runner, parts = make(prefill_tokens=40), list(kinds.values())
    for n, (id, size) in enumerate(sizes.items()):
        text = tiny.tokenizer.decode([65 + n] * size)
        assert len(tiny.tokenizer.encode(text, add_special_tokens=False)) == size
        runner.submit(ask(id, text, parts[n % len(parts)], max_tokens=4))
    runner.step()
    assert passes == [(3, 12), (1, 4), (3, 1)]  # three prompts, the beginning of the long one, a step
    assert [row.id for row in runner.running] == ["a", "b", "c"]
    runner.step()
    assert passes[3:5] == [(1, 36), (1, 2)]  # a pass for both would be nearly all padding


def test_one_behind_a_broken_adapter_that_does_not_fit_is_read_next(make, kinds):
    asked = [
        ask("a", PROMPTS[2], kinds["down"]),
        ask("b", PROMPTS[2], kinds["wide"]),
        ask("c", PROMPTS[1], kinds["small"]),
    ]
    expected = alone(make, [asked[0], asked[2]])
    runner = make(prefill_tokens=40)
    for one in asked:
        runner.submit(one)
    folder = Path(kinds["wide"].folder)
    folder.rename(folder.with_name("gone"))
    events = runner.step()
    assert ([row.id for row in runner.running], runner.reading and runner.reading.id) == (["a"], "c")
    found = texts([*events, *drained(runner)])
    assert {id: found[id] for id in expected} == expected


def test_greedy_answers_are_those_of_the_plain_engine(make, tiny, kinds):
    from rune.ml.engine import Engine

    plain = Engine(tiny)
    for part in [None, *kinds.values()]:
        prompt = tiny.tokenizer.decode(tiny.prompt(PROMPTS[1]))
        expected = plain.answer(PROMPTS[1], Path(part.folder) if part else None, 16)
        assert run(make(), ask("a", prompt, *([part] if part else [])))["a"].strip() == expected


@pytest.mark.model
def test_on_the_real_base_a_batch_equals_each_alone(real):
    from rune.config import EngineConfig

    runner = Runner(real, EngineConfig(prefill_tokens=8))
    asked = [ask(str(n), real.tokenizer.decode(real.prompt(PROMPTS[n])), max_tokens=10) for n in range(3)]
    together = run(runner, *asked)
    assert together == {one.id: run(runner, one)[one.id] for one in asked}
    runner.close()


def test_events_tell_tokens_and_one_end(make):
    runner = make()
    runner.submit(ask("a", "Why?", max_tokens=6))
    events = drained(runner)
    assert [event.finish for event in events if event.finish] == ["length"] == [events[-1].finish]
    assert events[-1].tokens == 6
    assert events[-1].prompt_tokens == 4
    assert [event.tokens for event in events] == sorted(event.tokens for event in events)
    assert not runner.busy


def test_a_stop_string_ends_an_answer_and_is_no_part_of_it(make):
    whole = run(make(), ask("a", "Why?"))["a"]
    mark = whole[5:8]
    runner = make()
    runner.submit(ask("a", "Why?", stop=(mark,)))
    events = drained(runner)
    assert texts(events)["a"] == whole[: whole.index(mark)]
    assert events[-1].finish == "stop"


def test_a_cancelled_request_is_gone_with_the_next_step(make):
    runner = make(rows=1)
    for id in ("runs", "waits", "stays"):
        runner.submit(ask(id, "Why?", max_tokens=5))
    runner.step()
    runner.cancel("runs")
    runner.cancel("waits")
    runner.cancel("nobody")
    ends = {event.id: event.finish for event in runner.step() if event.finish}
    assert ends == {"runs": "cancelled", "waits": "cancelled"}
    assert [row.id for row in runner.running] == ["stays"]
    drained(runner)


def test_cancelling_one_that_reads_its_prompt_leaves_the_others_alone(make, kinds):
    runner = make(prefill_tokens=4)
    expected = run(make(), ask("b", PROMPTS[0], kinds["small"]))["b"]
    runner.submit(ask("b", PROMPTS[0], kinds["small"]))
    runner.step()
    runner.submit(ask("a", PROMPTS[1], kinds["down"]))
    first = runner.step()
    assert runner.reading
    runner.cancel("a")
    assert texts([*first, *drained(runner)])["b"][-len(expected) + 4 :] == expected[4:]


def test_one_client_with_many_requests_does_not_keep_another_from_its_turn(make):
    runner = make(rows=1)
    for n in range(6):
        runner.submit(ask(f"many{n}", "Why?", client="many", max_tokens=2))
    runner.submit(ask("one", "Why?", client="one", max_tokens=2))
    ends = [event.id for event in drained(runner) if event.finish]
    assert ends.index("one") == 1


def test_a_full_queue_sends_away_and_says_for_how_long(make):
    runner = make(rows=1, queue=2)
    for n in range(2):
        runner.submit(ask(str(n), "Why?", client=str(n)))
    with pytest.raises(EngineBusy) as busy:
        runner.submit(ask("2", "Why?", client="2"))
    assert 1.0 <= busy.value.retry_after <= 60.0
    assert len(run(runner)) == 2


def test_whoever_waits_too_long_is_told(make, tiny, clock):
    from rune.config import EngineConfig

    runner = Runner(tiny, EngineConfig(rows=1, queue_seconds=10), clock)
    runner.submit(ask("a", "Why?", max_tokens=3))
    runner.submit(ask("b", "Why?", max_tokens=3))
    first = runner.step()
    clock.advance(11)
    ends = {event.id: event for event in [*first, *drained(runner)] if event.finish}
    assert (ends["a"].finish, ends["b"].finish) == ("length", "error")
    assert "waited" in ends["b"].error
    runner.close()


def test_a_prompt_that_does_not_fit_is_refused(make):
    with pytest.raises(PromptTooLong, match="at most 64 tokens"):
        make(context=64).submit(ask("a", "x" * 60, max_tokens=8))
    make(context=64).submit(ask("a", "x" * 56, max_tokens=8))
    with pytest.raises(PromptTooLong, match="budget"):
        make(budget_mb=0).submit(ask("a", "Why?"))


def test_an_empty_prompt_is_answered(make):
    assert run(make(), ask("a", ""))["a"]


def test_a_broken_adapter_fails_its_own_request_alone(make, kinds):
    runner = make()
    weights = Path(kinds["wide"].folder) / lora.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    runner.submit(ask("good", "Why?", kinds["down"]))
    with pytest.raises(AdapterError):
        runner.submit(ask("bad", "Why?", kinds["wide"]))
    assert run(runner).keys() == {"good"}


def test_an_adapter_that_goes_while_its_request_waits_ends_that_request(make, kinds):
    runner = make()
    runner.submit(ask("bad", "Why?", kinds["wide"]))
    runner.submit(ask("good", "Why?", kinds["down"]))
    Path(kinds["wide"].folder).rename(Path(kinds["wide"].folder + "-gone"))
    ends = {event.id: event for event in drained(runner) if event.finish}
    assert "no folder" in ends["bad"].error
    assert ends["good"].finish == "length"


def test_several_adapters_in_one_request_need_the_setting(make, kinds):
    both = ask("a", "Why?", kinds["small"], kinds["down"])
    with pytest.raises(AdapterError, match="composition"):
        make().submit(both)
    assert run(make(composition=True), both)["a"] != run(make(), ask("a", "Why?", kinds["small"]))["a"]


def test_adapters_beyond_the_budget_take_turns_and_answer_as_ever(make, adapter):
    parts = [adapter(str(n), rank=8, seed=n) for n in range(5)]
    asked = [ask(f"{n}", "Why?", parts[n % 5]) for n in range(15)]
    runner = make(rows=2)
    one = runner.pool.get(parts[0]).bytes
    # two rows, their keys and values, and three adapters
    runner.pool.budget = 3 * one + 2 * one + runner.cache.bytes_for(2, 128)
    assert run(runner, *asked) == run(make(), *asked)
    stats = runner.stats()
    assert stats.evictions > 0
    assert stats.resident <= 4
    assert stats.kv_bytes == 0, "an idle engine keeps no keys and values"
    assert stats.adapter_bytes <= runner.pool.budget


def test_what_never_fits_into_the_budget_ends_with_an_error_and_the_next_one_goes_on(make, adapter):
    runner = make(rows=2)
    part = adapter("a", rank=16)
    runner.pool.budget = runner.cache.bytes_for(1, 128) + 100
    runner.submit(ask("large", "Why?", part))
    runner.submit(ask("small", "Why?"))
    ends = {event.id: event.finish for event in drained(runner) if event.finish}
    assert ends == {"large": "error", "small": "length"}


def test_an_adapter_fetched_before_is_a_hit(make, kinds):
    runner = make()
    runner.prefetch(kinds["wide"])
    run(runner, ask("a", "Why?", kinds["wide"]))
    stats = runner.stats()
    assert (stats.loads, stats.hits) == (1, 1)


def test_learning_between_two_steps_sees_the_bare_base(make, tiny, kinds):
    ids = torch.tensor([tiny.prompt("Why?")])
    with torch.inference_mode():
        before = tiny.model(input_ids=ids).logits
    runner = make()
    runner.submit(ask("a", "Why?", kinds["wide"], max_tokens=4))
    runner.step()
    with torch.inference_mode():
        assert torch.equal(tiny.model(input_ids=ids).logits, before)
    drained(runner)
