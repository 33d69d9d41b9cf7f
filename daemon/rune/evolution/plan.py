"""What to do with the adapters of a project, each with its reasons; pure: it can be shown and not done.

In this order, and an adapter has one thing done to it at most: Update (a younger adapter knows better),
Forget (unfit and idle, or over the budget), Consolidate (a cluster of similar ones), Merge (similar ones
that are too many to learn again, where that is switched on). What was tried and refused is not planned again
with the same parents. What a person has put back gives way to what came after that alone (``rune.word``).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rune.config import EvolutionConfig
from rune.evolution import similar
from rune.evolution.actions import Action, Attempt, Consolidate, Forget, Merge, Standing, Update
from rune.evolution.fitness import DAY
from rune.evolution.retiring import retirements
from rune.evolution.similar import Pair, pair
from rune.lessons.apart import distinct
from rune.records.card import LEVELS, Lesson, living
from rune.word import Words


def plan(
    standings: Sequence[Standing],
    config: EvolutionConfig,
    now: float,
    refused: frozenset[Attempt] = frozenset(),
) -> list[Action]:
    """What to do now; nothing where all is well."""
    by_age = sorted(standings, key=_age)
    active = {one.id: one for one in by_age if one.state.status == "active"}
    words = Words([one.card for one in by_age], {one.id: one.state for one in by_age})
    near = similar.pairs([one.card for one in active.values()])
    whole = list(_outdone(active, near, config, words))
    gone = {action.old for action in whole}
    unfit = list(_unfit([one for id, one in active.items() if id not in gone], config, now, words))
    gone |= {action.id for action in unfit}
    updates = [one for one in retirements(by_age, words) if one.old not in gone]
    done: list[Action] = [*whole, *updates, *unfit]
    gone |= {action.old for action in updates}
    free = [one for id, one in active.items() if id not in gone]
    alike = _alike(free, near, config)
    clusters = list(_clusters(free, alike, config, refused))
    done += clusters
    taken = {id for action in clusters for id in action.parents}
    done += _merges([one for one in free if one.id not in taken], alike, config, refused)
    return done


def fingerprint(actions: Iterable[Action], unasked: Sequence[str] = ()) -> str:
    """A name for exactly these actions, whatever their reasons, and adapters that are to be asked."""
    named = [{**asdict(action), "because": "", "action": type(action).__name__} for action in actions]
    said: list[Any] = [*named, *unasked]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _outdone(
    active: Mapping[str, Standing], near: Mapping[Pair, float], config: EvolutionConfig, words: Words
) -> Iterator[Update]:
    """The adapters that others have outdated as a whole: nothing of them would be missed."""
    gone: set[str] = set()
    for old in sorted(active.values(), key=_age):
        word = words.of(old.id)
        if update := _successor(old, active, near, config, gone, word) or _empty(old):
            gone.add(old.id)
            yield replace(update, word=word)


def _successor(
    old: Standing,
    active: Mapping[str, Standing],
    near: Mapping[Pair, float],
    config: EvolutionConfig,
    gone: set[str],
    word: float,
) -> Update | None:
    """A younger and fitter adapter of the same task takes its place, if it was made after a person's word."""
    before = old.fitness.phi
    if before is None:
        return None
    for new in active.values():
        after, close = new.fitness.phi, near.get(pair(old.id, new.id), 0.0)
        younger = _age(new) > _age(old) and new.id not in gone and new.card.created >= word
        known = new.card.base_hash == old.card.base_hash and _rank(new) >= _rank(old)
        if younger and known and close >= config.same and after is not None and after > before:
            why = f"same task ({close:.2f} alike), fitness {after:.2f} against {before:.2f}"
            return Update(old.id, new.id, (), why)
    return None


def _empty(old: Standing) -> Update | None:
    """An adapter of which nothing is true any more goes."""
    if not old.state.retired or living(old.card, old.state).lessons:
        return None
    by = list(old.state.retired.values())[-1]
    return Update(old.id, by, (), "nothing of it is true any more", untrue=True)


def _unfit(rest: Sequence[Standing], config: EvolutionConfig, now: float, words: Words) -> Iterator[Forget]:
    """The unfit and idle, then the least fit until the rest fits into the budget.

    What a person has put back counts, but stays: others go for it.
    """
    kept: list[Standing] = []
    for one in rest:
        idle, phi = (now - one.used) / DAY, one.fitness.phi
        unfit = phi is not None and phi < config.forget_below and idle >= config.idle_days
        if phi is not None and unfit and not words.of(one.id):
            why = f"fitness {phi:.2f}, below {config.forget_below:.2f}, and idle {idle:.0f} days"
            yield Forget(one.id, why)
        else:
            kept.append(one)
    size, budget = sum(one.card.bytes for one in kept), config.budget_mb * 1e6
    for one in sorted((one for one in kept if not words.of(one.id)), key=_worth):
        if size <= budget:
            return
        size -= one.card.bytes
        fit = "unknown" if one.fitness.phi is None else f"{one.fitness.phi:.2f}"
        why = f"over the budget of {config.budget_mb:g} MB, and its fitness of {fit} is the least"
        yield Forget(one.id, why)


def _worth(one: Standing) -> tuple[bool, float, float, str]:
    """What goes first: the least fit, of those the longest unused; what was never measured goes last."""
    phi = one.fitness.phi
    return phi is None, phi or 0.0, one.used, one.id


