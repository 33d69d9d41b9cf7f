"""Say what a project remembers, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rune import printable
from rune.show.overview import AdapterRow, Overview, SessionRow, total

WIDTH = 100
ROWS = 12
"""Lines of a table; older ones are counted."""
SETS = ("trained", "heldout", "composed", "unrelated")
LEGEND = "PROBES: % right, base > adapter: trained, held-out and composed questions; unrelated ones"


def to_json(overview: Overview) -> str:
    """The overview for programs; times are seconds since the epoch."""
    found = {**asdict(overview), "redactions": overview.redactions}
    return json.dumps(found, indent=1, ensure_ascii=False)


def render(overview: Overview, now: float) -> str:
    """The overview for people: plain text of at most 100 columns."""
    parts = ["\n".join(_heading(overview, now))]
    if overview.sessions:
        parts.append(_sessions(overview.sessions, now))
    if overview.adapters:
        parts.append(_adapter_table(overview.adapters, now))
    if overview.problems:
        problems = (f"- {printable.line(problem)}" for problem in overview.problems)
        parts.append("\n".join(["Problems", *problems]))
    return "\n\n".join(parts) + "\n"


def _heading(overview: Overview, now: float) -> list[str]:
    lines = [f"Rune, the memory of {printable.line(overview.project)}"]
    if not overview.ready:
        lines.append("Not set up yet: `rune setup` brings the model. Sessions are captured, but not learnt.")
    if overview.sessions or overview.adapters:
        facts = [*_made(overview), *_latest(overview, now), *_pending(overview, now)]
        lines += ["", *_facts(facts)]
    else:
        lines += ["", *_what_comes(overview, now)]
    return lines


def _what_comes(overview: Overview, now: float) -> list[str]:
    """For the first day, when there is nothing to show."""
    lines = [
        "Nothing of this project has been captured yet. What happens next, without you doing anything:",
        "1. While you work, prompts, edits, commands and their outcomes go to .claude/echoes/trajectories/,",
        "   with secrets taken out.",
        "2. When the session is over, it is distilled into a small adapter in .claude/echoes/adapters/.",
        "3. From then on the agent can ask with rune_recall what you found out.",
    ]
    pending = _facts(_pending(overview, now))
    return [*lines, "", *pending] if pending else lines


def _facts(facts: Sequence[tuple[str, str]]) -> list[str]:
    return [_cut(f"{name:<15}{printable.line(text)}", WIDTH) for name, text in facts]


def _made(overview: Overview) -> list[tuple[str, str]]:
    sessions, adapters = overview.sessions, overview.adapters
    states = Counter[str](row.state for row in sessions)
    kinds = total(row.events for row in sessions)
    active = sum(row.state == "active" for row in adapters)
    lessons = sum(row.lessons for row in adapters if row.state == "active")
    size, written = (_size(sum(row.bytes for row in rows)) for rows in (adapters, sessions))
    taken = overview.redactions
    return [
        ("sessions", f"{len(sessions)}: {_counts(states) or 'none'}"),
        ("trajectories", f"{written}, {_number(sum(kinds.values()), 'event')}: {_counts(kinds)}"),
        ("adapters", f"{active} in service of {len(adapters)}, {size}, {_number(lessons, 'lesson')}"),
        ("redacted", _number(sum(taken.values()), "secret") + (f": {_counts(taken)}" if taken else "")),
    ]


def _latest(overview: Overview, now: float) -> list[tuple[str, str]]:
    lines = []
    if event := overview.last_event:
        lines.append(("last event", f"{ago(now, event.at)}: {event.kind} in session {event.session}"))
    if overview.adapters:
        newest = overview.adapters[-1]
        lines.append(("last adapter", f"{ago(now, newest.created)}: {newest.id}, {newest.summary}"))
    if error := overview.last_error:
        lines.append(
            ("last error", f"{ago(now, error.at)}: session {error.session} {error.state}: {error.reason}")
        )
    return lines


def _pending(overview: Overview, now: float) -> list[tuple[str, str]]:
    lines = []
    for found in overview.jobs:
        due = f", due {ago(now, found.not_before)}" if found.not_before > now else ""
        lines.append(("job", f"{found.name}: {found.state}{due}"))
    if len(lines) > ROWS:
        lines[ROWS:] = [("", f"and {len(lines) - ROWS} more jobs")]
    if overview.waiting_events:
        events_, files_ = (
            _number(overview.waiting_events, "event"),
            _number(overview.waiting_files, "session"),
        )
        lines.append(("spool", f"{events_} of {files_} not taken in yet: the daemon does that when it runs"))
    return lines


def _sessions(rows: Sequence[SessionRow], now: float) -> str:
    cells = [
        (row.session, row.state, ago(now, row.last), str(sum(row.events.values())), row.adapter or row.note)
        for row in reversed(rows)
    ]
    return _table(("SESSION", "STATE", "LAST EVENT", "EVENTS", "ADAPTER"), cells)


def _adapter_table(rows: Sequence[AdapterRow], now: float) -> str:
    cells = [
        (
            row.id,
            row.state,
            ago(now, row.created),
            _size(row.bytes),
            str(row.lessons),
            scores(row),
            row.summary,
        )
        for row in reversed(rows)
    ]
    return _table(("ADAPTER", "STATE", "MADE", "SIZE", "LESSONS", "PROBES", "ABOUT"), cells) + f"\n{LEGEND}"


def scores(row: AdapterRow) -> str:
    """Percent of the probes of each set that the base answered, and that the adapter answers."""
    pairs = [(row.probes_before.get(name), row.probes_after.get(name)) for name in SETS]
    return " ".join(f"{_percent(before)}>{_percent(after)}" for before, after in pairs)


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{score * 100:.0f}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as needed, 36 characters at most; the last one gets what is left of the width."""
    shown = [head, *(tuple(printable.line(cell) for cell in row) for row in rows[:ROWS])]
    widths = [min(36, max(len(row[i]) for row in shown)) for i in range(len(head) - 1)]
    lines = []
    for row in shown:
        cells = [_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(_cut("  ".join([*cells, row[-1]]), WIDTH).rstrip())
    if len(rows) > ROWS:
        lines.append(f"and {len(rows) - ROWS} older ones: --json lists them")
    return "\n".join(lines)


def ago(now: float, then: float) -> str:
    """A time as people say it.

    >>> ago(1000.0, 880.0), ago(1000.0, 1000.0), ago(1000.0, 4600.0)
    ('2 min ago', 'just now', 'in 1 h')
    """
    seconds = abs(now - then)
    steps = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    for length, unit in steps:
        if seconds >= length:
            count = f"{int(seconds // length)} {unit}"
            return f"{count} ago" if then <= now else f"in {count}"
    return "just now"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
