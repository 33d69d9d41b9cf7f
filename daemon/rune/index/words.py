"""What a search finds, and BM25 over the words of prose and code."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORDS_WEIGHT = 0.3
"""Of shared words beside similarity in meaning."""
SECOND = 0.5
"""Of an adapter's second hit beside its best one."""
TOGETHER = 0.5
"""Of the question's words that stand anywhere among an adapter's documents, beside its best hits."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text that stands for a session: a summary, or a question or answer of a lesson."""

    id: str
    adapter: str
    session: str
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that matches a query."""

    document: Document
    cosine: float
    """Similarity in meaning."""
    bm25: float
    """Shared words, 0.0 to 1.0, rare ones counting more."""
    score: float
    """Relevance, comparable between queries: what a floor is held against."""
    together: float = 0.0
    """Shared words of all documents of its adapter, as if they were one, 0.0 to 1.0."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An adapter among others."""

    adapter: str
    session: str
    score: float
    """The relevance of its best hit."""
    weight: float
    """What it is ranked by: the second hit counts, too, and words that stand in different documents."""


def adapters(hits: Sequence[Hit]) -> list[Ranked]:
    """Each adapter once, heaviest first: ``(best + SECOND * second) / (1 + SECOND) + TOGETHER * words``.

    A session that a question is about says so in more than one place: its task, and what came of it. And
    who asks names the work in one word and the fact in another, which stand in different documents. Of an
    adapter with one hit the second is taken to be the last of all hits, which it cannot exceed.
    """
    ordered = sorted(hits, key=lambda hit: -hit.score)
    groups: dict[str, list[Hit]] = {}
    for hit in ordered:
        groups.setdefault(hit.document.adapter, []).append(hit)
    found = []
    for adapter, (best, *others) in groups.items():
        second = (others or ordered[-1:])[0].score
        weight = (best.score + SECOND * second) / (1 + SECOND) + TOGETHER * best.together
        found.append(Ranked(adapter, best.document.session, best.score, weight))
    return sorted(found, key=lambda one: -one.weight)


def relevance(cosine: float, bm25: float) -> float:
    """Meaning, lifted by shared words.

    Measured on paraphrased and on literal questions (``tests/ml/test_embed.py``): reciprocal-rank fusion lets
    one common word outrank the meaning (right adapter first for 0.72 of the paraphrases; this sum 0.88).
    """
    return cosine + WORDS_WEIGHT * bm25


_LITERAL = re.compile(r"[^\s\"'`<>()\[\]{},;|=*!?]+")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_STOP = """
a about after again all also an and any are as at be been before but by can could did do does for from
had has have he how i if in into is it its just me my of on or our out over she should so some than that
the their them then there these they this to up us use used using was we were what when where which who
why will with would you your
"""
_STOPPED = frozenset(_STOP.split())


@functools.lru_cache(1 << 16)
def _stem(word: str) -> str:
    """What the forms of a word have in common: "selected" and "selection" are ``select``.

    A stemmer keeps the word that it is at, so threads may not share one.
    """
    import snowballstemmer  # noqa: PLC0415 - 30 ms for all its languages: a daemon that only waits needs none

    return str(snowballstemmer.stemmer("english").stemWord(word))


def tokens(text: str) -> list[str]:
    """The words of prose and code: whole literals (``a/b_c.py``) and their parts' stems (``a b c py``)."""
    found = []
    for match in _LITERAL.finditer(text):
        literal = match[0].strip("./:-#_\\")
        parts = [part.lower() for word in _WORD.findall(literal) for part in _HUMP.split(word)]
        if parts and [literal.lower()] != parts:
            found.append(literal.lower())
        found += [_stem(part) for part in parts if part not in _STOPPED]
    return found


class Keywords:
    """BM25 over documents, in memory: light enough for the daemon while the model loads."""

    def __init__(self, documents: Iterable[Document]) -> None:
        from rune.index.postings import Postings  # noqa: PLC0415 - numpy: a process without a search needs none

        self.documents = tuple(documents)
        self._postings = Postings()
        for document in self.documents:
            self._postings.add(tokens(document.text))

    def scores(self, query: str) -> list[float]:
        """One score per document, 0.0 to 1.0: BM25 as a share of the most that these words could give."""
        return [float(score) for score in self._postings.shares(tokens(query))]

    def search(self, query: str, limit: int) -> list[Hit]:
        """The best documents, best first; ``cosine`` is 0.0, for nobody measured it."""
        ranked = sorted(zip(self.scores(query), self.documents, strict=True), key=lambda pair: -pair[0])
        return [Hit(document, 0.0, score, score) for score, document in ranked[:limit] if score > 0]
