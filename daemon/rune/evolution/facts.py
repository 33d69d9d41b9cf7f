"""Which lessons a younger one has replaced: the same thing is said of the same, but for its value. Pure.

A port moves, a command is renamed. What was true then is still in the older adapter's weights, and in its
session's record, so that nothing else would stop it from being said. Two lessons are about one thing when

- both tell how something is run or where it is, and their first questions are the same, and what is installed
  is the same; not where the question is about its own session's work ("How do I test the fix?");
- or both state something, in the same words but for the last literal, and that can only be one: it is a
  number, or is said to be it ("is called", "runs"), or the younger one says that something changed. A job
  may need one variable and another one;
- or the younger one says itself what was so before (``rune.evolution.moves``): the older value is what the
  older lesson tells, of something that the younger one names, too.

Younger is what happened later, not what was learnt later. A command that runs a part of what the older one
runs replaces nothing, and a quiet flag or a pipe to a viewer makes no other command. What became of a
failure is history, not a fact: two ways to mend one error may both be right.

Not covered: the same thing in quite other words without the older value; a value that others follow in its
sentence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rune import cues, runs
from rune.evolution import moves
from rune.evolution.moves import Move, plain
from rune.probing import Probe
from rune.records.card import Card, Lesson

HISTORY = frozenset(("repair", "cause", "unsolved", "error", "proof", "goal", "steps", "commit", "count"))
"""Kinds of lessons that tell what happened once; how many tests passed depends on which were run."""
ASKED = frozenset(("command", "file"))
"""Kinds whose question has one answer at a time."""
LEAST = 3
"""Words that two statements must share to be about one thing."""
MOVED = 2
"""The same, of a statement of what moved without its verb."""
_FILLING = frozenset(("service", "server", "currently", "still", "already", "just", "always", "please"))
"""Words that one who tells the same thing says and another one leaves out."""
_VALUES = frozenset((
    "port", "version", "file", "files", "number", "command", "name", "path", "use", "uses", "used", "using",
    "instead", "called", "set", "value", "run", "runs", "listens", "old", "what",
))  # fmt: skip
"""Words that any two facts may share: they say nothing about what something is."""
_OWN = re.compile(
    r"\b(?:this(?! (?:project|repo))|it|(?:the|my|our) (?:[\w-]+ )?(?:fix|issue|bug|problem|changes?))\b",
    re.I,
)
"""What makes a question one about its own session: the fix that is tested is another one each time."""
_EDGES = ".,;:!?()[]'\""
_ONE = re.compile(
    r"(?:\b(?:is|are|was|called|named|port|version|set to|default(?:s to)?|equals|runs|starts|listens on"
    r"|lives (?:in|at)|(?:stored|kept|defined) in|reads from|writes to)|=)\s*(?:now\s+|the\s+)*[\"'(]*$",
    re.I,
)
"""What stands before a literal that can only be one."""
_CHANGED = re.compile(
    r"\b(?:now|instead|no longer|any ?more|from now on|replace[sd]?|(?:mov|renam|chang|switch|bump)ed)\b",
    re.I,
)
"""What says that something is no longer as it was."""
_MORE = re.compile(r"\b(?:also|too|as well|another|additional(?:ly)?|one of|further|among)\b", re.I)
"""What says that there are others."""
_PART = re.compile(r"(?:^|\s)(?:\S*(?:/|::)\S*|\S+\.\w{1,4}|-k\b|--filter\b|-run\b|-t\b)")
"""What makes a command run a part: a path, a test, a filter."""

Subject = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A lesson of an older adapter, and the youngest one that speaks of the same."""

    older: str
    place: int
    by: str
    changed: bool
    """Whether the younger one says something else."""


class Told(NamedTuple):
    """What a lesson tells, read once."""

    about: Subject
    value: str
    """What it says of it."""
    literal: str
    """The same as others would name it: the command that is run, the path where something is."""
    single: bool
    """Whether there can be but one such value."""
    move: Move | None
    """What it says itself to have been so before."""


def read(lesson: Lesson, alone: str = "") -> Told | None:
    """What a lesson is about, and what it says of it; None where that cannot be told apart.

    A statement too short to be about one thing with another one is about itself, under the name ``alone``, if
    it is given one and says what was so before.

    >>> told = read(Lesson("said", "The gateway now listens on port 8080.", (), ()))
    >>> sorted(told.about[1]), told.value, told.single
    (['gateway', 'listens', 'port'], '8080', True)
    """
    if lesson.kind in HISTORY:
        return None
    found = moves.values(lesson.answer)
    last = plain(found[-1][0]) if found else ""
    if lesson.kind in ASKED and lesson.questions:
        return _asked(lesson.kind, lesson.questions[0], plain(lesson.answer), last)
    if not found:
        return None
    before, after = lesson.answer[: found[-1].start()], lesson.answer[found[-1].end() :]
    words, move = _words(before + after), moves.find(lesson.answer)
    single = _single(lesson.answer, before, last)
    if len(words) >= LEAST:
        return Told(("said", words), last, last, single, move)
    return Told((alone, frozenset()), move.new, move.new, single, move) if alone and move else None


