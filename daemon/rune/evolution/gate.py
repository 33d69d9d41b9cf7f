"""Whether a child may take its parents' place: it must be fitter than the best of them on their probes. Pure.

Every parent and the child are asked the probes of all parents. Beyond fitness, the child may not have lost
more of any one parent than ``interference`` (merged weights disturb each other, orthogonal or not: Zhang et
al. 2025, arXiv:2510.03262). What was latent in each may surface in what is made of them (Zou 2026,
arXiv:2601.18350): the child may not answer more unrelated questions with what parents know than the most
talkative of them does by itself (``leakage``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rune.config import EvolutionConfig
from rune.evolution.fitness import phi

Marks = Mapping[str, Sequence[bool]]
"""Right or wrong by kind of probe: trained, heldout."""


@dataclass(frozen=True, slots=True)
class Tells:
    """For each unrelated question whether it is answered with what a parent knows, and the base doesn't."""

    child: Mapping[str, bool]
    parents: Sequence[Mapping[str, bool]]

    def alone(self) -> list[str]:
        """The questions to which only the child does so."""
        return [question for question, told in self.child.items() if told and not self._before(question)]

    def _before(self, question: str) -> bool:
        return any(one[question] for one in self.parents)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured, and whether the child may serve."""

    accepted: bool
    child: float | None
    """Its fitness on all parents' probes."""
    best: float | None
    """That of the best parent on the same probes."""
    interference: float
    """Most that it answers worse than a parent on that parent's own probes; 0 where it answers more."""
    leakage: float
    """Share of the unrelated questions that it answers with what parents know, less the share of the most
    talkative parent; 0 where it is no more talkative."""
    reasons: tuple[str, ...] = ()
    """Why not."""
    wanting: bool = False
    """It may not serve for what it does not know alone, so that learning on may help."""


def judge(
    parents: Mapping[str, Mapping[str, Marks]],
    child: Mapping[str, Marks],
    tells: Tells,
    config: EvolutionConfig,
) -> Verdict:
    """Weigh a child against its parents.

    Args:
        parents: for each parent, its marks on the probes of each parent.
        child: the child's marks on the probes of each parent.
        tells: who answers which unrelated question with what a parent knows.
        config: how much may be lost.
    """
    ours = fit(child)
    rivals = [value for marks in parents.values() if (value := fit(marks)) is not None]
    best = max(rivals, default=None)
    lost = round(max((_share(parents[id][id]) - _share(child[id]) for id in parents), default=0.0), 4)
    reasons = []
    if ours is None or best is None:
        reasons.append("there is nothing to compare it by")
    elif ours <= best:
        reasons.append(f"fitness {ours:.2f} is not above the best parent's {best:.2f}")
    if lost > config.interference:
        reasons.append(
            f"it answers {lost:.2f} fewer of a parent's own probes, {config.interference:.2f} allowed"
        )
    leakage = surfaced(tells)
    if leakage > config.leakage:
        which = ", ".join(f'"{question}"' for question in tells.alone())
        reasons.append(
            f"it tells what parents know in {leakage:.2f} more of unrelated answers than any of them, "
            f"{config.leakage:.2f} allowed" + (f"; it alone to {which}" if which else "")
        )
    wanting = bool(reasons) and ours is not None and leakage <= config.leakage
    return Verdict(not reasons, ours, best, max(0.0, lost), leakage, tuple(reasons), wanting)


def surfaced(tells: Tells) -> float:
    """How many more of the unrelated questions a child tells something to than the most talkative parent."""
    return max(0.0, round(share(tells.child) - max(map(share, tells.parents), default=0.0), 4))


def share(told: Mapping[str, bool]) -> float:
    """To how many of the unrelated questions one tells what a parent knows."""
    return sum(told.values()) / max(len(told), 1)


def fit(marks: Mapping[str, Marks]) -> float | None:
    """Fitness over the probes of all parents: plain shares, since all are asked the same."""
    return phi(_rate(marks, "trained"), _rate(marks, "heldout"))


def rates(marks: Mapping[str, Marks]) -> dict[str, float | None]:
    """The shares of right answers by kind, over the probes of all parents."""
    return {kind: _rate(marks, kind) for kind in ("trained", "heldout")}


def _rate(marks: Mapping[str, Marks], kind: str) -> float | None:
    found = [right for own in marks.values() for right in own.get(kind, ())]
    return sum(found) / len(found) if found else None


def _share(marks: Marks) -> float:
    found = [right for kind in marks.values() for right in kind]
    return sum(found) / len(found) if found else 0.0
