"""The echo entry: one learning with its evidence, and the one form in which Rune prints it.

    ### [2026-02-11] Pattern: Unused imports in new files
    - **layer**: inscribed
    - **source**: rune:review PR #42
    - **confidence**: 0.85
    - **evidence**: `src/auth.py:1-5` — 3 unused imports found
    - **verified**: 2026-02-11
    - **supersedes**: none
    - Codebase tends to leave unused imports in newly created files.

Identity is content, never a line number: an entry keeps its digest while it is verified again, trusted more,
or moved to another layer, and gets another one when what it says changes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date

from rune.errors import EchoError
from rune.records import dialects

LAYERS = ("etched", "inscribed", "traced")
"""From permanent to passing."""
SOLUTION = ("symptom", "root_cause", "solution", "solution_summary")
"""Named bullets that say something themselves, where others only describe the entry."""
_NO_LABEL = re.compile(r"[^\w /&-]+")
NOTHING = frozenset(("", "none", "n/a", "null", "-", "nothing", "—"))
"""Ways to say that a field has no value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One learning with its evidence; the constructor brings its texts to their printed form."""

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
    tail: str = field(default="", compare=False, repr=False)
    """What follows it in its file and belongs to no entry (a rule, a bare heading); printed behind it."""
    seal: int = field(default=0, compare=False, repr=False)
    """The hash of the entry as it was read: whether ``raw`` still says the same."""

    def __post_init__(self) -> None:
        """Bring the texts to their printed form.

        Raises:
            EchoError: layer, title, confidence or a field's name cannot be printed.
        """
        if self.layer not in LAYERS:
            raise EchoError("layer", " | ".join(LAYERS), self.layer)
        if not 0.0 <= self.confidence <= 1.0:
            raise EchoError("confidence", "a number from 0.0 to 1.0", self.confidence)
        supersedes, evidence = _line(self.supersedes), map(_line, self.evidence)
        label = _NO_LABEL.sub(" ", _line(self.label)).strip(" /&-")[:40]
        for name, value in {
            "title": _line(self.title),
            "label": _line(label) or "Pattern",
            "source": _line(self.source) or "manual",
            "confidence": float(self.confidence),
            "verified": self.day if self.verified == date.min else self.verified,
            "supersedes": "" if supersedes.lower() in NOTHING else supersedes,
            "evidence": tuple(dict.fromkeys(line for line in evidence if line.lower() not in NOTHING)),
            "fields": tuple((_name(name), _line(value)) for name, value in self.fields),
            "learning": _paragraphs(self.learning),
        }.items():
            object.__setattr__(self, name, value)
        if not self.title:
            raise EchoError("title", "a short description after the date", self.title)

    @property
    def id(self) -> str:
        """``etched-1a2b3c4d``: the layer, and the first eight digits of the digest."""
        return f"{self.layer}-{self.digest[:8]}"

    @property
    def digest(self) -> str:
        """SHA-256 over title, evidence, learning and solution, blanks and letter case aside."""
        solved = (f"{name}: {value}" for name, value in sorted(self.fields) if name in SOLUTION and value)
        parts = (self.title, *sorted(self.evidence), self.learning, *solved)
        return hashlib.sha256("\x1f".join(_plain(part) for part in parts).encode()).hexdigest()

    def named(self, name: str) -> str:
        """The value of a named bullet; empty where there is none."""
        return next((value for found, value in self.fields if found == name), "")


def _plain(text: str) -> str:
    return _line(text).lower()


def _line(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def _name(text: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not name or not name[0].isalpha() or name in dialects.CORE:
        raise EchoError("fields", "names of letters, digits and _ beyond the known fields", text)
    return name


def print_entry(entry: Entry) -> str:
    """The entry's own text where it is unchanged, else the canonical form; with what follows it."""
    if unchanged(entry):
        return entry.raw + entry.tail
    lines = [
        f"### [{entry.day.isoformat()}] {entry.label}: {entry.title}",
        f"- **layer**: {entry.layer}",
        f"- **source**: {entry.source}",
        f"- **confidence**: {entry.confidence!r}",
        *(f"- **evidence**: {evidence}" for evidence in entry.evidence),
        f"- **verified**: {entry.verified.isoformat()}",
        f"- **supersedes**: {entry.supersedes or 'none'}",
        *(f"- **{name}**: {value}".rstrip() for name, value in entry.fields),
        *_print_learning(entry.learning),
    ]
    return "\n".join(lines) + "\n" + (f"\n{entry.tail}" if entry.tail else "")


def _print_learning(learning: str) -> list[str]:
    if not learning:
        return []
    first, *rest = learning.split("\n")
    mark = "- **learning**: " if dialects.field(f"- {first}") else "- "
    return [mark + first, *(f"  {line}" if line else "" for line in rest)]


def unchanged(entry: Entry) -> bool:
    """Whether it says what the text says that it was read from."""
    return bool(entry.raw) and entry.seal == hash(entry)


def check_evidence(entry: Entry) -> None:
    """An entry without evidence is refused, unless it was etched by hand.

    Raises:
        EchoError: it has none.
    """
    if not entry.evidence and entry.layer != "etched":
        raise EchoError("evidence", "`file:lines` — what was found", f"none in {entry.title!r}")
