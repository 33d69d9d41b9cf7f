"""Two replicas of the real engine with the real base, run by the real command on a real Ray, on this machine.

Ray is large and stays out of the environment of development: `make ray` brings it and runs these tests.
"""

import asyncio
import contextlib
import importlib.util
import ipaddress
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio
from tests.backends.conftest import BASE, ask, hash_of, write_noise
from tests.conftest import MODELS

from rune.backends import wire
from rune.backends.ray_http import BASE_HEADER, MODEL_HEADER, REPLICA_HEADER, Ray
from rune.backends.store import Store
from rune.config import EngineConfig
from rune.errors import AdapterError, EngineUnavailable, PromptTooLong
from rune.library import Library
from rune.paths import Home
from rune.records.message import encode
from rune.serving.types import Part

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="no Ray here; `make ray` brings it"),
    pytest.mark.model,
    pytest.mark.asyncio(loop_scope="module"),
]
CONFIG = """
[model]
threads = 1
precision = "float32"
[engine]
rows = 8
queue = 16
queue_seconds = 300.0
"""
REPLICA = "ray::ServeReplica:rune:Replica"
STARTS = 5
"""Ray gives its own helpers 15 seconds to start, which is too little on a machine that is busy otherwise."""
QUESTIONS = ("What is the capital of France?", "Name three colours.", "How does one boil an egg?")


class Running:
    """`rune ray serve`, as a person types it, and everything that it starts."""

    def __init__(self, root: Path, ray: Path):
        self.home, self.store = Home(root / "home"), f"file://{root / 'store'}"
        self.home.root.mkdir()
        self.home.models.symlink_to(MODELS)
        self.home.config.write_text(CONFIG)
        with socket.create_server(("127.0.0.1", 0)) as bound:
            port = bound.getsockname()[1]
        words = ("ray", "serve", "--store", self.store, "--replicas", "2", "--port", str(port))
        self.log = root / "serve.log"
        surroundings = {"RUNE_HOME": str(self.home.root), "HOME": str(root), "RAY_TMPDIR": str(ray)}
        for _ in range(STARTS):
            with self.log.open("wb") as log:
                self.process = psutil.Popen(
                    [sys.executable, "-P", "-m", "rune", *words],
                    stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **surroundings},
                )  # fmt: skip
            if self.comes_up():
                return
            self.end()
            assert "timed out during startup" in self.log.read_text(), self.log.read_text()[-3000:]
        raise AssertionError(f"Ray did not start {STARTS} times: {self.log.read_text()[-3000:]}")

    def comes_up(self) -> bool:
        """Whether it prints its URL, once every replica answers."""
        deadline = time.monotonic() + 240
        while self.process.poll() is None and time.monotonic() < deadline:
            if found := re.search(r'^serves: engine.url = "(.*)"$', self.log.read_text(), re.M):
                self.url = found[1]
                return True
            time.sleep(0.1)
        return False

    def everything(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def replicas(self) -> list[psutil.Process]:
        return [one for one in self.everything() if title(one).startswith(REPLICA)]

    def stop(self) -> None:
        """A person presses Ctrl-C; nothing is left of it."""
        started = self.everything()
        self.process.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(started, 90)
        left = [title(one) for one in alive]
        self.end(started)
        assert (left, self.process.returncode) == ([], 0), self.log.read_text()[-3000:]

    def end(self, started: Sequence[psutil.Process] = ()) -> None:
        """Whatever happened, leave nothing."""
        for one in [*started, *(self.everything() if self.process.is_running() else ())]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    if not (MODELS / BASE).is_dir():
        pytest.skip(f"no models in {MODELS}")
    short = Path(tempfile.mkdtemp(prefix="ray"))  # names of sockets lie in it, which may not be long
    made = Running(tmp_path_factory.mktemp("ray"), short)
    yield made
    made.stop()
    shutil.rmtree(short)


@pytest_asyncio.fixture(loop_scope="module")
async def ray(running):
    slow = 300.0  # a busy machine lets a request wait for longer than the default
    made = Ray(EngineConfig(backend="ray", url=running.url, queue_seconds=slow), BASE)
    yield made
    await made.close()


@pytest.fixture
def adapters(running, echoes, make_card):
    """Four published adapters that let the last layer say anything, each something else."""
    library = Library(echoes, time.time)
    parts = []
    for seed in range(4):
        with library.staging() as stage:
            write_noise(stage, seed)
            made = make_card(
                session=f"s{seed}", source_hash=f"{seed:02x}" * 32, base=BASE, base_hash=hash_of(),
                rank=2, alpha=4.0,
            )  # fmt: skip
            parts.append(Part(made := library.add(stage, made).id, str(library.folder(made))))
        Store(running.store).publish(library, parts[-1].digest)
    return parts


async def events(backend, request):
    return [event async for event in backend.generate(request)]


async def answer(backend, request) -> tuple[str, int, int, str]:
    """Text, counts and how it ended."""
    told = await events(backend, replace(request, id=uuid.uuid4().hex))
    last = told[-1]
    return "".join(event.text for event in told), last.tokens, last.prompt_tokens, last.finish + last.error


async def where(http: httpx.AsyncClient, part: Part) -> str:
    """The replica that answers a request for an adapter."""
    request = ask("Hello?", part, max_tokens=2)
    body = encode(wire.asked(request))
    said = await http.post("generate", content=body, headers={MODEL_HEADER: part.digest, BASE_HEADER: BASE})
    assert said.status_code == 200, said.text
    return said.headers[REPLICA_HEADER]


def http_to(running) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=120)


