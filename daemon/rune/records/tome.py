"""A TOME.md: the report of a review or an audit, read for its findings.

    ## P1 (Critical) — 1

    <!-- RUNE:FINDING nonce="..." id="SEC-001" file="api/users.py" line="42" severity="P1" -->
    - [ ] **[SEC-001] SQL injection in user query** in `api/users.py:42`
      - **Issue:** user input reaches the query
      - **Fix:** bind parameters
    <!-- /RUNE:FINDING id="SEC-001" -->

Read as well: findings without the marker, as list items or headings below a severity's heading
(``## P2 (High)``), headings that name theirs (``### [P2] Title``, ``### SEC-001: Title`` with
``**Severity:** P2``), and ``**File:**`` lines.
Not covered: tables, and whether a marker's nonce is the one of its session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rune.records import dialects

_WORDS = {"critical": "P1", "high": "P2", "medium": "P3", "low": "P3"}
_MARKER = re.compile(r"^\s*<!--\s*RUNE:FINDING\s+([^>]*?)\s*-->")
_END = re.compile(r"^\s*<!--\s*/RUNE:FINDING\b")
_ATTRIBUTE = re.compile(r"([\w-]+)=\"([^\"]*)\"")
_SEVERITY = re.compile(r"\bP([123])\b")
_SECTION = re.compile(r"^#{1,2}\s+(.*)$")
_ITEM = re.compile(r"^(?:[-*]\s+(?:\[[ xX]\]\s+)?(?=\*\*)|#{3,4}\s+)(.+)$")
_ID = re.compile(r"^[*\[`(]*([A-Z][A-Z0-9]{1,11}(?:-R\d+)?-\d{1,4})[*\]`)]*\s*[:.—–-]?\s*")
_PLACE = re.compile(r"`?((?:[\w.@+-]+/)*[\w@+-]*\.?[\w@+-]+\.[A-Za-z]\w*)(?::L?(\d+(?:\s*[-–]\s*L?\d+)?))?`?")
_BOLD = re.compile(r"\*\*\s*([^*:]+?)\s*:?\s*\*\*\s*:?\s*(.*)")
_NOT_FINDINGS = frozenset(("ash", "summary", "statistics", "branch", "date", "scope", "verdict"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a report."""

    severity: str
    """P1, P2 or P3."""
    title: str
    file: str = ""
    lines: str = ""
    """``12-15`` or ``12``; empty where the report names none."""
    text: str = ""
    id: str = ""
    """``SEC-001`` where the report numbers its findings."""
    confidence: str = field(default="", compare=False)
    """As the report words it: ``HIGH``, ``0.7``; empty where it does not say."""

    @property
    def evidence(self) -> str:
        """As an echo cites it; empty where the report names no file."""
        place = f"{self.file}:{self.lines}" if self.lines else self.file
        return f"`{place}` — {self.title}" if self.file else ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The lines of one finding, the marker's attributes, and the severity of its section."""

    lines: tuple[str, ...]
    attributes: dict[str, str]
    section: str


def findings(text: str, path: object) -> tuple[Finding, ...]:
    """Every finding of a TOME.md that has a severity, in the report's order.

    ``path`` is there for symmetry with the other readers: a report is prose, and nothing in it is refused.
    """
    del path
    lines = [line.rstrip("\r\n") for line in dialects.lines_of(text)]
    found = (_finding(piece) for piece in _pieces(lines, dialects.quoted(lines)))
    return tuple(finding for finding in found if finding)


def _pieces(lines: Sequence[str], inside: Sequence[bool]) -> Iterator[_Piece]:
    """Cut a report at markers, headings and items."""
    section, attributes, marked = "", dict[str, str](), False
    piece: list[str] = []
    for line, code in zip(lines, inside, strict=True):
        marker, heading = _MARKER.match(line), None if code else _SECTION.match(line)
        begins = not code and not marked and _ITEM.match(line)
        if marker or heading or begins or (marked and _END.match(line)):
            if piece:
                yield _Piece(tuple(piece), attributes, section)
            piece, attributes = [], {}
            marked = bool(marker)
            if marker:
                attributes = dict(_ATTRIBUTE.findall(marker[1]))
            elif heading:
                section = _severity(heading[1])
            elif begins:
                piece = [line]
        elif (piece or marked) and (line.strip() or piece):
            piece.append(line)
    if piece:
        yield _Piece(tuple(piece), attributes, section)


def _severity(text: str) -> str:
    """P1 to P3 as number or word; empty for none."""
    if number := _SEVERITY.search(text):
        return f"P{number[1]}"
    first = re.match(r"\W*(\w+)", text)
    return _WORDS.get(first[1].lower(), "") if first else ""


def _finding(piece: _Piece) -> Finding | None:
    first = next((line for line in piece.lines if line.strip()), "")
    item = _ITEM.match(first)
    head = item[1] if item else first.strip()
    named = {
        bold[1].lower(): bold[2] for line in piece.lines[1:] if (bold := _BOLD.search(line)) and bold[1]
    }  # fmt: skip
    severity = (
        _severity(piece.attributes.get("severity", "")) or _severity(named.get("severity", ""))
        or (f"P{said[1]}" if (said := _SEVERITY.search(head)) else "") or piece.section
    )  # fmt: skip
    title, number = _title(head)
    if not severity or not title or title.lower() in _NOT_FINDINGS:
        return None
    file, lines = _place(piece, head, named)
    known_as = piece.attributes.get("id") or number
    sure = piece.attributes.get("confidence") or named.get("confidence", "")
    return Finding(severity, title, file, lines, _text(piece.lines, named), known_as, sure)


def _title(head: str) -> tuple[str, str]:
    """Title and number of a finding's first line, without place and marks."""
    bold = re.match(r"\*\*(.+?)\*\*\s*(.*)$", head)
    said = head
    if bold:
        only_id = _ID.match(bold[1])
        said = f"{bold[1]} {bold[2]}" if only_id and only_id.end() == len(bold[1]) else bold[1]
    said = re.sub(r"^\W*P[123]\b(?:\s*\([^)]*\))?[\])]*\s*[:—–-]?\s*", "", said)
    said = re.sub(r"^\d+[.)]\s+", "", said)
    number = _ID.match(said)
    title = said[number.end() :] if number else said
    title = re.sub(r"\s*(?:\bin|\bat|—|–|-|@)?\s*`[^`]*:\d[^`]*`.*$", "", title)
    return title.strip(" *`[]"), number[1] if number else ""


def _place(piece: _Piece, head: str, named: dict[str, str]) -> tuple[str, str]:
    """File and lines: the marker's, else the first place on the head or a File line."""
    file, lines = piece.attributes.get("file", ""), piece.attributes.get("line", "")
    if not file:
        said = " ".join(re.findall(r"`[^`]+`", head)) or next(
            (named[name] for name in ("file", "files", "location", "where", "evidence") if name in named), ""
        )
        found = _PLACE.search(said)
        file, lines = (found[1], found[2] or "") if found else ("", "")
    return file, re.sub(r"\s*[-–]\s*L?", "-", lines.removeprefix("L"))


def _text(lines: Sequence[str], named: dict[str, str]) -> str:
    """What is wrong and how to mend it; for want of such lines, all that is no code."""
    names = ("issue", "problem", "description", "fix", "fix guidance")
    wanted = [named[name] for name in names if named.get(name)]
    if wanted:
        return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in wanted)
    body = [line.strip() for line in lines[1:]]
    inside = dialects.quoted(body)
    return " ".join(line for line, code in zip(body, inside, strict=True) if line and not code)
