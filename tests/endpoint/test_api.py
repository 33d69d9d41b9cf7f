"""Over a real port: who is refused, what goes wrong, who goes away. Whole answers are in test_openai."""

import asyncio
import json
import time

import httpx
import pytest
import pytest_asyncio

from rune.endpoint.gate import BODY_LIMIT
from rune.library import Library
from rune.records import api_key
from rune.testing import BASE

pytestmark = pytest.mark.asyncio(loop_scope="session")
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"
LONG = "word " * 300


@pytest_asyncio.fixture(loop_scope="session")
async def http(served):
    """A client with the key that opens every project."""
    headers = {"Authorization": f"Bearer {served.key()}"}
    async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def ask(http):
    """``ask("Hello", model=...)`` is the answer to one chat."""

    async def post(content=QUESTION, model=BASE, headers=None, **more) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
        return await http.post("/chat/completions", json=body, headers=headers)

    return post


def said(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return answer.status_code, error["code"]


async def raw(served, data: bytes) -> bytes:
    """What comes back for exactly these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(65536), 20)
    finally:
        writer.close()


async def running(served, many: int) -> None:
    async with asyncio.timeout(20):
        while (await served.local.stats()).running != many:
            await asyncio.sleep(0.01)


# who is let in


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": ""}, (401, "missing_api_key")),
        ({"Authorization": "Bearer sk-123"}, (401, "invalid_api_key")),
        ({"Host": "evil.example"}, (403, "host_not_allowed")),
        ({"Origin": "https://evil.example"}, (403, "origin_not_allowed")),
    ],
)
async def test_a_stranger_is_refused_on_every_path(http, headers, expected):
    for path in ("/models", "/chat/completions", "/nowhere"):
        assert said(await http.request("POST", path, headers=headers, content=b"{}")) == expected


async def test_a_browsers_question_before_a_foreign_request_is_answered_no(http):
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await http.options("/chat/completions", headers=asks)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_key_that_was_replaced_opens_nothing_from_then_on(served, http, echoes):
    headers = {"Authorization": f"Bearer {served.key(echoes.project)}"}
    assert (await http.get("/models", headers=headers)).status_code == 200
    api_key.rotate(served.keys, str(echoes.project), time.time())
    assert said(await http.get("/models", headers=headers)) == (401, "invalid_api_key")


async def test_a_key_of_one_project_opens_no_other(served, http, ask, echoes, tmp_path):
    (tmp_path / "other" / ".git").mkdir(parents=True)
    headers = {"Authorization": f"Bearer {served.key(echoes.project)}"}
    other = headers | {"X-Rune-Project": str(tmp_path / "other")}
    assert said(await http.get("/models", headers=other)) == (403, "project_not_allowed")
    inside = headers | {"X-Rune-Project": str(echoes.project / ".git")}
    assert (await http.get("/models", headers=inside)).status_code == 200


# what is no request


async def test_a_path_or_method_that_is_not_there(http):
    assert said(await http.get("/embeddings")) == (404, "not_found")
    assert said(await http.get("/chat/completions")) == (405, "method_not_allowed")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"\xff", b'{"a": NaN}', b"[" * 5000, b'"\\ud800"'])
async def test_a_body_that_is_no_json_object_is_refused(http, body):
    answer = await http.post("/completions", content=body, headers={"Content-Type": "application/json"})
    assert said(answer) == (400, "invalid_json")


async def test_a_body_that_a_form_could_have_sent_is_refused(http):
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await http.post("/completions", content=b"{}", headers={"Content-Type": kind})
        assert said(answer) == (415, "unsupported_media_type")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read_and_while_it_is(http):
    declared = await http.post("/completions", content=b"x" * (BODY_LIMIT + 1))
    assert said(declared) == (413, "request_too_large")

    async def pieces():
        for _ in range(20):
            yield b"x" * (BODY_LIMIT // 16)

    assert said(await http.post("/completions", content=pieces())) == (413, "request_too_large")


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00", b"GET / HTTP/9\r\n\r\n", b"hello\r\n\r\n"])
async def test_what_is_no_http_is_answered_400_and_the_port_lives(served, http, data):
    assert b" 400 " in await raw(served, data)
    assert (await http.get("/models")).status_code == 200


async def test_a_wrong_parameter_is_named(ask):
    answer = await ask(n=2)
    assert said(answer) == (400, "unsupported_value")
    assert answer.json()["error"]["param"] == "n"


# which model


async def test_a_model_that_is_not_there(ask, http, echoes):
    assert said(await ask(model="gpt-4")) == (404, "model_not_found")
    assert said(await ask(model="0" * 16)) == (404, "model_not_found")
    here = {"X-Rune-Project": str(echoes.project)}
    assert said(await ask(model="0" * 16, headers=here)) == (404, "model_not_found")
    assert said(await ask(model="../../../../x", headers=here)) == (404, "model_not_found")
    assert said(await http.get("/models/gpt-4")) == (404, "model_not_found")


async def test_rune_needs_a_project_to_choose_from(ask):
    assert said(await ask(model="rune")) == (400, "project_required")
    for named in ("relative", "/nowhere/at/all"):
        answer = await ask(model="rune", headers={"X-Rune-Project": named})
        assert said(answer) == (400, "project_not_found")


async def test_an_adapter_out_of_service_is_refused_with_its_state(ask, card, echoes):
    here = {"X-Rune-Project": str(echoes.project)}
    Library(echoes, time.time).archive(card.id, "stale")
    answer = await ask(model=card.id, headers=here)
    assert said(answer) == (422, "adapter_not_served")
    assert "archived" in answer.json()["error"]["message"]
    chosen = await ask(model="rune", headers=here)
    assert chosen.json()["x_rune"]["adapter"] is None


async def test_a_damaged_adapter_is_refused_by_name_and_passed_over_by_choice(ask, card, echoes):
    here = {"X-Rune-Project": str(echoes.project)}
    path = Library(echoes, time.time).folder(card.id) / "adapter_model.safetensors"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    assert said(await ask(model=card.id, headers=here)) == (422, "adapter_unusable")
    told = (await ask(model="rune", headers=here)).json()["x_rune"]
    assert told["adapter"] is None
    assert "expected SHA-256" in told["why"]


# the engine's refusals


async def test_a_prompt_that_does_not_fit_is_told_in_the_words_that_clients_know(ask):
    for stream in (False, True):
        answer = await ask("word " * 600, stream=stream)
        assert said(answer) == (400, "context_length_exceeded")


async def test_a_full_engine_says_when_to_come_again(served, ask):
    busy = [asyncio.create_task(ask(LONG, max_tokens=200)) for _ in range(8)]
    await running(served, 8)
    answer = await ask()
    assert said(answer) == (429, "rate_limit_exceeded")
    assert answer.headers["Retry-After"] == "2"
    for one in busy:
        one.cancel()
    await asyncio.wait(busy)
    await running(served, 0)


async def test_a_step_that_breaks_is_an_error_before_the_stream_and_in_it(served, http, ask):
    assert said(await ask("explode")) == (503, "engine_unavailable")
    body = {"model": BASE, "prompt": LONG, "stream": True, "max_tokens": 200}
    async with http.stream("POST", "/completions", json=body) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        assert said(await ask("explode")) == (503, "engine_unavailable")
        *_, last = [line async for line in lines if line]
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_failed"


# who goes away


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_goes_away_ends_its_request(served, http, stream):
    body = json.dumps({"model": BASE, "prompt": LONG, "stream": stream, "max_tokens": 200}).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: localhost:{served.port}\r\n"
        f"{'Authorization'}: Bearer {served.key()}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(head.encode() + body)
    await running(served, 1)
    writer.close()
    await running(served, 0)
    assert (await http.get("/models")).status_code == 200


async def test_a_client_that_leaves_before_its_body_is_there_is_nobody(served, http):
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: localhost:{served.port}\r\n"
        f"{'Authorization'}: Bearer {served.key()}\r\nContent-Length: 100\r\n\r\n{{"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    assert (await http.get("/models")).status_code == 200


async def test_twelve_streams_at_once_do_not_mix(served, http):
    async def words(number: int) -> str:
        text = " ".join([f"w{number}"] * 9)
        body = {"model": BASE, "prompt": text, "stream": True}
        async with http.stream("POST", "/completions", json=body) as answer:
            found = [line.removeprefix("data: ") async for line in answer.aiter_lines() if line]
        assert found.pop() == "[DONE]"
        return "".join(json.loads(one)["choices"][0]["text"] for one in found) + f"|{text}"

    for many in (range(6), range(6, 12)):
        for both in await asyncio.gather(*map(words, many)):
            got, _, sent = both.partition("|")
            assert got == sent
