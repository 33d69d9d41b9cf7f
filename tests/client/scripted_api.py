"""A Messages API on loopback that plays a script, so that the real client runs a whole session offline.

A script is a list of turns; a turn is the list of content blocks that the model would answer with. Every
request that offers tools is answered with the next turn; after the last one the model says "Done.". What the
client sent is kept, so that a test reads what really reached the model: hook context, tool results, tools.

Covered: streamed and whole answers, token counts, the client's side requests (titles), which take no turn.
Not covered: rate limits and failures half-way through an answer.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Block: TypeAlias = dict[str, Any]
Turn: TypeAlias = list[Block]
Reply: TypeAlias = "Callable[[Request], Turn]"
"""A turn that depends on what the client has sent."""
Event: TypeAlias = tuple[str, dict[str, Any]]


def say(text: str) -> Block:
    """A block of the model's own words."""
    return {"type": "text", "text": text}


def call(tool: str, **arguments: Any) -> Block:
    """A block that asks the client to run a tool."""
    return {"type": "tool_use", "name": tool, "input": arguments}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the client sent it."""

    path: str
    body: dict[str, Any]

    @property
    def tools(self) -> list[str]:
        """Names of the tools that were offered."""
        return [tool["name"] for tool in self.body.get("tools", [])]

    def tool_results(self) -> list[str]:
        """The texts of all tool results in this request, in order."""
        blocks = (
            block
            for message in self.body.get("messages", [])
            if isinstance(message["content"], list)
            for block in message["content"]
        )
        return [_plain(block.get("content", "")) for block in blocks if block.get("type") == "tool_result"]


def _plain(content: str | list[Block]) -> str:
    """A tool result's text, whichever of the two shapes it came in."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text", "") for block in content)


@dataclass
class ScriptedApi:
    """The server; a context manager that listens on a free port of loopback while it is open."""

    turns: Sequence[Turn | Reply]
    requests: list[Request] = field(default_factory=list)
    _played: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: http.server.ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What the client takes as ``ANTHROPIC_BASE_URL``."""
        assert self._server is not None, "open the API with `with` first"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ScriptedApi:
        handler = type("BoundHandler", (_Handler,), {"api": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> tuple[int, Turn]:
        """The number and the blocks of the turn that answers this request."""
        with self._lock:
            self.requests.append(request)
            if not request.body.get("tools"):
                return 0, [say("A title")]
            self._played += 1
            number = self._played
        turn = self.turns[number - 1] if number <= len(self.turns) else [say("Done.")]
        return number, turn(request) if callable(turn) else turn


class _Handler(http.server.BaseHTTPRequestHandler):
    """Speaks HTTP for the ``ScriptedApi`` that it is bound to."""

    protocol_version = "HTTP/1.1"
    api: ScriptedApi

    def do_HEAD(self) -> None:
        self._send(b"", "text/plain")

    def do_GET(self) -> None:
        self._send(b"{}", "application/json")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        request = Request(self.path, json.loads(self.rfile.read(length) or b"{}"))
        if "count_tokens" in self.path:
            self._send(b'{"input_tokens": 10}', "application/json")
            return
        number, turn = self.api.answer(request)
        message = _message(number, str(request.body.get("model", "scripted")), turn)
        if request.body.get("stream"):
            self._send("".join(_frame(*event) for event in _events(message)).encode(), "text/event-stream")
        else:
            self._send(json.dumps(message).encode(), "application/json")

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr: the requests are kept."""

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _message(number: int, model: str, turn: Turn) -> dict[str, Any]:
    """One whole assistant message."""
    content = [
        {**block, "id": f"toolu_{number}_{index}"} if block["type"] == "tool_use" else block
        for index, block in enumerate(turn)
    ]
    stop = "tool_use" if any(block["type"] == "tool_use" for block in turn) else "end_turn"
    return {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 10, "output_tokens": 5},
    }  # fmt: skip


def _frame(name: str, data: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"


def _events(message: dict[str, Any]) -> Iterator[Event]:
    """The same message as the server-sent events of a stream."""
    yield "message_start", {"message": {**message, "content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        if block["type"] == "tool_use":
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            empty = {**block, "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        yield "content_block_start", {"index": index, "content_block": empty}
        yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    reason = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": reason, "usage": {"output_tokens": 5}}
    yield "message_stop", {}
