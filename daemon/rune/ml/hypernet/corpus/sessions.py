"""Sessions by number: the same seed, part and number give the same session on every machine.

A session is a list of numbered steps; some tell a fact, others are fillers, others near-duplicates: a fact
about a key that shares a word with one that is asked about. Concatenating chunks loses their order, hence
the numbers inside the text.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from rune.ml.hypernet.corpus.templates import FILLERS, HELD_OUT_FILLERS, KINDS, Forms
from rune.ml.hypernet.corpus.vocabulary import Vocabularies, Vocabulary

TRAINING, HELD_OUT = "training", "held_out"
CHANGED = "changed"
"""The kind of fact that is told twice."""


@dataclass(frozen=True, slots=True)
class Level:
    """How hard sessions are."""

    facts: tuple[int, int] = (1, 1)
    """Fewest and most facts that are asked about."""
    kinds: tuple[str, ...] = ("word",)
    near: int = 0
    """Most near-duplicates."""
    fillers: int = 0
    """Most steps that say nothing."""
    questions: int = 1
    """Most questions to a session."""
    numbered: float = 0.0
    """Share of sessions whose steps carry numbers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a session; only the session answers it."""

    kind: str
    question: str
    answer: str
    about: str
    """The key."""


@dataclass(frozen=True, slots=True)
class Session:
    """A text, what is asked about it, and what it was made of."""

    text: str
    asked: tuple[Asked, ...]
    words: frozenset[str]
    templates: frozenset[str]


@dataclass(frozen=True, slots=True)
class Generator:
    """Sessions of a seed."""

    vocabularies: Vocabularies
    seed: int = 7

    def session(self, number: int, level: Level, part: str = TRAINING, forms: str = "") -> Session:
        """The session of this number; ``part`` is training or held_out, which share neither word nor form.

        ``forms`` takes those of another part: held-out words in forms of the training tell how much of what
        is missing the words are to blame for, and how much the forms.
        """
        dice = random.Random(f"{self.seed} {part} {number}")
        words = self.vocabularies.training if part == TRAINING else self.vocabularies.held_out
        return _Telling(dice, words, forms or part, level).session()


class _Telling:
    """One session while it is made."""

    def __init__(self, dice: random.Random, words: Vocabulary, part: str, level: Level) -> None:
        self.dice, self.vocabulary, self.part, self.level = dice, words, part, level
        self.words: set[str] = set()
        self.templates: set[str] = set()
        self.keys: list[str] = []

    def session(self) -> Session:
        """Facts, near-duplicates and fillers in a drawn order that keeps each fact's own."""
        facts = [self._fact(self._key()) for _ in range(self.dice.randint(*self.level.facts))]
        told = [list(steps) for steps, _ in facts]
        told += [list(self._fact(self._near())[0]) for _ in range(self.dice.randint(0, self.level.near))]
        fillers = FILLERS if self.part == TRAINING else HELD_OUT_FILLERS
        told += [[self.dice.choice(fillers)] for _ in range(self.dice.randint(0, self.level.fillers))]
        turns = [place for place, steps in enumerate(told) for _ in steps]
        self.dice.shuffle(turns)
        steps = [told[place].pop(0) for place in turns]
        if self.dice.random() < self.level.numbered:
            steps = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
        asked = [question for _, question in facts]
        self.dice.shuffle(asked)
        kept = tuple(asked[: self.level.questions])
        return Session("\n".join(steps), kept, frozenset(self.words), frozenset(self.templates))

    def _fact(self, key: str) -> tuple[tuple[str, ...], Asked]:
        """What is said of a key, in one step or more, and the question to it."""
        kind = self.dice.choice(self.level.kinds)
        forms: Forms = getattr(KINDS[kind], self.part)
        said, question = self.dice.choice(forms.said), self.dice.choice(forms.asked)
        self.templates |= {said, question}
        value, other = VALUES.get(kind, _word)(self), _word(self)
        values = (other, value) if kind == CHANGED else (value,)
        told = tuple(said.format(key=key, value=one, other=other) for one in values)
        return told, Asked(kind, question.format(key=key), value, key)

    def _key(self) -> str:
        """Two words that no other key of the session has together."""
        while (key := f"{self.one(self.vocabulary.keys)} {self.one(self.vocabulary.keys)}") in self.keys:
            pass
        self.keys.append(key)
        return key

    def _near(self) -> str:
        """A key that shares its second word with one that is asked about."""
        near = f"{self.one(self.vocabulary.keys)} {self.dice.choice(self.keys).split()[1]}"
        return near if near not in self.keys else self._key()

    def one(self, words: tuple[str, ...]) -> str:
        word = self.dice.choice(words)
        self.words.add(word)
        return word


def _word(telling: _Telling) -> str:
    return telling.one(telling.vocabulary.values)


def _number(telling: _Telling) -> str:
    return str(telling.dice.choice((telling.dice.randint(2, 99), telling.dice.randint(1000, 65535))))


def _path(telling: _Telling) -> str:
    ending = telling.dice.choice(("py", "ts", "go", "rs", "toml"))
    return f"{telling.dice.choice(('src', 'lib', 'tests', 'tools'))}/{_word(telling)}.{ending}"


def _command(telling: _Telling) -> str:
    tool = telling.dice.choice(("make", "npm run", "just", "cargo", "python -m"))
    return f"{tool} {_word(telling)}"


def _hash(telling: _Telling) -> str:
    return f"{telling.dice.getrandbits(28):07x}"


VALUES: dict[str, Callable[[_Telling], str]] = {
    "number": _number, "path": _path, "command": _command, "hash": _hash,
}  # fmt: skip
"""How values of a kind look; those of the others are words."""
