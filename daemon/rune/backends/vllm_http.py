"""A vLLM server as the engine, over its OpenAI API: for a GPU that is elsewhere.

Adapters are named by their ids, so that one name never means two contents and the server's prefix cache stays
right. They are loaded at run time (``/v1/load_lora_adapter``); a server without that is trusted to find them
by name (its resolver plugins).

Covered: a server that is gone, busy, starts anew in the middle, or has forgotten an adapter; a caller who
goes away (closing the stream makes the server abort). Not covered: whether the server's base is the one that
the adapters were made for, beyond its name; keys, and who listens on the way: the network between is trusted.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx

from rune.backends.flights import Flights, Say, connections, retry_after
from rune.backends.slots import Slots
from rune.config import EngineConfig
from rune.errors import AdapterError, ConfigError, EngineBusy, EngineUnavailable, PromptTooLong, RuneError
from rune.serving.types import EngineStats, Finish, GenerateRequest, Part, TokenEvent

KEPT = 256
"""Names that are left loaded; beyond, the longest unused is unloaded: the server would keep them for ever."""
FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length", "abort": "cancelled"}

log = logging.getLogger(__name__)


class Vllm:
    """``Backend`` over a vLLM server."""

    def __init__(self, config: EngineConfig, base: str) -> None:
        """Nothing is asked yet.

        Args:
            config: ``url``, ``max_loras``, ``adapters``, ``queue``, ``queue_seconds``.
            base: the name under which the server serves the base.

        Raises:
            ConfigError: the URL is none of HTTP, or there is room for no adapter.
        """
        if not config.url.startswith(("http://", "https://")) or config.max_loras < 1:
            raise ConfigError(
                f"engine: backend vllm needs url = 'http://...' and max_loras of 1 or more, "
                f"found {config.url!r} and {config.max_loras}"
            )
        self.base = base
        self.adapters = config.adapters
        self.slots = Slots(config.max_loras, config.queue, config.queue_seconds)
        self.url = config.url.rstrip("/").removesuffix("/v1")
        self._http = connections(self.url)
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self.kept = KEPT
        self._loading = asyncio.Lock()
        self._loads = True
        """Whether the server has the endpoints for that."""
        self._flights = Flights()
        self._counts = {"loads": 0, "hits": 0, "evictions": 0, "tokens": 0}

    def generate(self, request: GenerateRequest) -> AsyncIterator[TokenEvent]:
        """As ``Backend.generate``."""
        return self._flights.events(request.id, lambda say: self._ask(request, say))

    async def prefetch(self, part: Part) -> None:
        """As ``Backend.prefetch``; nobody waits for it, and what goes wrong is told to who generates."""
        self._flights.send(self._brought_near(part))

    async def stats(self) -> EngineStats:
        """As ``Backend.stats``, as far as it is seen from here."""
        return EngineStats(
            running=len(self._flights) - self.slots.waiting, waiting=self.slots.waiting,
            slots=self.slots.most, resident=len(self._loaded), **self._counts,
        )  # fmt: skip

    async def close(self) -> None:
        """As ``Backend.close``."""
        old, self._http = self._http, connections(self.url)
        await self._flights.close()
        await old.aclose()

    # one request

    async def _ask(self, request: GenerateRequest, say: Say) -> None:
        if len(request.parts) > 1:
            raise AdapterError("a vLLM server takes one adapter in a request; see engine.composition")
        if not request.parts:
            try:
                await self._stream(request, self.base, say)
            except _Unknown as error:
                way_out = f"start vLLM with --served-model-name {self.base}"
                raise EngineUnavailable(f"{error}; {way_out}") from None
            return
        [part] = request.parts
        async with self.slots.place(part.digest):
            await self._ensure(part)
            try:
                await self._stream(request, part.digest, say)
            except _Unknown:  # it started anew, or unloaded it for somebody else
                self._loaded.pop(part.digest, None)
                self._loads = True
                await self._ensure(part)
                await self._stream(request, part.digest, say)

    async def _stream(self, request: GenerateRequest, model: str, say: Say) -> None:
        body, count = _body(request, model), (0, 0)
        last: TokenEvent | None = None
        try:
            async with self._http.stream("POST", "/v1/completions", json=body) as answer:
                if answer.status_code != httpx.codes.OK:
                    await answer.aread()
                    raise _refusal(answer)
                async for line in answer.aiter_lines():
                    event = _event(request.id, line, count)
                    if event is None:
                        continue
                    self._counts["tokens"] += event.tokens - count[0]
                    count = (event.tokens, event.prompt_tokens)
                    if event.finish:  # told at the end of the stream, so that its connection is used again
                        last = event
                    else:
                        say(event)
        except httpx.HTTPError as error:
            if last is None:
                raise self._gone(error) from None
        if last is None:
            raise EngineUnavailable("the engine ended its answer in the middle")
        say(last)

    # adapters

    async def _ensure(self, part: Part) -> None:
        """Have the server know an adapter.

        Raises:
            AdapterError: it cannot load it.
            EngineUnavailable: it does not answer.
        """
        if self._has(part.digest):  # whoever is served does not wait for another one's load
            return
        async with self._loading:  # the server loads one at a time, too
            if self._has(part.digest) or not self._loads or not await self._load(part):
                return
            self._loaded[part.digest] = None
            self._counts["loads"] += 1
            idle = [one for one in self._loaded if one not in self.slots.flying and one != part.digest]
            for digest in idle[: max(0, len(self._loaded) - self.kept)]:
                del self._loaded[digest]
                self._counts["evictions"] += 1
                await self._post("/v1/unload_lora_adapter", {"lora_name": digest})

    def _has(self, digest: str) -> bool:
        if digest not in self._loaded:
            return False
        self._counts["hits"] += 1
        self._loaded.move_to_end(digest)
        return True

    async def _load(self, part: Part) -> bool:
        """Whether the server has it now; False where it is left to find it by name."""
        folder = str(Path(self.adapters) / part.digest) if self.adapters else part.folder
        answer = await self._post("/v1/load_lora_adapter", {"lora_name": part.digest, "lora_path": folder})
        if answer.status_code == httpx.codes.OK:
            return True
        if answer.status_code == httpx.codes.NOT_FOUND and _error(answer).get("code") != 404:
            self._loads = False  # no such endpoint: it finds adapters by name, or says that it does not
            log.info("the engine loads no adapters at run time; it has to find them by name")
            return False
        if answer.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            raise _refusal(answer)
        if part.digest not in await self._known():  # else it was loaded before this process began
            raise AdapterError(f"the engine cannot load {part.digest} from {folder}: {_told(answer)}")
        return True

    async def _known(self) -> set[str]:
        try:
            answer = await self._http.get("/v1/models")
            return {str(model["id"]) for model in answer.json()["data"]}
        except httpx.HTTPError as error:
            raise self._gone(error) from None
        except (ValueError, KeyError, TypeError):
            return set()

    async def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        try:
            return await self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise self._gone(error) from None

    async def _brought_near(self, part: Part) -> None:
        if len(self.slots.flying) >= self.slots.most and part.digest not in self.slots.flying:
            return  # it would push out what is in use
        try:
            await self._ensure(part)
        except RuneError as error:
            log.info("not brought near: %s", error)

    def _gone(self, error: httpx.HTTPError) -> EngineUnavailable:
        what = type(error).__name__
        return EngineUnavailable(f"no engine answers at {self.url} ({what}); see that vLLM runs there")


class _Unknown(AdapterError):
    """The server knows no model of this name."""


def _body(request: GenerateRequest, model: str) -> dict[str, Any]:
    """A request as vLLM takes it; the prompt has the chat template's marks already."""
    how = request.sampling
    body: dict[str, Any] = {
        "model": model, "prompt": request.prompt, "max_tokens": how.max_tokens,
        "temperature": how.temperature, "top_p": how.top_p, "stream": True, "add_special_tokens": False,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }  # fmt: skip
    return body | ({"seed": how.seed} if how.seed is not None else {}) | (
        {"stop": list(how.stop)} if how.stop else {}
    )  # fmt: skip


