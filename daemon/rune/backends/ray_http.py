"""A Ray Serve application as the engine: several replicas of Rune's own engine (``ray_replica``), over HTTP.

The messages are those of daemon and worker (``rune.records.tokens``), one a line. A request names its adapter
in Ray's header, so that Ray sends it to the replica that has the adapter.

A request whose replica dies is asked again from its beginning, and what was told already is left out of the
second answer. That is safe because an answer is decided by prompt, adapter and seed, and a request that draws
without a seed is given one here; it keeps counts and stop strings right, and needs no replica to know of the
first one. The cost is to decode the told part once more. Going on after it instead would need the very token
ids and the state of the draws.

Covered: replicas, proxies and a whole application that die or start anew in the middle; back-pressure; a
caller who goes away. Not covered: replicas whose arithmetic differs (other processors, other versions of
torch) may choose another token: then the two answers differ, which is noticed and told as an error, never
glued together. Keys, and who listens on the way: the network between is trusted.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import httpx

from rune.backends import wire
from rune.backends.flights import Flights, Say, connections, retry_after
from rune.config import EngineConfig
from rune.errors import ConfigError, EngineBusy, EngineUnavailable, FormatError, RuneError
from rune.records.message import Failed, Message, decode, encode
from rune.records.tokens import Prefetch, Token
from rune.serving.types import EngineStats, GenerateRequest, Part, TokenEvent

MODEL_HEADER = "serve_multiplexed_model_id"
"""Ray's own: which of a deployment's models a request is for."""
BASE_HEADER = "x-rune-base"
REPLICA_HEADER = "x-rune-replica"
MEDIA_TYPE = "application/x-ndjson"
GONE = (500, 502, 504)
"""What Ray's proxies say when a replica dies before its answer begins."""
TRIES = 3
"""Tries of one request: one that kills whoever answers it must not go through all replicas."""
PAUSE_SECONDS = 0.25
RETRY_SECONDS = 2.0

log = logging.getLogger(__name__)


class Ray:
    """``Backend`` over a Ray Serve application."""

    def __init__(self, config: EngineConfig, base: str) -> None:
        """Nothing is asked yet.

        Args:
            config: ``url``, ``queue_seconds``.
            base: the name of the base, which must be that of the replicas.

        Raises:
            ConfigError: the URL is none of HTTP.
        """
        if not config.url.startswith(("http://", "https://")):
            raise ConfigError(f"engine: backend ray needs url = 'http://.../rune', found {config.url!r}")
        self.base = base
        self.url = config.url.rstrip("/")
        self.patience = config.queue_seconds
        self._http = connections(self.url)
        self._flights = Flights()
        self._near: dict[str, asyncio.Task[None]] = {}
        self._tokens = 0

    def generate(self, request: GenerateRequest) -> AsyncIterator[TokenEvent]:
        """As ``Backend.generate``."""
        return self._flights.events(request.id, lambda say: self._ask(request, say))

    async def prefetch(self, part: Part) -> None:
        """As ``Backend.prefetch``; nobody waits for it but who generates with this adapter."""
        if part.digest not in self._near:
            near = self._near[part.digest] = self._flights.send(self._brought_near(part))
            near.add_done_callback(lambda _: self._near.pop(part.digest))

    async def stats(self) -> EngineStats:
        """As ``Backend.stats``, as far as it is seen from here."""
        return EngineStats(running=len(self._flights), tokens=self._tokens)

    async def close(self) -> None:
        """As ``Backend.close``."""
        old, self._http = self._http, connections(self.url)
        await self._flights.close()
        await old.aclose()

    async def _ask(self, request: GenerateRequest, say: Say) -> None:
        """One request, from one replica or several after each other."""
        for part in request.parts[:1]:  # Ray hears by it where the adapter is
            if near := self._near.get(part.digest):
                await asyncio.wait({near})
        body, headers = encode(wire.asked(_sent(request))), self._headers(request.parts)
        told, tries = _Told(request.id), _Tries(self.patience)
        while True:
            try:
                await self._stream(body, headers, told, say)
                return
            except EngineUnavailable as error:
                await asyncio.sleep(tries.pause(error))
                log.info("request %s is asked again: %s", request.id, error)
            told.again()

    async def _stream(self, body: bytes, headers: dict[str, str], told: _Told, say: Say) -> None:
        try:
            # Ray's proxies let a request wait for as long as it takes
            async with (
                asyncio.timeout(self.patience) as limit,
                self._http.stream("POST", "/generate", content=body, headers=headers) as answer,
            ):
                limit.reschedule(None)
                if answer.status_code != httpx.codes.OK:
                    raise _refusal(answer, await answer.aread())
                async for line in answer.aiter_lines():
                    event = told.new(_event(line))
                    if event is None:
                        continue
                    self._tokens += event.tokens - told.tokens
                    told.take(event)
                    say(event)
                    if event.finish:
                        return
        except TimeoutError:
            said = f"no replica took the request within {self.patience:g} s"
            raise EngineBusy(said, RETRY_SECONDS) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._gone(error) from None
        except httpx.HTTPError as error:
            raise _Lost(f"a replica went away in the middle of an answer ({type(error).__name__})") from None
        raise _Lost("a replica ended its answer in the middle")

    async def _brought_near(self, part: Part) -> None:
        """Have a replica fetch an adapter; whoever asks for it is told what is wrong with it."""
        body = encode(Prefetch((_away(part),)))
        try:
            answer = await self._http.post("/prefetch", content=body, headers=self._headers((part,)))
        except httpx.HTTPError as error:
            log.info("not brought near: %s", self._gone(error))
            return
        if answer.status_code != httpx.codes.OK:
            log.info("not brought near: %s", _refusal(answer, answer.content))

    def _headers(self, parts: tuple[Part, ...]) -> dict[str, str]:
        named = {MODEL_HEADER: parts[0].digest} if parts else {}
        return {BASE_HEADER: self.base, "content-type": MEDIA_TYPE, **named}

    def _gone(self, error: httpx.HTTPError) -> EngineUnavailable:
        what = type(error).__name__
        return EngineUnavailable(f"no engine answers at {self.url} ({what}); see that `rune ray serve` runs")


