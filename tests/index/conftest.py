"""A real Chroma server, ``chroma run`` of the pinned package, which may be stopped and started again."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import chromadb
import httpx
import pytest
from chromadb.config import Settings

from rune.index.server import disconnect
from rune.testing import until


class Chroma:
    """A server in a process of its own, which can be stopped and started again over the same files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self._client: chromadb.ClientAPI | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        chroma = Path(sysconfig.get_path("scripts")) / "chroma"
        where = ("--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port))
        self.folder.mkdir(exist_ok=True)
        with (self.folder.parent / "chroma.log").open("ab") as log:
            self.process = subprocess.Popen([chroma, "run", *where], stdout=log, stderr=log)
        try:
            until(self.answers, 180)
        except BaseException:
            self.stop()
            raise

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/heartbeat", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        self.stop()
        if self._client:
            disconnect(self._client)

    @property
    def client(self) -> chromadb.ClientAPI:
        """Another program's."""
        settings = Settings(anonymized_telemetry=False)
        self._client = self._client or chromadb.HttpClient("127.0.0.1", self.port, settings=settings)
        return self._client

    def held(self) -> dict[str, list[str]]:
        """The ids of every collection."""
        return {one.name: one.get(include=[])["ids"] for one in self.client.list_collections()}

    def bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Chroma]:
    """One server for every test that does not stop it."""
    made = Chroma(tmp_path_factory.mktemp("chroma") / "data")
    made.start()
    yield made
    made.close()


@pytest.fixture
def chroma(running) -> Iterator[Chroma]:
    """A server that runs, with nothing on it."""
    if running.process is None:
        running.start()
    yield running
    if running.process is None:
        running.start()
    for one in running.client.list_collections():
        running.client.delete_collection(one.name)
