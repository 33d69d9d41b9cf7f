"""Secrets out of an echo before it is written: the learning stays, its secret becomes a type.

Covered: what ``rune.scan`` covers, in every part of an entry, also where the name of a secret and its value
stand in a bullet of their own. Evidence that holds a secret or an e-mail address keeps its place in the code
and loses what was found there. E-mail addresses stay where the learning is about e-mail.
Not covered: what ``rune.scan`` does not cover; e-mail addresses outside of the evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rune.records.echo import Entry
from rune.redact import redact, redact_value
from rune.redact.plausible import MARK
from rune.scan import scan

_ABOUT_EMAIL = re.compile(
    r"\b(?:e-?mail(?:s|ing|ed)?|smtp|imap|pop3|mailers?|mailbox(?:es)?|mail server|inbox|mailto|dkim|dmarc"
    r"|newsletters?|reply-to)\b",
    re.I,
)
_MARKED = re.compile(re.escape(MARK) + r"[^\]]*\]")
_PLACE = re.compile(r"\s*(`[^`]+`|[\w./-]+:\d+(?:-\d+)?)")
"""Where something was found: ``file:lines``."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """An entry fit to be written."""

    entry: Entry
    removed: Mapping[str, int]
    """How many secrets of each type there were; empty where the entry is what it was."""


def clean(entry: Entry) -> Filtered:
    """The entry without secrets, byte for byte the same where it has none; pure.

    >>> from datetime import date
    >>> told = Entry("traced", "Login", date(2026, 2, 11), "Use the vault.", ("`a.py:3` — bob@example.org",))
    >>> clean(told).entry.evidence
    ('`a.py:3` — [redacted:email]',)
    """
    removed: dict[str, int] = {}
    title, learning, source, supersedes, label = (
        _told(text, removed)
        for text in (entry.title, entry.learning, entry.source, entry.supersedes, entry.label)
    )
    keeps = _about_email(f"{entry.title}\n{entry.learning}")
    evidence = tuple(_evidence(text, keeps, removed) for text in _together(entry.evidence, removed))
    fields = tuple(_field(name, value, removed) for name, value in entry.fields)
    removed = removed or scan(entry.raw)[1]  # what its parts do not show
    if not removed:
        return Filtered(entry, {})
    made = replace(
        entry, title=title, learning=learning, source=source, supersedes=supersedes, label=label,
        evidence=evidence, fields=fields, raw="",
    )  # fmt: skip
    return Filtered(made, removed)


def clean_text(text: str) -> tuple[str, dict[str, int]]:
    """Any text of the memory without secrets, and what was taken out."""
    return scan(text)


def _about_email(text: str) -> bool:
    """Whether a learning is about e-mail; an address alone, or what became of one, does not make it so."""
    return _ABOUT_EMAIL.search(_MARKED.sub("", redact(text, emails=True)[0])) is not None


def _told(text: str, removed: dict[str, int]) -> str:
    text, found = scan(text)
    _count(removed, found)
    return text


def _together(evidence: tuple[str, ...], removed: dict[str, int]) -> list[str]:
    """The evidence without a private key that is spread over several lines of it."""
    lines, found = redact_value(list(evidence), lambda text: (text, {}))
    _count(removed, found)
    return [line for line in lines if line.strip()]


def _evidence(text: str, addresses_stay: bool, removed: dict[str, int]) -> str:
    """What was found at a place goes as a whole: around a secret stands what it opens."""
    told, found = scan(text)
    if not addresses_stay:
        told, addresses = redact(told, emails=True)
        found = {**found, **addresses}
    if not found:
        return text
    _count(removed, found)
    place = _PLACE.match(told)
    marks = " ".join(f"{MARK}{kind}]" for kind in sorted(found))
    return f"{place[1]} — {marks}" if place and MARK not in place[1] else marks


def _field(name: str, value: str, removed: dict[str, int]) -> tuple[str, str]:
    told, found = redact_value({name: value}, scan)
    _count(removed, found)
    [(clean_name, clean_value)] = told.items()
    return clean_name, clean_value


def _count(removed: dict[str, int], found: Mapping[str, int]) -> None:
    for kind, number in found.items():
        removed[kind] = removed.get(kind, 0) + number
