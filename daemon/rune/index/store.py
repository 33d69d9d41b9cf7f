"""The documents of one project: Chroma for the vectors, BM25 beside it, a lock around both.

Everything here is derived: it may be deleted at any time and costs seconds, never memories. Several processes
may use it: each step holds a file lock, and the stamp tells a process that another one has written.

    lock            held during every read and write
    stamp.json      {"v": 1, "store": "chroma-...", "change": "...", "probe": [...]}
    chroma-.../     one Chroma store; whatever makes a new one moves the stamp over

The vectors lie in such a folder or on a server (``Shelf``); lock and stamp are here either way. A process
reads a store once, into ``Rows``, and keeps in step with what it writes itself; only the stamp is read again,
and the whole only after another process has written. Searches go over what is in memory.

Covered: a crash in the middle of ``sync`` (the next one completes it), a damaged or deleted store, another
version, another embedder, two processes at once. What is removed leaves none of its text anywhere.
Not covered: network file systems without locks.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock

from rune import files
from rune.errors import FormatError
from rune.index.folder import Folder
from rune.index.shelf import Shelf
from rune.index.words import Document, Hit
from rune.ports import Embedder

if TYPE_CHECKING:
    from rune.index.rows import Rows

log = logging.getLogger(__name__)

VERSION = 1
_BATCH = 256
_PROBE = "How was the failing test of the parser fixed?"
"""A sentence whose vector tells one embedder from another."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Which store is current, and whether it is as this process has read it."""

    store: str
    change: str


