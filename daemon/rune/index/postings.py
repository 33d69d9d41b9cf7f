"""BM25 by an inverted index in memory: documents are added one by one, and scored all at once.

The formula is Lucene's (k1 1.5, b 0.75): ``idf * tf / (tf + k1 * (1 - b + b * length / mean length))`` with
``idf = log(1 + (n - df + 0.5) / (df + 0.5))``. A test holds it against bm25s, which makes its matrix
anew for every document that is added. Documents belong to groups; a group can be scored as if it were one
document that holds all of theirs.
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

Shares = NDArray[np.float32]


class Postings:
    """In which documents a word stands, and how often."""

    def __init__(self) -> None:
        self._found: dict[str, array[int]] = {}
        """Document and count, document and count, ..."""
        self._lengths: array[int] = array("I")
        self._groups: dict[str, int] = {}
        self._group: array[int] = array("I")
        """Of each document."""
        self._weights: tuple[Shares, Shares] | None = None

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, words: Sequence[str], group: str = "") -> None:
        """The next document, and the group that it belongs to."""
        for word, count in Counter(words).items():
            self._found.setdefault(word, array("I")).extend((len(self._lengths), count))
        self._lengths.append(len(words))
        self._group.append(self._groups.setdefault(group, len(self._groups)))
        self._weights = None

    def shares(self, words: Sequence[str]) -> Shares:
        """One score per document, 0.0 to 1.0: BM25 as a share of the most that these words could give."""
        found, (heavy, _) = np.zeros(len(self), np.float32), self._saturations()
        most = sum(self.rarity(word) for word in words)
        for word, times in Counter(words).items():
            if word in self._found:
                places, counts = self._counts(word)
                given = counts / (counts + heavy[places])
                found[places] += times * self.rarity(word) / most * given
        return found

    def group_shares(self, words: Sequence[str]) -> Shares:
        """One score per document: that of its group, in which the words may stand in different documents."""
        groups, (_, heavy) = np.array(self._group, np.uint32), self._saturations()
        found, most = np.zeros(len(self._groups), np.float32), 0.0
        for word, times in Counter(words).items():
            places, counts = self._counts(word)
            inside = np.bincount(groups[places], counts, len(self._groups)).astype(np.float32)
            weight = times * _rarity(int(np.count_nonzero(inside)), len(self._groups))
            found += weight * inside / (inside + heavy)
            most += weight
        return found[groups] / np.float32(most or 1.0)

    def rarity(self, word: str) -> float:
        """The inverse document frequency; a word of no document is the rarest."""
        return _rarity(len(self._found.get(word, ())) // 2, len(self))

    def _counts(self, word: str) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """The documents in which a word stands, and how often it does."""
        pairs: NDArray[Any] = np.array(self._found.get(word, ()), np.uint32).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1].astype(np.float32)

    def _saturations(self) -> tuple[Shares, Shares]:
        """Per document, and per group, how many times a word must stand there for half of its rarity."""
        if self._weights is None:
            lengths = np.array(self._lengths, np.float32)
            together = np.bincount(np.array(self._group, np.uint32), lengths, len(self._groups))
            self._weights = _saturation(lengths), _saturation(together.astype(np.float32))
        return self._weights


def _rarity(inside: int, all: int) -> float:
    return math.log(1 + (all - inside + 0.5) / (inside + 0.5))


def _saturation(lengths: Shares) -> Shares:
    mean = max(lengths.mean(), 1e-9) if len(lengths) else 1.0
    return np.asarray(_K1 * (1 - _B + _B * lengths / mean), np.float32)
