"""Where the vectors of one project lie, and what ``rune.index.store`` asks of that place.

A place holds one generation of the data at a time, by a name. Everything is asked under the store's lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from rune.index.words import Document

if TYPE_CHECKING:
    from rune.index.rows import Rows, Vectors

GRAPH = {"space": "cosine", "sync_threshold": 100_000_000, "ef_construction": 4, "max_neighbors": 2}
"""Chroma's graph is never asked: it is as small as may be, and not saved before that many writes."""


class Shelf(Protocol):
    """One place: a folder (``rune.index.folder``), or a collection of a server (``rune.index.server``).

    Every method but ``close`` raises ChromaError or OSError where the data are damaged, and a server's
    IndexUnavailable where it does not answer.
    """

    way_out: str
    """What a person can do where it can neither be used nor made anew."""

    def whole(self, name: str) -> bool:
        """Whether this generation is the one that lies there."""

    def touched(self, count: int) -> bool:
        """Whether somebody else has written to the open one, as far as can be told from their number."""

    def begin(self) -> str:
        """Open a new, empty generation; its name."""

    def open(self, name: str) -> None:
        """Open a generation that is there."""

    def load(self, wanted: Mapping[str, Document]) -> tuple[Rows, list[str]]:
        """What the open one holds, and the keys of what nobody here can name.

        Args:
            wanted: by key; a place that keeps no texts knows no others.
        """

    def write(self, keys: Sequence[str], documents: Sequence[Document], vectors: Vectors) -> None:
        """Add to the open one; ``vectors`` are [documents, width]."""

    def keep(self, stay: Rows, gone: Sequence[str]) -> str:
        """Take some documents out, for good; the name of the generation that is open then."""

    def tidy(self, current: str | None = None) -> None:
        """Remove what is left over; with ``current``, every generation but that one, too."""

    def close(self) -> None:
        """Let go of it."""
