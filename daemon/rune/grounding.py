"""An answer held against the trajectory that it is said to come from: what is not supported is withheld."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.records import trajectory
from rune.records.trajectory import Compaction, Event, Execution, Generation, SessionEnd, Trajectory


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is left of an answer after the check."""

    text: str
    support: float
    """Share of the answer's content words that the trajectory holds."""
    withheld: int
    """Sentences that were left out."""


def event_text(event: Event) -> str:
    """An event as text."""
    match event:
        case Generation():
            return f"{event.tool} {event.path}\n{event.text}"
        case Execution():
            return f"$ {event.command}\n{event.text}"
        case SessionEnd() | Compaction():
            return ""
        case _:
            return event.text


def source_text(path: Path) -> str:
    """Everything a session holds, as text to check against; empty where the trajectory is gone."""
    if not path.exists():
        return ""
    past: Trajectory = trajectory.read(path)
    parts = [event_text(event) for event in past.events]
    parts += [event.before for event in past.events if isinstance(event, Generation)]
    return "\n".join(parts)


_LITERAL = re.compile(r"`[^`]+`|\S*[/\\_=.:]\S*\w|\S*\d\S*|\w*[a-z][A-Z]\w*")
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]{3,}")
_FRAME = frozenset((
    "that", "this", "with", "from", "have", "were", "been", "then", "than", "there", "which", "what", "where",
    "when", "into", "replace", "change", "changed", "left", "session", "unsolved",
))  # fmt: skip


def ground(answer: str, source: str, needed: float, stale: Sequence[str] = ()) -> Grounded:
    """Keep the sentences of an answer that its trajectory supports.

    A sentence is supported when every literal in it (path, number, identifier, code) stands in the source
    by itself and at least the ``needed`` share of its content words does; none with a ``stale`` literal is.
    One with neither literals nor content words ("Yes.") says nothing that could be supported.
    """
    whole = _flat(source)
    words = set(_WORD.findall(whole))
    kept, shares, withheld = [], [], 0
    for sentence in _sentences(answer):
        exact = _literals(sentence)
        share = _share(sentence, words, bool(exact))
        old = any(_occurs(_flat(literal), _flat(sentence)) for literal in stale)
        if not old and share >= needed and all(_occurs(_flat(literal), whole) for literal in exact):
            kept.append(sentence)
            shares.append(share)
        else:
            withheld += 1
    support = sum(shares) / len(shares) if shares else 0.0
    return Grounded(" ".join(kept), round(support, 4), withheld)


def _sentences(text: str) -> list[str]:
    """Sentences; a full stop inside backticks ends none; an answer that was cut off loses its last one."""
    whole, torn, _ = text.rpartition("`") if text.count("`") % 2 else (text, "", "")
    found = [part.strip() for part in re.findall(r"(?:`[^`]*`|[^`.!?]|[.!?](?!\s|$))+[.!?]?", whole)]
    if torn and found and not found[-1].endswith((".", "!", "?")):
        found.pop()
    return [part for part in found if part]


def _literals(sentence: str) -> list[str]:
    found = [piece.strip("`,;:.!?\"'()[]") for piece in _LITERAL.findall(sentence)]
    return [piece for piece in found if len(piece) > 1 or piece.isdigit()]


def _occurs(literal: str, whole: str) -> bool:
    """Whether it stands in the text by itself: 80 is not in 8080, nor `invoice.py` in `test_invoice.py`."""
    before = r"(?<!\w)" if re.match(r"\w", literal) else ""
    after = r"(?!\w)" if re.search(r"\w$", literal) else ""
    return re.search(before + re.escape(literal) + after, whole) is not None


def _share(sentence: str, words: set[str], exact: bool) -> float:
    content = [word for word in _WORD.findall(sentence.lower()) if word not in _FRAME]
    return sum(word in words for word in content) / len(content) if content else float(exact)


def _flat(text: str) -> str:
    return " ".join(text.lower().replace("`", "").split())
