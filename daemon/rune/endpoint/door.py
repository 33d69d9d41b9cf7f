"""The endpoint as the daemon holds it: before it is first opened, nothing of a web server is imported."""

from __future__ import annotations

from collections.abc import Callable

from rune import ports


class Door:
    """An endpoint that is built when it is opened."""

    def __init__(self, build: Callable[[], ports.Door]) -> None:
        self._build = build
        self._built: ports.Door | None = None

    @property
    def url(self) -> str:
        """Where it listens; empty while it is closed."""
        return self._built.url if self._built else ""

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
