"""No arm may see what it must not: held-out inputs in a session or a lesson, a source in a closed prompt."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from rune.bench.gate.procedures import Pair, Task


def hashed(text: str) -> str:
    """SHA-256 of a text without case and space."""
    return hashlib.sha256(re.sub(r"\s+", "", text).lower().encode()).hexdigest()


def calls(text: str, task: Task) -> set[str]:
    """Hashes of the task's calls that a text holds."""
    return {hashed(call) for call in re.findall(rf"{task.name}\([^()]*\)", text, re.I)}


def of(task: Task, texts: Iterable[str]) -> list[str]:
    """The held-out calls that one of these texts holds, one line each."""
    seen: set[str] = set()
    for text in texts:
        seen |= calls(text, task)
    return [
        f"{task.name}({argument}) is held out and was seen"
        for argument, _ in task.held_out
        if hashed(f"{task.name}({argument})") in seen
    ]


def pairs(task: Task) -> list[str]:
    """Held-out inputs that are among the taught or shown ones."""
    taught: Sequence[Pair] = (*task.shown, *task.more)
    known = {argument for argument, _ in taught}
    return [f"{task.name}({a}) is held out and taught" for a, _ in task.held_out if a in known]


def source_in(prompt: str, task: Task) -> bool:
    """Whether a prompt holds the source, or the part of it that says how it is done."""
    body = task.source.partition("return ")[2].strip()
    plain = re.sub(r"\s+", "", prompt)
    return any(re.sub(r"\s+", "", part) in plain for part in (task.source, body))
