"""The endpoint as the daemon holds it: before it is first opened, nothing of a web server is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rune.records.message import Serve, Serving


class Port(Protocol):
    """``server.Endpoint``, which may not be imported here."""

    url: str

    async def start(self, port: int = 0) -> str:
        """Open it; its address."""

    async def stop(self) -> None:
        """Close it."""


class Door:
    """An endpoint that is built when it is opened."""

    def __init__(self, build: Callable[[], Port]) -> None:
        self._build = build
        self._built: Port | None = None

    @property
    def url(self) -> str:
        """Where it listens; empty while it is closed."""
        return self._built.url if self._built else ""

    async def answer(self, request: Serve) -> Serving:
        """Open it or close it, as somebody asks.

        Raises:
            ConfigError: as ``server.Endpoint.start``.
        """
        if request.stop:
            await self.stop()
            return Serving()
        return Serving(await self.start(request.port))

    async def start(self, port: int = 0) -> str:
        """Open it; its address.

        Raises:
            ConfigError: as ``server.Endpoint.start``.
        """
        self._built = self._built or self._build()
        return await self._built.start(port)

    async def stop(self) -> None:
        """Close it."""
        if self._built:
            await self._built.stop()
