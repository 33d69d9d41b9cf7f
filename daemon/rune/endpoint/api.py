"""The protocol over HTTP: a value in, a value out.

A client that goes away ends its request within one step of the engine: the task that answers is cancelled,
which closes the stream of tokens, which tells the engine.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as At
from starlette.types import Receive, Scope, Send

from rune.endpoint import answers, asked, problems
from rune.endpoint.answers import Form
from rune.endpoint.asked import Asked
from rune.endpoint.gate import refusal
from rune.endpoint.problems import Problem
from rune.endpoint.routing import Desk, Route, Router, cards_of, project_of
from rune.endpoint.uses import Events, Notebook, Use
from rune.errors import RuneError
from rune.records.api_key import ApiKey
from rune.serving.backend import Backend
from rune.serving.types import GenerateRequest, TokenEvent

PROJECT = "x-rune-project"
SESSION = "x-rune-session"
FAILED = ("error", "cancelled")


class Api:
    """``/v1/models``, ``/v1/chat/completions``, ``/v1/completions``."""

    def __init__(self, backend: Backend, desk: Desk, notebook: Notebook, base: str, max_tokens: int) -> None:
        self.backend = backend
        self.desk = desk
        self.notebook = notebook
        self.router = Router(desk, base)
        self.base = base
        self.max_tokens = max_tokens
        """Of an answer whose request names none."""

    def app(self) -> Starlette:
        """The application, without the gate."""
        routes = [
            At("/v1/models", self._models, methods=["GET"]),
            At("/v1/models/{model}", self._model, methods=["GET"]),
            At("/v1/chat/completions", self._chat, methods=["POST"]),
            At("/v1/completions", self._completions, methods=["POST"]),
        ]
        handlers: dict[Any, Callable[..., Response]] = {
            RuneError: lambda _, error: refusal(problems.of(error)),
            HTTPException: _not_here,
            Exception: lambda *_: refusal(problems.of(RuneError("internal error; see `rune logs`"))),
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _models(self, request: Request) -> Response:
        return _json({"object": "list", "data": await self._all(request)})

    async def _model(self, request: Request) -> Response:
        wanted = request.path_params["model"]
        for model in await self._all(request):
            if model["id"] == wanted:
                return _json(model)
        raise Problem(404, f"no model {wanted!r} here; GET /v1/models lists them", "model_not_found", "model")

    async def _all(self, request: Request) -> list[dict[str, Any]]:
        project = await _project(request)
        return answers.models(self.base, await asyncio.to_thread(cards_of, project))

    async def _chat(self, request: Request) -> Response:
        return await self._answer(request, asked.chat(await _parsed(request), self.max_tokens))

    async def _completions(self, request: Request) -> Response:
        return await self._answer(request, asked.completion(await _parsed(request), self.max_tokens))

    async def _answer(self, request: Request, wanted: Asked) -> Response:
        project = await _project(request)
        route = await self.router.route(wanted.model, project, wanted.query)
        use = self._use(request, project, route)
        prompt = await self._prompt(wanted, route)
        chat, one = bool(wanted.turns), uuid.uuid4().hex
        form = Form(
            f"{'chatcmpl' if chat else 'cmpl'}-{one}",
            int(time.time()),
            wanted.model,
            route,
            chat,
            wanted.usage,
            use.session if use else "",
        )
        parts = (route.part,) if route.part else ()
        client = f"{_key(request).name}:{wanted.user}"
        asked = GenerateRequest(one, prompt, parts, wanted.sampling, client)
        events = cast("Events", self.backend.generate(asked))
        events = use.counted(events) if use else events
        first = await anext(events)  # what is refused is refused before anything is sent
        if first.finish in FAILED or not wanted.stream:
            return await _whole(form, first, events)
        return Streamed(form, first, events)

    def _use(self, request: Request, project: str, route: Route) -> Use | None:
        """What this answer will count for; None where the base gives it."""
        if route.part is None:
            return None
        session = self.notebook.asking(project, _header(request, SESSION))
        return Use(self.notebook, project, session, route.part.digest, route.relevance or 0.0)

    async def _prompt(self, wanted: Asked, route: Route) -> str:
        """The request as the engine takes it; meanwhile the adapter is brought near."""
        if route.part:
            await self.backend.prefetch(route.part)
        return await self.desk.render(wanted.turns) if wanted.turns else wanted.prompt


class Streamed(Response):
    """Server-sent events, one for each piece of the answer."""

    media_type = "text/event-stream"

    def __init__(self, form: Form, first: TokenEvent, events: Events) -> None:
        super().__init__(headers={**form.route.headers, "Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self.form, self.first, self.events = form, first, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything, as it comes."""
        async with aclosing(self.events):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for line in self._lines():
                await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        yield answers.event(self.form.first())
        last = self.first
        async for last in _chained(self.first, self.events):
            if last.finish in FAILED:
                yield answers.event(_broken(last).body)
                return
            if last.text or last.finish:
                yield answers.event(self.form.piece(last))
        if self.form.usage:
            yield answers.event(self.form.total(last))
        yield answers.DONE


async def _whole(form: Form, first: TokenEvent, events: Events) -> Response:
    said, last = [], first
    async with aclosing(events):
        async for last in _chained(first, events):
            if last.finish in FAILED:
                raise _broken(last)
            said.append(last.text)
    return _json(form.whole("".join(said), last), form.route.headers)


async def _chained(first: TokenEvent, events: Events) -> Events:
    yield first
    if first.finish is None:
        async for event in events:
            yield event


def _broken(event: TokenEvent) -> Problem:
    said = event.error or "the engine gave this request up"
    return Problem(503, said, "engine_failed", None, "server_error")


def _not_here(request: Request, error: HTTPException) -> Response:
    what = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    said = f"{request.method} {request.url.path}: {error.detail}"
    return refusal(Problem(error.status_code, said, what, headers=dict(error.headers or {})))


async def _parsed(request: Request) -> Any:
    """The body as JSON.

    Raises:
        Problem: it is not said to be JSON, or is none.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # which a page in a browser cannot send without asking first
        raise Problem(
            415, f"expected Content-Type application/json, found {kind!r}", "unsupported_media_type"
        )
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is no JSON: {error}", "invalid_json") from None


async def _project(request: Request) -> str:
    return await asyncio.to_thread(project_of, _key(request), _header(request, PROJECT))


def _header(request: Request, name: str) -> str:
    return request.headers.get(name, "").encode("latin-1").decode("utf-8", "replace")


def _key(request: Request) -> ApiKey:
    return cast("ApiKey", request.scope["state"]["key"])


def _json(data: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), headers=headers, media_type="application/json")
