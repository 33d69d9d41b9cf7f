"""The documents of one project in a folder: Chroma for the vectors, BM25 beside it, a lock around both.

Everything here is derived: the folder may be deleted at any time and costs seconds, never memories. Several
processes may use it: each step holds a file lock, and the stamp tells a process that another one has written.

    lock            held during every read and write
    stamp.json      {"v": 1, "store": "chroma-...", "change": "...", "probe": [...]}
    chroma-.../     one Chroma store; whatever makes a new one moves the stamp over

A process reads a store once, into ``Rows``, and keeps in step with what it writes itself; only the stamp is
read again, and the whole only after another process has written. Searches go over what is in memory. Chroma's
graph is never asked, so it is made as small as may be.

Covered: a crash in the middle of ``sync`` (the next one completes it), a damaged or deleted store, another
version, another embedder, two processes at once. What is removed leaves none of its text in the files.
Not covered: network file systems without locks.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock

from rune import files
from rune.errors import FormatError
from rune.index.words import Document, Hit
from rune.ports import Embedder

if TYPE_CHECKING:
    from rune.index.rows import Rows, Vectors

log = logging.getLogger(__name__)

VERSION = 1
_BATCH = 256
_PAGE = 4000
"""Documents that are read or moved at a time."""
_NEVER = 100_000_000
"""Writes after which Chroma would save its graph."""
_PROBE = "How was the failing test of the parser fixed?"
"""A sentence whose vector tells one embedder from another."""
_PARTS = ["embeddings", "metadatas", "documents"]
_GRAPH = {"space": "cosine", "sync_threshold": _NEVER, "ef_construction": 4, "max_neighbors": 2}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Which store is current, and whether it is as this process has read it."""

    store: str
    change: str


