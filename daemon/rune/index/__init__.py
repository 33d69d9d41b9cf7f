"""Search over what sessions were about: vectors in Chroma and words in BM25, added up.

``words`` is what a search is about, ``postings`` and ``rows`` have it in memory, ``store`` keeps it in step
with a ``shelf``: a ``folder`` of this machine, or a collection of a ``server``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from rune.config import IndexConfig
from rune.index.server import Collection, Server, address
from rune.index.store import Store
from rune.index.words import Document, Hit, Keywords, Ranked, adapters
from rune.paths import Home
from rune.ports import Embedder
from rune.records import installation

__all__ = ["Document", "Hit", "Index", "Keywords", "Ranked", "adapters", "drop", "server_of", "store_folder"]


def store_folder(index: Path, project: str) -> Path:
    """Where a project's search data lies; it may be deleted at any time."""
    return index / hashlib.sha256(project.encode()).hexdigest()[:16]


def server_of(home: Home, config: IndexConfig) -> Server | None:
    """The Chroma server as this installation uses it; None where search data lie in files.

    Raises:
        ConfigError: ``index.url`` is no address.
        FormatError: the installation's id cannot be read.
    """
    return Server(address(config.url), installation.ensure(home.installation)) if config.url else None


def drop(home: Home, config: IndexConfig, project: str) -> None:
    """Delete a project's search data wherever they lie; the next search makes them anew.

    Raises:
        IndexUnavailable: the server does not answer; nothing was deleted.
    """
    folder = store_folder(home.index, project)
    if server := server_of(home, config):
        collection = Collection(server, project, folder)
        collection.drop()
        collection.close()
    shutil.rmtree(folder, ignore_errors=True)


class Index:
    """Documents of several projects, searched by meaning and by words."""

    def __init__(self, folder: Path, embedder: Embedder, server: Server | None = None) -> None:
        self.folder = folder
        self._embedder = embedder
        self._server = server
        self._stores: dict[str, Store] = {}

    def _store(self, project: str) -> Store:
        if project not in self._stores:
            folder, server = store_folder(self.folder, project), self._server
            shelf = Collection(server, project, folder) if server else None
            self._stores[project] = Store(folder, self._embedder, shelf)
        return self._stores[project]

    def sync(self, project: str, documents: Iterable[Document]) -> None:
        """Make the project's documents exactly these: embed and add what is missing, remove what is gone.

        Raises:
            FormatError: the store cannot be written, not even a new one.
            IndexUnavailable: the server does not answer.
        """
        self._store(project).sync(documents)

    def search(self, project: str, query: str, limit: int) -> list[Hit]:
        """The best documents, best first; none where the project has none.

        Raises:
            FormatError: the store cannot be read, not even a new one.
            IndexUnavailable: the server does not answer.
        """
        return self._store(project).search(query, limit)

    def nearness(self, text: str, others: Sequence[str]) -> float:
        """The cosine of a text with the nearest of some others, wherever they come from; -1.0 without any."""
        mine, *theirs = self._embedder.embed([text, *others])
        return max((sum(a * b for a, b in zip(mine, one, strict=True)) for one in theirs), default=-1.0)

    def remove(self, project: str, session: str) -> None:
        """Forget a session: its documents and every trace of their text, wherever they lie.

        Raises:
            FormatError: the store cannot be written, not even a new one.
            IndexUnavailable: the server does not answer; nothing was removed.
        """
        self._store(project).remove(session)

    def close(self) -> None:
        """Let go of the stores; they open again when they are needed."""
        for store in self._stores.values():
            store.close()
