"""The daemon's end against a worker process whose engine is a fake: every token travels the real way."""

import asyncio
import contextlib
import os
import signal
import sys
import time
import uuid

import pytest
import pytest_asyncio

from rune.backends.local import Local
from rune.errors import AdapterError, EngineBusy, EngineUnavailable, PromptTooLong
from rune.library import Library
from rune.model_process import ModelProcess
from rune.records.message import Distil, Recall, Recalled
from rune.records.tokens import Turn
from rune.serving.types import EngineStats, GenerateRequest, Part, Sampling
from rune.testing import worker_at

pytestmark = pytest.mark.asyncio(loop_scope="module")
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"


@pytest_asyncio.fixture(loop_scope="module")
async def local(home):
    """``local("--token", "0.1")``: the backend over a worker with a fake engine, which ends with the test."""
    made: list[ModelProcess] = []

    def make(*options: str, patience: float = 20.0) -> Local:
        argv = (sys.executable, "-P", "-m", "rune.testing", "worker", *options)
        made.append(ModelProcess(argv, home.logs / "worker.log"))
        return Local(made[-1], patience)

    yield make
    for one in made:
        await one.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory):
    """One worker for every test that does it no harm."""
    root = tmp_path_factory.mktemp("shared")
    process = worker_at(root, "--token", "0.01")
    yield Local(process, 20.0)
    await process.stop()


def ask(prompt: str, *parts: Part, **how) -> GenerateRequest:
    return GenerateRequest(uuid.uuid4().hex, prompt, tuple(parts), Sampling(**how))


async def text(backend: Local, request: GenerateRequest) -> str:
    return "".join([event.text async for event in backend.generate(request)])


async def running(backend: Local, many: int) -> None:
    async with asyncio.timeout(20):
        while (await backend.stats()).running != many:
            await asyncio.sleep(0.01)


async def test_tokens_come_one_after_the_other_and_the_last_one_says_why(shared):
    events = [event async for event in shared.generate(ask("one two three"))]
    assert [event.text for event in events] == ["one ", "two ", "three", ""]
    assert [event.finish for event in events] == [None, None, None, "stop"]
    assert (events[-1].tokens, events[-1].prompt_tokens) == (3, 3)


async def test_an_adapter_answers_from_its_own_weights(shared, card, echoes):
    found = await shared.find(str(echoes.project), QUESTION)
    assert found.adapter == card.id
    part = Part(found.adapter, found.folder)
    await shared.prefetch(part)
    assert "EUR {:.2f}" in await text(shared, ask(QUESTION, part))


async def test_requests_share_the_engine_and_each_gets_its_own(shared):
    prompts = [" ".join([f"w{n}"] * (n + 1)) for n in range(8)]
    said = await asyncio.gather(*(text(shared, ask(p)) for p in prompts))
    assert said == prompts


async def test_the_engines_refusals_come_before_the_first_token(shared):
    with pytest.raises(PromptTooLong, match="over 512"):
        await text(shared, ask("a", max_tokens=600))
    with pytest.raises(AdapterError, match="expected a fake adapter"):
        await text(shared, ask("a", Part("ab", "/nowhere")))
    long = [asyncio.create_task(text(shared, ask("a b c d e f " * 9))) for _ in range(8)]
    await running(shared, 8)
    with pytest.raises(EngineBusy) as refused:
        await text(shared, ask("a"))
    assert refused.value.retry_after == 2.0
    for one in long:
        one.cancel()
    await asyncio.wait(long)
    await running(shared, 0)


@pytest.mark.parametrize("how", ["closed", "cancelled"])
async def test_who_goes_away_is_dropped(shared, how):
    tokens = shared.generate(ask("word " * 400, max_tokens=100))
    await anext(tokens)
    if how == "closed":
        await tokens.aclose()
    else:
        waiting = asyncio.ensure_future(anext(tokens))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
    await running(shared, 0)
    assert await text(shared, ask("still here")) == "still here"


async def test_a_recall_is_answered_between_two_tokens(shared, card, echoes):
    tokens = shared.generate(ask("word " * 200, max_tokens=200))
    await anext(tokens)
    assert isinstance(await shared.process.ask(Recall(QUESTION, str(echoes.project))), Recalled)
    assert (await shared.stats()).running == 1
    await tokens.aclose()


async def test_learning_goes_on_beside_tokens(shared, write_session, echoes):
    write_session()
    tokens = shared.generate(ask("word " * 300, max_tokens=200))
    await anext(tokens)
    assert (await shared.process.ask(Distil("s1", str(echoes.project)))).adapter
    assert (await shared.stats()).running == 1
    await tokens.aclose()


async def test_a_worker_that_dies_ends_what_was_begun_and_the_next_one_answers(local):
    backend = local("--token", "0.02")
    tokens = backend.generate(ask("word " * 300, max_tokens=200))
    await anext(tokens)
    os.kill(backend.process._process.pid, signal.SIGKILL)
    *_, last = [event async for event in tokens]
    assert (last.finish, "ended" in last.error) == ("error", True)
    assert await text(backend, ask("again")) == "again"


async def test_a_step_that_breaks_is_told_to_whoever_waits_and_the_worker_lives(shared):
    with pytest.raises(EngineUnavailable, match="a bug"):
        await text(shared, ask("explode"))
    assert await text(shared, ask("calm")) == "calm"


async def test_before_setup_and_while_it_loads_there_is_no_engine(local):
    with pytest.raises(EngineUnavailable, match="rune setup"):
        await text(local("--no-model"), ask("a"))
    backend = local("--load", "600", patience=0.1)
    with pytest.raises(EngineUnavailable, match="still loading"):
        await text(backend, ask("a"))
    assert await backend.stats() == EngineStats()


async def test_an_adapter_by_its_id_is_looked_at_first(shared, card, echoes):
    project = str(echoes.project)
    assert (await shared.check(project, card.id)).adapter == card.id
    with pytest.raises(AdapterError, match="no adapter"):
        await shared.check(project, "0" * 16)
    Library(echoes, time.time).archive(card.id, "stale")
    with pytest.raises(AdapterError, match="is archived"):
        await shared.check(project, card.id)


async def test_below_the_floor_and_in_an_empty_project_there_is_a_reason_instead(
    shared, card, echoes, tmp_path
):
    far = await shared.find(str(echoes.project), "zebras")
    assert far.adapter == ""
    assert "needed 0.35" in far.why
    assert "nothing is remembered" in (await shared.find(str(tmp_path / "empty"), QUESTION)).why


async def test_a_damaged_adapter_is_not_chosen_and_the_reason_says_so(shared, card, echoes):
    path = Library(echoes, time.time).folder(card.id) / "adapter_model.safetensors"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    found = await shared.find(str(echoes.project), QUESTION)
    assert (found.adapter, found.folder) == ("", "")
    assert "expected SHA-256" in found.why


async def test_a_conversation_is_rendered_where_the_base_is(shared):
    turns = (Turn("system", "Be short."), Turn("user", "Why?"))
    assert await shared.render(turns) == "system: Be short.\nuser: Why?\n"


async def test_closing_ends_what_is_in_flight(shared):
    tokens = shared.generate(ask("word " * 300, max_tokens=200))
    await anext(tokens)
    await shared.close()
    *_, last = [event async for event in tokens]
    assert last.finish == "cancelled"