class Store:
    """One project's documents."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._folder = files.private_folder(folder)
        self._embedder = embedder
        self._lock = FileLock(folder / "lock")
        self._probe = embedder.embed([_PROBE])[0]
        self._client: Any = None
        self._stamp: _Stamp | None = None
        self._rows: Rows | None = None
        """What the current store holds."""
        self._asked: list[Document] = []
        self._wanted: dict[str, Document] = {}
        """What the last sync asked for: a store that is lost in between is filled again from here."""

    def sync(self, documents: Iterable[Document]) -> None:
        """Hold exactly these documents."""
        asked = list(documents)
        if asked != self._asked:  # quick where they are the very same objects
            self._asked, self._wanted = asked, {_key(document): document for document in asked}
        elif self._unchanged():
            return
        self._mended(self._match)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best documents, best first."""
        vector = self._embedder.embed([query])[0]
        return self._mended(lambda: self._search(query, vector, limit))

    def remove(self, session: str) -> None:
        """Drop the documents of a session."""
        self._wanted = {key: kept for key, kept in self._wanted.items() if kept.session != session}
        self._asked = []
        self._mended(lambda: self._delete(lambda _, document: document.session == session))

    def close(self) -> None:
        """Let go of the files."""
        if self._client is not None:
            self._client.close()
        self._client, self._stamp, self._rows = None, None, None

    def _mended(self, act: Callable[[], _T]) -> _T:
        """Do it; where the store turns out to be damaged, begin a new one, fill it, and do it again."""
        from chromadb.errors import ChromaError  # noqa: PLC0415 - half a second and 60 MB

        try:
            return act()
        except (ChromaError, OSError) as error:
            log.warning("%s: the search index was damaged and is made anew (%s)", self._folder, error)
        try:
            with self._lock:
                self._begin(_new_name())
            self._fill()
            return act()
        except (ChromaError, OSError) as error:
            raise FormatError(
                f"{self._folder}: the search index can neither be used nor made anew ({error}); "
                "free disk space, and check that the folder can be written"
            ) from error

    def _unchanged(self) -> bool:
        """Whether the store is still the one that was matched to what is asked for."""
        with self._lock:
            return self._stamp is not None and self._read_stamp() == self._stamp

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
        batch = [self._wanted[key] for key in keys]
        vectors = _matrix(self._embedder.embed([document.text for document in batch]))
        with self._opened() as rows:
            self._change()
            _write(self._client, keys, batch, vectors)
            rows.add(keys, batch, vectors)

    def _delete(self, goes: Callable[[str, Document], bool]) -> None:
        """Remove documents by moving the others: Chroma keeps deleted text in its log and in free pages."""
        with self._opened() as rows:
            both = zip(rows.keys, rows.documents, strict=True)
            gone = [place for place, (key, document) in enumerate(both) if goes(key, document)]
            if not gone:
                return
            stay, name = rows.without(gone), _new_name()
            copy = _client(self._folder / name)
            for start in range(0, len(stay), _PAGE):
                some = slice(start, start + _PAGE)
                _write(copy, stay.keys[some], stay.documents[some], stay.vectors[some])
            self._begin(name, copy, stay)

    def _search(self, query: str, vector: list[float], limit: int) -> list[Hit]:
        with self._opened() as rows:
            if not len(rows) and self._wanted:  # emptied behind our back
                self._fill()
            return (self._rows or rows).search(query, vector, limit)

    @contextmanager
    def _opened(self) -> Iterator[Rows]:
        """The documents as they are on disk now, under the lock."""
        with self._lock:
            stamp = self._read_stamp()
            if stamp is None:
                self._begin(_new_name())
            elif stamp != self._stamp or self._rows is None:
                self.close()
                self._client = _client(self._folder / stamp.store)
                self._stamp, self._rows = stamp, _load(self._client)
                self._sweep(stamp.store)
            assert self._rows is not None
            try:
                yield self._rows
            finally:
                self._unleak()

    def _unleak(self) -> None:
        """Take away the graph files of Chroma: hnswlib writes memory into them that it never set.

        Any text of this process can lie there, also what was forgotten. Below ``_NEVER`` documents Chroma
        does not read them.
        """
        for graph in self._folder.glob("chroma-*/*/*.bin"):
            graph.unlink(missing_ok=True)

    def _read_stamp(self) -> _Stamp | None:
        """The stamp; None where the store is missing, of another version, or made with another embedder."""
        try:
            raw = json.loads((self._folder / "stamp.json").read_bytes())
            stamp = _Stamp(str(raw["store"]), str(raw["change"]))
            same = len(raw["probe"]) == len(self._probe) and _dot(raw["probe"], self._probe) > 0.99
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = (self._folder / stamp.store / "chroma.sqlite3").is_file()
        return stamp if raw.get("v") == VERSION and same and whole else None

    def _begin(self, name: str, client: Any = None, rows: Rows | None = None) -> None:
        """Make this store the current one; always a new name: Chroma remembers a path that failed to open."""
        from rune.index.rows import Rows  # noqa: PLC0415 - numpy

        self.close()
        files.private_folder(self._folder)
        self._client = client or _client(self._folder / name)
        self._stamp, self._rows = _Stamp(name, ""), rows or Rows()
        self._change()
        self._sweep(name)

    def _sweep(self, current: str) -> None:
        for old in self._folder.glob("chroma*"):
            if old.name != current:
                shutil.rmtree(old, ignore_errors=True)

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


def _new_name() -> str:
    return f"chroma-{uuid.uuid4().hex[:12]}"


def _client(path: Path) -> Any:
    import chromadb  # noqa: PLC0415 - half a second and 60 MB
    from chromadb.config import Settings  # noqa: PLC0415 - belongs to the line above

    files.private_folder(path)
    return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))


def _collection(client: Any) -> Any:
    configuration = {"hnsw": _GRAPH}
    return client.get_or_create_collection("documents", embedding_function=None, configuration=configuration)


def _write(client: Any, keys: list[str], documents: list[Document], vectors: Vectors) -> None:
    about = [{"id": one.id, "adapter": one.adapter, "session": one.session} for one in documents]
    texts = [one.text for one in documents]
    _collection(client).upsert(keys, embeddings=vectors, metadatas=about, documents=texts)


def _load(client: Any) -> Rows:
    from rune.index.rows import Rows  # noqa: PLC0415 - numpy

    rows, collection = Rows(), _collection(client)
    while (page := collection.get(include=_PARTS, limit=_PAGE, offset=len(rows)))["ids"]:
        pairs = zip(page["metadatas"], page["documents"], strict=True)
        found = [Document(meta["id"], meta["adapter"], meta["session"], text) for meta, text in pairs]
        rows.add(page["ids"], found, _matrix(page["embeddings"]))
    return rows


def _matrix(vectors: Any) -> Vectors:
    import numpy as np  # noqa: PLC0415 - 25 MB that the daemon need not carry

    return np.asarray(vectors, np.float32)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return float(sum(a * b for a, b in zip(left, right, strict=True)))
