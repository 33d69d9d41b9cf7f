"""How good an adapter is: phi = 0.7 of its pass rate + 0.3 of its generalization.

The pass rate pools what is known: its own probes in trained wordings, and the observed outcomes of recalls,
each weighted by its share and by how long ago it was. It is the lower end of Wilson's interval of that pool
(Wilson 1927, one-sided 95 %), so that one lucky recall is no triumph and many are. Generalization is the
mean of what was never trained: held-out wordings, and related questions of other sessions. What was not
measured is None; phi is None unless both are there. Everything comes from the card and the ledger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rune.config import EvolutionConfig
from rune.probing import EACH
from rune.records.card import Card
from rune.records.ledger import State

PASS, GENERAL = 0.7, 0.3
Z = 1.645
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Fitness:
    """Phi, and what it is made of; None is not measured."""

    phi: float | None
    pass_rate: float | None
    generalization: float | None
    trials: float
    """Probes and weighted outcomes together."""
    passed: float
    outcomes: int
    """How many outcomes were observed."""


def phi(pass_rate: float | None, generalization: float | None) -> float | None:
    """The fitness; None where one of the two was not measured.

    >>> phi(0.8, 0.5), phi(0.8, None), phi(None, 0.5)
    (0.71, None, None)
    """
    if pass_rate is None or generalization is None:
        return None
    return round(PASS * pass_rate + GENERAL * generalization, 4)


def wilson(passed: float, trials: float, z: float = Z) -> float | None:
    """The lower end of Wilson's interval for so many passes of so many trials; None without trials.

    >>> wilson(0, 0)
    >>> round(wilson(1, 1), 2), round(wilson(8, 8), 2), round(wilson(80, 80), 2)
    (0.27, 0.75, 0.97)
    """
    if trials <= 0:
        return None
    share, square = passed / trials, z * z
    middle = share + square / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, (middle - spread) / (1 + square / trials))


def of(card: Card, state: State, now: float, config: EvolutionConfig) -> Fitness:
    """The fitness of an adapter at a moment."""
    scores = state.probes or card.probes_after
    own = scores.get("trained")
    probed = min(EACH, sum(bool(lesson.keys) for lesson in card.lessons)) if own is not None else 0
    weights = [one.share * decayed(now - one.recalled, config.half_life_days) for one in state.outcomes]
    pairs = zip(state.outcomes, weights, strict=True)
    passed = probed * (own or 0.0) + sum(weight for one, weight in pairs if one.passed)
    trials = probed + sum(weights)
    counted = sum(one.share > 0.0 for one in state.outcomes)
    rate, general = wilson(passed, trials), generalization(scores)
    return Fitness(phi(rate, general), rate, general, round(trials, 4), round(passed, 4), counted)


def generalization(scores: dict[str, float | None]) -> float | None:
    """The mean of the scores on questions that were never trained, as far as they were measured."""
    found = [score for kind in ("heldout", "related") if (score := scores.get(kind)) is not None]
    return sum(found) / len(found) if found else None


def decayed(seconds: float, half_life_days: float) -> float:
    """What an outcome of so long ago counts: half after each half-life."""
    return float(0.5 ** (max(0.0, seconds) / (half_life_days * DAY)))
