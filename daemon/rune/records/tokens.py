"""What daemon and worker say to each other about tokens; part of the protocol of ``rune.records.message``.

    {"v": 1, "type": "Generate", "id": "4f0c", "prompt": "...", "parts": [], "max_tokens": 256, ...}

The classes that mean the same in a process are those of ``rune.serving``; ``rune.backends.wire`` turns one
into the other.
"""

from __future__ import annotations

from dataclasses import dataclass


# requests
@dataclass(frozen=True, slots=True)
class Find:
    """Which adapter of the project is a request for?"""

    project: str
    query: str = ""
    adapter: str = ""
    """Asked for by its id: nothing is searched, its base and hashes are checked."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: str
    """system, user or assistant."""
    content: str


@dataclass(frozen=True, slots=True)
class Render:
    """Make one prompt of a conversation, by the base's chat template."""

    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """One adapter of a request."""

    digest: str
    folder: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue this prompt; answered by Tokens, the last of which has ``finish`` set."""

    id: str
    prompt: str
    parts: tuple[Share, ...] = ()
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    client: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody waits for these tokens any more."""

    id: str


@dataclass(frozen=True, slots=True)
class Prefetch:
    """These adapters are about to be used."""

    parts: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """What does the engine hold, and what has it done?"""


# answers
@dataclass(frozen=True, slots=True)
class Found:
    """The adapter of a request; where there is none, why."""

    adapter: str = ""
    folder: str = ""
    score: float = 0.0
    """Of the nearest adapter, whether it was near enough or not."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as one prompt."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Token:
    """Text that a request gained, or its end."""

    id: str
    text: str = ""
    tokens: int = 0
    prompt_tokens: int = 0
    finish: str = ""
    """stop, length, cancelled or error: the last one of its request."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """``rune.serving.EngineStats``."""

    running: int = 0
    waiting: int = 0
    slots: int = 0
    resident: int = 0
    adapter_bytes: int = 0
    kv_bytes: int = 0
    loads: int = 0
    hits: int = 0
    evictions: int = 0
    tokens: int = 0
    steps: int = 0
