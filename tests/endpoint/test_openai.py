"""The ``openai`` package as it is, against a real port: what a client of the protocol gets to see."""

import pytest
import pytest_asyncio
from openai import (
    AsyncOpenAI,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
)

from rune.testing import BASE

pytestmark = pytest.mark.asyncio(loop_scope="session")
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"
ASKED = [{"role": "user", "content": QUESTION}]
ANSWER = 'replace `PRICE = "{:.2f}"'


@pytest_asyncio.fixture(loop_scope="session")
async def client(served, echoes):
    """The client of somebody who works in the project."""
    async with AsyncOpenAI(base_url=served.url, api_key=served.key(echoes.project), max_retries=0) as client:
        yield client


async def test_the_models_are_rune_the_base_and_each_adapter_of_the_project(client, card):
    found = [model.id async for model in client.models.list()]
    assert found == ["rune", BASE, card.id]
    one = await client.models.retrieve(card.id)
    assert (one.id, one.owned_by, one.created) == (card.id, "rune", int(card.created))
    assert one.model_extra["x_rune"]["session"] == "s1"


async def test_rune_answers_with_the_adapter_of_the_session_that_the_question_is_about(client, card):
    answer = await client.chat.completions.create(model="rune", messages=ASKED)
    (choice,) = answer.choices
    assert ANSWER in choice.message.content
    assert (choice.message.role, choice.finish_reason) == ("assistant", "stop")
    assert answer.usage.completion_tokens == len(choice.message.content.split())
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    told = answer.model_extra["x_rune"]
    assert (told["adapter"], told["model"], told["why"]) == (card.id, card.id, "")
    assert told["relevance"] >= 0.35


async def test_the_headers_say_so_too(client, card):
    answer = await client.chat.completions.with_raw_response.create(model="rune", messages=ASKED)
    assert answer.headers["x-rune-adapter"] == card.id
    assert float(answer.headers["x-rune-relevance"]) >= 0.35


async def test_far_from_every_session_the_base_answers_and_says_why(client, card):
    asked = [{"role": "user", "content": "Tell me about zebras"}]
    answer = await client.chat.completions.create(model="rune", messages=asked)
    told = answer.model_extra["x_rune"]
    assert (told["adapter"], told["model"]) == (None, BASE)
    assert "needed 0.35" in told["why"]
    assert answer.choices[0].message.content.startswith("user: Tell me about zebras")


async def test_in_a_project_without_memories_the_base_answers(client):
    answer = await client.chat.completions.create(model="rune", messages=ASKED)
    assert "no adapter is in service" in answer.model_extra["x_rune"]["why"]


async def test_an_adapter_is_asked_by_its_id_and_the_base_by_its_name(client, card):
    by_id = await client.chat.completions.create(model=card.id, messages=ASKED)
    assert ANSWER in by_id.choices[0].message.content
    base = await client.chat.completions.create(model=BASE, messages=ASKED)
    assert base.choices[0].message.content == f"user: {QUESTION}\n"
    assert base.model == BASE


async def test_a_stream_is_the_same_answer_in_pieces(client, card):
    whole = await client.chat.completions.create(model="rune", messages=ASKED)
    stream = await client.chat.completions.create(
        model="rune", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[0].model_extra["x_rune"]["adapter"] == card.id
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks[:-1]][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert {c.usage for c in chunks[:-1]} == {None}
    assert {c.id for c in chunks} == {chunks[0].id}


async def test_the_stream_helper_of_the_client_understands_it(client, card):
    async with client.chat.completions.stream(model="rune", messages=ASKED) as stream:
        text = "".join([e.delta async for e in stream if e.type == "content.delta"])
        final = await stream.get_final_completion()
    assert ANSWER in text
    assert final.choices[0].message.content == text


async def test_a_completion_continues_a_text(client):
    whole = await client.completions.create(model=BASE, prompt="Once upon a time")
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("Once upon a time", "stop")
    stream = await client.completions.create(model=BASE, prompt="Once upon a time", stream=True)
    assert "".join([chunk.choices[0].text async for chunk in stream]) == "Once upon a time"


async def test_limits_and_stops_end_an_answer(client):
    short = await client.completions.create(model=BASE, prompt="a b c d", max_tokens=2)
    assert (short.choices[0].text, short.choices[0].finish_reason) == ("a b ", "length")
    asked = {"model": BASE, "messages": [{"role": "user", "content": "a b c d"}], "max_completion_tokens": 2}
    assert (await client.chat.completions.create(**asked)).usage.completion_tokens == 2
    stopped = await client.completions.create(
        model=BASE, prompt="a b c d", stop=["c"], temperature=0.5, seed=3
    )
    assert (stopped.choices[0].text, stopped.choices[0].finish_reason) == ("a b ", "stop")


async def test_text_in_parts_and_a_whole_conversation_are_rendered(client):
    turns = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Why?"},
    ]
    answer = await client.chat.completions.create(model=BASE, messages=turns)
    assert answer.choices[0].message.content == "system: Be short.\nuser: Hi\nassistant: Hello\nuser: Why?\n"


async def test_errors_are_those_that_the_client_knows(client, served):
    with pytest.raises(NotFoundError, match="GET /v1/models"):
        await client.chat.completions.create(model="gpt-4", messages=ASKED)
    with pytest.raises(BadRequestError) as found:
        await client.completions.create(model=BASE, prompt="word " * 600)
    assert found.value.code == "context_length_exceeded"
    with pytest.raises(BadRequestError) as found:
        await client.chat.completions.create(model=BASE, messages=ASKED, n=3)
    assert (found.value.param, found.value.type) == ("n", "invalid_request_error")
    with pytest.raises(AuthenticationError, match="rune serve"):
        await client.with_options(api_key="sk-nothing").models.list()


async def test_a_closed_stream_ends_the_request(client, served):
    stream = await client.completions.create(model=BASE, prompt="word " * 300, max_tokens=200, stream=True)
    await anext(aiter(stream))
    assert (await served.local.stats()).running == 1
    await stream.close()
    while (await served.local.stats()).running:
        pass
