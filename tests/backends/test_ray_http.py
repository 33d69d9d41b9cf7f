"""Asking again, and what a replica answers: the real replica and engine with a tiny base over real HTTP.

What Ray adds, its proxies and their choice of a replica, is in test_ray.py.
"""

import asyncio
import contextlib
import importlib.util
import json
import socket
import time
import uuid
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
import uvicorn
from click.testing import CliRunner
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from tests.ml.conftest import TINY, write_tiny

from rune import app, cli
from rune.backends.local import Local
from rune.backends.ray_http import MODEL_HEADER, Ray
from rune.backends.ray_replica import Bound, Replica
from rune.backends.store import Store
from rune.config import EngineConfig
from rune.errors import AdapterError, ConfigError, EngineBusy, EngineUnavailable, PromptTooLong, WrongBase
from rune.library import Library
from rune.records.message import Done, decode, encode
from rune.serving.types import GenerateRequest, Part, Sampling

HASH = "ab" * 32
LONG = {"max_tokens": 40, "temperature": 0.8}


class Proxy:
    """An HTTP server in front of a replica that can do it every harm that Ray's proxies pass on."""

    def __init__(self, replica):
        self.replica = replica
        self.asked = []
        """Method and path, headers, body."""
        self.cuts = []
        """After so many pieces of an answer the connection breaks; one number for each answer."""
        self.before = []
        """Answers that are given instead, first."""
        self.changes = lambda body: body
        self.pieces = 0

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        self.asked.append((request.url.path, request.headers, await request.body()))
        if self.before:
            await self.before.pop(0)(scope, receive, send)
            return
        cut = self.cuts.pop(0) if self.cuts else None
        answer = await self.replica(request)
        self.pieces = 0

        async def pass_on(message):
            if message.get("body"):
                self.pieces += 1
                message = {**message, "body": self.changes(message["body"])}
            if cut is not None and self.pieces > cut:
                raise ConnectionError("the replica is gone")
            await send(message)

        await answer(scope, receive, pass_on)

    def prompts(self):
        return [decode(body) for path, _, body in self.asked if path.endswith("generate")]


