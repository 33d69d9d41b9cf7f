"""Opens and closes the port, on loopback alone, within the daemon's loop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from rune.config import ServeConfig
from rune.endpoint.gate import Gate
from rune.errors import ConfigError
from rune.serving.backend import Backend

CONNECTIONS = 128
"""More at once are answered 503."""
GRACE_SECONDS = 2
"""How long answers in flight may go on when the port closes."""

log = logging.getLogger(__name__)


class Endpoint:
    """The HTTP endpoint of one daemon."""

    def __init__(self, app: ASGIApp, keys: Path, config: ServeConfig, engine: Backend | None = None) -> None:
        self.app = app
        self.engine = engine
        """What gives back what it holds when the port closes; it is used again when it opens."""
        self.keys = keys
        self.config = config
        self.url = ""
        """Where it listens; empty while it does not."""
        self._changing = asyncio.Lock()
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self, port: int = 0) -> str:
        """Open the port, unless it is open; the base address for clients.

        Args:
            port: another one than that of the settings.

        Raises:
            ConfigError: the port is taken, is open as another one, or the host is not loopback.
        """
        async with self._changing:
            if not self.url:
                self.url = self._open(port)
                log.info("serves on %s", self.url)
        if port and f":{port}/" not in self.url:
            raise ConfigError(f"serves on {self.url} already; close it with `rune serve --stop` first")
        return self.url

    def _open(self, port: int) -> str:
        bound = listening(self.config.host, port or self.config.port)
        host, port = bound.getsockname()[:2]
        app = Gate(self.app, self.keys, port)
        self._server = _Server(uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", http="h11",
            server_header=False, limit_concurrency=CONNECTIONS, timeout_graceful_shutdown=GRACE_SECONDS,
        ))  # fmt: skip
        self._serving = asyncio.create_task(self._server.serve([bound]))
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"

    async def stop(self) -> None:
        """Close the port; answers in flight get a moment, then they are cancelled."""
        async with self._changing:
            if self._server and self._serving:
                self.url = ""
                self._server.should_exit = True
                await self._serving
                self._server = self._serving = None
                if self.engine:
                    await self.engine.close()


class _Server(uvicorn.Server):
    """Uvicorn as a guest: the signals are the daemon's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on a loopback address.

    Raises:
        ConfigError: the host is not loopback, or the port is taken.
    """
    host = "127.0.0.1" if host == "localhost" else host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ConfigError(f"serve.host: expected 127.0.0.1, ::1 or localhost, found {host!r}") from None
    if not address.is_loopback:
        raise ConfigError(f"serve.host: {host} is not loopback; Rune serves this machine alone")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(CONNECTIONS)
    except OSError as error:
        bound.close()
        way_out = "take another one with `rune serve --port` or serve.port"
        raise ConfigError(f"cannot listen on {host}:{port} ({error.strerror}); {way_out}") from None
    bound.setblocking(False)
    return bound
