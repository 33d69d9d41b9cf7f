"""Words, in four sets that do not meet: keys and values, for training and held out. A word's hash decides."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WORDS = 3000
"""Of the tokenizer, the most frequent first."""
SHARES = 16
"""Hash classes: 0 is held-out values, 1 held-out keys, 2 to 5 are keys, the rest values."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What facts are made of."""

    keys: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """Two that share no word."""

    training: Vocabulary
    held_out: Vocabulary


def split(words: Iterable[str]) -> Vocabularies:
    """Each word to one set, by its hash: the same on every machine, whatever the other words are.

    >>> made = split(coined(400))
    >>> set(made.training.values) & set(made.held_out.values)
    set()
    """
    sets: tuple[list[str], ...] = ([], [], [], [])
    for word in dict.fromkeys(words):
        share = hashlib.sha256(word.encode()).digest()[0] % SHARES
        sets[share if share < 2 else 2 if share < 6 else 3].append(word)
    held_values, held_keys, keys, values = map(tuple, sets)
    return Vocabularies(Vocabulary(keys, values), Vocabulary(held_keys, held_values))


def of_tokenizer(tokenizer: Any, number: int = WORDS) -> list[str]:
    """Lower-case words of one token each, in the order of their ids; coined ones where there are few."""
    found = []
    for token in sorted(range(len(tokenizer))):
        text = tokenizer.convert_ids_to_tokens(token)
        word = text[1:] if isinstance(text, str) and text[:1] in ("\u0120", "\u2581") else ""
        if len(word) >= 4 and word.isascii() and word.isalpha() and word.islower():
            found.append(word)
    return found[:number] if len(found) >= number // 4 else coined(number)


def coined(number: int) -> list[str]:
    """Words of two or three syllables that mean nothing, the same every time."""
    starts, vowels, ends = "bdfgklmnprstvz", "aeiou", ("n", "r", "l", "s", "k", "")
    syllables = [a + b + c for a, b, c in itertools.product(starts, vowels, ends)]
    dice = random.Random(5)
    made: dict[str, None] = {}
    while len(made) < number:
        made["".join(dice.choices(syllables, k=dice.choice((2, 2, 3))))] = None
    return list(made)
