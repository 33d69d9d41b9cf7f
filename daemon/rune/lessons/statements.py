"""What the agent reported: statements of fact in its prose, bullets and tables, with the context they need.

The summary at the end of a turn is where agents say what they changed, where, and with what result; so its
statements weigh most. Plans, questions and thinking aloud teach nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rune import arcs
from rune.records.trajectory import Prompt, Reflection, Trajectory

_BOLD = re.compile(r"(?<!\w)__(?![a-z0-9_]+__)(?=\S)(.+?)__(?!\w)")
"""Bold by underscores; ``__init__`` is a name."""
_COUNTED = re.compile(r" — (?:one|two|three|four|five|six|several|\d+) \w+$", re.I)
"""How many changes a list announces: that is no part of what its items are about."""
LONGEST = 260
"""Characters of a statement; a longer bullet is taken sentence by sentence."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that was said, complete in itself."""

    text: str
    event: str
    weight: float
    """How much it is worth teaching; higher is better."""


def find(trajectory: Trajectory) -> list[Statement]:
    """The statements of a session, the weightiest first; of two that say the same the later one is kept."""
    found: list[Statement] = []
    for event, closing in _reflections(trajectory):
        lines = _lines(event.text)
        summary = closing and len(lines) >= 4
        found += [
            Statement(text, event.id, weight + closing + summary)
            for text in lines
            if (weight := worth(text)) > 0
        ]
    return sorted(_fresh(found), key=lambda one: -one.weight)


def _reflections(trajectory: Trajectory) -> Iterator[tuple[Reflection, bool]]:
    """What the agent said, and whether it was the last thing before the person spoke again."""
    talk = [event for event in trajectory.events if isinstance(event, Reflection | Prompt)]
    for place, event in enumerate(talk):
        if isinstance(event, Reflection):
            yield event, place + 1 == len(talk) or isinstance(talk[place + 1], Prompt)


_PLAN = re.compile(
    r"^(?:let me|let's|now\b|i'll|i will|i'm going|i need|i should|next\b|first\b|then\b|perfect|great"
    r"|good\b|ok(?:ay)?\b|done\b|wait|hmm|step \d+|would you|do you|shall i|should i|want me"
    r"|here(?:'s| is| are)|looking|interesting|i see|i understand|actually|but wait|maybe|perhaps|thinking"
    r"|ready|all (?:done|clean|clear)|so:?$|also,? let)",
    re.I,
)
_DOUBT = re.compile(
    r"\b(?:maybe|perhaps|probably|i think|might|not sure|hmm|let me|i wonder|would be)\b", re.I
)
_LITERAL = re.compile(r"`[^`]+`|\b\d[\d.,]*\b|\w/\w|\w[._]\w|[a-z][A-Z]|\B--?\w|[\"'“][^\"'”]{2,}[\"'”]")
_REFERS = re.compile(
    r"^(?:it|this|that|they|these|those|which|he|she|there|so|and|but|because|otherwise)\b", re.I
)


def worth(text: str) -> float:
    """What a statement is worth; 0 for one that is not to be taught.

    >>> worth("Let me run `make test` now."), worth("The port moved to 8080 because 80 needs root.") > 2
    (0.0, True)
    """
    exact = len(_LITERAL.findall(text))
    if (
        not 12 <= len(text) <= 320
        or text.count("`") % 2
        or text.endswith(("?", ":"))
        or _PLAN.match(text)
        or arcs.unfit(text)
    ):
        return 0.0
    if not exact and not arcs.explains(text):
        return 0.0
    score = min(exact, 3) + 1.5 * arcs.explains(text) + (len(text) > 40) + 0.5 * text.endswith((".", "!"))
    return max(0.1, score - 2.0 * (_DOUBT.search(text) is not None))


def _lines(text: str) -> list[str]:
    """The prose of a message as statements: bullets with what they hang on, table rows, sentences."""
    text = re.sub(r"```.*?(?:```|\Z)", "\n", text, flags=re.S)
    found: list[str] = []
    parents: list[tuple[int, str]] = []
    heading = ""
    for raw in text.splitlines():
        line = _plain(raw)
        if not line or set(line) <= set("-=|: +"):
            continue
        if raw.lstrip().startswith("#") or re.fullmatch(r"\s*\*\*[^*]+\*\*:?\s*", raw):
            heading, parents = line.rstrip(":"), []
            continue
        indent = len(raw) - len(raw.lstrip())
        bullet = re.match(r"\s*(?:[-*•]|\d+[.)])\s", raw) is not None
        parents = [(at, what) for at, what in parents if at < indent] if bullet else []
        if raw.lstrip().startswith("|"):
            found += _row(raw)
        elif line.endswith(":") and len(line) < 120:
            parents.append((indent, _COUNTED.sub("", line.rstrip(":"))))
        else:
            found += _pieces(line, parents[-1][1] if parents else heading if bullet else "", bullet)
            if bullet:
                parents.append((indent, line.split(" — ")[0]))
    return found


def _plain(raw: str) -> str:
    line = re.sub(r"^\s*(?:[-*•>#]+\s|\d+[.)]\s)\s*(?:\[[ xX]\]\s*)?", "", raw)
    line = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", line)
    return _BOLD.sub(r"\1", line.replace("**", "")).strip()


def _row(raw: str) -> list[str]:
    cells = [_plain(cell) for cell in raw.strip().strip("|").split("|")]
    return [" — ".join(cell for cell in cells if cell)] if len([c for c in cells if c]) >= 2 else []


def _pieces(line: str, context: str, bullet: bool) -> list[str]:
    """A bullet whole where it is short enough; prose by sentences, one that refers back joined on."""
    parts = [line] if bullet and len(line) <= LONGEST else arcs.split(line)
    joined: list[str] = []
    for part in parts:
        if joined and _REFERS.match(part) and len(joined[-1]) + len(part) < LONGEST:
            joined[-1] += " " + part
        else:
            joined.append(part)
    if context and _needs(context) and not line.startswith(context):
        joined = [f"{context}: {part}" if len(context) + len(part) < LONGEST else part for part in joined]
    return joined


def _needs(context: str) -> bool:
    """Whether what a bullet hangs on names something: a path or an identifier."""
    return len(context) <= 90 and _LITERAL.search(context) is not None


def _fresh(found: Sequence[Statement]) -> list[Statement]:
    """Without statements that another one, later or weightier, says in nearly the same words."""
    kept: list[tuple[set[str], Statement]] = []
    for one in reversed(found):
        words = words_of(one.text)
        near = [
            n for n, (other, _) in enumerate(kept) if len(words & other) > 0.7 * min(len(words), len(other))
        ]
        if near:
            other = kept[near[0]]
            heavier = max(one.weight, other[1].weight) + 0.5
            kept[near[0]] = (other[0], replace(other[1], weight=heavier))
        else:
            kept.append((words, one))
    return [one for _, one in reversed(kept)]


def words_of(text: str) -> set[str]:
    """What a text is compared by."""
    return set(re.findall(r"\w{3,}", text.lower()))
