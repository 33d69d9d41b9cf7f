"""A remembrance: a solved problem for humans, ``docs/solutions/<category>/<slug>.md``.

    ---
    title: User list takes five seconds
    category: performance
    tags: [n-plus-one, eager-loading]
    date: 2026-02-12
    symptom: User list endpoint takes 5+ seconds
    root_cause: N+1 query pattern in user.posts association
    solution_summary: Added includes(:posts) to User.list scope
    echo_ref: .claude/echoes/reviewer/MEMORY.md#etched-a1b2c3d4@sha256:<64 digits>
    confidence: high
    verified_by: human
    requires_human_approval: false
    ---
    # User list takes five seconds
    ...
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import frontmatter
import yaml
from frontmatter.default_handlers import YAMLHandler

from rune.errors import EchoError

CATEGORIES = (
    "build-errors", "test-failures", "runtime-errors", "configuration", "performance", "security",
    "architecture", "tooling",
)  # fmt: skip
CONFIDENCES = ("high", "medium")
VERIFIERS = ("human", "agent")
REQUIRED = (
    "title", "category", "tags", "date", "symptom", "root_cause", "solution_summary", "confidence",
    "verified_by",
)  # fmt: skip
_ORDER = (*REQUIRED[:7], "echo_ref", *REQUIRED[7:], "requires_human_approval")
_CHOICES = {"category": CATEGORIES, "confidence": CONFIDENCES, "verified_by": VERIFIERS}
_REFERENCE = re.compile(r"(.+)#([\w-]+)@sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Remembrance:
    """A problem, its cause and its solution; the first nine fields are required."""

    title: str
    category: str
    tags: tuple[str, ...]
    date: datetime.date
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
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Front matter beyond the known fields, kept as it is."""
    body: str = ""
    """The Markdown below the front matter."""

    def __post_init__(self) -> None:
        """Take blanks off the body's ends, which the file does not keep.

        Raises:
            EchoError: a field has a value that it may not have.
        """
        object.__setattr__(self, "body", self.body.replace("\r\n", "\n").replace("\r", "\n").strip())
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise EchoError(name, " | ".join(allowed), getattr(self, name))
        for name in ("title", "symptom", "root_cause", "solution_summary"):
            if not getattr(self, name).strip():
                raise EchoError(name, "text", getattr(self, name))


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a remembrance came from: the parts of ``echo_ref``."""

    path: str
    entry: str
    sha256: str


def parse(text: str, path: object) -> Remembrance:
    """Read a remembrance.

    Raises:
        EchoError: a field is missing or wrong; file, line and field are named.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        found = frontmatter.loads(text, handler=YAMLHandler())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise EchoError("front matter", "YAML between two lines of ---", str(error), path, line) from None
    lines = _lines(text)
    if not found.metadata:
        raise EchoError("front matter", "YAML between two lines of ---", text[:40], path, 1)
    try:
        return _read(dict(found.metadata), found.content)
    except EchoError as error:
        raise error.at(path, lines.get(error.field, 1)) from None


def _read(raw: dict[str, Any], body: str) -> Remembrance:
    for name in REQUIRED:
        if raw.get(name) is None:
            raise EchoError(name, "a required field", "nothing")
    values: dict[str, Any] = {name: raw.pop(name) for name in _ORDER if name in raw}
    day = values["date"]
    if isinstance(day, datetime.datetime):
        values["date"] = day.date()
    elif not isinstance(day, datetime.date):
        raise EchoError("date", "a day as YYYY-MM-DD", day)
    tags = values["tags"]
    if not isinstance(tags, list) or not all(isinstance(tag, str | int | float) for tag in tags):
        raise EchoError("tags", "a list such as [n-plus-one, eager-loading]", tags)
    values["tags"] = tuple(map(str, tags))
    approval = values.get("requires_human_approval", False)
    if not isinstance(approval, bool):
        raise EchoError("requires_human_approval", "true or false", approval)
    if values.get("echo_ref") is None:
        values["echo_ref"] = ""
    for name, value in values.items():
        if name not in ("date", "tags", "requires_human_approval") and not isinstance(value, str):
            raise EchoError(name, "text (quote it)", value)
    return Remembrance(**values, extra=raw, body=body)


def _lines(text: str) -> dict[str, int]:
    """The line of each field; empty where the front matter is no mapping."""
    try:
        front, _ = YAMLHandler().split(text.lstrip())
        node = yaml.compose(front, Loader=yaml.SafeLoader)
    except (ValueError, yaml.YAMLError):
        return {}
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: key.start_mark.line + 1 for key, _ in node.value}


def render(remembrance: Remembrance) -> str:
    """The document's text; ``parse`` gives back the same."""
    values = {name: getattr(remembrance, name) for name in _ORDER} | {"tags": list(remembrance.tags)}
    if not remembrance.echo_ref:
        del values["echo_ref"]
    post = frontmatter.Post(remembrance.body, **values, **remembrance.extra)
    return frontmatter.dumps(post, sort_keys=False, width=10_000) + "\n"


def document(remembrance: Remembrance) -> Remembrance:
    """The same with the body that a new document gets."""
    parts = [
        f"# {remembrance.title}",
        f"## Symptom\n\n{remembrance.symptom}",
        f"## Root Cause\n\n{remembrance.root_cause}",
        f"## Solution\n\n{remembrance.solution_summary}",
    ]
    if remembrance.body:
        parts.append(remembrance.body)
    if remembrance.echo_ref:
        parts.append(f"## References\n\n- Echo source: {remembrance.echo_ref}")
    return dataclasses.replace(remembrance, body="\n\n".join(parts))


def slug(title: str) -> str:
    """The file name of a title, without its ending.

    >>> slug("Café: N+1 queries in /users!")
    'cafe-n-1-queries-in-users'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].rstrip("-") or "untitled"


def reference(echo_ref: str) -> Reference:
    """Take an ``echo_ref`` apart.

    Raises:
        EchoError: it has another shape.
    """
    found = _REFERENCE.fullmatch(echo_ref)
    if not found:
        raise EchoError("echo_ref", "{echo path}#{entry id}@sha256:{64 digits}", echo_ref)
    return Reference(*found.groups())


def refer(path: str, entry: str, sha256: str) -> str:
    """Put an ``echo_ref`` together."""
    return f"{path}#{entry}@sha256:{sha256}"
