"""Which lessons a younger one has replaced: the same thing is said of the same, but for its value. Pure.

A port moves, a command is renamed. What was true then is still in the older adapter's weights, and in its
session's record, so that nothing else would stop it from being said. Two lessons are about one thing when

- both tell how something is run, their first questions are the same, and what is installed is the same; not
  where the question is about its own session's work ("How do I test the fix?"). Which command may stand for
  which other one, ``rune.evolution.commands`` says;
- or both state something of one subject (``rune.evolution.subject``), which is told in the same order, the
  values are of one sort, and there can be but one (``rune.evolution.only``). A job may need one variable and
  another one;
- or the younger one says itself what was so before (``rune.evolution.moves``): the older value is what the
  older lesson tells, it names all that the younger one names, in one order, and it is of no other thing
  (``rune.evolution.owner``). Where nothing but the value is named, that must be unmistakable.

Younger is what happened later, not what was learnt later. What became of a failure is history, not a fact:
two ways to mend one error may both be right. In doubt both are kept: what is wrongly retired is lost.

Not covered: the same thing in quite other words without the older value; what is defined in another file now
without a statement that says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rune.evolution import commands, owner, tools
from rune.evolution.moves import Move
from rune.evolution.subject import VALUE
from rune.evolution.telling import ASKED, NAMED, Subject, Told, read
from rune.evolution.wording import MEASURES, WHOLE, stem, topic, unmistakable
from rune.literal import amounts
from rune.probing import Probe
from rune.records.card import Card, Lesson

SHORTEST = 4
"""Characters of a command or a path that tell it from a word."""

WEB = {"80", "443"}
"""Ports that one server has side by side."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A lesson of an older adapter, and the youngest one that speaks of the same."""

    older: str
    place: int
    by: str
    changed: bool
    """Whether the younger one says something else."""


def replaced(cards: Sequence[Card], places: Mapping[str, frozenset[int]] | None = None) -> list[Replaced]:
    """What younger adapters have replaced, each by the youngest that is about the same.

    Args:
        cards: whole ones.
        places: lessons that are retired already, by adapter; they replace nothing and are not replaced.
    """
    about: dict[Subject, list[_Said]] = defaultdict(list)
    called: dict[Subject, list[_Said]] = defaultdict(list)
    for card in cards:
        for place, lesson in enumerate(card.lessons):
            told = read(lesson, f"{card.id}:{place}")
            if told and place not in (places or {}).get(card.id, frozenset()):
                said = _Said(lesson.at or card.created, card.created, card.id, place, told)
                about[told.about].append(said)
                if told.named:
                    called[told.named].append(said)
    same = [one for key, held in about.items() for one in _outdated(held, called.get(key, ()))]
    known = {(one.older, one.place) for one in same if one.changed}
    everything = [one for held in about.values() for one in held]
    moved = [one for one in _moved(everything) if (one.older, one.place) not in known]
    taken = {(one.older, one.place) for one in moved}
    return [*(one for one in same if (one.older, one.place) not in taken), *moved]


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
            asked[id] += [Probe("related", text, own.keys, own.answer) for text in fresh[:1] if own.keys]
    return {id: probes for id, probes in asked.items() if probes}


class _Said(NamedTuple):
    """What a lesson tells, in the order of what happened, what was made later last."""

    at: float
    made: float
    id: str
    place: int
    told: Told


def _after(new: _Said, old: _Said) -> bool:
    return new.id != old.id and new[:2] > old[:2]


def _outdated(held: Sequence[_Said], called: Sequence[_Said]) -> Iterator[Replaced]:
    """What is said of one thing, each by the youngest that says it again or says what holds now.

    ``called`` are those that say how it is called now, in other words.
    """
    youngest = {one.told.value: one for one in sorted((*held, *called), key=_when)}
    latest = sorted(youngest.values(), key=_when, reverse=True)
    for old in held:
        later = [one for one in latest if _after(one, old)]
        known = (new for new in later if new.told.value == old.told.value or _denies(new.told, old.told))
        if new := next(known, later[0] if later else None):
            yield Replaced(old.id, old.place, new.id, _denies(new.told, old.told))


def _when(one: _Said) -> tuple[float, float, str, int]:
    return one[:4]


def _denies(new: Told, old: Told) -> bool:
    """Whether what the younger one says of the same leaves nothing of what the older one says."""
    if not new.single or new.value == old.value or {new.value, old.value} == WEB:
        return False
    if new.about[0] in ASKED:
        return commands.replaces(new.value, old.value)
    return _comparable(new, old) and (new.sort != "command" or commands.replaces(new.value, old.value))


