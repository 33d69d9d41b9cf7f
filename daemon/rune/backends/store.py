"""Adapters in a store that several machines share: any place that fsspec has a driver for.

    <url>/<id>/adapter_config.json, adapter_model.safetensors, published.json (last)

Covered: a copy that was broken off (no manifest, so nobody reads it; publishing again finishes it); two that
publish, or fetch, one adapter at once; files that changed in the store or on the way. What is published is
never overwritten: an id names one content.
Not covered: who may read the store, which is the store's own matter; and whoever can write there can put
adapters of their own under ids of their own. Removing from the store, and making room in the cache, is a
person's.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from rune import files
from rune.errors import AdapterError, ConfigError
from rune.library import Library
from rune.records import published
from rune.records.published import FILES, NAME, Published

CHUNK = 1 << 20
STAGE = ".staging-"


class Store:
    """A shared store of adapters."""

    def __init__(self, url: str) -> None:
        """Look at a URL such as ``file:///mnt/rune``, ``s3://bucket/rune`` or ``memory://rune``.

        Raises:
            ConfigError: fsspec knows no such protocol, or its driver is not installed.
        """
        try:
            self.fs, self.root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise ConfigError(f"store {url!r}: {error}") from None
        self._local = isinstance(self.fs, LocalFileSystem)

    def find(self, id: str) -> Published | None:
        """The manifest of a published adapter; None where it is not published.

        Raises:
            AdapterError: this is no id.
            FormatError, NewerVersion: as ``published.parse``.
        """
        path = f"{self._folder(id)}/{NAME}"
        try:
            data = self.fs.cat_file(path)
        except FileNotFoundError:
            return None
        return published.parse(data, path, id)

    def publish(self, library: Library, id: str) -> bool:
        """Copy an adapter under its id; False where it is there already.

        Raises:
            AdapterError: its own files are not what they were, or others lie under its id.
            FormatError, NewerVersion: the manifest that lies there is damaged, or newer.
        """
        card, folder = library.verify(id), library.folder(id)
        ours = published.of(card, sum((folder / name).stat().st_size for name in FILES))
        if there := self.find(id):
            if there.sha256 != ours.sha256:
                raise AdapterError(f"{self._folder(id)}: other files lie under this id; see who wrote them")
            return False
        for name in FILES:
            self._write(f"{self._folder(id)}/{name}", (folder / name).read_bytes())
        self._write(f"{self._folder(id)}/{NAME}", published.dump(ours))
        return True

    def fetch(self, id: str, cache: Path) -> Path:
        """The folder of an adapter in a local cache, brought there where it is not; whole, or not at all.

        Raises:
            AdapterError: it is not published, or what came does not match its hashes.
            FormatError, NewerVersion: as ``find``.
        """
        self._folder(id)
        target = cache / id
        if (target / NAME).is_file():
            return target
        with files.locked(cache / ".locks" / id[:2]):
            if not (target / NAME).is_file():  # somebody else may have brought it
                self._bring(id, target)
        return target

    def _bring(self, id: str, target: Path) -> None:
        wanted = self.find(id)
        if wanted is None:
            raise AdapterError(f"no adapter {id} in {self.root}; `rune adapters publish` puts it there")
        stage = target.parent / f"{STAGE}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        files.private_folder(stage)
        try:
            for name in FILES:
                self._read(f"{self._folder(id)}/{name}", stage / name, wanted.sha256[name], wanted.bytes)
            files.replace(stage / NAME, published.dump(wanted))
            stage.rename(target)
            files.sync_folder(target.parent)
        finally:
            files.remove_folder(stage)

    def _read(self, source: str, into: Path, sha256: str, most: int) -> None:
        """Copy one file, hashing it on the way; never more than the manifest says there is."""
        taken, size = hashlib.sha256(), 0
        try:
            with self.fs.open(source, "rb") as remote, into.open("xb") as file:
                while (part := remote.read(CHUNK)) and size <= most:
                    taken.update(part)
                    size += file.write(part)
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            raise AdapterError(f"{source}: missing beside its manifest; publish the adapter anew") from None
        if taken.hexdigest() != sha256:
            raise AdapterError(f"{source}: expected SHA-256 {sha256}, found {taken.hexdigest()}")

    def _write(self, path: str, data: bytes) -> None:
        """A whole file or none: an object store shows one when it is closed, a folder gets it by a rename."""
        self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        if self._local:
            files.replace(Path(path), data)
        else:
            self.fs.pipe_file(path, data)

    def _folder(self, id: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{16}", id):
            raise AdapterError(f"expected an adapter's id of 16 hexadecimal digits, found {id!r}")
        return f"{self.root.rstrip('/')}/{id}"
