"""knowledge.md of a role: blocks of three to five lines that many entries were compressed into.

    <!-- echo-schema: v1 -->
    # Workers Knowledge

    ## flaky tests (2026-02-14)
    - Slow test suite in CI: the suite took eight minutes.
    - Flaky websocket test: a race with the reconnect timer.
    - 2 entries, 2026-02-11 to 2026-02-14
    - **evidence**: CI logs — test suite took 8min (vs 3min baseline)

Blocks of others (any ``##`` section, or an entry) are read as well: their lines are the summary, whatever
their number. A file that was read is printed byte for byte as long as nothing was changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from rune.errors import EchoError
from rune.records import dialects, echo, wording

_HEADING = re.compile(r"^(?:##|###(?=\s+\[\s*\d{4}))\s+(\S.*?)\s*$")
_DATED = re.compile(r"^(.*\S) \((\d{4}-\d\d-\d\d)\)$")
_BULLET = re.compile(r"^[-*+]\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Block:
    """What several entries on one topic said, with all their evidence."""

    topic: str
    day: date
    """Of its newest entry."""
    summary: tuple[str, ...]
    """Three to five lines in what Rune writes; any number in what others wrote."""
    evidence: tuple[str, ...] = ()
    raw: str = field(default="", compare=False, repr=False)
    """The text it was read from, printed again as long as nothing was changed."""
    seal: int = field(default=0, compare=False, repr=False)
    """The hash of the block as it was read."""

    def __post_init__(self) -> None:
        """Bring the texts to their printed form; EchoError where there is no topic."""
        lines = tuple(line for line in map(_line, self.summary) if line)
        evidence = tuple(dict.fromkeys(line for line in map(_line, self.evidence) if line))
        object.__setattr__(self, "topic", _line(self.topic))
        object.__setattr__(self, "summary", lines)
        object.__setattr__(self, "evidence", evidence)
        if not self.topic:
            raise EchoError("topic", "a few words", self.topic)


def _line(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A whole knowledge.md."""

    role: str
    blocks: tuple[Block, ...] = ()
    preamble: str = ""
    version: int = echo.VERSION

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return len(dialects.lines_of(render(self)))


def empty(role: str) -> Knowledge:
    """The knowledge.md of a role before anything was compressed."""
    return Knowledge(role, (), f"{echo.HEADER}\n# {role.capitalize()} Knowledge\n")


def parse(text: str, path: object) -> Knowledge:
    """Read a knowledge.md.

    Raises:
        NewerVersion: its header names a schema that this Rune does not know.
    """
    whole = dialects.lines_of(text)
    plain = [line.rstrip("\r\n") for line in whole]
    inside = dialects.quoted(plain)
    starts = [n for n, line in enumerate(plain) if not inside[n] and _HEADING.match(line)]
    preamble = "".join(whole[: starts[0]] if starts else whole)
    echo.check_version(preamble, path)
    blocks = tuple(
        _block(plain[start:end], "".join(whole[start:end]))
        for start, end in zip(starts, [*starts, len(plain)][1:], strict=True)
    )
    return Knowledge(echo.role_of(path), blocks, preamble)


def _block(lines: list[str], raw: str) -> Block:
    heading = _HEADING.match(lines[0])
    assert heading is not None
    topic, day = _topic(heading[1])
    summary, evidence = [], []
    for line in lines[1:]:
        named = dialects.field(line)
        if named and named[0] == "evidence":
            evidence.append(named[1])
        elif named and named[0] == "summary":
            summary.append(named[1])
        else:
            summary.append(_BULLET.sub("", line, count=1))
    block = Block(topic, day, tuple(summary), tuple(evidence), raw)
    object.__setattr__(block, "seal", hash(block))
    return block


def _topic(heading: str) -> tuple[str, date]:
    dated = _DATED.match(heading)
    try:
        if dated:
            return dated[1], date.fromisoformat(dated[2])
        return heading, max(wording.dates(heading), default=date.min)
    except ValueError:  # no such day: the heading is a topic like any other
        return heading, date.min


def render(knowledge: Knowledge) -> str:
    """The file's text, byte for byte what was read as long as nothing changed."""
    parts = [knowledge.preamble]
    after_new = False
    for block in knowledge.blocks:
        new = not (block.raw and block.seal == hash(block))
        if parts[-1] and not parts[-1].endswith("\n"):
            parts.append("\n")
        if (new or after_new) and any(parts) and not echo.ends_blank(parts):
            parts.append("\n")
        parts.append(print_block(block) if new else block.raw)
        after_new = new
    return "".join(parts)


def print_block(block: Block) -> str:
    """The canonical form of one block."""
    lines = [f"## {block.topic} ({block.day.isoformat()})"]
    lines += [_mark(line) + line for line in block.summary]
    lines += [f"- **evidence**: {line}" for line in block.evidence]
    return "\n".join(lines) + "\n"


def _mark(line: str) -> str:
    named = dialects.field(f"- {line}")
    return "- **summary**: " if named and named[0] in ("evidence", "summary") else "- "
