"""A remembrance: a solved problem for humans, ``docs/solutions/<category>/<slug>.md``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

CATEGORIES = (
    "build-errors", "test-failures", "runtime-errors", "configuration", "performance", "security",
    "architecture", "tooling",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remembrance:
    """A problem, its cause and its solution; the first nine fields are required."""

    title: str
    category: str
    tags: tuple[str, ...]
    date: date
    symptom: str
    root_cause: str
    solution_summary: str
    confidence: str
    """high or medium."""
    verified_by: str
    """human or agent; human is required for security."""
    echo_ref: str = ""
    """``{echo path}#{entry id}@sha256:{digest}``."""
    requires_human_approval: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    """Front matter beyond the known fields, kept as it is."""
    body: str = ""
    """The Markdown below the front matter."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a remembrance came from: the parts of ``echo_ref``."""

    path: str
    entry: str
    sha256: str


def parse(text: str, path: object) -> Remembrance:
    """Read a remembrance; EchoError names file, line and field."""
    raise NotImplementedError


def render(remembrance: Remembrance) -> str:
    """The document's text; ``parse`` gives back the same."""
    raise NotImplementedError


def document(remembrance: Remembrance) -> str:
    """The body that a new document gets: title, symptom, root cause, solution, references."""
    raise NotImplementedError


def slug(title: str) -> str:
    """The file name of a title, without its ending."""
    raise NotImplementedError


def reference(echo_ref: str) -> Reference:
    """Take an ``echo_ref`` apart; EchoError where it has another shape."""
    raise NotImplementedError


def refer(path: str, entry: str, sha256: str) -> str:
    """Put an ``echo_ref`` together."""
    raise NotImplementedError