def _alike(
    free: Sequence[Standing], near: Mapping[Pair, float], config: EvolutionConfig
) -> dict[Pair, float]:
    """Pairs that are similar enough, the closest first, and answer no question differently.

    Of two answers to one question a child would be taught one alone, although both are true.
    """
    told = {
        one.id: {each.questions[0].lower(): each.answer.lower() for each in _lasting(one) if each.questions}
        for one in free
    }
    able = [
        (both, value)
        for both, value in near.items()
        if value >= config.similar and told.keys() >= set(both)
        and all(told[both[1]].get(asked, answer) == answer for asked, answer in told[both[0]].items())
    ]  # fmt: skip
    return dict(sorted(able, key=lambda found: (-found[1], found[0])))


def _clusters(
    free: Sequence[Standing],
    alike: Mapping[Pair, float],
    config: EvolutionConfig,
    refused: frozenset[Attempt],
) -> Iterator[Consolidate]:
    """Clusters whose members are all similar to each other, the closest first."""
    members = _members(free)
    taken: set[str] = set()
    for both in alike:
        if taken & set(both) or not set(both) <= members.keys() or not _fits(both, members, config):
            continue
        grown = _grown(both, {id: one for id, one in members.items() if id not in taken}, alike, config)
        cluster = _untried(grown, refused)
        if not cluster:
            continue
        taken |= set(cluster)
        least = min(alike[pair(a, b)] for a, b in itertools.combinations(cluster, 2))
        level = LEVELS[_rank(members[cluster[0]]) + 1]
        parents = tuple(sorted(cluster, key=lambda id: _age(members[id])))
        yield Consolidate(parents, level, f"{len(cluster)} adapters, each at least {least:.2f} alike")


def _untried(grown: Sequence[str], refused: frozenset[Attempt]) -> tuple[str, ...]:
    """As much of a cluster, from its seed on, as was not refused before; nothing where all of it was."""
    sizes = range(len(grown), 1, -1)
    able = (tuple(grown[:size]) for size in sizes if ("learnt", frozenset(grown[:size])) not in refused)
    return next(able, ())


def _grown(
    seed: Pair, members: Mapping[str, Standing], alike: Mapping[Pair, float], config: EvolutionConfig
) -> tuple[str, ...]:
    """The seed and whatever is similar to all of the cluster, in the order in which they join it."""
    cluster = tuple(seed)
    while len(cluster) < config.cluster:
        nearest = {
            id: min(alike[pair(id, other)] for other in cluster)
            for id in members
            if id not in cluster and all(pair(id, other) in alike for other in cluster)
        }
        able = sorted(nearest, key=lambda id: -nearest[id])
        more = next((id for id in able if _fits((*cluster, id), members, config)), None)
        if more is None:
            break
        cluster = (*cluster, more)
    return cluster


def _fits(ids: Sequence[str], members: Mapping[str, Standing], config: EvolutionConfig) -> bool:
    """Whether these are of one kind, and no living lesson of them would have to be dropped."""
    some = [members[id] for id in ids]
    kinds = {(one.card.level, one.card.base_hash) for one in some}
    together = joined(some)
    return len(kinds) == 1 and len(together) <= config.max_lessons and whole(some, together)


def whole(some: Sequence[Standing], together: Sequence[Lesson]) -> bool:
    """Whether every lasting answer of these that can be taught at all is among all lessons together."""
    kept = {lesson.answer.lower() for lesson in together}
    lost = [lesson for one in some for lesson in _lasting(one) if lesson.answer.lower() not in kept]
    return not any(distinct([lesson]) for lesson in lost)


def joined(some: Sequence[Standing]) -> list[Lesson]:
    """The living lessons of several adapters, each answer and question once; the youngest has the say."""
    young = sorted(some, key=_age, reverse=True)
    return distinct([lesson for one in young for lesson in living(one.card, one.state).lessons])


def _lasting(one: Standing) -> list[Lesson]:
    """What must not be lost: of how many tests passed in the last run, the youngest has the say."""
    return [lesson for lesson in living(one.card, one.state).lessons if lesson.kind != "count"]


def _merges(
    free: Sequence[Standing],
    alike: Mapping[Pair, float],
    config: EvolutionConfig,
    refused: frozenset[Attempt],
) -> Iterator[Merge]:
    """Pairs that are similar and were not brought together otherwise; none unless that is switched on."""
    if config.merge == "none":
        return
    members = _members(free)
    taken: set[str] = set()
    for both, value in alike.items():
        if not set(both) <= members.keys() - taken or (config.merge, frozenset(both)) in refused:
            continue
        one, other = some = [members[id] for id in both]
        same = (one.card.level, one.card.base_hash) == (other.card.level, other.card.base_hash)
        if same and whole(some, joined(some)):
            taken |= set(both)
            yield Merge(both, config.merge, LEVELS[_rank(one) + 1], f"{value:.2f} alike")


def _members(free: Sequence[Standing]) -> dict[str, Standing]:
    """Those that can go a level up."""
    return {one.id: one for one in free if one.card.level != LEVELS[-1]}


def _age(one: Standing) -> tuple[float, float, str]:
    """The oldest first: by what happened in their sessions, then by when they were made."""
    return one.card.told, one.card.created, one.id


def _rank(one: Standing) -> int:
    return LEVELS.index(one.card.level)
