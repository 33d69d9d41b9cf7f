"""What goes wrong, in the form that clients of the protocol understand."""

from __future__ import annotations

import math
from typing import Any

from rune.errors import (
    AdapterError,
    EngineBusy,
    EngineUnavailable,
    NotServed,
    PromptTooLong,
    RuneError,
)

INVALID = "invalid_request_error"
LOADING_SECONDS = 5
"""When to come again to an engine that is not there: loading the base takes about that long."""


class Problem(RuneError):
    """A request is refused; everything that its answer says."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        param: str | None = None,
        kind: str = INVALID,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.kind = kind
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        """``{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}``."""
        told = {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}
        return {"error": told}


def invalid(param: str, message: str, code: str = "invalid_value") -> Problem:
    """One field of a request is not what it must be."""
    return Problem(400, f"{param}: {message}", code, param)


def of(error: RuneError) -> Problem:
    """Rune's own errors as answers."""
    match error:
        case Problem():
            return error
        case EngineBusy():
            after = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
            return Problem(429, str(error), "rate_limit_exceeded", None, "rate_limit_error", after)
        case EngineUnavailable():
            after = {"Retry-After": str(LOADING_SECONDS)}
            return Problem(503, str(error), "engine_unavailable", None, "server_error", after)
        case PromptTooLong():
            return Problem(400, str(error), "context_length_exceeded", "messages")
        case NotServed():
            return Problem(422, str(error), "adapter_not_served", "model")
        case AdapterError():
            return Problem(422, str(error), "adapter_unusable", "model")
    return Problem(500, str(error), "internal_error", None, "server_error")
