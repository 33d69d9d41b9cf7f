"""Which installation of Rune this is, ``<home>/installation.json``: written once, where it is first needed.

    {"v": 1, "id": "5e1f0c..."}

The id is random and says nothing of person or machine: by it, what several installations keep in one place
stays apart (``rune.index.server``). A copied home has the same: delete the file in the copy.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from rune import files
from rune.errors import FormatError, NewerVersion

VERSION = 1
BYTES = 16


def ensure(path: Path) -> str:
    """The id, made where there is none yet: 32 hexadecimal digits.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is no such file.
    """
    return _read(path) or _made(path)


def _read(path: Path) -> str:
    try:
        raw = json.loads(path.read_bytes())
        version, found = raw["v"], raw["id"]
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: expected the id of an installation, found {error!r}: remove it") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
    if not isinstance(found, str) or len(found) != 2 * BYTES:
        raise FormatError(f"{path}: expected {2 * BYTES} hexadecimal digits, found {found!r}: remove it")
    return found


def _made(path: Path) -> str:
    with files.locked(path.with_suffix(".lock")):
        if found := _read(path):  # somebody made it in the meantime
            return found
        made = secrets.token_hex(BYTES)
        files.replace(path, json.dumps({"v": VERSION, "id": made}).encode() + b"\n")
    return made
