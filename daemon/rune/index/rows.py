"""The documents of a project as a process has read them: vectors in one matrix, words in an inverted index.

Every document is compared with the query: a product with 13,000 vectors of 384 numbers takes milliseconds,
and finds what an approximate graph may miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rune.index.postings import Postings
from rune.index.words import WORDS_WEIGHT, Document, Hit, tokens

Vectors = NDArray[np.float32]


class Rows:
    """Keys, documents, vectors and words, in the order in which they were added."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.documents: list[Document] = []
        self._known: set[str] = set()
        self._room: Vectors = np.zeros((0, 0), np.float32)
        self._words = Postings()

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self._known

    @property
    def vectors(self) -> Vectors:
        """One unit vector per document: [documents, width]."""
        return self._room[: len(self.keys)]

    def add(self, keys: Sequence[str], documents: Sequence[Document], vectors: Vectors) -> None:
        """Take in documents; what is there already stays as it is."""
        new = [place for place, key in enumerate(keys) if key not in self._known]
        if not new:
            return
        self._grow(len(self.keys) + len(new), vectors.shape[1])
        self._room[len(self.keys) : len(self.keys) + len(new)] = vectors[new]
        self.keys += [keys[place] for place in new]
        self.documents += [documents[place] for place in new]
        self._known.update(keys)
        for place in new:
            document = documents[place]
            self._words.add(tokens(document.text), document.adapter or document.id)

    def without(self, gone: Iterable[int]) -> Rows:
        """The other documents, in their order; ``gone`` are places."""
        stay = sorted(set(range(len(self.keys))).difference(gone))
        rest = Rows()
        if stay:
            rest.add([self.keys[i] for i in stay], [self.documents[i] for i in stay], self.vectors[stay])
        return rest

    def search(self, query: str, vector: Sequence[float], limit: int) -> list[Hit]:
        """The best documents by ``relevance``, best first; equals in the order of their keys."""
        if not self.keys or limit < 1:
            return []
        cosine = self.vectors @ np.asarray(vector, np.float32)
        words = tokens(query)
        shared, together = self._words.shares(words), self._words.group_shares(words)
        score = cosine + np.float32(WORDS_WEIGHT) * shared
        limit = min(limit, len(score))
        least = np.partition(score, len(score) - limit)[len(score) - limit]
        places = [int(place) for place in np.flatnonzero(score >= least)]
        places.sort(key=lambda place: (-score[place], self.keys[place]))
        return [
            Hit(self.documents[i], float(cosine[i]), float(shared[i]), float(score[i]), float(together[i]))
            for i in places[:limit]
        ]

    def _grow(self, size: int, width: int) -> None:
        """Make room for so many vectors, at least twice as many as before."""
        if size > len(self._room) or self._room.shape[1] != width:
            room = np.zeros((max(size, 2 * len(self._room)), width), np.float32)
            if len(self.keys):
                room[: len(self.keys)] = self.vectors
            self._room = room


def matrix(vectors: Any) -> Vectors:
    """Vectors as one matrix: [documents, width]."""
    return np.asarray(vectors, np.float32)
