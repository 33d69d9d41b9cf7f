"""The one protocol between the endpoint and whatever generates tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from rune.serving.types import EngineStats, GenerateRequest, Part, TokenEvent


class Backend(Protocol):
    """An engine with adapters: this machine's own, or a vLLM server elsewhere."""

    def generate(self, request: GenerateRequest) -> AsyncIterator[TokenEvent]:
        """The events of one request; the last one has ``finish`` set.

        Closing the iterator (``aclose``, or a cancelled task) cancels the request within one decode step.

        Raises, before the first event:
            EngineBusy: the queue is full; ``retry_after`` says when to come again.
            PromptTooLong: prompt and ``max_tokens`` do not fit into the context.
            AdapterError: a part cannot be loaded; other requests go on.
            EngineUnavailable: no engine answers.
        """

    async def prefetch(self, part: Part) -> None:
        """Bring an adapter near, where the engine can; it may be evicted again before it is used."""

    async def stats(self) -> EngineStats:
        """What the engine holds and has done."""

    async def close(self) -> None:
        """Give back what is held; requests in flight end with ``cancelled``, later ones are answered."""
