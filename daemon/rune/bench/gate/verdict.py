"""From rows of right and wrong to PASS, FAIL or INCONCLUSIVE; pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rune.bench.gate.protocol import Protocol

Marks = Mapping[str, Sequence[bool]]
"""By task: whether each held-out input was answered rightly, in the order of the inputs."""


class Outcome(StrEnum):
    """What the gate says; the exit status is ``code``."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def code(self) -> int:
        """0, 1, 2."""
        return list(Outcome).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, why, and the figures that it rests on."""

    outcome: Outcome
    why: str
    counted: tuple[str, ...] = ()
    """Tasks on which the base with the session in its prompt reaches the floor."""
    difference: float | None = None
    """Of shares of right answers, on the tasks that count, in absolute terms."""
    low: float | None = None
    high: float | None = None


def decide(protocol: Protocol, arms: Mapping[str, Marks], leaks: Sequence[str] = ()) -> Verdict:
    """Apply the protocol: leaks, then the floor, then the judged arm against the one it must beat."""
    if leaks:
        return Verdict(Outcome.INCONCLUSIVE, f"leak: {leaks[0]} (and {len(leaks) - 1} more)")
    reader = arms.get("in_context", {})
    counted = tuple(task for task, marks in reader.items() if share(marks) >= protocol.floor)
    if len(counted) < protocol.least_tasks:
        return Verdict(
            Outcome.INCONCLUSIVE,
            f"floor: with the session in its prompt the base reaches {protocol.floor:.0%} on {len(counted)} "
            f"of {len(reader)} tasks; {protocol.least_tasks} are needed to judge anything",
            counted,
        )
    judged, beaten = arms.get(protocol.primary, {}), arms.get(protocol.over, {})
    if missing := [task for task in counted if task not in judged or task not in beaten]:
        return Verdict(
            Outcome.INCONCLUSIVE, f"not run: {protocol.primary} on {', '.join(missing)}", counted
        )  # fmt: skip
    both = [(judged[task], beaten[task]) for task in counted]
    difference, low, high = bootstrap(both, protocol.resamples, protocol.confidence, protocol.seed)
    told = f"{protocol.primary} over {protocol.over}: {difference:+.3f} [{low:+.3f}, {high:+.3f}]"
    if difference >= protocol.points and low > 0:
        outcome = Outcome.PASS
    elif high < protocol.points:
        outcome = Outcome.FAIL
    else:
        outcome = Outcome.INCONCLUSIVE
    return Verdict(outcome, f"{told}, {protocol.points:+.2f} registered", counted, difference, low, high)


def share(marks: Sequence[bool]) -> float:
    """The part that is right; 0 of nothing."""
    return sum(marks) / len(marks) if marks else 0.0


def bootstrap(
    tasks: Sequence[tuple[Sequence[bool], Sequence[bool]]], resamples: int, confidence: float, seed: int
) -> tuple[float, float, float]:
    """Difference of shares between two arms on the same inputs, with its interval.

    Paired, in two stages (Davison and Hinkley 1997, section 3.8): tasks are drawn with replacement, then
    inputs within each, both arms together.

    >>> bootstrap([([True] * 4, [False] * 4), ([True] * 4, [False] * 4)], 100, 0.95, 1)
    (1.0, 1.0, 1.0)
    """
    gains = [[int(a) - int(b) for a, b in zip(one, other, strict=True)] for one, other in tasks]
    dice = random.Random(seed)
    found = sorted(_resampled(gains, dice) for _ in range(resamples))
    edge = int((1 - confidence) / 2 * resamples)
    whole = sum(map(sum, gains)) / sum(map(len, gains))
    return round(whole, 4), round(found[edge], 4), round(found[-1 - edge], 4)


def _resampled(gains: Sequence[Sequence[int]], dice: random.Random) -> float:
    drawn = [dice.choices(gain, k=len(gain)) for gain in dice.choices(gains, k=len(gains))]
    return sum(map(sum, drawn)) / sum(map(len, drawn))