def _comparable(new: Told, old: Told) -> bool:
    """Whether two values may stand for one another, and are of one subject as far as it is told in full."""
    return new.sort == old.sort and not (new.aside and old.aside and new.aside != old.aside)


def _moved(said: Sequence[_Said]) -> Iterator[Replaced]:
    """What younger statements say to be so no longer, each by the youngest of them."""
    known: dict[str, list[_Said]] = defaultdict(list)
    plainly: dict[tuple[str, ...], list[_Said]] = defaultdict(list)
    for one in said:
        for name in {*_names(one.told)}:
            known[name].append(one)
        if one.told.single and one.told.about[0] not in ASKED:
            plainly[_topic(one.told)].append(one)
    by: dict[tuple[str, int], _Said] = {}
    for old, new in (*_told_before(said, known), *_overtaken(said, plainly)):
        if _after(new, old):
            by[old.id, old.place] = max(new, by.get((old.id, old.place), new), key=_when)
    yield from (Replaced(id, place, new.id, True) for (id, place), new in sorted(by.items()))


def _names(told: Told) -> Iterator[str]:
    """What a move may call the value of a lesson: a command without what follows its name, too."""
    yield told.literal
    if told.measure:
        yield f"{amounts.measured(told.literal, told.measure.partition('|')[0])[0]} {told.measure}"
    if told.about[0] == "command":
        parts = told.literal.split()
        yield from (" ".join(parts[:length]) for length in range(1, len(parts)))


def _told_before(
    said: Sequence[_Said], known: Mapping[str, Sequence[_Said]]
) -> Iterator[tuple[_Said, _Said]]:
    """The lessons that tell a value that is no longer so, of all that the younger one names."""
    for new in said:
        if move := new.told.move:
            number, measure = amounts.measured(move.old, "")
            olds = (*known.get(move.old, ()), *(known.get(f"{number} {measure}", ()) if measure else ()))
            yield from ((old, new) for old in olds if _same(old.told, new.told, move))


def _same(old: Told, new: Told, move: Move) -> bool:
    """Whether what is told is what has moved, or has itself another name now, whatever it is told of."""
    named = move.about - WHOLE
    about = {stem(word) for word in (named if named - MEASURES else move.about)}
    if old.more or _former(new) != _former(old):
        return False
    if old.about == new.about:
        return True
    if not about:
        return _itself(old, move)
    if (old.whose and not owner.moved(old.whose, move)) or not _ordered(old, new, about):
        return False
    return about <= {stem(word) for word in old.words} and bool(move.about - MEASURES)


def _itself(old: Told, move: Move) -> bool:
    """Whether a value itself has another name now, and is told as nothing but that."""
    if old.about[0] in ASKED:
        exact = old.literal == move.old or " " in move.old  # "python" begins many commands
        known = move.renamed or commands.replaces(move.new, move.old)
        return (exact and known and len(move.old) >= SHORTEST) or tools.alike(move.new, move.old)
    return move.renamed and old.stated and (old.sort == "setting" or unmistakable(move.old))


def _former(told: Told) -> bool:
    """Whether it is told of what stands beside the thing that there is now: "the old gateway"."""
    return told.whose is not None and not owner.FORMER.isdisjoint(told.whose.owner)


def _ordered(old: Told, new: Told, about: set[str]) -> bool:
    """Whether what both name stands in one order: who does what to whom; after a value it stands anywhere."""
    if old.aside and new.aside and old.aside != new.aside:
        return False
    end = new.order.index(VALUE) if VALUE in new.order else len(new.order)
    known = _named(old.order, about)
    for way in (_named(new.order[:end], about), _named(new.order[end:], about)):
        both = {*way} & {*known}
        if [word for word in way if word in both] != [word for word in known if word in both]:
            return False
    return True


def _named(words: Sequence[str], about: set[str]) -> list[str]:
    return list(dict.fromkeys(one for word in words if (one := stem(word)) in about))


def _overtaken(
    said: Sequence[_Said], plainly: Mapping[tuple[str, ...], Sequence[_Said]]
) -> Iterator[tuple[_Said, _Said]]:
    """What is said to have moved, and who says plainly that it is somewhere else."""
    for old in said:
        about = _topic(old.told) if old.told.move else ()
        if len(about) >= NAMED:
            for new in plainly.get(about, ()):
                if new.told.value != old.told.value and _comparable(new.told, old.told):
                    yield old, new


def _topic(told: Told) -> tuple[str, ...]:
    """The words of a statement in their order, without its values and its verb."""
    pair = {*told.move.old.split(), *told.move.new.split()} if told.move else set()
    kept = topic(frozenset(told.order)) - {VALUE, *told.value.split()} - pair
    return tuple(word for word in told.order if word in kept)
