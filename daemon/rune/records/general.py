"""What a base says to general questions, ``<home>/general.json``: asked once for all processes.

One that learns a single session would spend half a minute on it every time.

    {"v": 1, "base": "9f2c...", "answers": {"What is the capital of Italy?": "The capital of Italy is Rome."}}

It may be deleted at any time; one that is damaged, or of another base, is made anew.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from rune import files

log = logging.getLogger(__name__)

VERSION = 1


def ensure(path: Path | None, base: str, questions: Sequence[str], ask: Callable[[], list[str]]) -> list[str]:
    """The answers to these questions, asked where they are not known yet.

    Args:
        path: of the file; None keeps nothing.
        base: hash of the base that is asked.
        questions: all of them.
        ask: answers all of them.
    """
    known = read(path, base) if path else {}
    if known.keys() >= set(questions):
        return [known[question] for question in questions]
    told = ask()
    if path:
        try:
            write(path, base, dict(zip(questions, told, strict=True)))
        except OSError as error:  # the next process asks again
            log.warning("%s: the base's answers were not kept: %s", path, error)
    return told


def read(path: Path, base: str) -> dict[str, str]:
    """What this base said; nothing where that is not known."""
    try:
        raw = json.loads(path.read_bytes())
        if raw["v"] != VERSION or raw["base"] != base:
            return {}
        return {str(question): str(answer) for question, answer in raw["answers"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s: expected a base's answers, found %r: they are asked anew", path, error)
        return {}


def write(path: Path, base: str, answers: dict[str, str]) -> None:
    """Keep what a base said, in the place of what another one did."""
    raw = {"v": VERSION, "base": base, "answers": answers}
    files.replace(path, json.dumps(raw, ensure_ascii=False, indent=1).encode())
