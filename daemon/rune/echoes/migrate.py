"""Old names of agents and concepts in the metadata of echoes, renamed; pure.

Only the lines of source and evidence are touched, never a learning. All names of a version are replaced at
the same time, as whole words (a hyphen belongs to a word); versions follow each other. No new name of a
version is an old one of it or of one before, so that a second run finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rune.records import dialects

RENAMES: Mapping[str, Mapping[str, str]] = {
    "1.5.0": {
        "echo-detector": "mimic-detector",
        "orphan-finder": "wraith-finder",
        "forge-oracle": "ember-oracle",
        "lore-seeker": "practice-seeker",
        "realm-analyst": "repo-surveyor",
        "chronicle-miner": "git-miner",
        "lore-keeper": "knowledge-keeper",
        "Lore Keeper": "Knowledge Keeper",
        "rune-circle": "roundtable-circle",
        "rune:cleanup": "rune:rest",
    },
}
"""Version of the original plugin that renamed -> old name -> new name, oldest version first."""
METADATA = ("source", "evidence")


@dataclass(frozen=True, slots=True)
class Change:
    """One renamed line."""

    line: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """A text after migration."""

    text: str
    changes: tuple[Change, ...]


def migrate(text: str, names: Mapping[str, str] | None = None) -> Migrated:
    """Rename on the lines of source and evidence alone; without ``names`` by every version's map in turn.

    >>> text = "### [2026-02-11] Pattern: x\\n- **source**: lore-seeker\\n- Ask lore-seeker.\\n"
    >>> print(migrate(text).text, end="")
    ### [2026-02-11] Pattern: x
    - **source**: practice-seeker
    - Ask lore-seeker.
    """
    maps = list(RENAMES.values()) if names is None else [names]
    lines = dialects.lines_of(text)
    changes = []
    for number in sorted(set(_metadata(text))):
        before = lines[number - 1]
        after = before
        for renames in maps:
            after = rename(after, renames)
        if after != before:
            lines[number - 1] = after
            changes.append(Change(number, before.rstrip("\r\n"), after.rstrip("\r\n")))
    return Migrated("".join(lines), tuple(changes))


def rename(line: str, names: Mapping[str, str]) -> str:
    """All names replaced at once, the longest first where one holds another."""
    if not names:
        return line
    longest_first = sorted(names, key=len, reverse=True)
    pattern = "|".join(map(re.escape, longest_first))
    return re.sub(rf"(?<![\w-])(?:{pattern})(?![\w-])", lambda found: names[found[0]], line)


def _metadata(text: str) -> Iterable[int]:
    """The numbers of the lines that are source or evidence, those they go on with included."""
    passages = dialects.read(text).passages
    for passage in passages:
        for field in passage.fields:
            if field.name in METADATA:
                yield from range(field.line, field.line + field.lines)
    if not passages:  # knowledge.md: its blocks are no entries, but have evidence
        for number, line in enumerate(text.split("\n"), 1):
            named = dialects.field(line.rstrip("\r"))
            if named and named[0] in METADATA:
                yield number
