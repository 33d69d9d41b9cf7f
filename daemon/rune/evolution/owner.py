"""Whose value it is that a statement tells: a mailer of the gateway has a port of its own. Pure.

No grammar is at hand: a few verbs of what is so show where a subject ends; without one of them everything
before the value counts. In doubt there is an owner more, and a move of another thing says nothing of it.

Not covered: a thing that is named after the value alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rune.evolution.moves import Move
from rune.evolution.wording import MEASURES, WHOLE, kind, names, stem, words

_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|listens?|runs?|uses?|keeps?|takes?|waits?|lives?|starts?|serves?|comes?"
    r"|stores?|reads?|writes?|accepts?|answers?|opens?|binds?|sits?|stays?|works?"
    r"|defaults? to)\b",
    re.I,
)
_RELATIVE = re.compile(r"\b(?:that|which|who|whose|where)\b", re.I)
_MANNER = frozenset((
    "accept", "accepts", "answers", "opens", "binds", "bound", "sits", "stays", "works", "come", "comes",
    "listen", "reachable", "available", "reached", "configured", "deployed", "hosted", "stored", "kept",
    "found", "built", "done", "listening", "running", "build", "deploy", "install", "start", "prefer",
    "call", "usually", "normally", "default", "defaults", "written", "which", "pinned",
))  # fmt: skip
"""Words of how something is so, not of what."""
_GENERALLY = re.compile(r"^\W*(?P<head>[A-Z][a-z]+s|[A-Z][a-z]+ [a-z]+s)(?: of (?P<rest>[\w ]+))?$")
_DONE_TO = re.compile(r"^(?:are|were|come)$", re.I)
"""What stands around several things in general that something is done to: "packages come from"."""
_APART = frozenset((
    "test", "tests", "testing", "spec", "specs", "staging", "production", "prod", "dev", "development",
    "local", "ci", "docs", "documentation", "example", "examples", "demo", "demos", "sandbox", "benchmark",
    "benchmarks", "legacy", "mock", "mocks", "fixture", "fixtures", "fallback", "backup", "backups",
    "replica", "replicas", "primary", "secondary", "admin", "internal", "external", "public", "private",
    "beta", "preview", "worker", "workers", "client", "clients", "job", "jobs",
))  # fmt: skip
"""What has values of its own, whatever it belongs to."""
_SCOPE = re.compile(r"\b(?:in|for|of|on|during)\s+(?:the\s+|our\s+)?([a-z]+)\b")
"""What a value is said of after it."""
FORMER = frozenset(("old", "former", "previous"))
"""What is beside the thing that has moved, not the thing."""
_OLD_ONE = rf"\b(?:{'|'.join(sorted(FORMER))})\b(?:\s+(?!from\b)[\w-]+){{0,3}}\s+[`\"'(]*"
"""What calls a value the old one, not the thing that has it."""
_BEFORE = re.compile(r"([A-Za-z][\w-]*)\s+[`\"'(]*$")
_UNIT = re.compile(r"^[`\"')]*\s+([a-z]+)\b")
_NO_UNIT = frozenset((
    "in", "on", "at", "for", "to", "of", "from", "with", "by", "and", "or", "but", "as", "per", "is", "are",
    "was", "if", "when", "because", "since", "so", "that", "which", "instead", "rather", "not", "now",
    "here", "there", "today", "yesterday", "again", "everywhere", "inside", "during", "behind", "via",
    "under", "until", "after", "before", "while", "too", "also", "only", "the", "a", "an", "it", "all",
    "we", "has", "had", "will", "replaces", "supersedes", "old", "new", "more", "currently", "already",
    "then", "into", "without",
    "within",
))  # fmt: skip
_MEASURED = re.compile(rf"(?<=\w )(\w+) (?=(?:{'|'.join(sorted(MEASURES))})\b)", re.I)


class Whose(NamedTuple):
    """What a statement tells of a value, beside the value."""

    owner: frozenset[str]
    """The words that say whose it is."""
    noun: str
    """The word just before it, which says what sort of thing it is."""
    unit: str
    """What a number counts."""


def find(text: str, found: re.Match[str], past: str = "") -> Whose:
    """Whose a value is.

    Args:
        text: of the statement.
        found: where it has the value.
        past: what was so before, if it tells that.

    >>> said = "The mailer of the gateway listens on port 8080."
    >>> sorted(find(said, re.search("8080", said)).owner)
    ['gateway', 'mailer']
    """
    before, after = re.split(r"(?<=[.;!?])\s+", text[: found.start()])[-1], text[found.end() :]
    number = kind(found[0].strip("`.,;:!?")) == "number"
    noun = _BEFORE.search(before)
    said = before if names(before) else before + after
    subject = _measured(said) if number else _subject(said)
    owner = names(subject) - _MANNER - {*past.split()}
    if not (past and re.search(_OLD_ONE + re.escape(past), text, re.I)):
        owner |= words(subject) & FORMER
    owner |= {*_SCOPE.findall(after)} & _APART
    unit = _UNIT.search(after) if number and found[0][-1] not in ".,;:!?" else None
    return Whose(
        frozenset(word for word in owner if kind(word) != "number"),
        noun[1].lower() if noun else "",
        unit[1] if unit and unit[1] not in _NO_UNIT else "",
    )


def moved(whose: Whose, move: Move) -> bool:
    """Whether what has moved may be what has the value: nothing says that it is another thing."""
    if whose.noun in move.about - MEASURES or (whose.noun in ("called", "named") and move.renamed):
        return True
    known = {stem(word) for word in (*move.about, *move.old.split(), *move.new.split(), move.unit)}
    if any(stem(word) not in known for word in whose.owner - WHOLE):
        return False
    counted = {stem(word) for word in (whose.unit, *whose.owner) if word}
    if move.about & MEASURES:
        return True
    if whose.noun in ("port", "version"):
        return not move.unit
    return (not whose.unit or stem(whose.unit) in known) and (not move.unit or stem(move.unit) in counted)


def _subject(before: str) -> str:
    """What stands before the verb, less things in general that something is done to."""
    verb = _VERB.search(before)
    subject = before[: verb.start()] if verb else ""
    if not verb or not names(subject) or _RELATIVE.search(before[: verb.end()]):
        return before
    general = _GENERALLY.match(subject.strip()) if _DONE_TO.match(verb[0]) else None
    if general and _APART.isdisjoint(general["head"].lower().split()):
        return general["rest"] or ""
    return subject


def _measured(before: str) -> str:
    """A subject without what a measure of it is called in full: "the client request timeout"."""
    return _MEASURED.sub(lambda found: found[0] if found[1].lower() in _APART else "", before)
