"""Packed adapters: one file each, mapped into memory, made of a PEFT folder and deleted without harm.

On disk, beside the folder, in ``.packed/<digest>.lora``: one JSON object, padded with spaces to a multiple
of 4096 bytes, then the numbers as ``layout`` has them, little-endian. The object::

    {"format": "rune-packed", "version": 1, "digest": "...", "rank": 8, "scale": 2.0, "dtype": "bfloat16",
     "modules": [["model.layers.0.self_attn.q_proj", 576, 576], ...], "sha256": "<of the numbers>",
     "bytes": 4884480}

Covered: the PEFT files are held against the digest before they are packed, the numbers against their hash
the first time this process maps them; a file that is damaged, half or of another version is made anew; two
processes that pack at once.
Not covered: a folder whose files are changed after they were packed. The digest names what was packed, and
that is what is served.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rune import files, paths
from rune.errors import AdapterError, FormatError, WrongBase
from rune.ml import lora
from rune.ml.serve.layout import Layout, Module, Shapes
from rune.records import card as cards
from rune.records import published
from rune.records.card import Card
from rune.records.published import Published
from rune.serving.types import Part

log = logging.getLogger(__name__)

FORMAT, VERSION = "rune-packed", 1
PAGE = 4096
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_DIGEST = re.compile(r"[0-9A-Za-z_-]{1,128}")
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """One adapter, ready to be copied into a row."""

    digest: str
    layout: Layout
    scale: float
    """B is multiplied by it when the adapter is bound: alpha / r."""
    numbers: Tensor
    """[layout.size]; on a CPU the mapped file itself."""

    @property
    def bytes(self) -> int:
        """What it takes of the budget."""
        return self.numbers.numel() * self.numbers.element_size()


@dataclass(frozen=True, slots=True)
class Head:
    """What the object at the head of a packed file says."""

    layout: Layout
    scale: float
    dtype: torch.dtype
    start: int
    """Where the numbers begin."""
    sha256: str


class Shelf:
    """Packed files of the adapters for one base."""

    def __init__(self, layers: Mapping[str, nn.Module], base_hash: str, max_rank: int) -> None:
        self.shapes = Shapes(layers)
        self.base_hash = base_hash
        self.max_rank = max_rank
        self.verified: dict[str, tuple[Stamp, Head]] = {}
        """Files whose numbers this process has held against their hash."""
        self._layouts: dict[Layout, Layout] = {}  # thousands of adapters share a few

    def open(self, part: Part) -> Packed:
        """The adapter of a part; it is packed where that has not been done.

        Raises:
            AdapterError: missing, damaged, not what its digest says, or of a kind that rows cannot hold.
            WrongBase: made for another base.
        """
        folder = Path(part.folder)
        if not _DIGEST.fullmatch(part.digest):
            raise AdapterError(f"expected an adapter's digest, found {part.digest[:64]!r}")
        path = paths.packed(folder, part.digest)
        if not folder.is_dir():
            with contextlib.suppress(OSError):
                path.unlink()
            raise AdapterError(f"adapter {part.digest}: no folder {folder}")
        try:
            return self._mapped(path, part.digest)
        except OSError:
            pass  # not packed yet, or nobody may read what is there
        except FormatError as error:
            log.warning("packing adapter %s again: %s", part.digest, error)
        return self._pack(folder, path, part.digest)

    def _mapped(self, path: Path, digest: str) -> Packed:
        """Map a packed file; what was verified before and has not been touched is only mapped.

        Raises:
            OSError: there is none.
            FormatError: it is not what it should be.
        """
        status = path.stat()
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        known = self.verified.get(digest)
        head = known[1] if known and known[0] == stamp else self._head(path, digest, status.st_size)
        whole = torch.from_file(str(path), shared=False, size=status.st_size, dtype=torch.uint8)
        numbers = whole[head.start :]
        if not known or known[0] != stamp:
            if _hash(numbers) != head.sha256:
                raise FormatError(f"{path}: the numbers do not match their SHA-256")
            self.verified[digest] = (stamp, head)
        return Packed(digest, head.layout, head.scale, numbers.view(head.dtype))

    def _head(self, path: Path, digest: str, size: int) -> Head:
        """What a packed file says of itself, held against its size and the base.

        Raises:
            FormatError: it is not what it should be.
        """
        with path.open("rb") as file:
            header, start = _header(file.read(PAGE), file.read, digest)
        modules = tuple(Module(*entry) for entry in header["modules"])
        layout = Layout(modules, header["rank"])
        layout = self._layouts.setdefault(layout, layout)
        dtype = _DTYPES[header["dtype"]]
        if self.shapes.ordered(module.name for module in modules) != modules:
            raise FormatError(f"{path}: was packed for a base of other shapes")
        if size != start + header["bytes"] or layout.size * dtype.itemsize != header["bytes"]:
            raise FormatError(f"{path}: expected {header['bytes']} bytes of numbers, found {size - start}")
        return Head(layout, header["scale"], dtype, start, header["sha256"])

    def _pack(self, folder: Path, path: Path, digest: str) -> Packed:
        _verify(folder, digest, self.base_hash)
        adapter = lora.load(folder, torch.device("cpu"))
        scale = _scale(folder)
        if not 0 < adapter.rank <= self.max_rank:
            raise AdapterError(f"{folder}: expected a rank of 1 to {self.max_rank}, found {adapter.rank}")
        layout = Layout(self.shapes.ordered(adapter.factors), adapter.rank)
        numbers = _flat(folder, adapter, layout)
        data = numbers.view(torch.uint8)
        header = {
            "format": FORMAT, "version": VERSION, "digest": digest, "rank": layout.rank, "scale": scale,
            "dtype": str(numbers.dtype).removeprefix("torch."),
            "modules": [[module.name, module.inner, module.out] for module in layout.modules],
            "sha256": _hash(data), "bytes": len(data),
        }  # fmt: skip
        text = json.dumps(header, separators=(",", ":")).encode()
        try:
            _write(path, text.ljust(-(-(len(text) + 1) // PAGE) * PAGE), data)
            return self._mapped(path, digest)
        except OSError as error:  # a store that nobody may write to: served from memory, packed each time
            log.warning("adapter %s stays unpacked: %s", digest, error)
            return Packed(digest, layout, scale, numbers)


def _write(path: Path, head: bytes, data: Tensor) -> None:
    """Write whole or not at all; not synced, because what a crash of the machine leaves fails its hash."""
    files.private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head)
            file.write(data.numpy().data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _hash(data: Tensor) -> str:
    """SHA-256 of bytes."""
    return hashlib.sha256(data.numpy().data).hexdigest()


def _header(first: bytes, more: Any, digest: str) -> tuple[dict[str, Any], int]:
    """The object at the head of a packed file, and where the numbers start.

    Raises:
        FormatError: it is damaged, of another version or of another adapter.
    """
    head = first
    while head and not head.rstrip(b" ").endswith(b"}") and len(head) < 1024 * PAGE:
        block = more(PAGE)
        if not block:
            break
        head += block
    try:
        header = json.loads(head)
        said = (header["format"], header["version"], header["digest"])
    except (ValueError, KeyError, TypeError):
        raise FormatError("expected the head of a packed adapter, found something else") from None
    if said != (FORMAT, VERSION, digest):
        raise FormatError(f"expected {(FORMAT, VERSION, digest)}, found {said}")
    return header, len(head)


def _verify(folder: Path, digest: str, base_hash: str) -> None:
    """Hold the PEFT files against the digest, and the base against the card or manifest where there is one.

    Raises:
        AdapterError: they differ, or a file is missing.
        WrongBase: it was made for another base.
    """
    found = {name: _sha256(folder / name) for name in (lora.SETTINGS, lora.WEIGHTS)}
    if (told := _told(folder, digest)) is None:
        expected = digest_of(folder)
        if digest != expected:
            raise AdapterError(f"{folder}: expected files with digest {digest}, found {expected}")
        return
    if any(told.sha256.get(name) != hash for name, hash in found.items()):
        raise AdapterError(f"{folder}: the files are not those of adapter {digest}; make it anew")
    if told.base_hash != base_hash:
        raise WrongBase(f"adapter {digest} was made for base {told.base_hash[:12]}, not {base_hash[:12]}")


def _told(folder: Path, digest: str) -> Card | Published | None:
    """What is written beside the PEFT files: a card, or where they came out of a store, a manifest.

    Raises:
        AdapterError: it is damaged, newer, or of another adapter.
    """
    card, manifest = folder / "card.json", folder / published.NAME
    try:
        if card.is_file():
            told = cards.read(card)
            if cards.identity(told) != digest:
                raise AdapterError(f"{folder}: the files are not those of adapter {digest}; make it anew")
            return told
        return published.parse(manifest.read_bytes(), str(manifest), digest) if manifest.is_file() else None
    except FormatError as error:
        raise AdapterError(str(error)) from None


def digest_of(folder: Path) -> str:
    """The digest of a PEFT folder that has no card: over its two files.

    Raises:
        AdapterError: a file is missing.
    """
    both = "\n".join(_sha256(folder / name) for name in (lora.SETTINGS, lora.WEIGHTS))
    return hashlib.sha256(both.encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    try:
        return files.sha256(path)
    except OSError as error:
        raise AdapterError(f"{path}: {error.strerror}") from None


_PLAIN: dict[str, tuple[object, ...]] = {
    "peft_type": ("LORA",), "use_dora": (None, False), "bias": (None, "none"), "modules_to_save": (None, []),
    "fan_in_fan_out": (None, False), "lora_bias": (None, False), "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}), "layer_replication": (None, []), "trainable_token_indices": (None, []),
}  # fmt: skip
"""Settings of PEFT that would mean more than A, B and one scale, with the values that do not."""


def _scale(folder: Path) -> float:
    """alpha / r, or alpha / sqrt(r) for rank-stabilised LoRA (Kalajdzievski 2023, arXiv:2312.03732).

    Raises:
        AdapterError: the adapter is more than A and B.
    """
    settings = json.loads((folder / lora.SETTINGS).read_text("utf-8"))
    for key, plain in _PLAIN.items():
        if settings.get(key) not in plain:
            raise AdapterError(f"{folder}: expected {key} = {plain[-1]!r}, found {settings[key]!r}")
    rank, alpha = int(settings["r"]), float(settings["lora_alpha"])
    return alpha / math.sqrt(rank) if settings.get("use_rslora") else alpha / rank


def _flat(folder: Path, adapter: lora.Adapter, layout: Layout) -> Tensor:
    """The factors in one row, in the type that they were saved in (float32 where that is mixed)."""
    types = {tensor.dtype for tensor in adapter.parameters()}
    dtype = types.pop() if len(types) == 1 else torch.float32
    row = torch.empty(layout.size, dtype=dtype if dtype in _DTYPES.values() else torch.float32)
    for module in layout.modules:
        part = adapter.factors[module.name]
        a, b = layout.a(row, module), layout.b(row, module)
        if part.a.T.shape != a.shape or part.b.T.shape != b.shape:
            raise AdapterError(
                f"{folder}: {module.name}: expected A {[*a.T.shape]} and B {[*b.T.shape]}, "
                f"found {[*part.a.shape]} and {[*part.b.shape]}"
            )
        a.copy_(part.a.T)
        b.copy_(part.b.T)
    return row
