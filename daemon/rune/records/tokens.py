"""What daemon and worker say to each other about tokens; part of the protocol of ``rune.records.message``.

    {"v": 1, "type": "Generate", "id": "4f0c", "prompt": "...", "parts": [], "max_tokens": 256, ...}

Values of ``rune.serving`` travel as they are where a message can hold them (``Part``, ``EngineStats``);
``rune.backends.wire`` turns requests and events into flat messages and back.
"""

from __future__ import annotations

from dataclasses import dataclass

from rune.serving.types import Part


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
class Generate:
    """Continue this prompt; answered by Tokens, the last of which has ``finish`` set."""

    id: str
    prompt: str
    parts: tuple[Part, ...] = ()
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

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """What does the engine hold, and what has it done? Answered by ``EngineStats``."""


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
