"""A question that an agent may put to the person in Rune's words: ``run/questions/<code>.json``.

    {"v": 1, "code": "7f3a", "project": "/home/me/shop", "words": ["reset", "reviewer"], "at": 1795176000.2}

It holds no permission: when the client reports the answer, the command of ``words`` is planned afresh, and
both the question that was asked and the code must be those of that plan.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Question:
    """Which command waits for which answer."""

    code: str
    project: str
    words: tuple[str, ...]
    at: float


def write(folder: Path, question: Question) -> None:
    """Keep a question until it is answered."""
    record = {"v": VERSION, **asdict(question)}
    files.replace(folder / f"{question.code}.json", json.dumps(record, ensure_ascii=False).encode())


def read(path: Path) -> Question:
    """Read a question.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is no question.
    """
    try:
        raw: dict[str, Any] = json.loads(path.read_bytes())
        version, code, project, words, at = (raw[name] for name in ("v", "code", "project", "words", "at"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: expected a question, found {error!r}; delete it") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: question version {version!r}; this Rune knows {VERSION}: update Rune")
    strings = [code, project, *words] if isinstance(words, list) else [None]
    if not all(isinstance(text, str) for text in strings) or not fields.finite(at):
        raise FormatError(f"{path}: expected code, project, words and at, found {raw!r}; delete it")
    return Question(code, project, tuple(words), float(at))
