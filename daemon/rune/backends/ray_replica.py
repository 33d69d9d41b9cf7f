"""One replica: Rune's own engine behind HTTP, as ``ray_http`` asks it. Nothing here needs Ray.

Adapters come out of a shared store, are held against their manifest, and are kept on the node's disk.

    POST /rune/generate   a ``Generate``; answered by ``Token`` lines, or one ``Failed`` with its status
    POST /rune/prefetch   a ``Prefetch``; answered by ``Done`` or ``Failed``
    GET  /rune/stats      ``EngineStats`` of the replica that answers, whose name is in a header

Covered: an adapter that is not published, damaged, or of another base fails its own request; an engine that
broke fails the health check. Not covered: who may ask. Whoever reaches the port can; keep it to the network
of the daemons.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rune.backends import wire
from rune.backends.ray_http import BASE_HEADER, MEDIA_TYPE, REPLICA_HEADER
from rune.backends.store import Store
from rune.errors import (
    AdapterError,
    EngineBusy,
    EngineUnavailable,
    FormatError,
    PromptTooLong,
    RuneError,
    WrongBase,
)
from rune.records import published
from rune.records.message import Done, Failed, Message, decode, encode
from rune.records.tokens import Generate, Prefetch
from rune.serving.backend import Backend
from rune.serving.types import Part, TokenEvent

Near = Callable[[str], Awaitable[str]]

STATUSES: tuple[tuple[type[RuneError], int], ...] = (
    (EngineBusy, 429), (EngineUnavailable, 503), (PromptTooLong, 400), (FormatError, 400),
    (AdapterError, 422),
)  # fmt: skip


class Bound(NamedTuple):
    """A base: what a person calls it, and what adapters are bound to."""

    name: str
    hash: str


class Replica:
    """One engine, behind Ray's proxies."""

    def __init__(
        self, engine: Backend, base: Bound, store: Store, cache: Path, near: Near, name: str
    ) -> None:
        """Put the parts together.

        Args:
            engine: of this process.
            base: what it has loaded.
            store: where adapters come from.
            cache: folder on this node's disk where they stay.
            near: tells Ray that this replica has an adapter.
            name: of the replica.
        """
        self.engine = engine
        self.base = base
        self.store = store
        self.cache = cache
        self.near = near
        self.name = name

    async def __call__(self, request: Request) -> Response:
        """Answer one HTTP request."""
        try:
            answer = await self._answer(request)
        except RuneError as error:
            answer = _refused(error)
        answer.headers[REPLICA_HEADER] = self.name
        return answer

    async def check_health(self) -> None:
        """Ask the engine; Ray replaces a replica where this fails.

        Raises:
            EngineUnavailable: it broke.
        """
        await self.engine.stats()

    async def _answer(self, request: Request) -> Response:
        where = f"{request.method} {request.url.path.rpartition('/')[2]}"
        if where == "GET stats":
            return _said(await self.engine.stats())
        if where not in ("POST generate", "POST prefetch"):
            raise FormatError(f"{where}: expected POST generate, POST prefetch or GET stats")
        if (named := request.headers.get(BASE_HEADER)) != self.base.name:
            said = f"this application serves base {self.base.name}, found {named} in model.base there"
            return _said(Failed("ConfigError", said), 409)
        message = decode(await request.body())
        match message:
            case Generate():
                return await self._generate(message)
            case Prefetch():
                for part in await self._parts(message.parts):
                    await self.engine.prefetch(part)
                return _said(Done())
        raise FormatError(f"expected Generate or Prefetch, found {type(message).__name__}")

    async def _generate(self, sent: Generate) -> Response:
        parts = await self._parts(sent.parts)
        # the same request may be here already, when its connection broke on the way and not its replica
        request = replace(wire.request(sent), id=uuid.uuid4().hex, parts=parts)
        events = self.engine.generate(request)
        first = await anext(events)  # what is refused has a status
        return _Lines(_lines(sent.id, first, events), media_type=MEDIA_TYPE)

    async def _parts(self, wanted: tuple[Part, ...]) -> tuple[Part, ...]:
        """Adapters on this node's disk, brought there where they are not.

        Raises:
            AdapterError: one is not published, or not what its manifest says.
            WrongBase: it was made for another base.
            EngineUnavailable: the store does not answer.
        """
        found = []
        for part in wanted:
            await self.near(part.digest)
            try:
                folder = await asyncio.to_thread(self._fetched, part.digest)
            except FormatError as error:
                raise AdapterError(str(error)) from None
            except OSError as error:
                raise EngineUnavailable(f"the store does not answer: {error}") from None
            found.append(replace(part, folder=str(folder)))
        return tuple(found)

    def _fetched(self, digest: str) -> Path:
        folder = self.store.fetch(digest, self.cache)
        manifest = folder / published.NAME
        made_for = published.parse(manifest.read_bytes(), str(manifest), digest).base_hash
        if made_for != self.base.hash:  # the folder may be older than the base of this node
            raise WrongBase(f"adapter {digest} is for base {made_for[:12]}, here is {self.base.hash[:12]}")
        return folder


async def _lines(id: str, first: TokenEvent, events: AsyncIterator[TokenEvent]) -> AsyncIterator[bytes]:
    """The events as lines, the first of them known; cancels the request when nobody reads on."""
    async with contextlib.aclosing(events):  # type: ignore[type-var]
        yield _line(id, first)
        if first.finish:
            return
        try:
            async for event in events:
                yield _line(id, event)
        except EngineUnavailable as error:
            yield encode(wire.failed(error))


def _line(id: str, event: TokenEvent) -> bytes:
    return encode(wire.token(replace(event, id=id)))


class _Lines(StreamingResponse):
    """Lets go of its lines when the client is gone, and not when the garbage is collected."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().__call__(scope, receive, send)


def _said(message: Message, status: int = 200) -> Response:
    return Response(encode(message), status, media_type=MEDIA_TYPE)


def _refused(error: RuneError) -> Response:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    answer = _said(wire.failed(error), status)
    if isinstance(error, EngineBusy):
        answer.headers["retry-after"] = str(max(1, round(error.retry_after)))
    return answer
