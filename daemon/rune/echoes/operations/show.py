"""``show``: what the text memory holds, per role and entry by entry."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.echoes import findings, prune, score
from rune.echoes.journal import read, within
from rune.echoes.score import UNUSED, Use
from rune.echoes.store import Store, text_of
from rune.errors import FormatError, RuneError
from rune.paths import Echoes
from rune.records import dialects, echo, knowledge
from rune.records.change import Change
from rune.records.echo import LAYERS, ROLES, Entry

CHANGES = 5
"""Changes that the overview names."""


@dataclass(frozen=True, slots=True)
class RoleRow:
    """The memory of one role in numbers."""

    role: str
    layers: dict[str, int]
    """Entries by layer."""
    lines: int
    """Of MEMORY.md, which holds 150."""
    blocks: int
    """Of knowledge.md."""
    findings: int
    """Files of agents that wait for consolidation."""
    changed: float | None
    """When MEMORY.md was last written; None where there is none."""


@dataclass(frozen=True, slots=True)
class Table:
    """All roles, and what was done last."""

    roles: tuple[RoleRow, ...]
    changes: tuple[Change, ...]
    """The last ones, the newest first."""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry and how it stands."""

    id: str
    layer: str
    label: str
    title: str
    day: str
    verified: str
    source: str
    confidence: float
    score: float
    references: int
    workflows: int
    evidence: tuple[str, ...]
    learning: str
    supersedes: str
    fields: tuple[tuple[str, str], ...] = ()
    """Its other named bullets: symptom, root_cause, solution, tags, ..."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The memory of one role, entry by entry, the best score first within each layer."""

    role: str
    path: str
    lines: int
    entries: tuple[EntryRow, ...]
    blocks: tuple[knowledge.Block, ...] = ()
    problems: tuple[str, ...] = ()


def roles_of(echoes: Echoes) -> tuple[str, ...]:
    """Rune's five roles, and any other folder that has a MEMORY.md."""
    others = sorted(path.parent.name for path in echoes.root.glob("*/MEMORY.md"))
    return (*ROLES, *(role for role in others if role not in ROLES))


def known_role(echoes: Echoes, role: str) -> str:
    """The role, if there is one of that name.

    Raises:
        FormatError: there is none.
    """
    if role not in (roles := roles_of(echoes)):
        raise FormatError(f"{role!r} is no role of this project: expected one of {', '.join(roles)}")
    return role


def table(store: Store) -> Table:
    """Every role in numbers; what cannot be read is named."""
    store.settle()
    problems: list[str] = []
    rows = tuple(_row(store.echoes, role, problems) for role in roles_of(store.echoes))
    changes: list[Change] = []
    try:
        changes += itertools.islice(store.journal.newest_first(), CHANGES)
    except RuneError as error:
        problems.append(str(error))
    return Table(rows, tuple(changes), tuple(problems))


def _row(echoes: Echoes, role: str, problems: list[str]) -> RoleRow:
    path = echoes.memory(role)
    text = _text(echoes, path, problems)
    found = _survey(text, path, problems)
    waiting = findings.problems(echoes, role)
    problems += [f"{one.path}: {one.reason}; it waits until that is mended" for one in waiting]
    return RoleRow(
        role=role,
        layers={layer: sum(entry.layer == layer for entry in found) for layer in LAYERS},
        lines=len(dialects.lines_of(text)),
        blocks=len(_blocks(echoes, role, problems)),
        findings=len(list(echoes.role(role).glob("*-findings.md"))),
        changed=path.stat().st_mtime if path.exists() else None,
    )


def role(store: Store, role: str, uses: Mapping[str, Use], unused: Use = UNUSED) -> Shown:
    """One role, entry by entry.

    Args:
        store: of which project.
        role: whose memory.
        uses: of each echo, by digest.
        unused: of an echo that is not among these.
    """
    store.settle()
    path = store.echoes.memory(known_role(store.echoes, role))
    problems: list[str] = []
    text = _text(store.echoes, path, problems)
    rows = [
        _entry_row(entry, uses.get(entry.digest, unused), store.today)
        for entry in _survey(text, path, problems)
    ]
    rows.sort(key=lambda row: (LAYERS.index(row.layer), -row.score, row.title))
    blocks = _blocks(store.echoes, role, problems)
    shown = path.relative_to(store.echoes.project).as_posix()
    return Shown(role, shown, len(dialects.lines_of(text)), tuple(rows), blocks, tuple(problems))


