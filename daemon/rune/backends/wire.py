"""Values of ``rune.serving`` as messages of ``rune.records.tokens``, and back, for both ends of the pipe."""

from __future__ import annotations

from typing import cast

from rune.errors import (
    AdapterError,
    EngineBusy,
    EngineUnavailable,
    NotServed,
    PromptTooLong,
    RuneError,
    WrongBase,
)
from rune.records.message import Failed
from rune.records.tokens import Generate, Token
from rune.serving.types import Finish, GenerateRequest, Sampling, TokenEvent

REFUSALS: dict[str, type[RuneError]] = {
    "PromptTooLong": PromptTooLong, "NotServed": NotServed, "WrongBase": WrongBase,
    "AdapterError": AdapterError, "FormatError": AdapterError,
}  # fmt: skip
"""What a caller can do something about; anything else is the engine's own trouble."""


def asked(request: GenerateRequest) -> Generate:
    """A request as a message."""
    how = request.sampling
    return Generate(
        request.id, request.prompt, request.parts,
        how.max_tokens, how.temperature, how.top_p, how.seed, how.stop, request.client,
    )  # fmt: skip


def request(sent: Generate) -> GenerateRequest:
    """A message as a request."""
    how = Sampling(sent.max_tokens, sent.temperature, sent.top_p, sent.seed, sent.stop)
    return GenerateRequest(sent.id, sent.prompt, sent.parts, how, sent.client)


def token(event: TokenEvent) -> Token:
    """An event as a message."""
    return Token(
        event.id, event.text, event.tokens, event.prompt_tokens, event.finish or "", event.error
    )  # fmt: skip


def event(sent: Token) -> TokenEvent:
    """A message as an event."""
    finish = cast("Finish | None", sent.finish or None)
    return TokenEvent(sent.id, sent.text, sent.tokens, sent.prompt_tokens, finish, sent.error)


def failed(error: RuneError) -> Failed:
    """An engine's refusal as a message."""
    after = error.retry_after if isinstance(error, EngineBusy) else 0.0
    return Failed(type(error).__name__, str(error), isinstance(error, EngineUnavailable), after)


def refusal(sent: Failed) -> RuneError:
    """A message as the error that an engine in this process would have raised."""
    if sent.error == "EngineBusy":
        return EngineBusy(sent.message, sent.retry_after or 1.0)
    return REFUSALS.get(sent.error, EngineUnavailable)(sent.message)
