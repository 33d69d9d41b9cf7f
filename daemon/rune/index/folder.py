"""A shelf in a folder: Chroma's own files, ``<folder>/chroma-.../``, a new one for each generation.

What is removed leaves none of its text in the files. Not covered: network file systems.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rune import files
from rune.index.shelf import GRAPH
from rune.index.words import Document

if TYPE_CHECKING:
    from rune.index.rows import Rows, Vectors

PAGE = 4000
"""Documents that are read or moved at a time."""
_PARTS = ["embeddings", "metadatas", "documents"]


@contextlib.contextmanager
def _calm() -> Iterator[None]:
    """Around Chroma: a damaged page can make it panic, and Python does not count that as an Exception."""
    try:
        yield
    except BaseException as error:
        if type(error).__module__ == "pyo3_runtime":
            raise OSError(f"Chroma panicked: {error}") from error
        raise


class Folder:
    """A ``Shelf`` of files."""

    way_out = "free disk space, and check that the folder can be written"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Any = None
        self._spoilt = ""
        """The generation that failed to open last: Chroma remembers its path, and would fail otherwise."""

    def __str__(self) -> str:
        return str(self._folder)

    def whole(self, name: str) -> bool:
        """As ``Shelf.whole``."""
        return name != self._spoilt and (self._folder / name / "chroma.sqlite3").is_file()

    def touched(self, count: int) -> bool:
        """Nobody writes here without the lock and the stamp."""
        return False

    @_calm()
    def begin(self) -> str:
        """As ``Shelf.begin``; always a new name."""
        self.close()
        name = _new_name()
        self._client = _client(self._folder / name)
        return name

    @_calm()
    def open(self, name: str) -> None:
        """As ``Shelf.open``."""
        self.close()
        self._spoilt = name
        self._client = _client(self._folder / name)
        self._spoilt = ""

    @_calm()
    def load(self, wanted: Mapping[str, Document]) -> tuple[Rows, list[str]]:
        """As ``Shelf.load``; the texts lie here, so that every document is known."""
        from rune.index.rows import Rows, matrix  # noqa: PLC0415 - numpy

        rows, collection = Rows(), _collection(self._client)
        while (page := collection.get(include=_PARTS, limit=PAGE, offset=len(rows)))["ids"]:
            pairs = zip(page["metadatas"], page["documents"], strict=True)
            found = [Document(meta["id"], meta["adapter"], meta["session"], text) for meta, text in pairs]
            rows.add(page["ids"], found, matrix(page["embeddings"]))
        return rows, []

    @_calm()
    def write(self, keys: Sequence[str], documents: Sequence[Document], vectors: Vectors) -> None:
        """As ``Shelf.write``."""
        _write(self._client, keys, documents, vectors)

    @_calm()
    def keep(self, stay: Rows, gone: Sequence[str]) -> str:
        """As ``Shelf.keep``, by moving what stays: Chroma keeps deleted text in its log and in free pages."""
        name = _new_name()
        copy = _client(self._folder / name)
        for start in range(0, len(stay), PAGE):
            some = slice(start, start + PAGE)
            _write(copy, stay.keys[some], stay.documents[some], stay.vectors[some])
        self.close()
        self._client = copy
        return name

    def tidy(self, current: str | None = None) -> None:
        """As ``Shelf.tidy``; also the files of Chroma's graph go: hnswlib writes memory that it never set.

        Any text of this process can lie there, also what was forgotten. Chroma does not read them before it
        saves its graph.
        """
        for graph in self._folder.glob("chroma-*/*/*.bin"):
            graph.unlink(missing_ok=True)
        if current is not None:
            sweep(self._folder, current)

    @_calm()
    def close(self) -> None:
        """As ``Shelf.close``."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def sweep(folder: Path, current: str = "") -> None:
    """Delete every generation in the folder but the current one."""
    for old in folder.glob("chroma*"):
        if old.name != current:
            shutil.rmtree(old, ignore_errors=True)


def _new_name() -> str:
    return f"chroma-{uuid.uuid4().hex[:12]}"


def _client(path: Path) -> Any:
    import chromadb  # noqa: PLC0415 - half a second and 60 MB
    from chromadb.config import Settings  # noqa: PLC0415 - belongs to the line above

    files.private_folder(path)
    return chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))


def _collection(client: Any) -> Any:
    configuration = {"hnsw": GRAPH}
    return client.get_or_create_collection("documents", embedding_function=None, configuration=configuration)


def _write(client: Any, keys: Sequence[str], documents: Sequence[Document], vectors: Vectors) -> None:
    about = [{"id": one.id, "adapter": one.adapter, "session": one.session} for one in documents]
    texts = [one.text for one in documents]
    _collection(client).upsert(list(keys), embeddings=vectors, metadatas=about, documents=texts)
