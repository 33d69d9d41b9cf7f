"""What a project's text memory says now: echoes and remembrances, for recall and teaching; never the archive.

What cannot be read is left out here: ``show`` names it. What a person wrote a secret into is read without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rune.echoes import filter
from rune.echoes.consolidate import plain
from rune.echoes.journal import within
from rune.echoes.operations import solutions
from rune.errors import FormatError, RuneError
from rune.paths import Echoes
from rune.records import echo, knowledge
from rune.records.echo import Entry

ECHO = "echo:"
"""What stands before an entry's digest where a lesson or a document names it."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the memory."""

    kind: str
    """remembrance, echo or knowledge."""
    id: str
    """``echo:<digest>``, ``remembrance:<path>``, ``knowledge:<role>:<topic>``."""
    name: str
    """As a person refers to it: ``inscribed-1a2b3c4d``, a path, a topic."""
    text: str
    path: str
    """Of its file, relative to the project."""


@dataclass(frozen=True, slots=True)
class Known:
    """The text memory of a project at one moment."""

    entries: tuple[tuple[str, Entry], ...]
    """Role and entry."""
    texts: tuple[Text, ...]

    @property
    def digests(self) -> frozenset[str]:
        """Of the entries that are there."""
        return frozenset(entry.digest for _, entry in self.entries)

    def living(self, evidence: Iterable[str]) -> bool:
        """Whether every echo that a lesson rests on is still there; one that rests on none always lives.

        >>> Known((), ()).living(["e1"]), Known((), ()).living(["echo:1a2b"])
        (True, False)
        """
        return {one.removeprefix(ECHO) for one in evidence if one.startswith(ECHO)} <= self.digests


def read(echoes: Echoes) -> Known:
    """Everything that is in force."""
    entries = [(role, entry) for role in _roles(echoes) for entry in _entries(echoes, role)]
    texts = [*_remembrances(echoes), *(_of_entry(echoes, role, entry) for role, entry in entries)]
    texts += [text for role in _roles(echoes) for text in _blocks(echoes, role)]
    return Known(tuple(entries), tuple({text.id: text for text in texts}.values()))


def _roles(echoes: Echoes) -> list[str]:
    own = {path.parent.name for path in echoes.root.glob("*/MEMORY.md")}
    return sorted(own | {path.parent.name for path in echoes.root.glob("*/knowledge.md")})


def _entries(echoes: Echoes, role: str) -> list[Entry]:
    """The entries of a role without secrets, those that another one replaces left out."""
    path = echoes.memory(role)
    try:
        text = within(echoes.project, path).read_text("utf-8", "replace")
        found = echo.survey(text, path).entries
    except (RuneError, OSError):
        return []
    clean = [filter.clean(entry).entry for entry in found]
    newer: dict[str, list[tuple[date, int, str]]] = {}
    for place, entry in enumerate(clean):
        if entry.supersedes:
            newer.setdefault(plain(entry.supersedes), []).append((entry.day, place, entry.layer))
    return [entry for place, entry in enumerate(clean) if not _replaced(entry, place, newer)]


def _replaced(entry: Entry, place: int, newer: dict[str, list[tuple[date, int, str]]]) -> bool:
    """Whether a later entry takes its place: somebody wrote that, and nobody has consolidated since."""
    return any(
        (day, other) > (entry.day, place) and (entry.layer != "etched" or layer == "etched")
        for day, other, layer in newer.get(plain(entry.title), ())
    )


def _of_entry(echoes: Echoes, role: str, entry: Entry) -> Text:
    named = (value for name, value in entry.fields if name in ("symptom", "root_cause", "solution"))
    text = ". ".join(part.rstrip(". ") for part in (entry.title, *named, entry.learning) if part.strip())
    return Text("echo", f"{ECHO}{entry.digest}", entry.id, f"{text}.", _name(echoes, echoes.memory(role)))


def _remembrances(echoes: Echoes) -> list[Text]:
    found = []
    for document in solutions.read(echoes, []):
        it = document.remembrance
        text = f"{it.title}. Symptom: {it.symptom} Cause: {it.root_cause} Solution: {it.solution_summary}"
        clean = filter.clean_text(text)[0]
        found.append(Text("remembrance", f"remembrance:{document.path}", document.path, clean, document.path))
    return found


def _blocks(echoes: Echoes, role: str) -> list[Text]:
    path = echoes.knowledge(role)
    try:
        text = within(echoes.project, path).read_text("utf-8", "replace")
        blocks = knowledge.parse(text, path).blocks
    except (FormatError, OSError):
        return []
    return [
        Text(
            "knowledge", f"knowledge:{role}:{block.topic}", block.topic,
            filter.clean_text(f"{block.topic}. {' '.join(block.summary)}")[0], _name(echoes, path),
        )
        for block in blocks
    ]  # fmt: skip


def _name(echoes: Echoes, path: Path) -> str:
    return path.relative_to(echoes.project).as_posix()