def _text(echoes: Echoes, path: Path, problems: list[str]) -> str:
    data = b""
    try:
        data = read(within(echoes.project, path)) or b""
        return text_of(data, path)
    except FormatError as error:
        problems.append(str(error))
    except OSError as error:
        problems.append(f"{path}: {error.strerror}")
    return data.decode("utf-8", "replace")


def _survey(text: str, path: Path, problems: list[str]) -> tuple[Entry, ...]:
    if not text:
        return ()
    try:
        found = echo.survey(text, path)
    except FormatError as error:
        problems.append(str(error))
        return ()
    problems += [f"{path}:{refusal.line}: {refusal.reason}" for refusal in found.refusals]
    return found.entries


def _blocks(echoes: Echoes, role: str, problems: list[str]) -> tuple[knowledge.Block, ...]:
    path = echoes.knowledge(role)
    if not (text := _text(echoes, path, problems)):
        return ()
    try:
        return knowledge.parse(text, path).blocks
    except FormatError as error:
        problems.append(str(error))
        return ()


def _entry_row(entry: Entry, use: Use, today: datetime.date) -> EntryRow:
    verified = entry.day if entry.verified == datetime.date.min else entry.verified
    return EntryRow(
        id=entry.id,
        layer=entry.layer,
        label=entry.label,
        title=entry.title,
        day=str(entry.day),
        verified=str(verified),
        source=entry.source,
        confidence=entry.confidence,
        score=round(score.score(entry, use, today), 2),
        references=use.references,
        workflows=use.workflows,
        evidence=entry.evidence,
        learning=entry.learning,
        supersedes=entry.supersedes,
        fields=entry.fields,
    )


def render_table(shown: Table) -> str:
    """Every role on a line, then what was done last."""
    if not any(row.changed or row.findings for row in shown.roles):
        lines = ["Text memory: none yet; `rune echoes init` makes it."]
    else:
        head = ("ROLE", *(layer.upper() for layer in LAYERS), "LINES", "KNOWLEDGE", "FINDINGS", "CHANGED")
        lines = _columns([head, *(_cells(row) for row in shown.roles)])
    if shown.changes:
        lines += ["", "Last changes (`undo` takes back the newest that stands)"]
        lines += [f"  {_when(change.at):<16}  {change.what}" for change in shown.changes]
    return "\n".join([*lines, *_problems(shown.problems)])


def _cells(row: RoleRow) -> tuple[str, ...]:
    counts = Counter(row.layers)
    lines = f"{row.lines}/{prune.LIMIT}" + (" over" if row.lines > prune.LIMIT else "")
    changed = "never" if row.changed is None else _when(row.changed)
    numbers = (str(counts[layer]) for layer in LAYERS)
    return (row.role, *numbers, lines, _some(row.blocks, "block"), str(row.findings), changed)


def render_role(shown: Shown) -> str:
    """Every entry with its id, score and evidence."""
    lines = [
        f"{shown.role}: {_some(len(shown.entries), 'entry')}, {shown.lines}/{prune.LIMIT} lines  {shown.path}"
    ]
    for row in shown.entries:
        lines += ["", f"{row.id}  score {row.score:.2f}  {row.label}: {row.title}"]
        lines.append(
            f"  written {row.day}, verified {row.verified}, confidence {row.confidence:.2f}, used in "
            f"{row.references} of {_some(row.workflows, 'workflow')}, by {row.source}"
        )
        lines += [f"  evidence: {item}" for item in row.evidence]
        if row.supersedes:
            lines.append(f"  supersedes: {row.supersedes}")
        lines += [f"  {name}: {value}" for name, value in row.fields if value]
        lines += [f"  {line}" for line in row.learning.splitlines() if line.strip()]
    for block in shown.blocks:
        lines += ["", f"knowledge {block.day}  {block.topic}", *(f"  {line}" for line in block.summary)]
    if not shown.entries and not shown.blocks:
        lines.append("nothing yet")
    return "\n".join([*lines, *_problems(shown.problems)])


def _problems(problems: Sequence[str]) -> list[str]:
    return ["", "Not read", *(f"- {problem}" for problem in problems)] if problems else []


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _when(at: float) -> str:
    return f"{datetime.datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def _some(count: int, noun: str) -> str:
    """A number with its noun.

    >>> _some(1, "entry"), _some(2, "entry"), _some(0, "block")
    ('1 entry', '2 entries', '0 blocks')
    """
    if count != 1:
        noun = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun}"
