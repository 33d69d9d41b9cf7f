"""What leaves a MEMORY.md that is over its limit, and why; pure.

Over 150 lines: first every inscribed entry with a score below 0.3 that was neither referenced nor verified
for more than 90 days, and every traced one below 0.2 that is older than 30 days, is archived. As long as the
file is still too long, the lowest-scoring fifth of the inscribed entries is archived, then the middle three
tenths of the traced ones are compressed into knowledge.md. It ends when the file fits or only etched entries
are left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from rune.echoes import compress
from rune.echoes.score import MAX_AGE, UNUSED, Use, score
from rune.records import dialects, echo
from rune.records.echo import Entry, Memory
from rune.records.knowledge import Block

LIMIT = 150
"""Lines of a MEMORY.md."""
FADED = {"inscribed": 0.3, "traced": 0.2}
"""Layer -> score below which an entry that is too old goes first."""
ARCHIVED_SHARE = 0.2
COMPRESSED_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Merge:
    """Entries that become one block of knowledge.md."""

    entries: tuple[Entry, ...]
    block: Block


@dataclass(frozen=True, slots=True)
class Plan:
    """What is kept, archived and compressed; together they are all entries of the memory."""

    keep: tuple[Entry, ...]
    archive: tuple[Entry, ...]
    compress: tuple[Merge, ...]
    reasons: Mapping[str, str]
    """Entry id to why it leaves."""
    lines_before: int
    lines_after: int
    before: Memory
    """What it was made for."""
    after: Memory

    @property
    def empty(self) -> bool:
        """Whether nothing leaves."""
        return not self.archive and not self.compress


@dataclass(frozen=True, slots=True)
class Pruned:
    """A plan carried out on values: what to write where."""

    memory: Memory
    archived: tuple[Entry, ...]
    """All that left, the compressed ones too: for archive/."""
    blocks: tuple[Block, ...]
    """For knowledge.md."""


def plan(memory: Memory, uses: Mapping[str, Use], today: date, limit: int = LIMIT) -> Plan:
    """Decide what leaves; nothing does while the memory is within its limit. ``uses`` is by digest."""
    state = _State(memory, uses, today, limit)
    if state.over():
        state.archive(state.faded())
    while state.over() and (state.of("inscribed") or state.of("traced")):
        state.archive(state.lowest())
        if state.over():
            state.compress(state.middle())
    return state.plan()


def apply(memory: Memory, decided: Plan) -> Pruned:
    """The memory after the plan, what goes to the archive, and the new blocks.

    Raises:
        ValueError: the memory is not the one that the plan was made for.
    """
    if memory != decided.before:
        raise ValueError(f"the memory of {memory.role} changed after it was planned; plan again")
    compressed = tuple(entry for merge in decided.compress for entry in merge.entries)
    return Pruned(decided.after, decided.archive + compressed, tuple(m.block for m in decided.compress))


def faded(entry: Entry, use: Use, today: date) -> bool:
    """Whether the rule of its layer archives an entry.

    An inscribed entry's age counts from its last reference or verification, a traced one's from its
    verification.
    """
    if entry.layer not in FADED:
        return False
    since = entry.verified
    if entry.layer == "inscribed" and use.last:
        since = max(since, use.last)
    old = (today - since).days > MAX_AGE[entry.layer]
    return old and score(entry, use, today) < FADED[entry.layer]


def _lines(text: str) -> int:
    return len(dialects.lines_of(text))


class _State:
    """A plan in the making: entries are known by their place, since two may say the same."""

    def __init__(self, memory: Memory, uses: Mapping[str, Use], today: date, limit: int) -> None:
        self._memory, self._limit, self._today = memory, limit, today
        self._uses = [uses.get(entry.digest, UNUSED) for entry in memory.entries]
        pairs = zip(memory.entries, self._uses, strict=True)
        self._scores = [score(entry, use, today) for entry, use in pairs]
        printed = [_lines(echo.print_entry(entry)) for entry in memory.entries]
        stay = [_lines(echo.stays(entry)) for entry in memory.entries]
        self._lines = [whole - part for whole, part in zip(printed, stay, strict=True)]
        self._left = _lines(memory.preamble) + sum(printed)
        self._gone: dict[int, str] = {}
        self._archived: list[int] = []
        self._merges: list[tuple[int, ...]] = []

    def over(self) -> bool:
        """Whether what is left is over the limit; rendered only where blank lines between entries decide."""
        if self._left > self._limit:
            return True
        kept = len(self._lines) - len(self._gone)
        if self._left + kept <= self._limit:
            return False
        return echo.without(self._memory, self._gone).lines > self._limit

    def of(self, layer: str) -> list[int]:
        """The entries of a layer that are left, lowest score first, of equals the one verified first."""
        entries = self._memory.entries
        left = [n for n, entry in enumerate(entries) if entry.layer == layer and n not in self._gone]
        return sorted(left, key=lambda n: (self._scores[n], entries[n].verified, n))

    def faded(self) -> dict[int, str]:
        """What the rules of the layers archive."""
        return {
            n: f"score {self._scores[n]:.2f} below {FADED[entry.layer]}, over {MAX_AGE[entry.layer]} days old"
            for n, entry in enumerate(self._memory.entries)
            if faded(entry, self._uses[n], self._today)
        }

    def lowest(self) -> dict[int, str]:
        """The lowest-scoring fifth of the inscribed entries, one at least."""
        left = self.of("inscribed")
        lowest = left[: math.ceil(len(left) * ARCHIVED_SHARE)]
        return {n: f"score {self._scores[n]:.2f}, among the lowest 20 % of the inscribed" for n in lowest}

    def middle(self) -> dict[int, str]:
        """The middle three tenths of the traced entries, one at least."""
        left = self.of("traced")
        count = math.ceil(len(left) * COMPRESSED_SHARE)
        start = (len(left) - count) // 2
        middle = left[start : start + count]
        return {n: f"score {self._scores[n]:.2f}, among the middle 30 % of the traced" for n in middle}

    def archive(self, places: Mapping[int, str]) -> None:
        """Let entries go to the archive."""
        self._archived += places
        self._drop(places)

    def compress(self, places: Mapping[int, str]) -> None:
        """Let entries go to knowledge.md."""
        self._merges.append(tuple(sorted(places)))
        self._drop(places)

    def _drop(self, places: Mapping[int, str]) -> None:
        self._gone |= places
        self._left -= sum(self._lines[n] for n in places)

    def plan(self) -> Plan:
        """All decisions, in the order of the file."""
        after, taken = echo.take_out(self._memory, self._gone)
        by_place = dict(zip(sorted(self._gone), taken, strict=True))
        merges = [
            Merge(group, compress.block(group))
            for places in self._merges
            for group in compress.groups(by_place[n] for n in places)
        ]
        reasons = {by_place[n].id: reason for n, reason in self._gone.items()}
        archive = tuple(by_place[n] for n in sorted(self._archived))
        before = self._memory
        return Plan(
            after.entries, archive, tuple(merges), reasons, before.lines, after.lines, before, after
        )  # fmt: skip