def _event(id: str, line: str, before: tuple[int, int]) -> TokenEvent | None:
    """One line of the stream; None where it says nothing of this request.

    Raises:
        EngineUnavailable: it tells an error, or is no event.
    """
    if not line.startswith("data:") or (data := line[5:].strip()) == "[DONE]":
        return None
    try:
        raw = json.loads(data)
        if error := raw.get("error"):
            raise EngineUnavailable(f"the engine gave up: {error.get('message', error)}")
        usage = raw.get("usage") or {}
        choices = raw.get("choices") or []
        if not choices:
            return None
        text, reason = str(choices[0].get("text") or ""), choices[0].get("finish_reason")
        tokens = int(usage.get("completion_tokens", before[0] + bool(text)))
        prompt = int(usage.get("prompt_tokens", before[1]))
    except (ValueError, TypeError, AttributeError) as error:
        raise EngineUnavailable(f"the engine said something else than an event: {error!r}") from None
    finish = FINISHES.get(cast("str", reason), "stop") if reason else None
    return TokenEvent(id, text, tokens, prompt, finish)


def _error(answer: httpx.Response) -> dict[str, Any]:
    try:
        raw = answer.json()
        error = raw.get("error", raw)
        return error if isinstance(error, dict) else {"message": str(error)}
    except (ValueError, AttributeError):
        return {}


def _told(answer: httpx.Response) -> str:
    return str(_error(answer).get("message") or f"status {answer.status_code}")[:300]


def _refusal(answer: httpx.Response) -> RuneError:
    """A refusal as the error that the local engine would have raised."""
    said = _told(answer)
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return EngineBusy(said, retry_after(answer))
    if answer.status_code == httpx.codes.NOT_FOUND:
        return _Unknown(f"the engine: {said}")
    if answer.status_code == httpx.codes.BAD_REQUEST and "context length" in said.lower():
        return PromptTooLong(said)
    return EngineUnavailable(f"the engine refused ({answer.status_code}): {said}")
