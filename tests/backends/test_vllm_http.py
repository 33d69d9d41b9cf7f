"""The backend against a real HTTP server that behaves as vLLM documents; vLLM itself is not run here."""

import asyncio
import contextlib
import json
import socket
import sys
import time
import uuid

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from rune import app, redact, worker
from rune.backends.local import Local
from rune.backends.slots import Slots
from rune.backends.vllm_http import Vllm
from rune.capture import Capture
from rune.config import CaptureConfig, Config, EngineConfig, ModelConfig, ServeConfig
from rune.errors import AdapterError, ConfigError, EngineBusy, EngineUnavailable, PromptTooLong
from rune.model_process import ModelProcess
from rune.records import api_key, recalled
from rune.records.message import Distil
from rune.serving.types import GenerateRequest, Part, Sampling
from rune.testing import parts

QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"
ONE, TWO, THREE = (Part(digit * 16, f"/adapters/{digit}") for digit in "123")


class Server:
    """What vLLM's API server does with adapters, as its documentation says; it recites the prompt."""

    def __init__(self):
        self.loaded, self.loads, self.unloads = {}, [], []
        self.asked, self.flying, self.most = [], [], 0
        self.aborted = 0
        self.pause = 0.0
        self.refuses = None
        """A status and a body, or a header, for the next requests."""
        self.breaks = ""
        self.headers = {}
        self.runtime = True
        self.finds = ()
        """Names that a resolver plugin would find."""

    def app(self) -> Starlette:
        return Starlette(routes=[
            Route("/v1/models", self.models), Route("/v1/completions", self.complete, methods=["POST"]),
            Route("/v1/load_lora_adapter", self.load, methods=["POST"]),
            Route("/v1/unload_lora_adapter", self.unload, methods=["POST"]),
        ])  # fmt: skip

    async def models(self, request):
        return JSONResponse({"object": "list", "data": [{"id": name} for name in ["base", *self.loaded]]})

    async def load(self, request):
        if not self.runtime:
            return JSONResponse({"detail": "Not Found"}, 404)
        body = await request.json()
        if body["lora_name"] in self.loaded:
            return problem(400, f"The lora adapter '{body['lora_name']}' has already been loaded.")
        if not body["lora_path"].startswith(("/adapters", "/mnt")):
            return problem(404, f"No adapter found for {body['lora_path']}")
        self.loads.append(body["lora_name"])
        self.loaded[body["lora_name"]] = body["lora_path"]
        return JSONResponse(f"Success: LoRA adapter '{body['lora_name']}' added successfully.")

    async def unload(self, request):
        name = (await request.json())["lora_name"]
        self.unloads.append(name)
        del self.loaded[name]
        return JSONResponse("Success")

    async def complete(self, request):
        body = await request.json()
        self.asked.append(body)
        if self.refuses:
            return problem(*self.refuses, headers=self.headers)
        if body["model"] not in {"base", *self.loaded, *self.finds}:
            return problem(404, f"The model `{body['model']}` does not exist.")
        return Streamed(self.said(body), media_type="text/event-stream")

    async def said(self, body):
        self.flying.append(body["model"])
        self.most = max(self.most, len({name for name in self.flying if name != "base"}))
        words = [f"{word} " for word in body["prompt"].split()]
        try:
            for number, word in enumerate(words[: body["max_tokens"]], 1):
                await asyncio.sleep(self.pause)
                if self.breaks and number == 2:
                    yield self.breaks
                    return
                last = number == min(len(words), body["max_tokens"])
                reason = ("length" if number < len(words) else "stop") if last else None
                yield event(word, reason, {"prompt_tokens": len(words), "completion_tokens": number})
            yield 'data: {"choices": [], "usage": {"prompt_tokens": 1}}\n\n'
            yield "data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.aborted += 1
            raise
        finally:
            self.flying.remove(body["model"])


class Streamed(StreamingResponse):
    """Lets go of its words when the client is gone, and not when the garbage is collected."""

    async def __call__(self, scope, receive, send):
        async with contextlib.aclosing(self.body_iterator):
            await super().__call__(scope, receive, send)


def event(text, reason, usage):
    said = {"choices": [{"index": 0, "text": text, "finish_reason": reason}], "usage": usage}
    return f"data: {json.dumps(said)}\n\n"


def problem(status, message, headers=None):
    return JSONResponse({"error": {"message": message, "code": status}}, status, headers)


