"""Probes: does an adapter answer what it was taught, in words that it was not taught in?"""

from __future__ import annotations

from collections.abc import Sequence

from rune.ml import lora
from rune.ml.engine import Engine
from rune.records.card import Lesson

BATCH = 16
UNRELATED = (
    ("What is the capital of France?", "paris"),
    ("What colour is a clear daytime sky?", "blue"),
    ("What is 2 + 2?", "4"),
)
"""General questions: an adapter must leave them alone."""


def holds(answer: str, keys: Sequence[str]) -> bool:
    """Whether an answer holds every key, letter case and quotes aside.

    >>> holds("Run `make check`.", ["make check"]), holds("Run it.", ["make check"])
    (True, False)
    """
    plain = answer.lower().replace("`", "")
    return bool(keys) and all(key.lower().replace("`", "") in plain for key in keys)


def score(
    engine: Engine, adapter: lora.Adapter | None, lessons: Sequence[Lesson], limit: int, max_tokens: int
) -> dict[str, float | None]:
    """Shares of right answers: ``trained`` phrasings, ``heldout`` phrasings, ``unrelated`` questions.

    A share is None where there was nothing to ask. At most ``limit`` questions of each kind.
    """
    trained = [(lesson.questions[0], lesson.keys) for lesson in lessons if lesson.keys][:limit]
    heldout = [(probe, lesson.keys) for lesson in lessons if lesson.keys for probe in lesson.probes[:1]][
        :limit
    ]
    unrelated = [(question, (key,)) for question, key in UNRELATED]
    return {
        "trained": _share(engine, adapter, trained, max_tokens),
        "heldout": _share(engine, adapter, heldout, max_tokens),
        "unrelated": _share(engine, adapter, unrelated, 24),
    }


def _share(
    engine: Engine,
    adapter: lora.Adapter | None,
    asked: Sequence[tuple[str, tuple[str, ...]]],
    max_tokens: int,
) -> float | None:
    if not asked:
        return None
    right = 0
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        answers = engine.answers([question for question, _ in part], adapter, max_tokens)
        right += sum(holds(answer, keys) for answer, (_, keys) in zip(answers, part, strict=True))
    return round(right / len(asked), 4)