async def test_base_and_adapters_answer_as_the_local_engine_does(ray, local, adapters):
    asked = [
        ask(QUESTIONS[0]), ask(QUESTIONS[1], adapters[0]), ask(QUESTIONS[1], adapters[1]),
        ask(QUESTIONS[2], adapters[1], temperature=0.9, top_p=0.9, seed=7), ask("Count.", stop=("2",)),
    ]  # fmt: skip
    alone = [await answer(local, request) for request in asked]
    assert await asyncio.gather(*(answer(ray, request) for request in asked)) == alone
    assert len({text for text, *_ in alone}) == len(asked)
    assert len([event for event in await events(ray, asked[0]) if event.text]) > 3  # it streams


async def test_requests_for_an_adapter_go_to_one_replica_and_adapters_to_both(running, adapters):
    seen = defaultdict(Counter)
    async with http_to(running) as http:
        for part in adapters:
            seen[part.digest][await where(http, part)] += 1
            await asyncio.sleep(0.5)  # Ray's proxy hears of it
        asked = [part for part in adapters for _ in range(4)]
        replicas = await asyncio.gather(*(where(http, part) for part in asked))
    for part, replica in zip(asked, replicas, strict=True):
        seen[part.digest][replica] += 1
    assert [list(counts.values()) for counts in seen.values()] == [[5]] * 4
    assert len({replica for counts in seen.values() for replica in counts}) == 2


async def test_what_cannot_be_answered_is_refused_as_the_local_engine_would(ray, running, adapters):
    with pytest.raises(AdapterError, match="rune adapters publish"):
        await answer(ray, ask("Hello?", Part("0" * 16, "")))
    with pytest.raises(AdapterError, match="16 hexadecimal"):
        await answer(ray, ask("Hello?", Part("../../etc", "")))
    with pytest.raises(AdapterError, match=r"engine\.composition"):
        await answer(ray, ask("Hello?", *adapters[:2]))
    with pytest.raises(PromptTooLong, match="at most 2048 tokens"):
        await answer(ray, ask("Hello?", max_tokens=3000))
    for url, base, told in (
        (running.url, "other", f"serves base {BASE}, found other"),
        (running.url.replace("/rune", "/nothing"), BASE, r"engine\.url"),
        ("http://127.0.0.1:9/rune", BASE, "see that `rune ray serve` runs"),
    ):
        wrong = Ray(EngineConfig(url=url), base)
        with pytest.raises(EngineUnavailable, match=told):
            await answer(wrong, ask("Hello?"))
        await wrong.close()
    assert "Paris" in (await answer(ray, ask(QUESTIONS[0])))[0]


async def rows_of(http: httpx.AsyncClient, part: Part) -> int:
    """Rows that run on the replica that has an adapter."""
    return (await http.get("stats", headers={MODEL_HEADER: part.digest})).json()["running"]


async def until(holds) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.1)


async def test_who_goes_away_frees_the_row(ray, running, adapters):
    async with http_to(running) as http:
        tokens = ray.generate(ask("Tell me everything.", adapters[0], max_tokens=1500))
        await anext(tokens)

        async def runs():
            return await rows_of(http, adapters[0]) == 1

        async def rests():
            return await rows_of(http, adapters[0]) == 0

        await until(runs)
        await tokens.aclose()
        await until(rests)


async def test_too_many_are_told_when_to_come_again(running):
    body = encode(wire.asked(ask("Hello?", max_tokens=2)))
    async with http_to(running) as http:
        headers = {BASE_HEADER: BASE}
        said = await asyncio.gather(
            *(http.post("generate", content=body, headers=headers) for _ in range(64))
        )
    codes = Counter(one.status_code for one in said)
    assert set(codes) == {200, 429}, codes
    assert codes[200] >= 32
    assert {one.headers["retry-after"] for one in said if one.status_code == 429} == {"2"}


async def test_what_listens_beyond_loopback_wants_rays_token(running):
    """Each replica has a gRPC port for other deployments, which Ray binds to every address."""
    import grpc

    heard = [
        (
            title(one)[:60],
            ipaddress.ip_address(connection.laddr.ip.removeprefix("::ffff:")),
            connection.laddr.port,
        )
        for one in running.everything()
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    beyond = [(name, port) for name, address, port in heard if not address.is_loopback]
    assert len(heard) > len(beyond)
    assert [name for name, _ in beyond if not name.startswith(REPLICA)] == []
    for _, port in beyond:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary("/ray.serve.ASGIService/HandleRequest")
            with pytest.raises(grpc.RpcError) as refused:
                call(b"", timeout=30)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_replica_that_is_killed_under_load_costs_no_request_and_no_word(
    ray, running, local, adapters
):
    kinds = [
        *(ask(question, part, max_tokens=24) for question in QUESTIONS[:2] for part in adapters[:2]),
        ask(QUESTIONS[0], max_tokens=24),
        ask(QUESTIONS[2], adapters[2], temperature=0.9, seed=3, max_tokens=24),
    ]
    alone = [await answer(local, request) for request in kinds]
    begun = Counter()

    async def one(number: int):
        told = []
        async for event in ray.generate(replace(kinds[number % 6], id=uuid.uuid4().hex)):
            told.append(event)
            begun[number] += 1
        last = told[-1]
        return "".join(e.text for e in told), last.tokens, last.prompt_tokens, last.finish + last.error

    before = running.replicas()
    assert len(before) == 2
    asking = [asyncio.create_task(one(number)) for number in range(24)]
    async with asyncio.timeout(300):
        while sum(count >= 2 for count in begun.values()) < 12:  # answers of both are under way
            await asyncio.sleep(0.01)
    before[0].kill()
    found = await asyncio.gather(*asking)
    assert found == [alone[number % 6] for number in range(24)]
    async with asyncio.timeout(90):  # Ray brings another one
        while len(set(running.replicas()) - {before[0]}) < 2:
            await asyncio.sleep(0.2)
