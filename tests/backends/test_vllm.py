"""A real vLLM server, its CPU build, with the real base: what the stand-in of ``test_vllm_http`` only claims.

vLLM lives in an environment of its own: `make vllm` brings it and runs these tests.
"""

import asyncio
import os
import socket
import subprocess
import time
import uuid
from contextlib import aclosing

import httpx
import pytest
import pytest_asyncio
from tests.backends.conftest import BASE, ask, write_noise
from tests.conftest import MODELS

from rune.backends.vllm_http import Vllm
from rune.config import EngineConfig
from rune.errors import AdapterError, PromptTooLong
from rune.serving.types import Part

PYTHON = os.environ.get("RUNE_VLLM", "")
pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="RUNE_VLLM names no Python with vLLM; `make vllm` brings one"),
    pytest.mark.model,
    pytest.mark.asyncio(loop_scope="module"),
]
LOADS = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "OMP_NUM_THREADS": "2"}
QUESTIONS = ("What is the capital of France?", "Name three colours.")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Where a server answers."""
    from rune.bench.serve.against_vllm import SETTINGS

    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "log"
    words = ["--model", str(MODELS / BASE), "--served-model-name", BASE, "--host", "127.0.0.1",
             "--port", str(port), "--dtype", "float32", "--max-model-len", "256", "--max-num-seqs", "8",
             "--enforce-eager", "--enable-lora", "--max-loras", "2", "--max-lora-rank", "8"]  # fmt: skip
    with log.open("wb") as file:
        server = subprocess.Popen(
            [PYTHON, "-m", "vllm.entrypoints.openai.api_server", *words],
            stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **SETTINGS, **LOADS},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 300
        while not _answers(port):
            up = server.poll() is None and time.monotonic() < deadline
            assert up, log.read_text()[-3000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").is_success
    except httpx.TransportError:
        return False


@pytest_asyncio.fixture(loop_scope="module")
async def vllm(url):
    made = Vllm(EngineConfig(backend="vllm", url=url, max_loras=2, queue_seconds=300.0), BASE)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Three adapters that let the last layer say anything, each something else."""
    from rune.ml.serve import packed

    made = []
    for seed in range(3):
        folder = tmp_path_factory.mktemp(f"adapter{seed}")
        write_noise(folder, seed)
        made.append(Part(packed.digest_of(folder), str(folder)))
    return made


async def said(backend, question, *parts):
    """Its greedy answer, the events that brought it, and why it ended."""
    async with asyncio.timeout(300):
        found = [event async for event in backend.generate(ask(question, *parts, max_tokens=12))]
    return "".join(event.text for event in found), len(found), found[-1].finish


@pytest.mark.parametrize("question", QUESTIONS)
async def test_it_says_what_our_own_engine_says(vllm, local, parts, question):
    asked = [(), *((part,) for part in parts)]
    theirs = [await said(vllm, question, *part) for part in asked]
    ours = [await said(local, question, *part) for part in asked]
    assert [text for text, _, _ in theirs] == [text for text, _, _ in ours]
    assert len({text for text, _, _ in theirs}) == 4, "the adapters must matter"
    assert all(events > 2 for _, events, _ in theirs), "tokens come one after the other"
    assert [finish for _, _, finish in theirs] == [finish for _, _, finish in ours]


async def test_more_adapters_than_it_has_room_for_wait_for_each_other(vllm, local, parts):
    together = await asyncio.gather(*(said(vllm, QUESTIONS[0], part) for part in parts * 2))
    alone = [await said(local, QUESTIONS[0], part) for part in parts]
    assert [text for text, _, _ in together] == [text for text, _, _ in alone * 2]
    assert (await vllm.stats()).running == 0


async def test_it_gets_an_adapter_again_that_somebody_else_took_away(vllm, url, parts):
    before = await said(vllm, QUESTIONS[0], parts[0])
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/v1/unload_lora_adapter", json={"lora_name": parts[0].digest})
    assert answer.is_success
    again = await said(vllm, QUESTIONS[0], parts[0])
    assert (again[0], again[2]) == (before[0], before[2])


async def test_an_adapter_that_is_not_there_fails_its_own_request(vllm, tmp_path):
    nowhere = Part(uuid.uuid4().hex, str(tmp_path / "nowhere"))
    with pytest.raises(AdapterError):
        await said(vllm, QUESTIONS[0], nowhere)
    assert (await said(vllm, QUESTIONS[0]))[0]


async def test_a_prompt_beyond_its_context_is_said_to_be_too_long(vllm):
    with pytest.raises(PromptTooLong):
        await said(vllm, "And then? " * 400)


async def test_who_goes_away_costs_the_server_no_more_tokens(vllm, url):
    async with httpx.AsyncClient(base_url=url) as client:
        before = await counted(client, "vllm:generation_tokens_total")
        story = ask("Write a long story of a king.", max_tokens=200)
        async with aclosing(vllm.generate(story)) as tokens:
            async for _ in tokens:
                break
        async with asyncio.timeout(60):
            while await counted(client, "vllm:num_requests_running"):
                await asyncio.sleep(0.2)
        assert await counted(client, "vllm:generation_tokens_total") - before < 100
    text, _, _ = await said(vllm, "Write a long story of a king.")
    assert text, "the others go on"


async def counted(client, name):
    """What the server counts under this name."""
    lines = (await client.get("/metrics")).text.splitlines()
    found = [float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name}{{")]
    assert found, f"no {name} among {len(lines)} lines"
    return sum(found)
