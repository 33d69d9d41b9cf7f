"""A fake of the engine that serves tokens: the worker's loop with everything but tensors."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

from rune.errors import EngineBusy, PromptTooLong
from rune.ports import Generator
from rune.records.tokens import Turn
from rune.serving.types import EngineStats, Finish, GenerateRequest, Part, TokenEvent


class FakeRunner:
    """The engine's ways without an engine: every step gives each running request one more word.

    It answers like ``FakeGenerator``, from the adapter's weights file; without an adapter it repeats the
    prompt. A prompt that says "explode" breaks the step, as a bug would.
    """

    def __init__(self, generator: Generator, rows: int = 8, context: int = 512, pause: float = 0.0) -> None:
        self.generator = generator
        self.rows = rows
        self.context = context
        self.pause = pause
        self._words: dict[str, list[str]] = {}
        self._asked: dict[str, GenerateRequest] = {}
        self._said: dict[str, int] = {}
        self._gone: list[TokenEvent] = []
        self.near: list[str] = []
        self.steps = 0

    @property
    def busy(self) -> bool:
        """Whether somebody waits."""
        return bool(self._asked or self._gone)

    def submit(self, request: GenerateRequest) -> None:
        """Take a request in, or raise as the engine does."""
        if len(self._asked) >= self.rows:
            raise EngineBusy(f"{self.rows} requests are running", 2.0)
        long = len(request.prompt.split())
        if long + request.sampling.max_tokens > self.context:
            raise PromptTooLong(f"{long} words and {request.sampling.max_tokens} are over {self.context}")
        folder = Path(request.parts[0].folder) if request.parts else None
        text = self.generator.answer(request.prompt, folder, self.context) if folder else request.prompt
        self._words[request.id] = re.findall(r"\S+\s*", text)
        self._asked[request.id], self._said[request.id] = request, 0

    def cancel(self, id: str) -> None:
        """Drop a request."""
        if self._asked.pop(id, None):
            self._gone.append(self._event(id, "", "cancelled"))

    def step(self) -> list[TokenEvent]:
        """A word for everybody."""
        time.sleep(self.pause)
        self.steps += 1
        events, self._gone = self._gone, []
        if any("explode" in request.prompt for request in self._asked.values()):
            raise ZeroDivisionError("a bug")
        return [*events, *(self._next(request) for request in list(self._asked.values()))]

    def _next(self, request: GenerateRequest) -> TokenEvent:
        id, how = request.id, request.sampling
        said, words = self._said[id], self._words[id]
        if said == len(words) or any(stop in words[said] for stop in how.stop):
            del self._asked[id]
            return self._event(id, "", "stop")
        self._said[id] += 1
        if self._said[id] == how.max_tokens:
            del self._asked[id]
            return self._event(id, words[said], "length")
        return self._event(id, words[said], None)

    def _event(self, id: str, text: str, finish: Finish | None) -> TokenEvent:
        return TokenEvent(id, text, self._said[id], len(self._words[id]), finish)

    def prefetch(self, part: Part) -> None:
        """Note it."""
        self.near.append(part.digest)

    def stats(self) -> EngineStats:
        """Running requests, steps and words."""
        return EngineStats(running=len(self._asked), steps=self.steps, tokens=sum(self._said.values()))


def rendered(turns: Sequence[Turn]) -> str:
    """A conversation as the fake base wants it."""
    return "".join(f"{turn.role}: {turn.content}\n" for turn in turns)