class _Lost(EngineUnavailable):
    """Nobody knows what became of a request, or of the rest of it."""


class _Apart(RuneError):
    """Two answers to one request differ."""


@dataclass(slots=True)
class _Told:
    """What a request was told, whoever answered."""

    id: str
    text: str = ""
    tokens: int = 0
    _heard: str = field(default="", init=False)
    """What the replica that answers now has said."""

    def again(self) -> None:
        """Another replica begins from the beginning."""
        self._heard = ""

    def new(self, event: TokenEvent) -> TokenEvent | None:
        """What an event says beyond what was told; None where that is nothing.

        Raises:
            _Apart: it says something else.
        """
        self._heard += event.text
        known = min(len(self._heard), len(self.text))
        short = event.finish in ("stop", "length") and len(self._heard) < len(self.text)
        if self._heard[:known] != self.text[:known] or short:
            raise _Apart("a second replica answers otherwise than the one that went away; ask again")
        fresh = self._heard[len(self.text) :]
        return replace(event, id=self.id, text=fresh) if fresh or event.finish else None

    def take(self, event: TokenEvent) -> None:
        """This was told."""
        self.text += event.text
        self.tokens = event.tokens


@dataclass(slots=True)
class _Tries:
    """How often and how long one request is asked again."""

    patience: float
    """Seconds for which it may find nobody once it was accepted."""
    lost: int = 0
    _since: float = 0.0

    def pause(self, error: EngineUnavailable) -> float:
        """Seconds to wait before it is asked again.

        Raises:
            EngineUnavailable: the error itself: it is not asked again.
        """
        if isinstance(error, _Lost):
            self.lost += 1
            self._since = time.monotonic()
            if self.lost >= TRIES:
                raise EngineUnavailable(f"given up after {self.lost} tries: {error}") from None
        elif not self.lost or time.monotonic() - self._since > self.patience:
            raise error  # a refusal at the beginning is the caller's to know
        return error.retry_after if isinstance(error, EngineBusy) else PAUSE_SECONDS * 2**self.lost


def _sent(request: GenerateRequest) -> GenerateRequest:
    """A request as it may leave this machine, and as it can be asked twice.

    No folder and no name of a project goes with it; who draws without a seed gets one.
    """
    how = request.sampling
    if how.temperature > 0 and how.seed is None:
        how = replace(how, seed=secrets.randbits(53))
    client = hashlib.sha256(request.client.encode()).hexdigest()[:16]
    return replace(request, parts=tuple(map(_away, request.parts)), sampling=how, client=client)


def _away(part: Part) -> Part:
    return replace(part, folder="")


def _event(line: str) -> TokenEvent:
    """One line of an answer.

    Raises:
        EngineUnavailable: it tells an error, or is no event.
    """
    said = _message(line.encode())
    if isinstance(said, Token):
        return wire.event(said)
    if isinstance(said, Failed):
        raise _Lost(said.message)
    raise EngineUnavailable(f"the engine said something else than an event: {line[:60]!r}")


def _message(data: bytes) -> Message | None:
    try:
        return decode(data)
    except FormatError:
        return None


def _refusal(answer: httpx.Response, body: bytes) -> RuneError:
    """A refusal as the error that the local engine would have raised; else it is Ray's own."""
    if isinstance(told := _message(body), Failed):
        error = wire.refusal(told)
        # an engine that broke: its replica is replaced, another one may do
        return _Lost(str(error)) if told.retry and type(error) is EngineUnavailable else error
    said = f"{body[:200].decode(errors='replace')!r} ({answer.status_code})"
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return EngineBusy(f"every replica is busy: {said}", retry_after(answer))
    if answer.status_code == httpx.codes.NOT_FOUND:
        return EngineUnavailable(f"Ray Serve has no such application: {said}; see engine.url")
    if answer.status_code in GONE:
        return _Lost(f"a replica went away before it answered: {said}")
    return EngineUnavailable(f"Ray Serve refused: {said}")
