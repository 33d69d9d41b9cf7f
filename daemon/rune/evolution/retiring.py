"""Which lessons of adapters in service a younger one has made untrue, as far as a person agrees. Pure.

What a person has put back is retired by what happened after that alone. When something happened is told by
the lesson, else by the first adapter of the same sessions that was taught it: to be learnt again is no news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rune.evolution import facts
from rune.evolution.actions import Standing, Update
from rune.evolution.facts import Replaced
from rune.word import Words, statement


def retirements(standings: Sequence[Standing], words: Words) -> Iterator[Update]:
    """The lessons of adapters in service that a younger one in service has made untrue.

    Args:
        standings: also those out of service.
        words: what a person has said of them.
    """
    active = [one for one in standings if one.state.status == "active"]
    retired = {one.id: frozenset(one.state.retired) for one in active}
    kept = {one.id: words.kept(one.id) for one in active}
    said = facts.replaced([one.card for one in active], retired)
    new = [one for one in said if one.changed and one.place not in kept[one.older]]
    spoken = [one for one in active if kept[one.id]]
    told = _first_told(standings) if spoken else {}
    for old in spoken:
        for moment in sorted(set(kept[old.id].values())):
            places = {place for place, when in kept[old.id].items() if when == moment}
            new += _since(moment, places, old, active, told)
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in new:
        found[one.older, one.by].append(one.place)
    for (older, by), lost in sorted(found.items()):
        why = "a younger session says otherwise"
        yield Update(older, by, tuple(sorted(lost)), why, word=words.of(older))


Told = dict[tuple[str, str], float]
"""When a session was first taught a statement."""


def _first_told(standings: Sequence[Standing]) -> Told:
    found: Told = {}
    for one in standings:
        for key in _keys(one):
            found[key] = min(one.card.created, found.get(key, one.card.created))
    return found


def _keys(one: Standing) -> Iterator[tuple[str, str]]:
    for lesson in one.card.lessons:
        for session in one.card.origins:
            yield session, statement(lesson.answer)


def _happened(one: Standing, place: int, told: Told) -> float:
    """When a lesson happened: as it says, else at the latest when it was first taught."""
    lesson = one.card.lessons[place]
    known = (told.get((session, statement(lesson.answer))) for session in one.card.origins)
    return lesson.at or min((when for when in known if when is not None), default=one.card.created)


def _since(
    moment: float, places: set[int], old: Standing, active: Sequence[Standing], told: Told
) -> Iterator[Replaced]:
    """Lessons at these places, which a person put back at a moment, replaced by what happened after it."""
    before = {
        one.id: frozenset(
            place
            for place in range(len(one.card.lessons))
            if place in one.state.retired or (one is not old and _happened(one, place, told) <= moment)
        )
        for one in active
    }
    some = [one.card for one in active if one is old or len(before[one.id]) < len(one.card.lessons)]
    for one in facts.replaced(some, before):
        if one.changed and one.older == old.id and one.place in places:
            yield one
