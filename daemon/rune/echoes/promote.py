"""Whether an etched echo may become a remembrance, and what else says the same; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from rune.echoes import filter
from rune.echoes.score import Use
from rune.errors import EchoError
from rune.records import remembrance as records
from rune.records.echo import Entry
from rune.records.remembrance import CATEGORIES, Remembrance

HIGH = 0.8
"""From this confidence on an entry counts as validated."""
SESSIONS = 2
"""So does one that was referenced in this many."""
ALIKE = 0.6
"""Share of common words from which two root causes count as similar."""
COMMON_TAGS = 3
_PAIR = ("symptom", "root_cause", "solution")
_AGENTS = frozenset(("agent", "agents", "agent-internal", "internal"))


class Outcome(Enum):
    """What a promotion comes to."""

    PROMOTE = "promote"
    SKIP = "skip"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a promotion needs beyond the entry; what is empty here is taken from the entry's named bullets."""

    category: str
    symptom: str = ""
    root_cause: str = ""
    solution: str = ""
    tags: tuple[str, ...] = ()
    for_agents: bool = False
    """Of use to agents alone: not promoted. A bullet ``audience: agents`` or such a tag says the same."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and its reason."""

    outcome: Outcome
    reason: str
    missing: tuple[str, ...] = ()
    """Fields that the entry and the arguments lack."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A remembrance that says nearly the same."""

    remembrance: Remembrance
    kind: str
    """title (update it), root_cause (link it), or tags (look at both first)."""
    what: str


def facts(entry: Entry, given: Facts) -> Facts:
    """The given facts, filled from the entry's named bullets."""
    tags = given.tags or tuple(re.findall(r"[^\s,;\[\]`#]+", entry.named("tags")))
    audience = {entry.named("audience").lower(), *(tag.lower() for tag in tags)}
    return replace(
        given,
        symptom=given.symptom or entry.named("symptom"),
        root_cause=given.root_cause or entry.named("root_cause"),
        solution=given.solution or entry.named("solution") or entry.named("solution_summary"),
        tags=tags,
        for_agents=given.for_agents or not _AGENTS.isdisjoint(audience),
    )


def judge(entry: Entry, given: Facts, use: Use, human: bool) -> Verdict:
    """PROMOTE, SKIP or BLOCKED, by the promotion rules in their order.

    Raises:
        EchoError: there is no such category.
    """
    if given.category not in CATEGORIES:
        raise EchoError("category", " | ".join(CATEGORIES), given.category)
    known = facts(entry, given)
    missing = tuple(name for name in _PAIR if not getattr(known, name).strip())
    if entry.layer != "etched":
        return Verdict(Outcome.SKIP, f"only an etched echo is promoted, this one is {entry.layer}")
    if missing:
        ways = " or ".join((f"a bullet `- **{missing[0]}**: ...` in the entry", "the option of that name"))
        lacks = f"no problem-solution pair: {', '.join(missing)} missing"
        return Verdict(Outcome.SKIP, f"{lacks}; add {ways}", missing)
    if entry.confidence < HIGH and use.references < SESSIONS:
        said = f"confidence {entry.confidence:g}, referenced in {use.references} sessions"
        return Verdict(Outcome.SKIP, f"not validated: {said}; it takes {HIGH:g} or {SESSIONS} sessions")
    if known.for_agents:
        return Verdict(Outcome.SKIP, "of use to agents alone")
    if given.category == "security" and not human:
        return Verdict(Outcome.BLOCKED, "a security solution must be verified by a person")
    return Verdict(Outcome.PROMOTE, "all rules hold")


def compose(entry: Entry, given: Facts, path: str, human: bool, today: date) -> Remembrance:
    """The remembrance of an entry that was judged, without secrets; ``path`` is where its echo stands."""
    told = filter.clean(entry).entry  # it leaves for a folder that git sees
    known = _without_secrets(facts(told, given))
    bare = Remembrance(
        title=told.title, category=known.category, tags=known.tags or (known.category,), date=today,
        symptom=known.symptom, root_cause=known.root_cause, solution_summary=known.solution,
        confidence="high" if entry.confidence >= HIGH else "medium",
        verified_by="human" if human else "agent",
        echo_ref=records.refer(path, entry.id, entry.digest), body=_details(told),
        requires_human_approval=known.category == "security",
    )  # fmt: skip
    return records.document(bare)


def _without_secrets(known: Facts) -> Facts:
    symptom, root_cause, solution, *tags = (
        filter.clean_text(text)[0]
        for text in (known.symptom, known.root_cause, known.solution, *known.tags)
    )
    return replace(known, symptom=symptom, root_cause=root_cause, solution=solution, tags=tuple(tags))


def _details(entry: Entry) -> str:
    evidence = "\n".join(f"- {line}" for line in entry.evidence)
    learnt = f"## What was learnt\n\n{entry.learning}" if entry.learning else ""
    return "\n\n".join(part for part in (learnt, f"## Evidence\n\n{evidence}" if evidence else "") if part)


def duplicates(candidate: Remembrance, existing: Iterable[Remembrance]) -> tuple[Duplicate, ...]:
    """What has the same title, a similar root cause, or three tags in common; each at most once."""
    found = (_duplicate(candidate, other) for other in existing)
    return tuple(duplicate for duplicate in found if duplicate)


def _duplicate(candidate: Remembrance, other: Remembrance) -> Duplicate | None:
    if _same(candidate.title) == _same(other.title):
        return Duplicate(other, "title", other.title)
    mine, its = _words(candidate.root_cause), _words(other.root_cause)
    alike = len(mine & its) / len(mine | its) if mine | its else 0.0
    if alike >= ALIKE:
        return Duplicate(other, "root_cause", f"{alike:.0%} of the words: {other.root_cause}")
    tags = sorted({tag.lower() for tag in candidate.tags} & {tag.lower() for tag in other.tags})
    return Duplicate(other, "tags", ", ".join(tags)) if len(tags) >= COMMON_TAGS else None


def _same(title: str) -> str:
    return " ".join(title.split()).rstrip(".").casefold()


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def stale(remembrance: Remembrance, entries: Iterable[Entry]) -> bool:
    """Whether the echo it refers to was edited or is gone; one that refers to none is never stale.

    Raises:
        EchoError: its ``echo_ref`` has another shape.
    """
    if not remembrance.echo_ref:
        return False
    wanted = records.reference(remembrance.echo_ref).sha256
    return all(entry.digest != wanted for entry in entries)
