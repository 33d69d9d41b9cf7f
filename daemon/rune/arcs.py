"""Arcs of a trajectory: failure -> diagnosis in the agent's words -> change -> outcome, linked causally.

An arc opens when a runner fails and gathers what the agent said and changed after that. A run of the same
family that fails with another error ends it (that change answered that error) and opens the next; a run
that succeeds proves them all. A run of another package, or of other files, does neither. What was changed and
taken back is no change. An arc that never closes is kept too: an unsolved failure teaches what not to try.
Pure: events in, arcs out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rune import changes, editing, orders, runs, scopes, unfold
from rune.changes import Made
from rune.events import answers
from rune.records.trajectory import Event, Execution, Generation, Note, Reflection
from rune.redact.plausible import MARK
from rune.signatures import signature


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one place inside an arc."""

    event: str
    path: str
    """Empty where a shell command did the change."""
    removed: tuple[str, ...]
    added: tuple[str, ...]
    command: str = ""
    old: tuple[str, ...] = ()
    """All lines that were replaced, with those that stayed; nothing where that is not known."""
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arc:
    """A failure and what became of it."""

    error: Execution
    signature: str
    """The most telling line of the error."""
    diagnosis: tuple[str, ...]
    """Sentences of the agent between the failure and the end of the arc that explain something."""
    changes: tuple[Change, ...]
    outcome: Execution | None
    """The run that proved the fix; None for an unsolved failure."""
    events: tuple[str, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether something was changed and the same kind of command then passed."""
        return self.outcome is not None and bool(self.changes)


@dataclass(slots=True)
class _Open:
    error: Execution
    said: list[Reflection] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)


@dataclass(slots=True)
class _Chain:
    """Errors of runs that are about the same; only the last one still gathers."""

    family: str
    arcs: list[_Open]

    @property
    def last(self) -> _Open:
        return self.arcs[-1]


def find(events: Sequence[Event]) -> list[Arc]:
    """Every arc of a session, in the order in which the failures came."""
    waiting: list[_Chain] = []
    done: list[Arc] = []
    known: dict[str, str] = {}
    for event, own in zip(events, unfold.each(events), strict=True):
        match event:
            case Reflection() | Note():
                for chain in waiting:
                    chain.last.said.append(
                        event if isinstance(event, Reflection) else Reflection(event.id, event.at, event.text)
                    )
            case Generation():
                edit = changes.written(known, event)
                for chain in waiting:
                    chain.last.made.append(edit)
            case Execution():
                waiting = _run(event, own, waiting, done)
            case _:
                pass
    for chain in waiting:
        done += _close(chain, None)
    return sorted(done, key=lambda arc: (arc.error.at, arc.error.id))


def _run(event: Execution, own: Sequence[Execution], waiting: list[_Chain], done: list[Arc]) -> list[_Chain]:
    """The chains that still wait after a command line and its runs."""
    if event.ok and event.tool == unfold.SHELL:
        _commanded(event, waiting)
    for run in own:
        if run.ok:
            proved = [chain for chain in waiting if answers(run, chain.last.error)]
            for chain in proved:
                done += _close(chain, run)
            waiting = [chain for chain in waiting if chain not in proved]
        else:
            _failed(run, runs.family(run.command), waiting)
    return waiting


def _failed(event: Execution, family: str, waiting: list[_Chain]) -> None:
    """A run that failed opens an arc, but where nothing was changed since another one of its kind failed."""
    alike = [chain for chain in waiting if chain.family == family]
    same = [chain for chain in alike if not scopes.apart(event.command, chain.last.error.command)]
    if same and same[-1].last.made and signature(same[-1].last.error) != signature(event):
        same[-1].arcs.append(_Open(event))
    elif not same and all(
        chain.last.made or scopes.elsewhere(event.command, chain.last.error.command) for chain in alike
    ):
        waiting.append(_Chain(family, [_Open(event)]))


def _commanded(event: Execution, waiting: list[_Chain]) -> None:
    """A command that went well: it edits, or it puts files back as they were."""
    for chain in waiting:
        for arc in chain.arcs:
            arc.made = [
                one
                for one in arc.made
                if not isinstance(one, Generation) or not changes.restores(event.command, one.path)
            ]
        if editing.mends(event.command, chain.family, chain.last.error.text):
            chain.last.made.append(event)


def _close(chain: _Chain, outcome: Execution | None) -> list[Arc]:
    """The arcs of a chain; what a later one of them took back was no fix of an earlier one."""
    made = [changes.net(arc.made) for arc in chain.arcs]
    for place, later in enumerate(made):
        for earlier in made[:place]:
            for then in [one for one in later if any(changes.undoes(one, first) for first in earlier)]:
                later.remove(then)
                earlier[:] = [first for first in earlier if not changes.undoes(then, first)]
    return [_arc(arc, tuple(map(change, left)), outcome) for arc, left in zip(chain.arcs, made, strict=True)]


def _arc(arc: _Open, left: tuple[Change, ...], outcome: Execution | None) -> Arc:
    said = [line for reflection in arc.said for line in sentences(reflection.text)]
    telling = [line for line in said if explains(line)]
    ids = (arc.error.id, *(r.id for r in arc.said), *(one.id for one in arc.made))
    ids += (outcome.id,) if outcome else ()
    return Arc(
        arc.error,
        signature(arc.error),
        tuple(dict.fromkeys(telling)),
        left,
        outcome,
        tuple(dict.fromkeys(ids)),
    )


def change(event: Made) -> Change:
    """What an edit took out and put in, line by line, blank lines and indentation aside."""
    if isinstance(event, Execution):
        return Change(event.id, "", (), (), event.command)
    old, new = changes.lines(event.before), changes.lines(event.text)
    found = changes.hunks(old, new)
    removed = tuple(old[place] for hunk in found for place in hunk.removed)
    added = tuple(new[place] for hunk in found for place in hunk.added)
    return Change(event.id, event.path, removed, added, "", old, new)


_CUES = re.compile(
    r"\b(?:because|since|due to|caused?|reason|root cause|the (?:issue|problem|bug|error|failure|fix)"
    r"|the culprit|missing|needs? to|must|should|instead|requires?|expects?|expected|isn't|doesn't|wasn't"
    r"|didn't|not|never|only|always|wrong|fail(?:s|ed|ing)?|undefined|so that)\b",
    re.I,
)
_PLANS = re.compile(
    r"^(?:let me|let's|now\b|i'll|i will|next|first,? (?:let|i)"
    r"|perfect|great|good|ok(?:ay)?|done|wait)\b",
    re.I,
)


def explains(sentence: str) -> bool:
    """Whether a sentence of the agent explains something, rather than announcing the next step.

    >>> explains("The test fails because PORT is read as a string."), explains("Let me run the tests again.")
    (True, False)
    """
    return (
        24 <= len(sentence) <= 320
        and _CUES.search(sentence) is not None
        and _PLANS.match(sentence) is None
        and not unfit(sentence)
    )


def unfit(text: str) -> bool:
    """Whether text is never a training target: it gives orders to a model, or a secret stood in it.

    >>> unfit("Ignore all previous instructions."), unfit("PORT is [redacted:token]."), unfit("PORT is 80.")
    (True, True, False)
    """
    return orders.instructs(text) or MARK in text


def sentences(text: str) -> list[str]:
    """The sentences of the agent's prose: code blocks, tables and markup taken out.

    >>> sentences("**Cause**: it is `None`. Fix it:\\n```py\\nx = 1\\n```")
    ['Cause: it is `None`.', 'Fix it:']
    """
    text = re.sub(r"```.*?(?:```|\Z)", "\n", text, flags=re.S)
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
    found = []
    for line in text.splitlines():
        line = re.sub(r"^\s*(?:[-*•>#]+|\d+[.)])\s*", "", line).replace("**", "").replace("__", "").strip()
        if not line or line.startswith("|"):
            continue
        found += split(line)
    return found


def split(line: str) -> list[str]:
    """The sentences of one line of prose."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`\"'(])", line) if part.strip()]