class Guest(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.asynccontextmanager
async def listening(made: Server):
    bound = socket.create_server(("127.0.0.1", 0))
    guest = Guest(uvicorn.Config(made.app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(guest.serve([bound]))
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    guest.should_exit = True
    await serving


@pytest_asyncio.fixture
async def server():
    made = Server()
    async with listening(made) as made.url:
        yield made


@pytest_asyncio.fixture
async def backend(server):
    """``backend(max_loras=2)`` over the server."""
    made = []

    def make(**settings):
        settings = {"url": server.url, "max_loras": 2, **settings}
        made.append(Vllm(EngineConfig(backend="vllm", **settings), "base"))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def ask(prompt, *parts, **how):
    return GenerateRequest(uuid.uuid4().hex, prompt, parts, Sampling(**how))


async def events(backend, request):
    return [event async for event in backend.generate(request)]


async def text(backend, *words, **how):
    return "".join(event.text for event in await events(backend, ask(*words, **how))).strip()


async def read(tokens):
    async for _ in tokens:
        pass


async def until(holds):
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_tokens_come_one_after_the_other_and_the_last_one_says_why(backend, server):
    found = await events(backend(), ask("a b c", seed=7, stop=("x",), temperature=0.5))
    assert [(one.text, one.finish) for one in found] == [("a ", None), ("b ", None), ("c ", "stop")]
    assert (found[-1].tokens, found[-1].prompt_tokens) == (3, 3)
    [body] = server.asked
    assert (body["model"], body["seed"], body["stop"], body["temperature"]) == ("base", 7, ["x"], 0.5)
    assert body["add_special_tokens"] is False
    assert (await events(backend(), ask("a b c", max_tokens=2)))[-1].finish == "length"


async def test_an_adapter_is_loaded_under_its_id_once(backend, server):
    vllm = backend()
    assert await asyncio.gather(*(text(vllm, "hi", ONE) for _ in range(5))) == ["hi"] * 5
    assert server.loaded == {ONE.digest: ONE.folder}
    stats = await vllm.stats()
    assert (stats.loads, stats.hits, stats.resident, stats.tokens, stats.running) == (1, 4, 1, 5, 0)


async def test_it_is_loaded_from_where_the_server_sees_it(backend, server):
    await text(backend(adapters="/mnt/rune"), "hi", ONE)
    assert server.loaded == {ONE.digest: f"/mnt/rune/{ONE.digest}"}


async def test_what_the_server_had_loaded_before_is_used(backend, server):
    server.loaded[ONE.digest] = "/adapters/old"
    assert await text(backend(), "hi", ONE) == "hi"


async def test_a_server_that_started_anew_gets_the_adapter_again(backend, server):
    vllm = backend()
    await text(vllm, "hi", ONE)
    server.loaded.clear()
    assert await text(vllm, "again", ONE) == "again"
    assert server.loads == [ONE.digest] * 2


async def test_a_server_that_loads_nothing_at_run_time_finds_adapters_by_name(backend, server):
    server.runtime, server.finds = False, (ONE.digest,)
    vllm = backend()
    assert await text(vllm, "hi", ONE) == "hi"
    with pytest.raises(AdapterError, match="does not exist"):
        await text(vllm, "hi", TWO)
    server.runtime = True  # it started anew, with other settings
    assert await text(vllm, "hi", TWO) == "hi"


async def test_an_adapter_that_is_not_there_fails_its_own_request(backend):
    vllm = backend()
    with pytest.raises(AdapterError, match="No adapter found for /nowhere"):
        await text(vllm, "hi", Part("9" * 16, "/nowhere"))
    with pytest.raises(AdapterError, match="one adapter"):
        await text(vllm, "hi", ONE, TWO)
    assert await text(vllm, "hi", ONE) == "hi"


async def test_no_more_different_adapters_are_in_flight_than_the_server_has_room_for(backend, server):
    server.pause = 0.01
    vllm = backend(max_loras=2)
    four = [ONE, TWO, THREE, Part("4" * 16, "/adapters/4")] * 4
    asked = [text(vllm, f"word {number} word", part) for number, part in enumerate(four)]
    assert await asyncio.gather(*asked) == [f"word {number} word" for number in range(16)]
    assert server.most == 2
    assert not vllm.slots.flying


async def test_the_longest_unused_name_is_unloaded(backend, server):
    vllm = backend()
    vllm.kept = 2
    for part in (ONE, TWO, ONE, THREE):
        await text(vllm, "hi", part)
    assert server.unloads == [TWO.digest]
    assert (await vllm.stats()).evictions == 1


async def test_prefetching_loads_and_its_failure_is_nobodys(backend, server):
    vllm = backend()
    await vllm.prefetch(ONE)
    await vllm.prefetch(Part("9" * 16, "/nowhere"))
    await until(lambda: server.loads == [ONE.digest] and not vllm._flights.aside)


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (429, "slow down", EngineBusy),
        (503, "loading", EngineUnavailable),
        (500, "broken", EngineUnavailable),
        (400, "This model's maximum context length is 64 tokens", PromptTooLong),
    ],
)
async def test_refusals_come_before_the_first_token(backend, server, status, message, expected):
    server.refuses, server.headers = (status, message), {"retry-after": "7"}
    with pytest.raises(expected, match=message[:10]) as refused:
        await text(backend(), "hi")
    assert type(refused.value) is expected
    if expected is EngineBusy:
        assert refused.value.retry_after == 7.0


@pytest.mark.parametrize(
    "breaks", ['data: {"error": {"message": "out of memory"}}\n\n', "data: {half\n\n", ""]
)
async def test_what_breaks_in_the_middle_is_the_last_event(backend, server, breaks):
    server.breaks = breaks or "\n"
    *_, last = await events(backend(), ask("a b c", ONE))
    assert last.finish == "error"
    assert last.error.startswith("the engine")


async def test_nobody_there_is_said_with_a_way_out(backend):
    with pytest.raises(EngineUnavailable, match="see that vLLM runs"):
        await text(backend(url="http://127.0.0.1:9"), "hi", ONE)


async def test_a_base_that_the_server_serves_under_another_name_is_said_with_a_way_out(server):
    vllm = Vllm(EngineConfig(url=server.url), "other")
    with pytest.raises(EngineUnavailable, match="--served-model-name other"):
        await text(vllm, "hi")
    await vllm.close()


@pytest.mark.parametrize("how", ["closed", "cancelled", "all closed"])
async def test_who_goes_away_closes_the_stream_and_frees_the_place(backend, server, how):
    server.pause = 0.02
    vllm = backend(max_loras=1)
    tokens = vllm.generate(ask("word " * 500, ONE, max_tokens=500))
    await anext(tokens)
    if how == "closed":
        await tokens.aclose()
    elif how == "cancelled":
        reading = asyncio.create_task(read(tokens))
        await asyncio.sleep(0.01)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    else:
        await vllm.close()
        assert [event.finish async for event in tokens][-1] == "cancelled"
        assert await text(vllm, "still here") == "still here"
    await until(lambda: server.aborted == 1 and not server.flying and not vllm.slots.flying)


async def test_a_full_line_and_a_long_wait_are_told(backend, server):
    server.pause = 0.05
    vllm = backend(max_loras=1, queue=1, queue_seconds=0.1)
    first = vllm.generate(ask("word " * 200, ONE, max_tokens=200))
    await anext(first)
    waiting = asyncio.create_task(text(vllm, "hi", TWO))
    await until(lambda: vllm.slots.waiting == 1)
    with pytest.raises(EngineBusy, match="1 requests wait"):
        await text(vllm, "hi", THREE)
    with pytest.raises(EngineBusy, match="no room for another adapter"):
        await waiting
    await first.aclose()
    await until(lambda: not vllm.slots.flying)


async def test_who_waits_long_is_not_passed_for_ever():
    room, order = Slots(1, 9, 5.0), []

    async def go(name):
        async with room.place(name):
            order.append(name)
            await asyncio.sleep(0.02)

    first = asyncio.create_task(go("a"))
    await asyncio.sleep(0)
    waits = asyncio.create_task(go("b"))
    await asyncio.sleep(0)
    passes = asyncio.create_task(go("a"))
    await asyncio.sleep(0)
    room.fair = 0.0
    last = asyncio.create_task(go("a"))
    await asyncio.gather(first, waits, passes, last)
    assert order == ["a", "a", "b", "a"]


@pytest.mark.parametrize(
    "settings", [{"url": ""}, {"url": "gpu:8000"}, {"url": "http://gpu", "max_loras": 0}]
)
def test_settings_that_lead_nowhere_are_refused(settings):
    with pytest.raises(ConfigError, match="backend vllm needs"):
        Vllm(EngineConfig(**settings), "base")


async def test_the_settings_choose_the_engine_and_the_worker_stays_the_desk():
    local = Local(None, 1.0)
    assert app.backend(Config().engine, "base", local) is local
    assert isinstance(app.backend(EngineConfig(backend="vllm", url="http://gpu"), "base", local), Vllm)
    with pytest.raises(ConfigError, match="local, ray or vllm"):
        app.backend(EngineConfig(backend="llama"), "base", local)


@pytest_asyncio.fixture
async def door(server, home, echoes):
    """The endpoint as the daemon makes it, with a worker whose engine is never asked."""
    argv = (sys.executable, "-P", "-m", "rune.testing", "worker")
    worker_process = ModelProcess(argv, home.logs / "worker.log")
    engine = EngineConfig(backend="vllm", url=server.url, adapters="/mnt/rune")
    settings = Config(model=ModelConfig(base="base"), engine=engine, serve=ServeConfig(port=0))
    capture = Capture(home, CaptureConfig(), time.time, redact.redact, lambda path: [])
    made = app.door(home, settings, worker_process, capture)
    yield made
    await made.stop()
    await worker_process.stop()


async def test_the_endpoint_routes_here_and_generates_there(door, server, home, echoes, write_session):
    write_session()
    (*_, done) = worker.distil(parts(home), Distil("s1", str(echoes.project)))
    url = await door.start()
    key = api_key.ensure(home.api_keys, str(echoes.project), time.time()).key
    body = {"model": "rune", "messages": [{"role": "user", "content": QUESTION}]}
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        answer = (await http.post(f"{url}/chat/completions", json=body)).json()
        server.refuses, server.headers = (429, "slow down"), {"retry-after": "7"}
        busy = await http.post(f"{url}/chat/completions", json=body)
    assert answer["x_rune"]["adapter"] == done.adapter
    assert server.loaded == {done.adapter: f"/mnt/rune/{done.adapter}"}
    assert QUESTION.split()[0] in answer["choices"][0]["message"]["content"]
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    assert [(use.adapter, use.session) for use in recalled.read(echoes.recalls)] == [(done.adapter, "")]
