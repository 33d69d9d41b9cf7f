"""A request for tokens, and the events that answer it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Finish: TypeAlias = Literal["stop", "length", "cancelled", "error"]
"""stop: an end token or a stop string; length: ``max_tokens`` or the context is full."""


@dataclass(frozen=True, slots=True)
class Part:
    """One adapter's share in a request."""

    digest: str
    """The adapter's id: a hash over its files, so that one digest never names two contents."""
    folder: str
    """Its PEFT folder, absolute."""
    weight: float = 1.0
    """Of its ΔW; other than 1 only where adapters are composed."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen and when to stop."""

    max_tokens: int = 256
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    seed: int | None = None
    """The same seed and prompt give the same tokens, whoever shares the batch."""
    stop: tuple[str, ...] = ()
    """Strings that end the answer; they are not part of it."""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Continue this prompt."""

    id: str
    """Unique among the requests in flight."""
    prompt: str
    """Text with the chat template's marks already in it."""
    parts: tuple[Part, ...] = ()
    """None: the bare base. More than one: their ΔW added up."""
    sampling: Sampling = field(default_factory=Sampling)
    client: str = ""
    """Who asks: clients share the engine fairly."""


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """Text that a request gained, or its end."""

    id: str
    text: str = ""
    """Whole characters; what may yet turn out to be a stop string is held back."""
    tokens: int = 0
    """Tokens generated for this request so far."""
    prompt_tokens: int = 0
    finish: Finish | None = None
    """Set on the last event of a request, and on no other."""
    error: str = ""
    """Why, where ``finish`` is error."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What an engine holds and has done; counters grow from its start."""

    running: int = 0
    waiting: int = 0
    slots: int = 0
    resident: int = 0
    """Adapters that are ready for the next step."""
    adapter_bytes: int = 0
    kv_bytes: int = 0
    loads: int = 0
    hits: int = 0
    evictions: int = 0
    tokens: int = 0
    steps: int = 0