class Store:
    """One project's documents."""

    def __init__(self, folder: Path, embedder: Embedder, shelf: Shelf | None = None) -> None:
        self._folder = folder
        self._embedder = embedder
        self._shelf = shelf or Folder(folder)
        self._lock = FileLock(folder / "lock")
        self._probe = embedder.embed([_PROBE])[0]
        self._stamp: _Stamp | None = None
        self._rows: Rows | None = None
        """What the current store holds."""
        self._strange: list[str] = []
        """Keys of what it holds beside them."""
        self._asked: list[Document] = []
        self._wanted: dict[str, Document] = {}
        """What the last sync asked for: a store that is lost in between is filled again from here."""

    def sync(self, documents: Iterable[Document]) -> None:
        """Hold exactly these documents."""
        asked = list(documents)
        if asked != self._asked:  # quick where they are the very same objects
            self._asked, self._wanted = asked, {_key(document): document for document in asked}
            if self._strange:  # by now some may be known
                self._rows = None
        elif self._mended(self._unchanged):
            return
        self._mended(self._match)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best documents, best first; a server's are known by the last sync alone."""
        vector = self._embedder.embed([query])[0]
        return self._mended(lambda: self._search(query, vector, limit))

    def remove(self, session: str) -> None:
        """Drop the documents of a session, and those that cannot be told from them."""
        self._wanted = {key: kept for key, kept in self._wanted.items() if kept.session != session}
        self._asked = []
        self._mended(lambda: self._delete(lambda _, document: document.session == session))

    def close(self) -> None:
        """Let go of it."""
        self._shelf.close()
        self._stamp, self._rows, self._strange = None, None, []

    def _mended(self, act: Callable[[], _T]) -> _T:
        """Do it; where the store turns out to be damaged, begin a new one, fill it, and do it again."""
        from chromadb.errors import ChromaError  # noqa: PLC0415 - half a second and 60 MB

        try:
            files.private_folder(self._folder)  # the lock lies there; FileLock would leave it open to all
            return act()
        except (ChromaError, OSError) as error:
            log.warning("%s: the search index was damaged and is made anew (%s)", self._shelf, error)
        try:
            with self._lock:
                self._begin()
            self._fill()
            return act()
        except (ChromaError, OSError) as error:
            raise FormatError(
                f"{self._shelf}: the search index can neither be used nor made anew ({error}); "
                f"{self._shelf.way_out}"
            ) from error

    def _unchanged(self) -> bool:
        """Whether the store is still the one that was matched to what is asked for."""
        with self._lock:
            same = self._stamp is not None and self._read_stamp() == self._stamp
            return same and not self._strange and not self._touched()

    def _touched(self) -> bool:
        return self._rows is None or self._shelf.touched(len(self._rows) + len(self._strange))

    def _match(self) -> None:
        self._fill()
        self._delete(lambda key, _: key not in self._wanted)

    def _fill(self) -> None:
        """Embed and add what is missing."""
        with self._opened() as rows:
            missing = [key for key in self._wanted if key not in rows]
        for start in range(0, len(missing), _BATCH):
            self._add(missing[start : start + _BATCH])

    def _add(self, keys: list[str]) -> None:
        from rune.index.rows import matrix  # noqa: PLC0415 - 25 MB that the daemon need not carry

        batch = [self._wanted[key] for key in keys]
        vectors = matrix(self._embedder.embed([document.text for document in batch]))
        with self._opened() as rows:
            self._change()
            self._shelf.write(keys, batch, vectors)
            rows.add(keys, batch, vectors)

    def _delete(self, goes: Callable[[str, Document], bool]) -> None:
        """Remove documents, and what nobody knows."""
        with self._opened() as rows:
            both = zip(rows.keys, rows.documents, strict=True)
            gone = [place for place, (key, document) in enumerate(both) if goes(key, document)]
            if gone or self._strange:
                stay = rows.without(gone)
                self._current(self._shelf.keep(stay, [*(rows.keys[p] for p in gone), *self._strange]), stay)

    def _search(self, query: str, vector: list[float], limit: int) -> list[Hit]:
        with self._opened() as rows:
            if not len(rows) and self._wanted:  # emptied behind our back
                self._fill()
            return (self._rows or rows).search(query, vector, limit)

    @contextmanager
    def _opened(self) -> Iterator[Rows]:
        """The documents as they are stored now, under the lock."""
        with self._lock:
            stamp = self._read_stamp()
            if stamp is None:
                self._begin()
            elif stamp != self._stamp or self._touched():
                self._shelf.open(stamp.store)
                self._rows, self._strange = self._shelf.load(self._wanted)
                self._stamp = stamp
                self._shelf.tidy(stamp.store)
            assert self._rows is not None
            try:
                yield self._rows
            finally:
                self._shelf.tidy()

    def _read_stamp(self) -> _Stamp | None:
        """The stamp; None where the store is missing, of another version, or made with another embedder."""
        try:
            raw = json.loads((self._folder / "stamp.json").read_bytes())
            stamp = _Stamp(str(raw["store"]), str(raw["change"]))
            same = len(raw["probe"]) == len(self._probe) and _dot(raw["probe"], self._probe) > 0.99
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return stamp if raw.get("v") == VERSION and same and self._shelf.whole(stamp.store) else None

    def _begin(self) -> None:
        """Make a new, empty store the current one."""
        from rune.index.rows import Rows  # noqa: PLC0415 - numpy

        files.private_folder(self._folder)
        self._current(self._shelf.begin(), Rows())

    def _current(self, name: str, rows: Rows) -> None:
        """Make this store the current one."""
        self._stamp, self._rows, self._strange = _Stamp(name, ""), rows, []
        self._change()
        self._shelf.tidy(name)

    def _change(self) -> None:
        """Tell other processes that what they read is old; before the write, so that a crash tells too."""
        assert self._stamp is not None
        self._stamp = _Stamp(self._stamp.store, uuid.uuid4().hex)
        raw = {"v": VERSION, "store": self._stamp.store, "change": self._stamp.change, "probe": self._probe}
        files.replace(self._folder / "stamp.json", json.dumps(raw).encode())


def _key(document: Document) -> str:
    """The content as an id: what has not changed is not embedded again."""
    parts = (document.id, document.adapter, document.session, document.text)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return float(sum(a * b for a, b in zip(left, right, strict=True)))
