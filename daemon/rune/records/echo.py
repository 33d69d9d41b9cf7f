"""The echo entry and the MEMORY.md that holds entries: one format printed, every dialect in the wild read.

Identity is content, never a line number: an entry keeps its id while it is verified again, trusted more, or
moved to another layer, and gets another one when what it says changes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date

LAYERS = ("etched", "inscribed", "traced")
"""From permanent to passing."""
ROLES = ("planner", "workers", "reviewer", "auditor", "team")
VERSION = 1
HEADER = "<!-- echo-schema: v1 -->"


@dataclass(frozen=True, slots=True)
class Entry:
    """One learning with its evidence."""

    layer: str
    """etched, inscribed or traced; what other dialects call notes, observations or consolidated is mapped."""
    title: str
    """What stands after the label: ``Unused imports in new files``."""
    day: date
    """When it was first written."""
    learning: str
    """One to three sentences; in other dialects everything below the fields."""
    evidence: tuple[str, ...] = ()
    """Each ```file:lines` — what was found``; may be empty in an etched entry alone."""
    source: str = "manual"
    confidence: float = 1.0
    """0.0 to 1.0."""
    verified: date = date.min
    """Last confirmed; ``date.min`` is read as ``day``."""
    supersedes: str = ""
    """Title of the entry that this one replaces; empty for none."""
    label: str = "Pattern"
    """The word before the title: Pattern, Architecture, Observation, ..."""
    fields: tuple[tuple[str, str], ...] = ()
    """Named bullets beyond the known ones (symptom, root_cause, solution, tags, ...), in their order."""
    raw: str = field(default="", compare=False, repr=False)
    """The text it was read from, printed again as long as nothing was changed; not part of equality."""

    @property
    def id(self) -> str:
        """``etched-1a2b3c4d``: the layer, and the first eight digits of the digest."""
        return f"{self.layer}-{self.digest[:8]}"

    @property
    def digest(self) -> str:
        """SHA-256 over title, evidence and learning, blanks and letter case aside."""
        parts = (self.title, *sorted(self.evidence), self.learning)
        return hashlib.sha256("\x1f".join(_plain(part) for part in parts).encode()).hexdigest()


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


@dataclass(frozen=True, slots=True)
class Memory:
    """A MEMORY.md."""

    role: str
    preamble: str
    """What stands above the first entry, header included."""
    entries: tuple[Entry, ...] = ()
    version: int = VERSION

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return render(self).count("\n")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that could not be read, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds, the unreadable named."""

    entries: tuple[Entry, ...]
    refusals: tuple[Refusal, ...]


def empty(role: str) -> Memory:
    """The MEMORY.md of a role that has learnt nothing yet."""
    raise NotImplementedError


def parse(text: str, path: object) -> Memory:
    """Read a MEMORY.md; EchoError names file, line and field, NewerVersion a header of another schema."""
    raise NotImplementedError


def survey(text: str, path: object) -> Survey:
    """Read what can be read of a file in any dialect; the rest is refused with line and reason."""
    raise NotImplementedError


def parse_findings(text: str, path: object) -> tuple[Entry, ...]:
    """The entries of an agent's findings file."""
    return parse(text, path).entries


def render(memory: Memory) -> str:
    """The file's text, byte for byte what was read as long as nothing changed."""
    raise NotImplementedError


def print_entry(entry: Entry) -> str:
    """The entry's own text where it is unchanged, else the canonical form; ends with a newline."""
    raise NotImplementedError


def check_evidence(entry: Entry) -> None:
    """EchoError where an entry has no evidence and is not etched by hand."""
    raise NotImplementedError
