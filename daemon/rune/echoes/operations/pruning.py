"""``prune``: what is stale or too much leaves a MEMORY.md; archived, compressed, never lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rune.echoes import compress, prune
from rune.echoes.score import Use
from rune.echoes.store import Change, text_of
from rune.errors import FormatError
from rune.records import knowledge
from rune.records.knowledge import Block, Knowledge


@dataclass(frozen=True, slots=True)
class Leaving:
    """An entry that leaves, where to, and why."""

    id: str
    title: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What pruning does to one role."""

    role: str
    lines_before: int
    lines_after: int
    leaving: tuple[Leaving, ...] = ()
    knowledge_before: int = 0
    """Lines of knowledge.md."""
    knowledge_after: int = 0
    saving: float = 0.0
    """Share of the words of knowledge.md that compression saved."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """What pruning does, by role; roles within their limits are left out."""

    roles: tuple[Trimmed, ...]
    within: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """Roles that cannot be read, and so are left as they are."""


def run(change: Change, roles: Sequence[str], uses: Mapping[str, Use]) -> Pruning:
    """Prune the roles that are over their limits."""
    done: dict[str, Trimmed | None] = {}
    problems = []
    for role in roles:
        try:
            done[role] = _trim(change, role, uses)
        except FormatError as error:  # reading comes before writing: nothing of this role is in the change
            problems.append(str(error))
    return Pruning(
        tuple(trimmed for trimmed in done.values() if trimmed is not None),
        tuple(role for role, trimmed in done.items() if trimmed is None),
        tuple(problems),
    )


def _trim(change: Change, role: str, uses: Mapping[str, Use]) -> Trimmed | None:
    memory, known = change.memory(role), _known(change, role)
    plan = prune.plan(memory, uses, change.today)
    done = prune.apply(memory, plan)
    if not plan.empty:
        change.archive(role, done.archived)
        change.save(done.memory)
    packed = _pack(change, known, done.blocks)
    if plan.empty and packed is None and memory.lines <= prune.LIMIT:
        return None
    leaving = [Leaving(e.id, e.title, "archive", plan.reasons.get(e.id, "")) for e in plan.archive]
    leaving += [
        Leaving(entry.id, entry.title, f"knowledge: {merge.block.topic}", plan.reasons.get(entry.id, ""))
        for merge in plan.compress
        for entry in merge.entries
    ]
    before, after = plan.lines_before or memory.lines, done.memory.lines
    if packed is None:
        return Trimmed(role, before, after, tuple(leaving))
    return Trimmed(
        role, before, after, tuple(leaving), packed.lines_before, packed.lines_after, packed.saving
    )


def _known(change: Change, role: str) -> Knowledge:
    data = change.read(path := change.echoes.knowledge(role))
    return Knowledge(role) if data is None else knowledge.parse(text_of(data, path), path)


def _pack(change: Change, known: Knowledge, blocks: Sequence[Block]) -> compress.Compressed | None:
    """Add blocks to a knowledge.md and compress it where it is over its limit; None where nothing changes."""
    packed = compress.compress(Knowledge(known.role, (*known.blocks, *blocks), known.preamble, known.version))
    if not blocks and packed.lines_after == packed.lines_before:
        return None
    change.write(change.echoes.knowledge(known.role), knowledge.render(packed.knowledge).encode())
    return packed


def render(done: Pruning) -> str:
    """What leaves, role by role, with the reason."""
    lines: list[str] = []
    for role in done.roles:
        become = f"become {role.lines_after} of" if role.lines_after < role.lines_before else "of at most"
        lines.append(f"{role.role}: {role.lines_before} lines {become} {prune.LIMIT}")
        for leaving in role.leaving:
            lines.append(f"  {leaving.id}  {leaving.title}")
            lines.append(f"    to {leaving.where}: {leaving.reason}")
        if role.knowledge_before:
            lines.append(
                f"  knowledge.md: {role.knowledge_before} lines become {role.knowledge_after}, "
                f"{role.saving:.0%} of its words saved, all evidence kept"
            )
        if role.lines_after > prune.LIMIT:
            lines.append("  still over: what is left is etched, and only a person removes that")
    if done.within:
        lines.append(f"within the limit of {prune.LIMIT} lines, nothing leaves: {', '.join(done.within)}")
    lines += [f"left as it is: {problem}" for problem in done.problems]
    return "\n".join(lines)
