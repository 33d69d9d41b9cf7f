"""The ways Rune touches files: private folders, atomic replacement, whole-line appends, reading lines, locks.

Covered: a crash at any point leaves the old or the new content, never half of it; concurrent appenders do
not mix; a torn last line is left for its other half.
Not covered: network file systems without atomic rename or O_APPEND.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

log = logging.getLogger(__name__)

REUSED_AFTER = 10.0
"""Seconds that clocks of process table and file system may differ before a process id counts as reused."""


def private_folder(path: Path) -> Path:
    """Make a folder (and missing parents) that only its owner can read; return it."""
    for folder in reversed((path, *path.parents)):  # mkdir(parents=True) would leave the parents open to all
        if not folder.is_dir():
            folder.mkdir(exist_ok=True, mode=0o700)
    return path


def replace(path: Path, data: bytes) -> None:
    """Give a file new content in one step, durable when this returns."""
    private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append(path: Path, *records: dict[str, Any]) -> None:
    """Append records as JSON lines with one write; durable when this returns.

    A torn last line (a crash of an earlier writer) is closed first, so that it cannot swallow this one.
    """
    private_folder(path.parent)
    data = b"".join(_line(record) for record in records)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    """Write everything or raise; on a full disk the partial line is taken back."""
    before = os.fstat(descriptor).st_size
    written = os.write(descriptor, data)
    if written != len(data):
        os.ftruncate(descriptor, before)
        raise OSError(28, f"disk full: {written} of {len(data)} bytes fitted and were taken back")


def whole_lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The complete lines from a byte offset on, each with the offset after it; a torn last line waits."""
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            if line.strip():
                yield start, line


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a JSONL file, each with its line number; a missing file has none.

    A line that is no JSON object is what a crash in the middle of a write leaves behind: it is named in the
    log and passed over, so that one torn line never hides the rest of the file.
    """
    if not path.exists():
        return
    for number, (_, line) in enumerate(whole_lines(path), 1):
        value = _value(line)
        if isinstance(value, dict):
            yield number, value
        else:
            log.warning("%s:%d: expected a JSON object, found %r; passed over", path, number, line[:60])


def _value(line: bytes) -> Any:
    """What a line says, None where it is no JSON; json takes surrogates and NaN, orjson takes a quarter."""
    try:
        return orjson.loads(line)
    except ValueError:
        pass
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file of its own while the block runs; a dead holder's lock is free at once.

    It excludes other processes and other threads alike. It may not be taken twice by one thread.
    """
    private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the renames in a folder durable, or the content of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The hash of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def abandoned(folder: Path, prefix: str) -> bool:
    """Whether the maker of ``<prefix><pid>-...`` is gone, or a younger process has its number."""
    import psutil  # noqa: PLC0415 - most processes never ask

    number = folder.name.removeprefix(prefix).partition("-")[0]
    try:
        process = psutil.Process(int(number))
        started = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:  # dead, and below a PID 1 that reaps nobody
            return True
    except (ValueError, psutil.NoSuchProcess):
        return True
    except psutil.AccessDenied:
        return False
    return bool(started > folder.stat().st_mtime + REUSED_AFTER)


def remove_folder(folder: Path) -> None:
    """Delete a folder of files, read-only or not, as far as it is still there."""
    if folder.is_dir():
        for path, _, _ in os.walk(folder):
            Path(path).chmod(0o700)
        shutil.rmtree(folder)
