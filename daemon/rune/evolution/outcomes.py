"""What came of answers: did the next runs of the session pass where they had failed before?

An answer, be it of a recall or of the endpoint, is judged by what had failed before it, within the window: by
the last of it that was run again. The next runs of the same decide (``runs.answers``): the first that passes
counts for the adapter, the later the less; if none of them passes, that counts against it. Each run of a line
counts by itself, where its outcome is known (``rune.running.unfold``). Where nothing had failed, or nothing
of that was run again, there is no outcome: that is not known, not nought. Adapters that were asked about the
same failure share it. Pure.

Not covered: whether the agent read the answer. The share and Wilson's interval are there because of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rune.config import EvolutionConfig
from rune.events import answers
from rune.records.ledger import Outcome
from rune.records.recalled import Use
from rune.records.trajectory import Event, Execution
from rune.running import unfold


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome of one answer."""

    adapter: str
    outcome: Outcome
    event: str
    """The id of the run that failed before."""
    command: str = ""
    """Of that run; those of one line have one id."""

    @property
    def failure(self) -> tuple[str, str]:
        """What the answer was about."""
        return self.event, self.command


def judge(uses: Sequence[Use], events: Sequence[Event], config: EvolutionConfig) -> list[Judged]:
    """The outcomes of the answers that one session was given.

    Args:
        uses: those answers.
        events: its events in the order of time.
        config: how far to look.
    """
    ran = [run for line in unfold.each(events) for run in line]
    found = [one for use in uses if use.answered and (one := _judged(use, ran, config))]
    latest = {(one.failure, one.adapter): one for one in found}  # asked twice about it, it counts once
    sharing = Counter(failure for failure, _ in latest)
    return [
        replace(one, outcome=replace(one.outcome, share=round(one.outcome.share / sharing[failure], 4)))
        for (failure, _), one in latest.items()
    ]


def news(judged: Sequence[Judged], before: Sequence[Judged]) -> list[Judged]:
    """What is to be said of a session's answers that was not said before; what holds no more counts nothing.

    >>> then, now = Outcome("s", 1.0, False), Outcome("s", 1.0, True)
    >>> new = news([Judged("a", now, "e1")], [Judged("a", then, ""), Judged("b", then, "")])
    >>> [(one.adapter, one.outcome.passed, one.outcome.share) for one in new]
    [('a', True, 1.0), ('b', False, 0.0)]
    """
    said = {_answer(one): one.outcome for one in before}
    new = [one for one in judged if said.get(_answer(one)) != one.outcome]
    still = {_answer(one) for one in judged}
    void = [one for one in before if _answer(one) not in still and one.outcome.share]
    return [*new, *(replace(one, outcome=replace(one.outcome, share=0.0)) for one in void)]


def _answer(one: Judged) -> tuple[str, float]:
    return one.adapter, one.outcome.recalled


def _judged(use: Use, ran: Sequence[Execution], config: EvolutionConfig) -> Judged | None:
    window = config.window_seconds
    before = [e for e in ran if use.at - window <= e.at <= use.at]
    after = [e for e in ran if use.at < e.at <= use.at + window]
    failing = (e for n, e in enumerate(before) if not e.ok and not _mended(e, before[n + 1 :]))
    for broken in reversed(list(failing)):
        if decisive := [e for e in after if answers(e, broken)][: config.window_runs]:
            place = next((number for number, e in enumerate(decisive) if e.ok), None)
            share = 1.0 if place is None else 0.5**place
            outcome = Outcome(use.session, use.at, place is not None, share)
            return Judged(use.adapter, outcome, broken.id, broken.command)
    return None


def _mended(broken: Execution, later: Sequence[Execution]) -> bool:
    return any(e.ok and answers(e, broken) for e in later)
