"""What goes back: models, whole answers, and the pieces of a stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from rune.endpoint.routing import Route
from rune.records.card import Card
from rune.serving.types import Finish, TokenEvent

DONE = b"data: [DONE]\n\n"
REASONS: dict[Finish, str] = {"stop": "stop", "length": "length"}


def event(data: dict[str, Any]) -> bytes:
    """One server-sent event; JSON has no line breaks of its own, so that one line is enough."""
    return b"data: " + orjson.dumps(data) + b"\n\n"


@dataclass(frozen=True, slots=True)
class Form:
    """Everything about an answer that is the same in each of its pieces."""

    id: str
    created: int
    model: str
    """As it was asked for."""
    route: Route
    chat: bool
    usage: bool = False
    """Whether a stream ends with the counts."""
    session: str = ""
    """The session that it is asked in, where an adapter answers and that is known."""

    @property
    def told(self) -> dict[str, Any]:
        """What answers, and in which session that counts."""
        return self.route.told | {"asked_in": self.session or None}

    def whole(self, text: str, last: TokenEvent) -> dict[str, Any]:
        """The answer in one piece."""
        said: dict[str, Any] = {
            "index": 0,
            "logprobs": None,
            "finish_reason": REASONS.get(last.finish or "stop"),
        }
        said |= {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        kind = "chat.completion" if self.chat else "text_completion"
        return self._frame(kind, [said]) | {"usage": counts(last), "x_rune": self.told}

    def first(self) -> dict[str, Any]:
        """The piece before any text: who speaks, and what answers."""
        return self._piece({"role": "assistant", "content": ""}, "", None) | {"x_rune": self.told}

    def piece(self, event: TokenEvent) -> dict[str, Any]:
        """More text, or why there is no more."""
        delta = {"content": event.text} if event.text else {}
        return self._piece(delta, event.text, REASONS.get(event.finish) if event.finish else None)

    def total(self, last: TokenEvent) -> dict[str, Any]:
        """The counts, after the last piece."""
        return self._frame(self._kind, []) | {"usage": counts(last)}

    @property
    def _kind(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"

    def _piece(self, delta: dict[str, str], text: str, reason: str | None) -> dict[str, Any]:
        said: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": reason}
        said |= {"delta": delta} if self.chat else {"text": text}
        return self._frame(self._kind, [said]) | ({"usage": None} if self.usage else {})

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.id, "object": kind, "created": self.created, "model": self.model,
            "system_fingerprint": None, "choices": choices,
        }  # fmt: skip


def counts(last: TokenEvent) -> dict[str, int]:
    """Tokens of prompt and answer."""
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.tokens,
        "total_tokens": last.prompt_tokens + last.tokens,
    }


def models(base: str, cards: Iterable[Card]) -> list[dict[str, Any]]:
    """Everything that ``model`` may name: ``rune``, the base, each adapter in service."""
    own = [_model("rune", 0), _model(base, 0)]
    return [*own, *(_model(card.id, int(card.created), card) for card in cards)]


def _model(id: str, created: int, card: Card | None = None) -> dict[str, Any]:
    told = {"session": card.session, "base": card.base, "summary": card.summary[:200]} if card else {}
    return {"id": id, "object": "model", "created": created, "owned_by": "rune"} | (
        {"x_rune": told} if told else {}
    )
