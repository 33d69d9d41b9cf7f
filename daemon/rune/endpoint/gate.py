"""What every request passes before anybody reads it: access, a limit on its body, an eye on its client.

Plain ASGI around the application, so that nothing in between hides that a client has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rune.endpoint import access, problems
from rune.endpoint.problems import Problem
from rune.errors import RuneError
from rune.records import api_key

BODY_LIMIT = 1024 * 1024
"""Bytes: far more than a context holds."""
BODY_SECONDS = 30.0
"""A body that is not there by then does not come."""


class Gate:
    """Lets in who may ask, with a whole body; ends what nobody waits for any more."""

    def __init__(self, app: ASGIApp, keys: Path, port: int) -> None:
        self.app = app
        self.keys = keys
        self.port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        assert scope["type"] == "http", scope["type"]
        headers = Headers(scope=scope)
        try:
            # read anew for every request: a key that was replaced opens nothing from then on
            scope["state"] = {"key": access.let_in(headers, self.port, api_key.read(self.keys))}
            body = await _body(headers, receive)
        except RuneError as error:
            await refusal(problems.of(error))(scope, receive, send)
            return
        if body is not None:
            await _attended(self.app, scope, body, receive, send)


def refusal(problem: Problem) -> Response:
    """A problem as an answer."""
    return Response(orjson.dumps(problem.body), problem.status, problem.headers, "application/json")


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """The whole body; None where the client left before it was there.

    Raises:
        Problem: it is too large or too late.
    """
    large = Problem(413, f"expected a body of at most {BODY_LIMIT} bytes", "request_too_large")
    declared = headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > BODY_LIMIT:
        raise large
    received = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                received += message.get("body", b"")
                if len(received) > BODY_LIMIT:
                    raise large
                if not message.get("more_body"):
                    return bytes(received)
    except TimeoutError:
        raise Problem(408, f"no whole body within {BODY_SECONDS:g} s", "request_timeout") from None


async def _attended(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Run the application, and cancel it when its client goes before the answer is complete."""
    complete = asyncio.Event()

    async def whole() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def told(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            complete.set()  # from here on, "disconnect" says no more than that this is over
        await send(message)

    async def left() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.ensure_future(app(scope, whole, told)), asyncio.ensure_future(left())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if complete.is_set():
            await working
    finally:
        gone = not working.done()
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait({working, leaving})
    if not gone:
        with contextlib.suppress(asyncio.CancelledError):
            working.result()  # an error of the application is for the server's log