def _asked(kind: str, question: str, value: str, last: str) -> Told | None:
    """How something is run, or where it is; what an installation installs is a part of what it is about."""
    if _OWN.search(question):
        return None
    if kind == "file":
        return Told((kind, _words(question)), value, last, True, None)
    about, run = _words(question) | runs.installs(value), value.removeprefix("run ")
    return Told((kind, about), plain(runs.essential(run)).strip(), run, True, None)


def _single(statement: str, before: str, value: str) -> bool:
    """Whether there can be but one such value: a number, what is said to be it, what has changed."""
    if _MORE.search(statement):
        return False
    return cues.kind(value) == "number" or any(pattern.search(before) for pattern in (_ONE, _CHANGED))


def replaced(cards: Sequence[Card], places: Mapping[str, frozenset[int]] | None = None) -> list[Replaced]:
    """What younger adapters have replaced, each by the youngest that is about the same.

    Args:
        cards: whole ones.
        places: lessons that are retired already, by adapter; they replace nothing and are not replaced.
    """
    about: dict[Subject, list[_Said]] = defaultdict(list)
    for card in cards:
        for place, lesson in enumerate(card.lessons):
            told = read(lesson, f"{card.id}:{place}")
            if told and place not in (places or {}).get(card.id, frozenset()):
                when = lesson.at or card.created
                about[told.about].append(_Said(when, card.created, card.id, place, lesson, told))
    same = [one for held in about.values() for one in _outdated(sorted(held))]
    known = {(one.older, one.place) for one in same if one.changed}
    everything = sorted(one for held in about.values() for one in held)
    moved = [one for one in _moved(everything) if (one.older, one.place) not in known]
    taken = {(one.older, one.place) for one in moved}
    return [*(one for one in same if (one.older, one.place) not in taken), *moved]


def _moved(said: Sequence[_Said]) -> Iterator[Replaced]:
    """What younger statements say to be so no longer, each by the youngest of them."""
    moving = [(one, move) for one in said if (move := one.told.move)]
    if not moving:
        return
    stated = [one for one in said if one.lesson.kind not in ASKED]
    for old in said:
        by = [new for new, move in moving if _after(new, old) and _tells(old, move, new)]
        if before := old.told.move:
            by += [new for new in stated if _after(new, old) and _overtaken(old, before, new)]
        if by:
            yield Replaced(old.id, old.place, max(by).id, True)


def _after(new: _Said, old: _Said) -> bool:
    return new.id != old.id and new[:2] > old[:2]


def _tells(old: _Said, move: Move, new: _Said) -> bool:
    """Whether an older lesson tells the value that is no longer so, of something that the younger one names.

    A command or a path in code is its own name where it was renamed; "npm ci instead of npm install" is said
    of something.
    """
    asked = old.lesson.kind in ASKED
    if old.told.literal != move.old or (asked and len(move.old) < 4):
        return False
    about = old.lesson.questions[0] if asked else old.lesson.answer
    values = {*move.old.split(), *move.new.split()}
    shared = (_words(about) & _words(new.lesson.answer)) - values - _VALUES - moves.VERBS
    return bool(shared) or (asked and moves.renames(new.lesson.answer))


def _overtaken(old: _Said, move: Move, new: _Said) -> bool:
    """Whether a younger statement says plainly where something is that an older one says to have moved."""
    about = _words(old.lesson.answer) - {move.old, move.new} - moves.VERBS
    same = len(about) >= MOVED and about <= _words(new.lesson.answer)
    other = new.told.value != move.new and cues.kind(new.told.value) == cues.kind(move.new)
    return same and new.told.single and other


def related(cards: Sequence[Card]) -> dict[str, list[Probe]]:
    """For each adapter the held-out questions of others on what it says, too, and says the same."""
    about: dict[tuple[Subject, str], list[tuple[str, Lesson]]] = defaultdict(list)
    for card in cards:
        for lesson in card.lessons:
            if told := read(lesson):
                about[told.about, told.value].append((card.id, lesson))
    asked: dict[str, list[Probe]] = defaultdict(list)
    for held in about.values():
        for id, own in held:
            theirs = [text for other, lesson in held if other != id for text in lesson.probes]
            fresh = [text for text in theirs if text not in (*own.questions, *own.probes)]
            asked[id] += [Probe("related", text, own.keys) for text in fresh[:1] if own.keys]
    return {id: probes for id, probes in asked.items() if probes}


class _Said(NamedTuple):
    """A lesson in the order of what happened, what was made later last."""

    at: float
    made: float
    id: str
    place: int
    lesson: Lesson
    told: Told


def _outdated(held: Sequence[_Said]) -> Iterator[Replaced]:
    newest = held[-1]
    for one in held[:-1]:
        if one.id != newest.id:
            other = newest.told.single and not _narrower(newest.told.value, one.told.value)
            changed = other and one.told.value != newest.told.value
            yield Replaced(one.id, one.place, newest.id, changed)


def _narrower(new: str, old: str) -> bool:
    """Whether a command runs a part of what another one of its family runs.

    >>> _narrower("pytest tests/test_x.py", "pytest"), _narrower("pytest -x", "pytest")
    (True, False)
    """
    same = bool(family := runs.family(new)) and family == runs.family(old)
    return same and set(_PART.findall(new)) > set(_PART.findall(old))


def _words(text: str) -> frozenset[str]:
    words = cues.content(text.replace("`", "")).lower().split()
    return frozenset(word.strip(_EDGES).removesuffix("'s") for word in words) - _FILLING


