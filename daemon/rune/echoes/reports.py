"""Review and audit reports of a session: their grave findings as inscribed entries of the role.

A workflow leaves its report as ``tmp/reviews/<id>/TOME.md``, ``tmp/audit/<id>/TOME.md`` or
``tmp/arc/<id>/tome.md``; a session has one when it wrote it, or when one there changed while it lasted.

Covered: P1 and P2; the same pattern at several places as one entry; a report that was cleaned away meanwhile,
as far as the trajectory holds it.
Not covered: findings that the report itself does not call sure; P3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath

from rune.echoes import recur
from rune.echoes.journal import within
from rune.errors import FormatError
from rune.paths import Echoes
from rune.records import tome
from rune.records.echo import Entry
from rune.records.tome import Finding
from rune.records.trajectory import Generation, Trajectory

PLACES = ("tmp/reviews/*", "tmp/review/*", "tmp/audit/*", "tmp/audits/*", "tmp/arc/*")
NAME = "tome.md"
CONFIDENCE = {"P1": 0.9, "P2": 0.8}
"""Severity -> how sure its entry is."""
SURE = 0.8
"""Least confidence of a finding whose report gives a number."""
LATE = 120.0
"""Seconds after a session's last event in which its report may still have been written."""
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Report:
    """A report that a session left."""

    path: str
    """Relative to the project."""
    role: str
    """reviewer or auditor."""
    text: str

    @property
    def sha256(self) -> str:
        """What it is known by: a report that another session finds again is not taken in twice."""
        return hashlib.sha256(self.text.encode("utf-8", "replace")).hexdigest()


def find(echoes: Echoes, past: Trajectory) -> list[Report]:
    """The reports of a session."""
    written = {e.path: e.text for e in past.events if isinstance(e, Generation) and _is_report(e.path)}
    names = dict.fromkeys((*written, *(_changed_meanwhile(echoes, past) if past.source == "live" else ())))
    texts = ((name, _text(echoes.project, name) or written.get(name, "")) for name in names)
    return [Report(name, _role(name, text), text) for name, text in texts if text]


def _is_report(path: str) -> bool:
    pure = PurePath(path)
    return pure.name.lower() == NAME and not pure.is_absolute() and ".." not in pure.parts


def _changed_meanwhile(echoes: Echoes, past: Trajectory) -> Iterator[str]:
    last = max((event.at for event in past.events), default=past.started)
    for place in PLACES:
        for path in sorted(echoes.project.glob(f"{place}/*.md")):
            if path.name.lower() == NAME and past.started <= path.stat().st_mtime <= last + LATE:
                yield path.relative_to(echoes.project).as_posix()


def _text(project: Path, name: str) -> str:
    """A report as it lies there; empty where it does not, or a link leads out of the project."""
    try:
        path = within(project, project / name)
        return path.read_text("utf-8", "replace") if path.stat().st_size <= LARGEST else ""
    except (FormatError, OSError):
        return ""


def _role(name: str, text: str) -> str:
    """Whose memory it is for: the folder says so, else the report's own heading."""
    parts = set(PurePath(name).parts)
    if parts & {"audit", "audits"}:
        return "auditor"
    if parts & {"review", "reviews"}:
        return "reviewer"
    heading = next((line for line in text.splitlines() if line.startswith("# ")), "")
    return "auditor" if re.search(r"\baudit\b", heading, re.I) else "reviewer"


def entries(report: Report, session: str, day: date) -> list[Entry]:
    """The entries of a report, one for each pattern; pure."""
    groups: dict[str, list[Finding]] = {}
    for finding in tome.findings(report.text, report.path):
        if finding.severity in CONFIDENCE and _sure(finding.confidence):
            groups.setdefault(recur.pattern(finding.title), []).append(finding)
    workflow = "audit" if report.role == "auditor" else "review"
    return [_entry(group, report, f"rune:{workflow} {session}", day) for group in groups.values()]


def _entry(group: list[Finding], report: Report, source: str, day: date) -> Entry:
    gravest = min(group, key=lambda finding: finding.severity)
    evidence = [finding.evidence or f"`{report.path}` — {_called(finding)}" for finding in group]
    learning = next((finding.text for finding in group if finding.text), "") or gravest.title
    return Entry(
        "inscribed", gravest.title, day, learning, tuple(evidence)[: recur.EVIDENCE], source,
        CONFIDENCE[gravest.severity], day,
    )  # fmt: skip


def _called(finding: Finding) -> str:
    return " ".join(filter(None, (finding.severity, finding.id, finding.title)))


def _sure(confidence: str) -> bool:
    """Whether a report calls a finding sure; one that does not say is: its severity was weighed."""
    said = confidence.strip(" `*").lower()
    if number := re.match(r"\d+(?:\.\d+)?", said):
        value = float(number[0])
        return (value / 100 if value > 1 else value) >= SURE
    return not said or said.startswith("high")
