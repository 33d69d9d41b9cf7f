"""Other ways to find a session, on the same queries: words, grep, embeddings alone, and rank fusion.

BM25, embeddings and fusion have the documents of the index, and rank a session by its best one. Grep has the
sessions themselves: it counts which words of the query stand there, as whoever searches files does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rune.bench.retrieval.scene import Scene
from rune.finding import documents
from rune.grounding import event_text
from rune.index.postings import Postings
from rune.index.words import tokens
from rune.ports import Embedder
from rune.records.trajectory import Trajectory

Scores = NDArray[np.float32]
"""[queries, sessions]"""
_RANK = 60
"""The constant of reciprocal rank fusion [Cormack et al. 2009]."""


def rankings(scene: Scene, embedder: Embedder) -> Iterator[tuple[str, list[int]]]:
    """Each rival's name, and the place that it gives to the right session, from 1."""
    cards = {card.id: card for card in scene.finder.library(str(scene.folder)).cards()}
    texts = [[document.text for document in documents(cards[id])] or [""] for id in scene.pasts]
    number = {id: place for place, id in enumerate(scene.pasts)}
    own = [number[id] for id in scene.ids]
    queries = [task.query for task in scene.tasks]
    words, meaning = _words(texts, queries), _meaning(texts, queries, embedder)
    yield "bm25", places(words, own)
    yield "grep", places(_grep(list(scene.pasts.values()), queries), own)
    yield "embedding", places(meaning, own)
    yield "rank_fusion", places(_fused(words) + _fused(meaning), own)


def places(scores: Scores, own: Sequence[int]) -> list[int]:
    """The place of each query's own session; among equals it stands in the middle."""
    score = scores[np.arange(len(own)), list(own)][:, None]
    above, equal = (scores > score).sum(1), (scores == score).sum(1)
    return [int(a + (e + 1) // 2) for a, e in zip(above, equal, strict=True)]


def _best(per_text: NDArray[np.float32], texts: Sequence[Sequence[str]]) -> Scores:
    starts = np.cumsum([0, *(len(some) for some in texts[:-1])])
    return np.maximum.reduceat(per_text, starts, axis=1)


def _words(texts: Sequence[Sequence[str]], queries: Sequence[str]) -> Scores:
    postings = Postings()
    for some in texts:
        for text in some:
            postings.add(tokens(text))
    return _best(np.stack([postings.shares(tokens(query)) for query in queries]), texts)


def _meaning(texts: Sequence[Sequence[str]], queries: Sequence[str], embedder: Embedder) -> Scores:
    flat = [text for some in texts for text in some]
    different = list(dict.fromkeys(flat))
    vectors = dict(zip(different, embedder.embed(different), strict=True))
    matrix = np.asarray([vectors[text] for text in flat], np.float32)
    return _best(np.asarray(embedder.embed(queries), np.float32) @ matrix.T, texts)


def _grep(pasts: Sequence[Trajectory], queries: Sequence[str]) -> Scores:
    sessions = [set(tokens(" ".join(event_text(event) for event in past.events))) for past in pasts]
    asked = [set(tokens(query)) for query in queries]
    return np.asarray([[len(query & said) for said in sessions] for query in asked], np.float32)


def _fused(scores: Scores) -> Scores:
    """The share of a ranking in reciprocal rank fusion."""
    ranks = (-scores).argsort(axis=1, kind="stable").argsort(axis=1) + 1
    return np.asarray(1 / (_RANK + ranks), np.float32)
