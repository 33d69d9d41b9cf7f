"""The ``[model]`` table of ``config.toml``, changed in place: whatever a person wrote around it stays."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from rune import files
from rune.config import ModelConfig
from rune.errors import ConfigError


def choose(path: Path, now: ModelConfig, wanted: ModelConfig) -> bool:
    """Make the file say ``wanted`` where it says something else; whether it was changed.

    Raises:
        ConfigError: the file is written in a way that only its owner should touch.
    """
    changes = {
        key: getattr(wanted, key)
        for key in ("base", "embedder", "precision", "quantize")
        if getattr(wanted, key) != getattr(now, key)
    }
    if not changes:
        return False
    text = path.read_text("utf-8") if path.exists() else ""
    edited = _edited(text, changes)
    expected = tomllib.loads(text)
    expected["model"] = expected.get("model", {}) | changes
    if _parsed(edited) != expected:
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in changes.items())
        raise ConfigError(f"{path}: could not be edited safely: write under [model] by hand:\n{lines}")
    files.replace(path, edited.encode())
    return True


def _parsed(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _edited(text: str, changes: dict[str, str]) -> str:
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if re.match(r"\s*\[model\]", line)), None)
    if start is None:
        lines += ["", "[model]"] if lines else ["[model]"]
        start = len(lines) - 1
    end = next((n for n in range(start + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    table = lines[start + 1 : end]
    for key, value in changes.items():
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        place = next((n for n, old in enumerate(table) if re.match(rf"\s*{key}\s*=", old)), None)
        if place is None:
            table.insert(0, line)
        else:
            table[place] = line
    return "\n".join([*lines[: start + 1], *table, *lines[end:]]) + "\n"
