"""Blocks of knowledge: entries on one topic as three to five lines, all evidence kept; pure.

What belongs together shares a file of its evidence, a tag, or two words of its title. What a summary leaves
out is not lost: entries that were compressed are archived as they were.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

from rune.records.echo import Entry
from rune.records.knowledge import Block, Knowledge, render

LIMIT = 300
"""Lines of a knowledge.md."""
LEAST, MOST = 3, 5
"""Lines of a block's summary."""
_TOGETHER = 10
"""Entries of one block at most: five lines cannot speak for more."""
_LINE = 240
"""Characters of a summary line."""

T = TypeVar("T", Entry, Block)
_PATH = re.compile(r"`([^`:\s]+\.\w+)(?::[^`]*)?`")
_WORD = re.compile(r"[^\W\d_][\w-]{2,}")
_COMMON = frozenset(
    ("and", "are", "for", "from", "has", "have", "into", "its", "not", "over", "that", "the", "their", "this",
     "use", "uses", "was", "were", "when", "with", "without")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Compressed:
    """A knowledge.md after compression, and what that saved."""

    knowledge: Knowledge
    lines_before: int
    lines_after: int
    words_before: int
    words_after: int

    @property
    def saving(self) -> float:
        """Share of the words that is gone, 0.0 to 1.0."""
        return 1 - self.words_after / self.words_before if self.words_before else 0.0


def block(entries: Sequence[Entry]) -> Block:
    """One block from entries of one topic."""
    best = sorted(entries, key=lambda entry: (-entry.confidence, -entry.verified.toordinal(), entry.title))
    lines = [_short(f"{entry.title}: {_sentences(entry.learning)[0]}") for entry in best]
    if len(lines) > MOST:
        lines = [*lines[: MOST - 1], _short("Also: " + "; ".join(entry.title for entry in best[MOST - 1 :]))]
    for part in _padding(best):
        if len(lines) >= LEAST:
            break
        lines.append(_short(part))
    evidence = tuple(dict.fromkeys(line for entry in entries for line in entry.evidence))
    newest = max(entry.verified for entry in entries)
    return Block(_topic([entry.title for entry in entries]), newest, tuple(lines), evidence)


def _padding(entries: Sequence[Entry]) -> Iterable[str]:
    """More to say where there are fewer entries than lines."""
    for entry in entries:
        yield from _sentences(entry.learning)[1:]
    yield "From " + "; ".join(dict.fromkeys(entry.source for entry in entries))
    first, last = min(entry.day for entry in entries), max(entry.verified for entry in entries)
    yield f"Seen {first} to {last}, confidence up to {max(entry.confidence for entry in entries):g}"


def _sentences(text: str) -> list[str]:
    """The sentences of a learning, headings and list marks aside; one empty string for none."""
    lines = [re.sub(r"^(?:#+|[-*+]|\d+[.)])\s+", "", line.strip()) for line in text.split("\n")]
    return [part for part in re.split(r"(?<=[.!?])\s+", " ".join(filter(None, lines))) if part] or [""]


def _short(text: str) -> str:
    return textwrap.shorten(text.strip(" :"), _LINE, placeholder=" …") or "…"


def _topic(titles: Sequence[str]) -> str:
    """The words that most of the titles share, in the first one's order; else the first title."""
    words = [list(dict.fromkeys(_words(title))) for title in titles]
    counts = Counter(word for found in words for word in found)
    shared = [word for word in words[0] if counts[word] * 2 > len(titles)]
    return " ".join(shared[:5]) if len(titles) > 1 and shared else titles[0]


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _COMMON]


def groups(entries: Iterable[Entry]) -> tuple[tuple[Entry, ...], ...]:
    """The entries grouped by topic, in the order of their first ones."""
    return _grouped(entries, lambda entry: _keys(entry.title, entry.evidence, entry.named("tags")))


def _keys(title: str, evidence: Iterable[str], tags: str = "") -> list[str]:
    files = [path for line in evidence for path in _PATH.findall(line)]
    words = sorted(set(_words(title)))[:8]
    pairs = [" ".join(pair) for pair in combinations(words, 2)]
    return [*files, *(f"#{tag}" for tag in _words(tags)), *pairs]


def _grouped(items: Iterable[T], keys_of: Callable[[T], list[str]]) -> tuple[tuple[T, ...], ...]:
    """Put each item to the group whose first one it shares most keys with; linear in the number of items."""
    found: list[list[T]] = []
    by_key: dict[str, int] = {}
    for item in items:
        keys = keys_of(item)
        votes = Counter(by_key[key] for key in keys if key in by_key)
        group = next((number for number, _ in votes.most_common() if len(found[number]) < _TOGETHER), None)
        if group is not None:
            found[group].append(item)
            continue
        found.append([item])
        by_key |= dict.fromkeys(keys, len(found) - 1)
    return tuple(map(tuple, found))


def compress(knowledge: Knowledge, limit: int = LIMIT) -> Compressed:
    """Group the blocks by topic until the file is within its limit or no two belong together.

    A file within its limit is left as it is. Evidence is never dropped, so that a file of much evidence may
    stay over the limit.
    """
    now = knowledge
    while now.lines > limit:
        merged = tuple(
            _merged(group) for group in _grouped(now.blocks, lambda item: _keys(item.topic, item.evidence))
        )
        if merged == now.blocks:
            break
        now = replace(now, blocks=merged)
    before, after = render(knowledge), render(now)
    return Compressed(now, knowledge.lines, now.lines, len(before.split()), len(after.split()))


def _merged(blocks: Sequence[Block]) -> Block:
    """One block from several: their first lines first; a single short one stays as it is."""
    if len(blocks) == 1 and len(blocks[0].summary) <= MOST:
        return blocks[0]
    deepest = max(len(found.summary) for found in blocks)
    lines = [found.summary[n] for n in range(deepest) for found in blocks if n < len(found.summary)]
    evidence = tuple(dict.fromkeys(line for found in blocks for line in found.evidence))
    kept = tuple(_short(line) for line in dict.fromkeys(lines))[:MOST]
    newest = max(found.day for found in blocks)
    return Block(_topic([found.topic for found in blocks]), newest, kept, evidence)
