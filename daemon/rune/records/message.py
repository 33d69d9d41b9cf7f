"""What Rune's processes say to each other: one JSON object per line, a frozen dataclass named by ``type``.

    {"v": 1, "type": "Recall", "query": "...", "project": "/abs", ...}

The union of the classes below is the protocol, between client and daemon as between daemon and worker; what
is about tokens is in ``rune.records.tokens``.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from rune import fields
from rune.errors import FormatError, NewerVersion
from rune.records.tokens import (
    Cancel,
    Find,
    Found,
    Generate,
    Measure,
    Prefetch,
    Render,
    Rendered,
    Token,
)
from rune.serving.types import EngineStats

VERSION = 1
NOTE_LIMIT = 2000
"""Characters of one note: what is longer is a document, not a lesson."""


def sound(text: str) -> str:
    """A text without half surrogate pairs: who cuts an emoji in two sends one, and no embedder takes it.

    >>> sound("cut \\ud83d")
    'cut ?'
    """
    return text.encode("utf-8", "replace").decode()


# requests
@dataclass(frozen=True, slots=True)
class Recall:
    """What does this project's memory know about the query?"""

    query: str
    project: str
    limit: int = 3
    include_evidence: bool = True
    client: int = 0
    """Process id of the coding client that asks; what it is given counts as used in its session."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "query", sound(self.query))


@dataclass(frozen=True, slots=True)
class Ingest:
    """Remember this; it joins the session that is open in the project."""

    content: str
    project: str
    kind: str = "fact"
    """fact, decision, fix, command or preference."""
    evidence: str = ""
    tags: tuple[str, ...] = ()
    client: int = 0
    """Process id of the coding client that asks: it tells apart two sessions at once in one project."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", sound(self.content))
        object.__setattr__(self, "evidence", sound(self.evidence))
        object.__setattr__(self, "tags", tuple(map(sound, self.tags)))


@dataclass(frozen=True, slots=True)
class Status:
    """How is everybody?"""


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a session out of trajectory, index and adapters."""

    session: str
    project: str


@dataclass(frozen=True, slots=True)
class Distil:
    """A closed trajectory should become an adapter."""

    session: str
    project: str
    again: bool = False
    """Also where it was done before: the adapter is damaged, or was made for another base."""


@dataclass(frozen=True, slots=True)
class Serve:
    """Open the HTTP endpoint, or close it."""

    port: int = 0
    """0: the one of the settings."""
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Evolve:
    """The adapters of a project should evolve: what needs no model is done, and one child is bred."""

    project: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave, after the work in hand."""


# answers
@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a trajectory that an answer rests on."""

    session: str
    event: str
    kind: str
    text: str
    path: str
    """The trajectory file, relative to the project."""


@dataclass(frozen=True, slots=True)
class Match:
    """An adapter that retrieval considered."""

    adapter: str
    session: str
    summary: str
    score: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """An answer out of weights, or an abstention that says why."""

    answer: str
    abstained: str
    """Why there is no answer; empty where there is one."""
    adapter: str = ""
    session: str = ""
    score: float = 0.0
    support: float = 0.0
    withheld: int = 0
    """Sentences of the answer that the trajectory does not support and that were left out."""
    evidence: tuple[Evidence, ...] = ()
    matches: tuple[Match, ...] = ()
    answer_tokens: int = 0
    evidence_tokens: int = 0
    """What pasting the evidence into the context would have cost."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of something written down."""

    id: str
    session: str
    duplicate: bool
    redactions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed, and what stays of it."""

    session: str
    removed: tuple[str, ...]
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """The daemon's state."""

    pid: int
    version: str
    uptime_seconds: float
    worker: str
    """absent, loading, ready or broken: with the reason."""
    job: str
    """The job in hand with its progress; empty when idle."""
    queued: int
    open_sessions: int
    last_error: str
    rss_mb: float
    worker_rss_mb: float
    learner_rss_mb: float = 0.0
    """0 where learning has no process of its own, or none runs."""
    serving: str = ""
    """Address of the HTTP endpoint; empty while it is closed."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the endpoint is to be found; an empty address: nowhere."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class Advance:
    """A distillation in the worker went on."""

    session: str
    step: int
    steps: int
    loss: float


@dataclass(frozen=True, slots=True)
class Done:
    """A job or request without an answer of its own is finished; ``adapter`` names what it made."""

    adapter: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has loaded its model."""

    seconds: float
    base: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The request failed; ``error`` is the error's class, ``retry`` says that a later try may succeed."""

    error: str
    message: str
    retry: bool = False
    retry_after: float = 0.0
    """Seconds, where the other side knows."""


Request = (
    Recall | Ingest | Status | Forget | Distil | Evolve | Stop | Serve
    | Find | Render | Generate | Cancel | Prefetch | Measure
)  # fmt: skip
Answer = (
    Recalled | Ingested | Health | Forgotten | Advance | Done | Ready | Failed | Serving
    | Found | Rendered | Token | EngineStats
)  # fmt: skip
Message = Request | Answer

_BY_NAME: dict[str, type[Any]] = {cls.__name__: cls for cls in typing.get_args(Message)}
_T = TypeVar("_T")


def encode(message: Message) -> bytes:
    """One line of JSON."""
    return json.dumps({"v": VERSION, "type": type(message).__name__, **asdict(message)}).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read one line.

    Raises:
        NewerVersion: the other side is a newer Rune.
        FormatError: no such message, or a wrong field.
    """
    try:
        raw = json.loads(line)
        version, name = raw.pop("v"), raw.pop("type")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise FormatError(f"expected a message with v and type, found {line[:60]!r} ({error!r})") from None
    if version != VERSION:
        raise NewerVersion(
            f"message version {version!r}; this Rune speaks {VERSION}: restart with `rune daemon stop`"
        )
    cls = _BY_NAME.get(name) if isinstance(name, str) else None
    if cls is None:
        raise FormatError(f"expected one of {', '.join(_BY_NAME)}; found {name!r}")
    message: Message = _build(cls, raw)
    return message


@functools.cache
def _fields(cls: type[Any]) -> dict[str, Any]:
    """The types of a message's fields; worked out once, because a token is a message, too."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _build(cls: type[_T], raw: Any) -> _T:
    if not isinstance(raw, dict):
        raise FormatError(f"{cls.__name__}: expected an object, found {raw!r}")
    hints = _fields(typing.cast(Any, cls))
    if unknown := set(raw) - set(hints):
        raise FormatError(f"{cls.__name__}: unknown fields {sorted(unknown)}")
    try:
        return cls(
            **{name: _value(f"{cls.__name__}.{name}", hints[name], value) for name, value in raw.items()}
        )
    except TypeError as error:
        raise FormatError(f"{cls.__name__}: {error}") from None


def _value(where: str, wanted: Any, value: Any) -> Any:
    if typing.get_origin(wanted) is tuple:
        if not isinstance(value, list):
            raise FormatError(f"{where}: expected a list, found {value!r}")
        inner: Any = typing.get_args(wanted)[0]
        record = dataclasses.is_dataclass(inner)
        return tuple(_build(inner, v) if record else _value(where, inner, v) for v in value)
    if wanted is float and fields.finite(value):
        return float(value)
    plain = wanted if isinstance(wanted, types.UnionType) else typing.get_origin(wanted) or wanted
    if isinstance(value, plain):
        return value
    raise FormatError(f"{where}: expected {getattr(plain, '__name__', plain)}, found {value!r}")
