"""What rivals of an adapter read: the session in the prompt, the right passage, the best snippets."""

from __future__ import annotations

from collections.abc import Sequence

from rune import reader
from rune.bench.distil.probes import Probe
from rune.grounding import event_text
from rune.index import Document, Keywords
from rune.index.words import relevance
from rune.ports import Embedder
from rune.reader import Decode, Encode
from rune.records.trajectory import Event, Generation, Trajectory

CONTEXT, ORACLE, SNIPPET = 4000, 300, 100
"""Tokens of the session in the prompt, of the passage around the answer, of one snippet."""
TOP = 3
GAP = "\n[...]\n"


def told(event: Event) -> str:
    """Everything an event says, also what an edit replaced."""
    before = f"\n{event.before}" if isinstance(event, Generation) and event.before else ""
    return event_text(event) + before


def session_text(past: Trajectory) -> str:
    """A session as one text."""
    return "\n\n".join(text for event in past.events if (text := told(event).strip()))


def ends(text: str, tokens: int, encode: Encode, decode: Decode) -> str:
    """Head and tail of a text that is too long; both kept, the middle left out."""
    ids = encode(text)
    if len(ids) <= tokens:
        return text
    half = tokens // 2
    return decode(ids[:half]) + GAP + decode(ids[-(tokens - half) :])


def oracle(
    past: Trajectory, asked: Probe, encode: Encode, decode: Decode, tokens: int = ORACLE
) -> str:  # fmt: skip
    """The text of the events that hold the answer: a window around it, as if retrieval never failed."""
    wanted = set(asked.events)
    text = "\n\n".join(told(event) for event in past.events if event.id in wanted)
    return reader.window(text, reader.place(text, asked.keys), tokens, encode, decode)


def snippets(text: str, encode: Encode, decode: Decode, tokens: int = SNIPPET) -> list[str]:
    """A text in pieces of about ``tokens``, cut at line ends where a line is not longer than a piece."""
    made: list[str] = []
    piece: list[int] = []
    for line in text.splitlines(keepends=True):
        ids = encode(line)
        if piece and len(piece) + len(ids) > tokens:
            made.append(decode(piece))
            piece = []
        piece += ids
        while len(piece) > tokens:
            made.append(decode(piece[:tokens]))
            piece = piece[tokens:]
    made.append(decode(piece))
    return [one for one in made if one.strip()]


class Nearest:
    """Texts searched by meaning and by words, scored as Rune's own index scores them."""

    def __init__(self, texts: Sequence[str], embedder: Embedder) -> None:
        self.texts = list(texts)
        self._embedder = embedder
        self._vectors = embedder.embed(self.texts)
        self._words = Keywords(Document(str(n), "", "", text) for n, text in enumerate(self.texts))

    def best(self, question: str, limit: int) -> list[int]:
        """Numbers of the best texts, best first."""
        asked = self._embedder.embed([question])[0]
        score = [
            relevance(sum(a * b for a, b in zip(asked, vector, strict=True)), words)
            for vector, words in zip(self._vectors, self._words.scores(question), strict=True)
        ]
        return sorted(range(len(score)), key=lambda number: -score[number])[:limit]
