"""The documents of one project in a folder: Chroma for the vectors, BM25 beside it, a lock around both.

Everything here is derived: the folder may be deleted at any time and costs seconds, never memories. Several
processes may use it: each step holds a file lock, and the stamp tells a process that another one has written.

    lock            held during every read and write
    stamp.json      {"v": 1, "store": "chroma-...", "change": "...", "probe": [...]}
    chroma-.../     one Chroma store; whatever makes a new one moves the stamp over

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
from typing import Any, TypeVar

from filelock import FileLock

from rune import files
from rune.errors import FormatError
from rune.index.words import Document, Hit, Keywords, relevance
from rune.ports import Embedder

log = logging.getLogger(__name__)

VERSION = 1
_BATCH = 64
_CANDIDATES = 50
"""Documents that each of the two searches brings in, at least."""
_NEVER = 100_000_000
"""Writes after which Chroma would save its graph."""
_PROBE = "How was the failing test of the parser fixed?"
"""A sentence whose vector tells one embedder from another."""
_PARTS = ["embeddings", "metadatas", "documents"]
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
        self._read: tuple[list[str], Keywords] | None = None
        self._wanted: dict[str, Document] = {}
        """What the last sync asked for: a store that is lost in between is filled again from here."""

    def sync(self, documents: Iterable[Document]) -> None:
        """Hold exactly these documents."""
        self._wanted = {_key(document): document for document in documents}
        self._mended(self._match)

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best documents, best first."""
        vector = self._embedder.embed([query])[0]
        return self._mended(lambda: self._search(query, vector, limit))

    def remove(self, session: str) -> None:
        """Drop the documents of a session."""
        self._wanted = {key: kept for key, kept in self._wanted.items() if kept.session != session}
        self._mended(lambda: self._delete(where={"session": session}))

    def close(self) -> None:
        """Let go of the files."""
        if self._client is not None:
            self._client.close()
        self._client, self._stamp, self._read = None, None, None

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

    def _match(self) -> None:
        if gone := sorted(self._fill() - set(self._wanted)):
            self._delete(ids=gone)

    def _fill(self) -> set[str]:
        """Embed and add what is missing; the ids that were there before."""
        with self._opened() as collection:
            have = set(collection.get(include=[])["ids"])
        missing = [key for key in self._wanted if key not in have]
        for start in range(0, len(missing), _BATCH):
            self._add(missing[start : start + _BATCH])
        return have

    def _add(self, keys: list[str]) -> None:
        batch = [self._wanted[key] for key in keys]
        texts = [document.text for document in batch]
        about = [{"id": one.id, "adapter": one.adapter, "session": one.session} for one in batch]
        vectors = self._embedder.embed(texts)
        with self._opened() as collection:
            self._change()
            collection.upsert(keys, embeddings=vectors, metadatas=about, documents=texts)

    def _delete(self, **which: Any) -> None:
        """Remove documents by moving the others: Chroma keeps deleted text in its log and in free pages."""
        with self._opened() as collection:
            gone = set(collection.get(**which, include=[])["ids"])
            if not gone:
                return
            rows = collection.get(include=_PARTS)
            stay = [place for place, key in enumerate(rows["ids"]) if key not in gone]
            name = _new_name()
            copy = _client(self._folder / name)
            for start in range(0, len(stay), _BATCH):
                some = stay[start : start + _BATCH]
                kept = {part: [rows[part][i] for i in some] for part in ("ids", *_PARTS)}
                _collection(copy).upsert(**kept)
            self._begin(name, copy)

    def _search(self, query: str, vector: list[float], limit: int) -> list[Hit]:
        with self._opened() as collection:
            keys, words = self._documents(collection)
            if not keys:
                return []
            many = max(_CANDIDATES, limit)
            bm25 = {key: score for key, score in zip(keys, words.scores(query), strict=True) if score > 0}
            by_words = sorted(bm25, key=lambda key: (-bm25[key], key))[:many]
            near = collection.query(vector, n_results=min(len(keys), many), include=["distances"])
            cosine = {key: 1.0 - d for key, d in zip(near["ids"][0], near["distances"][0], strict=True)}
            if far := [key for key in by_words if key not in cosine]:
                rest = collection.get(far, include=["embeddings"])
                cosine |= {k: _dot(vector, v) for k, v in zip(rest["ids"], rest["embeddings"], strict=True)}
        score = {key: relevance(cosine[key], bm25.get(key, 0.0)) for key in cosine}
        documents = dict(zip(keys, words.documents, strict=True))
        best = sorted(score, key=lambda key: (-score[key], key))[:limit]
        return [Hit(documents[key], cosine[key], bm25.get(key, 0.0), score[key]) for key in best]

    def _documents(self, collection: Any) -> tuple[list[str], Keywords]:
        """The ids and texts on disk; a store that was emptied behind our back is filled first."""
        if self._read is None:
            rows = collection.get(include=["documents", "metadatas"])
            if not rows["ids"] and self._wanted:
                self._fill()
                rows = collection.get(include=["documents", "metadatas"])
            pairs = zip(rows["metadatas"], rows["documents"], strict=True)
            found = [Document(meta["id"], meta["adapter"], meta["session"], text) for meta, text in pairs]
            self._read = rows["ids"], Keywords(found)
        return self._read

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The documents as they are on disk now, under the lock."""
        with self._lock:
            stamp = self._read_stamp()
            if stamp is None:
                self._begin(_new_name())
            elif stamp != self._stamp:
                self.close()
                self._client = _client(self._folder / stamp.store)
                self._stamp = stamp
                self._sweep(stamp.store)
            try:
                yield _collection(self._client)
            finally:
                self._unleak()

    def _unleak(self) -> None:
        """Take away the graph files of Chroma: hnswlib writes memory into them that it never set.

        Any text of this process can lie there, also what was forgotten. Below ``_NEVER`` documents Chroma
        does not read them: it makes the graph anew out of its database, 0.4 s for 3,000 documents.
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

    def _begin(self, name: str, client: Any = None) -> None:
        """Make this store the current one; always a new name: Chroma remembers a path that failed to open."""
        self.close()
        files.private_folder(self._folder)
        self._client = client or _client(self._folder / name)
        self._stamp = _Stamp(name, "")
        self._change()
        self._sweep(name)

    def _sweep(self, current: str) -> None:
        for old in self._folder.glob("chroma*"):
            if old.name != current:
                shutil.rmtree(old, ignore_errors=True)

    def _change(self) -> None:
        """Tell other processes that what they read is old; before the write, so that a crash tells too."""
        assert self._stamp is not None
        self._stamp, self._read = _Stamp(self._stamp.store, uuid.uuid4().hex), None
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
    configuration = {"hnsw": {"space": "cosine", "sync_threshold": _NEVER}}
    return client.get_or_create_collection("documents", embedding_function=None, configuration=configuration)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return float(sum(a * b for a, b in zip(left, right, strict=True)))
