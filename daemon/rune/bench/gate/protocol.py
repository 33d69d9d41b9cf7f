"""What was registered before any training: ``daemon/rune/bench/data/gate.json``.

    {"v": 1, "registered": "2026-11-28", "seed": 11, "tasks": 10, "inputs": 10, "floor": 0.2,
     "least_tasks": 4, "primary": "hypernetwork", "over": "vanilla", "points": 0.1,
     "confidence": 0.95, "resamples": 10000, "arms": [...], "pairs": [1, 10, 100],
     "trained_at_floor": 1, "tasks_sha256": "..."}

The hash is that of the tasks with their inputs and results: whoever changes one of them changes the protocol,
and the run says so instead of giving a verdict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rune.bench.gate.procedures import Task
from rune.errors import FormatError, NewerVersion

VERSION = 1
PATH = Path(__file__).parents[1] / "data" / "gate.json"
ARMS = ("vanilla", "in_context", "text_rag", "gradient", "hypernetwork")


@dataclass(frozen=True, slots=True)
class Protocol:
    """The registered questions, and what counts as an answer."""

    registered: str
    """The day."""
    seed: int
    tasks: int
    inputs: int
    """Held-out inputs of each task."""
    floor: float
    """A task counts only where the base with the session in its prompt is right at least this often."""
    least_tasks: int
    """With fewer tasks that count there is no verdict."""
    primary: str
    """The arm that is judged."""
    over: str
    """The arm that it must beat."""
    points: float
    """By at least this difference of shares (absolute: 0.1 is ten points)."""
    confidence: float
    resamples: int
    arms: tuple[str, ...]
    pairs: tuple[int, ...]
    """Adapters trained on so many pairs of input and result, for comparison (the PBB criterion)."""
    trained_at_floor: int
    """Where nothing can count, so many tasks are trained all the same, for the record."""
    tasks_sha256: str


def read(path: Path = PATH) -> Protocol:
    """The registered protocol.

    Raises:
        FormatError: it is not what a protocol looks like.
        NewerVersion: a newer Rune wrote it.
    """
    try:
        raw = json.loads(path.read_text("utf-8"))
        version = int(raw.pop("v"))
        if version > VERSION:
            raise NewerVersion(f"{path}: version {version}, this Rune reads {VERSION}; update Rune")
        tuples = {name: tuple(raw[name]) for name in ("arms", "pairs")}
        made = Protocol(**{**{field.name: raw[field.name] for field in fields(Protocol)}, **tuples})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: expected a protocol with the fields of {__name__}: {error}") from error
    unknown = sorted({*made.arms, made.primary, made.over} - {*ARMS})
    if unknown:
        raise FormatError(f"{path}: expected arms out of {', '.join(ARMS)}, found {', '.join(unknown)}")
    return made


def fingerprint(tasks: Sequence[Task]) -> str:
    """SHA-256 of everything that the tasks ask and expect."""
    told = [[task.name, task.source, list(task.shown), list(task.held_out)] for task in tasks]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
