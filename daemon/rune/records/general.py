"""What a base says to general questions, ``<home>/general.json``: kept for later processes.

One that learns a single session by gradient steps would spend half a minute on it every time.

    {"v": 1, "base": "9f2c...:20", "answers": {"What is the capital of Italy?": "It is Rome."}}

It may be deleted at any time; one that is damaged, or of another base, is made anew.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from rune import files

log = logging.getLogger(__name__)

VERSION = 1


def read(path: Path, base: str) -> dict[str, str]:
    """What this base said; nothing where that is not known.

    Args:
        path: of the file.
        base: hash of the base, and how many tokens it was asked for.
    """
    try:
        raw = json.loads(path.read_bytes())
        if raw["v"] != VERSION or raw["base"] != base:
            return {}
        return {str(question): str(answer) for question, answer in raw["answers"].items()}
    except FileNotFoundError:
        return {}
    except OSError as error:
        log.warning("%s: the base's answers cannot be read: %s", path, error)
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("%s: expected a base's answers, found %r: they are asked anew", path, error)
        return {}


def keep(path: Path, base: str, answers: dict[str, str]) -> None:
    """Keep what a base said, in the place of what another one did; without room for it, it is asked again."""
    raw = {"v": VERSION, "base": base, "answers": answers}
    try:
        files.replace(path, json.dumps(raw, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        log.warning("%s: the base's answers were not kept: %s", path, error)