class Guest(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@pytest.fixture(scope="module")
def tiny_base(tmp_path_factory):
    from rune.ml import base

    return base.load(write_tiny(tmp_path_factory.mktemp("models") / "tiny"), HASH, TINY)


@pytest_asyncio.fixture
async def replica(tiny_base, tmp_path):
    from rune.ml.serve.local import LocalBackend
    from rune.ml.serve.runner import Runner

    async def near(digest):
        return digest

    store = Store(f"file://{tmp_path / 'store'}")
    engine = LocalBackend(Runner(tiny_base, EngineConfig(rows=2, queue=4)))
    yield Replica(engine, Bound("tiny", HASH), store, tmp_path / "cache", near, "one")
    if not engine._broken:
        await engine.close()


@pytest_asyncio.fixture
async def proxy(replica):
    made = Proxy(replica)
    bound = socket.create_server(("127.0.0.1", 0))
    guest = Guest(uvicorn.Config(made, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(guest.serve([bound]))
    made.url = f"http://127.0.0.1:{bound.getsockname()[1]}/rune"
    yield made
    guest.should_exit = True
    await serving


@pytest_asyncio.fixture
async def ray(proxy):
    made = Ray(EngineConfig(backend="ray", url=proxy.url), "tiny")
    yield made
    await made.close()


@pytest.fixture
def adapter(tiny_base, echoes, make_card, replica):
    """A published adapter."""
    from rune.ml import lora

    library = Library(echoes, time.time)
    with library.staging() as stage:
        lora.save(lora.fresh(tiny_base.layers, ("down_proj",), 8, 16.0, 1), stage, "tiny")
        card = library.add(stage, make_card(base="tiny", base_hash=HASH))
    replica.store.publish(library, card.id)
    return Part(card.id, str(library.folder(card.id)))


def ask(prompt, *parts, **how):
    return GenerateRequest(uuid.uuid4().hex, prompt, parts, Sampling(**how), "project:/secret/place")


async def answer(backend, request):
    told = [event async for event in backend.generate(replace(request, id=uuid.uuid4().hex))]
    last = told[-1]
    return "".join(event.text for event in told), last.tokens, last.prompt_tokens, last.finish + last.error


async def read(tokens):
    return [event async for event in tokens]


def says(status, text="", headers=None):
    return PlainTextResponse(text, status, headers)


async def test_answers_are_those_of_the_engine_itself(ray, replica, adapter):
    for request in (
        ask("abc", max_tokens=12),
        ask("abc", replace(adapter), seed=3, **LONG),
        ask("äöü", seed=4, stop=("e",), **LONG),
    ):
        local = replace(request, parts=tuple(replace(part) for part in request.parts))
        assert await answer(ray, request) == await answer(replica.engine, local)
    assert (await ray.stats()).running == 0


@pytest.mark.parametrize("cuts", [[0], [3], [1, 5], [5, 2]])
async def test_what_breaks_in_the_middle_is_asked_again_and_nothing_is_lost_or_told_twice(
    ray, proxy, replica, adapter, cuts
):
    request = ask("Tell me.", adapter, seed=5, stop=("zz",), **LONG)
    alone = await answer(replica.engine, request)
    proxy.cuts = [*cuts]
    assert await answer(ray, request) == alone
    assert len(proxy.prompts()) == len(cuts) + 1


async def test_who_draws_without_a_seed_is_given_one_so_that_it_can_be_asked_again(ray, proxy, monkeypatch):
    # Lots whose answers are known to be long: an answer that ends before the cut is never asked again.
    lots = iter([3, 4])
    monkeypatch.setattr("rune.backends.ray_http.secrets.randbits", lambda bits: next(lots))
    proxy.cuts = [4]
    text, tokens, _, finish = await answer(ray, ask("Tell me.", **LONG))
    first, second = proxy.prompts()
    assert first == second
    assert first.seed == 3
    assert (finish, bool(text), tokens > 4) == ("length", True, True)
    await answer(ray, ask("Tell me.", **LONG))
    assert proxy.prompts()[-1].seed == 4


async def test_a_request_that_every_replica_dies_of_is_given_up(ray, proxy):
    proxy.cuts = [2] * 9
    text, _, _, finish = await answer(ray, ask("Tell me.", seed=1, **LONG))
    assert finish.startswith("errorgiven up after 3 tries")
    assert text
    assert len(proxy.prompts()) == 3


async def test_a_second_answer_that_differs_is_an_error_and_never_glued_on(ray, proxy):
    proxy.cuts = [4]
    seen = []

    def other(body):
        seen.append(body)
        said = json.loads(body)
        return body if len(proxy.asked) == 1 else (json.dumps({**said, "text": "?"}).encode() + b"\n")

    proxy.changes = other
    _, _, _, finish = await answer(ray, ask("Tell me.", seed=1, **LONG))
    assert "answers otherwise" in finish


async def test_what_leaves_the_machine_names_no_folder_and_no_project(ray, proxy, adapter):
    await answer(ray, ask("abc", adapter, max_tokens=2))
    [(_, headers, body)] = proxy.asked
    assert headers[MODEL_HEADER] == adapter.digest
    assert [said for said in (b"secret", adapter.folder.encode()) if said in body] == []


@pytest.mark.parametrize(
    ("status", "expected"), [(429, EngineBusy), (503, EngineUnavailable), (404, EngineUnavailable)]
)
async def test_rays_own_refusals_are_told_at_once(ray, proxy, status, expected):
    proxy.before = [says(status, "no", {"retry-after": "7"})] * 9
    with pytest.raises(expected, match="'no'") as refused:
        await answer(ray, ask("abc"))
    assert type(refused.value) is expected
    assert getattr(refused.value, "retry_after", 7.0) == 7.0
    assert len(proxy.asked) == 1


async def test_once_accepted_a_request_waits_for_room_on_another_replica(ray, proxy, replica):
    request = ask("Tell me.", seed=2, **LONG)
    alone = await answer(replica.engine, request)
    proxy.before = [says(500, "it died"), says(503, "none is left"), says(429, "", {"retry-after": "1"})]
    assert await answer(ray, request) == alone
    proxy.before, ray.patience = [says(500), *[says(503, "none is left")] * 9], 0.1
    with pytest.raises(EngineUnavailable, match="none is left"):
        await answer(ray, request)


async def test_who_gets_no_place_within_the_time_is_told_so(ray, proxy):
    async def never(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    proxy.before, ray.patience = [never], 0.2
    with pytest.raises(EngineBusy, match=r"within 0\.2 s"):
        await answer(ray, ask("abc"))


async def test_the_replicas_own_refusals_are_those_of_the_engine(ray, proxy, adapter, replica):
    with pytest.raises(AdapterError, match="rune adapters publish"):
        await answer(ray, ask("abc", Part("0" * 16, "")))
    with pytest.raises(PromptTooLong, match="at most 512 tokens"):
        await answer(ray, ask("abc", max_tokens=600))
    before = len(proxy.asked)
    other = Ray(EngineConfig(url=proxy.url), "other")
    with pytest.raises(EngineUnavailable, match="serves base tiny, found other"):
        await answer(other, ask("abc"))
    await other.close()
    assert len(proxy.asked) == before + 1
    replica.store.fs.pipe_file(f"{replica.store.root}/{adapter.digest}/adapter_config.json", b"other")
    with pytest.raises(AdapterError, match="expected SHA-256"):
        await answer(ray, ask("abc", adapter))


async def test_an_adapter_of_another_base_is_refused_also_where_it_was_served_before(ray, replica, adapter):
    await answer(ray, ask("abc", adapter, max_tokens=2))
    replica.base = Bound("tiny", "cd" * 32)
    with pytest.raises(WrongBase, match="is for base abab"):
        await answer(ray, ask("abc", adapter))


async def test_a_full_queue_is_a_429_that_says_when_to_come_again(ray, replica, proxy):
    asked = []
    for running, waiting in ((1, 0), (2, 0), (2, 1), (2, 2), (2, 3)):
        asked.append(asyncio.create_task(read(ray.generate(ask("Tell me.", max_tokens=480)))))
        async with asyncio.timeout(20):
            while (stats := await replica.engine.stats()).running < running or stats.waiting < waiting:
                await asyncio.sleep(0.01)
    with pytest.raises(EngineBusy, match="requests of this client wait") as busy:
        await answer(ray, ask("abc"))
    assert busy.value.retry_after >= 1
    await ray.close()
    ended = await asyncio.gather(*asked)
    assert {told[-1].finish for told in ended} == {"cancelled"}
    async with asyncio.timeout(20):
        while (stats := await replica.engine.stats()).running or stats.waiting:
            await asyncio.sleep(0.01)


async def test_who_goes_away_ends_the_request_over_there(ray, replica):
    tokens = ray.generate(ask("Tell me.", max_tokens=450))
    await anext(tokens)
    await tokens.aclose()
    async with asyncio.timeout(20):
        while (await replica.engine.stats()).running:
            await asyncio.sleep(0.01)
    assert (await answer(ray, ask("abc", max_tokens=2)))[1] == 2


async def test_an_engine_that_broke_fails_its_health_and_is_asked_elsewhere(ray, replica, proxy):
    await replica.check_health()
    await replica.engine.close()
    with pytest.raises(EngineUnavailable, match="does not answer"):
        await replica.check_health()
    with pytest.raises(EngineUnavailable, match="after 3 tries"):
        await answer(ray, ask("abc"))


async def test_bringing_near_fetches_and_who_generates_waits_for_it(ray, replica, proxy, adapter):
    await ray.prefetch(adapter)
    await ray.prefetch(adapter)
    assert (await answer(ray, ask("abc", adapter, max_tokens=3)))[1] == 3
    assert [path for path, *_ in proxy.asked] == ["/rune/prefetch", "/rune/generate"]
    assert (await replica.engine.stats()).loads == 1
    await ray.prefetch(Part("0" * 16, ""))
    with pytest.raises(AdapterError, match="no adapter"):
        await answer(ray, ask("abc", Part("0" * 16, "")))


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("GET", "/nothing", b"", "expected POST generate"),
        ("POST", "/generate", b"{half", "expected a message"),
        ("POST", "/generate", encode(Done()), "found Done"),
    ],
)
async def test_what_is_no_request_is_a_400(proxy, method, path, body, told):
    async with httpx.AsyncClient(base_url=proxy.url, headers={"x-rune-base": "tiny"}) as http:
        said = await http.request(method, path, content=body)
        stats = await http.get("/stats")
    assert said.status_code == 400
    assert told in said.json()["message"]
    assert (stats.json()["slots"], stats.headers["x-rune-replica"]) == (2, "one")


@pytest.mark.parametrize("url", ["", "ray:8000"])
def test_settings_that_lead_nowhere_are_refused(url):
    with pytest.raises(ConfigError, match="backend ray needs url"):
        Ray(EngineConfig(url=url), "tiny")


def test_the_settings_choose_it():
    settings = EngineConfig(backend="ray", url="http://ray.lan:8000/rune")
    assert isinstance(app.backend(settings, "tiny", Local(None, 1.0)), Ray)


def test_the_command_says_what_is_missing(home, tmp_path):
    def said(*words):
        return CliRunner().invoke(cli.main, ["ray", "serve", "--store", *words]).output

    assert "rune setup" in said("file:///nowhere")
    write_tiny(home.models / "smollm2-135m-instruct")
    assert "nowhere" in said("nowhere://rune")
    if importlib.util.find_spec("ray") is None:
        assert "pip install 'rune-memory[ray]'" in said(f"file://{tmp_path}")
