from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from tests.ml.serve.conftest import ask, run

from rune.errors import AdapterError, EngineBusy, EngineUnavailable, PromptTooLong
from rune.ml.serve.local import LocalBackend
from rune.serving.backend import Backend
from rune.serving.types import Part


@pytest.fixture
async def local(make):
    """``local(rows=...)``: a backend around a runner on the tiny base."""
    made = []

    def backend(**settings) -> LocalBackend:
        made.append(LocalBackend(make(**settings)))
        return made[-1]

    yield backend
    for one in made:
        if not one._broken:
            await one.close()


async def text(backend: Backend, request) -> str:
    return "".join([event.text async for event in backend.generate(request)])


async def test_many_at_once_get_what_each_gets_alone(local, make, kinds):
    asked = [ask(str(n), "Why?", part, temperature=0.7, seed=n) for n, part in enumerate(kinds.values())]
    backend = local()
    together = await asyncio.gather(*(text(backend, one) for one in asked))
    await backend.close()
    expected = run(make(), *asked)
    assert together == [expected[one.id] for one in asked]


async def test_refusals_come_before_the_first_event(local, kinds):
    backend = local(context=32, rows=1, queue=1)
    for error, request in [
        (PromptTooLong, ask("a", "x" * 40)),
        (AdapterError, ask("b", "Why?", Part("0" * 16, "/nowhere"))),
    ]:
        with pytest.raises(error):
            await anext(backend.generate(request))
    running = [asyncio.create_task(text(backend, ask(f"{n}", "Why?", client=str(n)))) for n in range(9)]
    done = await asyncio.gather(*running, return_exceptions=True)
    assert {type(one) for one in done} == {str, EngineBusy}


async def test_a_closed_iterator_ends_its_request_and_no_other(local):
    backend = local()
    stays = asyncio.create_task(text(backend, ask("stays", "Why?", max_tokens=40)))
    async with aclosing(backend.generate(ask("goes", "How?", max_tokens=300))) as events:
        await anext(events)
    await backend.stats()
    assert [row.id for row in backend.runner.running] in (["stays"], [])
    assert await stays
    assert (await backend.stats()).running == 0


async def test_a_cancelled_task_ends_its_request(local):
    backend = local()
    task = asyncio.create_task(text(backend, ask("a", "Why?", max_tokens=400)))
    while not (await backend.stats()).running:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await backend.stats()).running == 0


async def test_closing_ends_what_runs(local):
    backend = local()
    events = backend.generate(ask("a", "Why?", max_tokens=400))
    await anext(events)
    await backend.close()
    assert [event.finish async for event in events][-1] == "cancelled"
    with pytest.raises(EngineUnavailable):
        await backend.stats()


async def test_two_requests_of_one_name_are_a_mistake(local):
    backend = local()
    events = backend.generate(ask("a", "Why?"))
    await anext(events)
    with pytest.raises(ValueError, match="in flight"):
        await anext(backend.generate(ask("a", "Why?")))
    await events.aclose()


async def test_a_step_that_fails_ends_everything_with_the_reason(local):
    backend = local()
    backend.runner.cache.reserve = None
    with pytest.raises(EngineUnavailable, match="TypeError"):
        await text(backend, ask("a", "Why?"))
    with pytest.raises(EngineUnavailable, match="TypeError"):
        await text(backend, ask("b", "Why?"))
    assert isinstance(backend._stepping.exception(), TypeError)
    backend._thread.shutdown()
