"""BM25 by an inverted index in memory: documents are added one by one, and scored all at once.

The formula is Lucene's (k1 1.5, b 0.75): ``idf * tf / (tf + k1 * (1 - b + b * length / mean length))`` with
``idf = log(1 + (n - df + 0.5) / (df + 0.5))``. A test holds it against bm25s, which makes its matrix
anew for every document that is added.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_K1, _B = 1.5, 0.75


class Postings:
    """In which documents a word stands, and how often."""

    def __init__(self) -> None:
        self._found: dict[str, array[int]] = {}
        """Document and count, document and count, ..."""
        self._lengths: array[int] = array("I")
        self._weights: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, words: Sequence[str]) -> None:
        """The next document."""
        for word, count in Counter(words).items():
            self._found.setdefault(word, array("I")).extend((len(self._lengths), count))
        self._lengths.append(len(words))
        self._weights = None

    def shares(self, words: Sequence[str]) -> NDArray[np.float32]:
        """One score per document, 0.0 to 1.0: BM25 as a share of the most that these words could give."""
        found = np.zeros(len(self), np.float32)
        most = sum(self.rarity(word) for word in words)
        for word, times in Counter(words).items():
            if word in self._found:
                pairs: NDArray[Any] = np.frombuffer(self._found[word], np.uint32).reshape(-1, 2)
                counts = pairs[:, 1].astype(np.float32)
                given = counts / (counts + self._saturation()[pairs[:, 0]])
                found[pairs[:, 0]] += times * self.rarity(word) / most * given
        return found

    def rarity(self, word: str) -> float:
        """The inverse document frequency; a word of no document is the rarest."""
        inside = len(self._found.get(word, ())) // 2
        return math.log(1 + (len(self) - inside + 0.5) / (inside + 0.5))

    def _saturation(self) -> NDArray[np.float32]:
        """Per document, how many times a word must stand there for half of its rarity."""
        if self._weights is None:
            lengths = np.array(self._lengths, np.float32)
            self._weights = np.asarray(_K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1e-9)), np.float32)
        return self._weights
