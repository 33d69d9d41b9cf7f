"""Search over what sessions were about: vectors in Chroma and words in BM25, added up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rune.index.store import Store
from rune.index.words import Document, Hit, Keywords, Ranked, adapters
from rune.ports import Embedder

__all__ = ["Document", "Hit", "Index", "Keywords", "Ranked", "adapters", "store_folder"]


def store_folder(index: Path, project: str) -> Path:
    """Where a project's search data lies; it may be deleted at any time."""
    return index / hashlib.sha256(project.encode()).hexdigest()[:16]


class Index:
    """Documents of several projects, searched by meaning and by words."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder = folder
        self._embedder = embedder
        self._stores: dict[str, Store] = {}

    def _store(self, project: str) -> Store:
        if project not in self._stores:
            self._stores[project] = Store(store_folder(self.folder, project), self._embedder)
        return self._stores[project]

    def sync(self, project: str, documents: Iterable[Document]) -> None:
        """Make the project's documents exactly these: embed and add what is missing, remove what is gone.

        Raises:
            FormatError: the store cannot be written, not even a new one.
        """
        self._store(project).sync(documents)

    def search(self, project: str, query: str, limit: int) -> list[Hit]:
        """The best documents, best first; none where the project has none.

        Raises:
            FormatError: the store cannot be read, not even a new one.
        """
        return self._store(project).search(query, limit)

    def remove(self, project: str, session: str) -> None:
        """Forget a session: its documents and every trace of their text in the files.

        Raises:
            FormatError: the store cannot be written, not even a new one.
        """
        self._store(project).remove(session)

    def close(self) -> None:
        """Let go of the stores; they open again when they are needed."""
        for store in self._stores.values():
            store.close()
