"""One endpoint on a real port for all of these tests, over one worker process whose engine is a fake."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from rune import redact
from rune.backends.local import Local
from rune.capture import Capture
from rune.config import CaptureConfig, ServeConfig
from rune.endpoint.api import Api
from rune.endpoint.server import Endpoint
from rune.paths import Home
from rune.records import api_key
from rune.remember import Completions
from rune.testing import BASE, worker_at


@dataclass(frozen=True, slots=True)
class Served:
    """Where it is, and what is behind it."""

    url: str
    keys: Path
    local: Local
    capture: Capture
    """What knows the sessions at work, of a home that all tests of the session share."""

    @property
    def port(self) -> int:
        return int(self.url.removesuffix("/v1").rpartition(":")[2])

    def key(self, project: object = "") -> str:
        return api_key.ensure(self.keys, str(project), time.time()).key


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("endpoint")
    process = worker_at(root, "--token", "0.01")
    local = Local(process, 20.0)
    capture = Capture(Home(root), CaptureConfig(), time.time, redact.redact, lambda path: [])
    api = Api(local, local, Completions(capture), BASE, 64)
    endpoint = Endpoint(api.app(), root / "api-keys.json", ServeConfig(port=0))
    yield Served(await endpoint.start(), root / "api-keys.json", local, capture)
    await endpoint.stop()
    await process.stop()
