"""Who may use the HTTP endpoint, ``<home>/api-keys.json``: one key for each project, and one for none.

    {"v": 1, "keys": [{"key": "rune-...", "project": "/home/me/shop", "created": 1795176000.2}]}

Whoever has a key may read what adapters of its project say; the key of no project may name any project. So
the file is its owner's alone (0600), and one that others can read is refused, as ssh does.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1
PREFIX = "rune-"
BYTES = 32
"""Of randomness: nobody guesses that, so there is no limit on tries."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key."""

    key: str
    project: str = ""
    """Absolute path of the only project it opens; empty: any, as the request says."""
    created: float = 0.0

    @property
    def name(self) -> str:
        """What logs and the engine call it: tells keys apart and gives none away."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:8]


def read(path: Path) -> tuple[ApiKey, ...]:
    """Every key; none where there is no file.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is no file of keys, or others can read it.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            data = file.read()
    except FileNotFoundError:
        return ()
    if mode & 0o077:
        seen = f"{path}: expected mode 0600, found {mode:04o}: others can read the keys"
        raise FormatError(f"{seen}; remove it, `rune serve` makes new ones")
    try:
        raw = json.loads(data)
        version = raw["v"]
        if not isinstance(version, int) or version > VERSION:
            raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
        return tuple(_key(one) for one in raw["keys"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: expected a file of keys, found {error!r}: remove it") from None


def ensure(path: Path, project: str, at: float) -> ApiKey:
    """The key of a project, made where there is none yet.

    Raises:
        NewerVersion, FormatError: as ``read``.
    """
    return _ours(read(path), project) or _renewed(path, project, at, replace=False)


def rotate(path: Path, project: str, at: float) -> ApiKey:
    """A new key for a project; the one before opens nothing any more.

    Raises:
        NewerVersion, FormatError: as ``read``.
    """
    return _renewed(path, project, at, replace=True)


def known(keys: Sequence[ApiKey], given: str) -> ApiKey | None:
    """The key that was given, compared in constant time."""
    tried = given.encode("utf-8", "replace")
    matching = [one for one in keys if hmac.compare_digest(one.key.encode(), tried)]
    return matching[0] if matching else None


def _renewed(path: Path, project: str, at: float, *, replace: bool) -> ApiKey:
    with files.locked(path.with_suffix(".lock")):
        keys = read(path)
        ours = _ours(keys, project)
        if ours and not replace:  # somebody made it in the meantime
            return ours
        made = ApiKey(PREFIX + secrets.token_urlsafe(BYTES), project, at)
        kept = [one for one in keys if one.project != project]
        said = {"v": VERSION, "keys": [asdict(one) for one in (*kept, made)]}
        files.replace(path, json.dumps(said, indent=1).encode() + b"\n")
    return made


def _ours(keys: Sequence[ApiKey], project: str) -> ApiKey | None:
    return next((one for one in keys if one.project == project), None)


def _key(raw: dict[str, Any]) -> ApiKey:
    key, project, created = raw["key"], raw["project"], raw["created"]
    if not (isinstance(key, str) and len(key) >= BYTES and isinstance(project, str)):
        raise ValueError("a key is too short, or names no project")
    return ApiKey(key, project, fields.number(created))
