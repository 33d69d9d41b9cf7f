"""The receipt of an adapter, ``adapters/<id>/card.json`` (write-once), and the ledger of what became of it.

The card says where the adapter came from and what it cost; it never changes. Scores and states that come later
are lines of ``adapters/ledger.jsonl``:

    {"v": 1, "at": ..., "adapter": "<id>", "entry": "added|scored|archived|superseded|reactivated|forgotten|outcome", ...}
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rune import files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing an adapter was taught: an answer, the questions that trained it, and probes that never did."""

    kind: str
    """fix, command, file, decision, note, goal, or order."""
    answer: str
    questions: tuple[str, ...]
    probes: tuple[str, ...]
    """Phrasings held out of training."""
    evidence: tuple[str, ...] = ()
    """Ids of the events it came from."""
    keys: tuple[str, ...] = ()
    """Literals that an answer must hold to count as right."""


@dataclass(frozen=True, slots=True)
class Card:
    """What an adapter is, written once beside its weights."""

    session: str
    source_hash: str
    """``Trajectory.content_hash`` of what it was distilled from: one adapter per content and base."""
    events: int
    redactions: dict[str, int]
    base: str
    base_hash: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    steps: int
    seconds: float
    engine: str
    lessons: tuple[Lesson, ...]
    summary: str
    """What the session was about, in a few words: what retrieval matches against."""
    probes_before: dict[str, float | None]
    probes_after: dict[str, float | None]
    created: float
    peak_mb: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    """File name to hash of the weights and the PEFT configuration."""
    bytes: int = 0
    id: str = ""


def dump(card: Card) -> bytes:
    """The card as JSON text."""
    return json.dumps({"v": VERSION, **asdict(card)}, indent=1, ensure_ascii=False).encode() + b"\n"


def read(path: Path) -> Card:
    """Read ``card.json``.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is damaged; file and field are named.
    """
    try:
        raw = json.loads(path.read_bytes())
        version = raw.pop("v")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise FormatError(f"{path}: expected an adapter card with a version, found {error!r}") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: card version {version!r}; this Rune knows {VERSION}: update rune-memory")
    unknown = set(raw) - {f.name for f in dataclasses.fields(Card)}
    if unknown:
        raise FormatError(f"{path}: unknown fields {sorted(unknown)}")
    try:
        lessons = tuple(_lesson(entry) for entry in raw.pop("lessons"))
        return Card(**{**raw, "lessons": lessons, "targets": tuple(raw["targets"])})
    except (TypeError, KeyError) as error:
        raise FormatError(f"{path}: {error}") from None


def _lesson(raw: dict[str, Any]) -> Lesson:
    lists = {name: tuple(raw.get(name, ())) for name in ("questions", "probes", "evidence", "keys")}
    return Lesson(kind=raw["kind"], answer=raw["answer"], **lists)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    adapter: str
    entry: str
    at: float
    detail: dict[str, Any] = field(default_factory=dict)


def record(ledger: Path, entry: Entry) -> None:
    """Append one line to the ledger, durably."""
    files.append(ledger, {"v": VERSION, **asdict(entry)})


def entries(ledger: Path) -> Iterator[Entry]:
    """The ledger's lines in order.

    Raises:
        NewerVersion: a newer Rune wrote one.
    """
    for number, raw in files.objects(ledger):
        version = raw.get("v")
        if not isinstance(version, int) or version > VERSION:
            raise NewerVersion(f"{ledger}:{number}: ledger version {version!r}; this Rune knows {VERSION}")
        yield Entry(str(raw["adapter"]), str(raw["entry"]), float(raw["at"]), dict(raw.get("detail", {})))
