"""A hypernetwork on disk: ``hypernet.json`` and weights in pieces that are small enough to travel.

    {"v": 1, "shape": {...}, "base_hash": "<of the base's weights>", "dtype": "bfloat16",
     "pieces": {"weights-1-<8 digits of its hash>.safetensors": "<sha256>", ...}, "record": {...}}

A tensor that is larger than a piece is cut along its first axis into ``name@0``, ``name@1``, ... ``record``
says how it was trained and what it reached; nothing is decided by it. New pieces have new names, and old ones
go when the new description stands: a run that dies while it saves has lost nothing but that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rune import files
from rune.errors import ConfigError, FormatError, NewerVersion
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.shape import Shape, Target
from rune.paths import Home

VERSION = 1
NAME = "hypernet.json"
EMBEDDED = Path(__file__).parent / "embedded"
"""The checkpoint that comes with Rune; its README.md is the model card."""
JUDGED_BY = "few"
"""The held-out level that recommends a checkpoint: facts of all kinds, with near-duplicates."""
PIECE = 16 * 1024 * 1024 - 64 * 1024
"""Bytes of tensors in a file, so that the file stays below 16 MiB."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a checkpoint besides its weights."""

    shape: Shape
    base_hash: str
    """Empty where it is not known: an imported one names its base and no hash."""
    dtype: str = "float32"
    pieces: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


def write(
    folder: Path,
    network: Hypernetwork,
    base_hash: str,
    record: dict[str, Any],
    dtype: torch.dtype = torch.float32,
) -> About:
    """Write a checkpoint; the description comes last, so that half a checkpoint is none."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().to("cpu", dtype) for name, weight in network.state_dict().items()}
    pieces = pack(weights, folder, "weights")
    about = About(network.shape, base_hash, str(dtype).removeprefix("torch."), pieces, record)
    raw = {"v": VERSION, **asdict(about)}
    files.replace(folder / NAME, json.dumps(raw, indent=1, allow_nan=False).encode() + b"\n")
    tidy(folder, "weights", pieces)
    return about


def about(folder: Path) -> About:
    """What a checkpoint says of itself; no tensor is read.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is missing or damaged.
    """
    path = folder / NAME
    try:
        raw = json.loads(path.read_bytes())
        version = raw.pop("v")
        if not isinstance(version, int) or version > VERSION:
            raise NewerVersion(f"{path}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
        shape = raw.pop("shape")
        targets = tuple(Target(**target) for target in shape.pop("targets"))
        shape |= {name: tuple(shape[name]) for name in ("layers", "prefix", "suffix")}
        made = Shape(targets=targets, **shape)
        made.check()
        return About(shape=made, **raw)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise FormatError(f"{path}: expected a hypernetwork's description, found {error!r}") from None


def chosen(home: Home, name: str) -> Path:
    """The folder that ``distil.hypernet`` means; empty is the embedded one."""
    return home.hypernet(name) if name else EMBEDDED


def exists(folder: Path) -> bool:
    """Whether a checkpoint lies there."""
    return (folder / NAME).is_file()


def recommended(folder: Path, base_hash: str, floor: float) -> bool:
    """Whether a checkpoint is for this base and answers enough of its held-out probes, as its record says.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is damaged.
    """
    if not exists(folder):
        return False
    known = about(folder)
    held_out = known.record.get("held_out", {}).get(JUDGED_BY, 0.0)
    return known.base_hash == base_hash and held_out >= floor


def read(folder: Path, device: torch.device | None = None) -> tuple[Hypernetwork, About]:
    """The network in float32, ready to be asked, and what is known of it.

    Raises:
        FormatError: a piece is missing, not as recorded, or its tensors do not fit the shape.
    """
    known = about(folder)
    for name, digest in known.pieces.items():
        if not (folder / name).is_file() or files.sha256(folder / name) != digest:
            raise FormatError(f"{folder / name}: expected SHA-256 {digest}: bring the checkpoint again")
    weights = {name: weight.float() for name, weight in unpack(folder, known.pieces).items()}
    with torch.device("meta"):
        network = Hypernetwork(known.shape)
    check(weights, network, str(folder))
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).to(device or torch.device("cpu")).eval(), known


def check(weights: Mapping[str, Tensor], network: Hypernetwork, where: str) -> None:
    """Keys, shapes, and values: finite, and not all zero where that would make every adapter empty.

    Raises:
        FormatError: the first that is wrong.
    """
    wanted = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    if wrong := sorted(wanted.keys() ^ weights.keys()):
        state = "is missing" if wrong[0] in wanted else "is unknown"
        raise FormatError(f"{where}: {wrong[0]} {state} ({len(wrong)} keys differ)")
    for name, weight in weights.items():
        if tuple(weight.shape) != wanted[name]:
            raise FormatError(f"{where}: {name}: expected {wanted[name]}, found {tuple(weight.shape)}")
        if not bool(torch.isfinite(weight).all()):
            raise FormatError(f"{where}: {name} has values that are not finite")
    for name in ("head", *(name for name in wanted if name.startswith("scale_"))):
        if not bool(weights[name].any()):
            raise FormatError(f"{where}: {name} is zero throughout: no adapter would change anything")


def pack(tensors: Mapping[str, Tensor], folder: Path, stem: str) -> dict[str, str]:
    """Write tensors as ``<stem>-<n>-<hash>.safetensors`` of at most PIECE bytes; names with their hashes."""
    pieces: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, part in _parts(tensors):
        size = part.numel() * part.element_size()
        if filled and filled + size > PIECE:
            pieces.append({})
            filled = 0
        pieces[-1][name] = part
        filled += size
    written = {}
    for number, piece in enumerate(pieces, 1):
        staged = folder / f"{stem}-{number}.staged"
        save_file(piece, staged, metadata={"format": "pt"})
        digest = files.sha256(staged)
        name = f"{stem}-{number}-{digest[:8]}.safetensors"
        staged.replace(folder / name)
        written[name] = digest
    return written


def tidy(folder: Path, stem: str, kept: Mapping[str, str]) -> None:
    """Remove the pieces of a stem that nothing names any more."""
    for path in folder.glob(f"{stem}-*"):
        if path.name not in kept:
            path.unlink()


def _parts(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in sorted(tensors.items()):
        size = tensor.numel() * tensor.element_size()
        if size <= PIECE:
            yield name, tensor.contiguous().clone()
            continue
        rows = max(1, len(tensor) * PIECE // size)
        for number, part in enumerate(tensor.split(rows)):
            yield f"{name}@{number}", part.contiguous().clone()


def unpack(folder: Path, pieces: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors out of pieces.

    Raises:
        FormatError: a file cannot be read.
    """
    found: dict[str, dict[int, Tensor]] = {}
    for piece in pieces:
        try:
            tensors = load_file(folder / piece)
        except (OSError, SafetensorError) as error:
            raise FormatError(f"{folder / piece}: expected safetensors: {error}") from None
        for key, tensor in tensors.items():
            name, _, number = key.partition("@")
            found.setdefault(name, {})[int(number or 0)] = tensor
    return {
        name: parts[0] if len(parts) == 1 else torch.cat([parts[n] for n in sorted(parts)])
        for name, parts in found.items()
    }
