"""Which adapters are about the same: the cosine of the words of their lessons, rare words count more. Pure.

No model is asked: the daemon plans without one, and what sessions share is names of files, commands and
errors.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from rune.records.card import Card

Pair = tuple[str, str]
LEAST = 0.05
"""Less is not worth remembering."""
COMMON = 200
"""A word that more adapters have tells none apart, and looking at each pair of them would take long."""


def words(card: Card) -> Counter[str]:
    """What an adapter is compared by: the words of its answers and of each lesson's first question."""
    texts = [f"{lesson.questions[0] if lesson.questions else ''} {lesson.answer}" for lesson in card.lessons]
    return Counter(re.findall(r"[a-z_][\w.-]{2,}\w|\d{2,}", " ".join(texts).lower()))


def pairs(cards: Sequence[Card]) -> dict[Pair, float]:
    """The similarity of every two adapters that share something, by their ids in order; 0 to 1."""
    counts = {card.id: words(card) for card in cards}
    holders = Counter(word for found in counts.values() for word in found)
    vectors = {id: _weighted(found, holders, len(cards)) for id, found in counts.items()}
    having: dict[str, list[str]] = defaultdict(list)
    for id, vector in vectors.items():
        for word in vector:
            having[word].append(id)
    sums: dict[Pair, float] = defaultdict(float)
    for word, ids in having.items():
        for place, one in enumerate(ids if len(ids) <= COMMON else ()):
            for other in ids[place + 1 :]:
                sums[pair(one, other)] += vectors[one][word] * vectors[other][word]
    return {both: round(min(1.0, value), 4) for both, value in sums.items() if value >= LEAST}


def pair(one: str, other: str) -> Pair:
    """Two ids as a key."""
    return (one, other) if one < other else (other, one)


def _weighted(counts: Counter[str], holders: Mapping[str, int], total: int) -> dict[str, float]:
    """A unit vector: logarithm of the count, times the logarithm of how rare the word is."""
    raw = {
        word: (1 + math.log(count)) * math.log(1 + total / holders[word]) for word, count in counts.items()
    }
    length = math.sqrt(sum(value * value for value in raw.values())) or 1.0
    return {word: value / length for word, value in raw.items()}
