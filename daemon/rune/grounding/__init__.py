"""An answer held against the record that it is said to come from: what is not supported is withheld.

A record is made of passages: the events of a session, the echoes that were taught, and what was made of them
to be taught. One passage must support a sentence as a whole: a session's words put together anew are not what
the session says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from rune.grounding import negation, relations, saying
from rune.literal import ABBREVIATED, END, Literal, amounts, flat, holds, literals, stands
from rune.records.trajectory import Compaction, Event, Execution, Generation, SessionEnd


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is left of an answer after the check."""

    text: str
    support: float
    """Share of the answer's content words that its passages hold."""
    withheld: int
    """Sentences that were left out."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What supports a sentence, or does not."""

    text: str
    """Flat lines; a command's begins with ``$`` and ends with ``END``."""
    words: frozenset[str]
    """Its words, in lower case."""
    marked: str
    """The same lines with their ticks (a command's are the shell's and are left out); an item of a list says
    that its heading denies it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence, an item of a list, or a block of code, as something that is supported or not."""

    text: str
    line: int
    """The line of the answer that it begins on."""
    literals: tuple[Literal, ...]
    ended: bool = True
    """False where the answer may go on in it."""


Record = Sequence[Passage]


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


def session_passages(events: Iterable[Event]) -> list[Passage]:
    """Everything a session holds, to check against."""
    return [passage(_said(event)) for event in events]


def _said(event: Event) -> str:
    """An event with all that may be said of it: a command up to its end, and what an edit took away."""
    match event:
        case Generation():
            return f"{event_text(event)}\n{event.before}"
        case Execution():
            return "\n".join((*(f"$ {line}{END}" for line in event.command.splitlines()), event.text))
        case _:
            return event_text(event)


def passage(text: str) -> Passage:
    """A text that supports what stands in it.

    >>> sorted(passage("It is 'green'.").words)
    ['green', 'is', 'it']
    """
    lines = text.splitlines()
    plain, marked = "\n".join(map(flat, lines)), "\n".join(map(_marked, negation.headed(lines)))
    return Passage(plain, frozenset(_words(f"{text}\n{plain}")), marked)


def _words(text: str) -> list[str]:
    """The words of a text, in lower case; "couldn't" is "could not", "it's" is "it"."""
    return _WORD.findall(_SHORTENED.sub("", text.lower().replace("’", "'").replace("n't", " not")))


def _marked(line: str) -> str:
    return flat(line) if line.startswith("$ ") else " ".join(line.split())


_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SHORTENED = re.compile(r"(?<=\w)'(?:s|re|ll|ve|m)\b")
_CONTENT = 4
"""Letters of a word that says something."""
_VERBATIM = 6
"""Letters of a sentence that is supported by standing in the record as it is."""
_FRAME = frozenset((
    "that", "this", "with", "from", "have", "were", "been", "then", "than", "there", "which", "what", "where",
    "when", "into", "replace", "change", "changed", "left", "session", "unsolved", "verified",
    "failed", "does",
))  # fmt: skip
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(```|\Z)", re.S)
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_NUMBER = re.compile(r"\s*\d{1,3}[.)]")
_SENTENCE = re.compile(r"(?:`[^`]*`|[^`.!?]|[.!?](?!\s|$))+[.!?]*")
_GOES_ON = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(ABBREVIATED)))})\.$", re.I)
_OPENED = re.compile(r"(?:^|\n|[.!?][\"')”’]*\s|[。！？])(?:[-*+•>#|\"'(“‘]+\s?|\d{1,3}[.)]\s)*$")
_CLOSED = re.compile(r"[.!…]*[\"')”’*_|]*\s*(?:\n|$)|[.!…]+[\"')”’*_]*\s|[。！]")
"""What stands around a whole sentence."""
_ASKED = re.compile(r"[?？]+[\"')”’*_|]*(?:\s|$)")
"""What ends a question, which asserts nothing."""
_NEAR = 12
_NO_SPACES = re.compile(r"(?<=[\u2e80-\u9fff\uf900-\uffef]) +| +(?=[\u2e80-\u9fff\uf900-\uffef])")
"""Spaces around scripts that have none between words."""
_ENDED = re.compile(r"[.!?:)\]]['\"”’`*]*$")


def ground(
    answer: str, record: Record, needed: float, stale: Sequence[str] = (), cut: bool = False
) -> Grounded:
    """Keep the sentences of an answer that its record supports.

    A sentence is supported when some passage holds every literal in it (path, number, flag, identifier, code)
    by itself and at least the ``needed`` share of its content words, or holds it word for word; none with a
    ``stale`` literal is. One with neither literals nor content words ("Yes.") says nothing that could be
    supported. An answer that was ``cut`` off loses a last sentence without an end.
    """
    made = claims(answer)
    if cut and made and not made[-1].ended:
        made.pop()
    shares = [(one, None if _stale(one, stale) else support(one, record, needed)) for one in made]
    kept = [(one, share) for one, share in shares if share is not None and share >= needed]
    lines = (" ".join(one.text for one, _ in some) for _, some in groupby(kept, lambda pair: pair[0].line))
    mean = sum(share for _, share in kept) / len(kept) if kept else 0.0
    return Grounded("\n".join(lines), round(mean, 4), len(made) - len(kept))


def support(claim: Claim, record: Record, needed: float) -> float | None:
    """The share of a claim's content words in the passage that has most; None where none bears it out."""
    said = flat(claim.text).rstrip(".!?")
    if any(_verbatim(claim.text, one) for one in _holding(record, said)):
        return 1.0
    able = (one for one in record if _has(one, claim.literals))
    content = _content(claim)
    shares = [(_share(said, content, bool(claim.literals), one), one) for one in able]
    enough = [one.marked for share, one in shares if share >= needed]
    if not claim.text.startswith("```") and (
        negation.contradicts(claim.text, enough) or relations.turned(claim.text, claim.literals, enough)
    ):
        return None
    return max((share for share, _ in shares), default=None)


def _content(claim: Claim) -> list[str]:
    """The words of a claim that say something; numbers, what they measure and how often are literals."""
    known = {name for one in claim.literals for name in one.measure.split("|")}
    known |= {word for one in claim.literals if one.forms for word in _words(one.text)}
    words = (word for word in _words(claim.text) if len(word) >= _CONTENT and not saying.says_no(word))
    return [word for word in words if word not in _FRAME and word not in known and not amounts.counts(word)]


def _holding(record: Record, said: str) -> Iterator[Passage]:
    """The passages that have every word; in scripts without spaces a word is a sentence: any may have it."""
    words = _words(said) if said.isascii() else []
    return (one for one in record if one.words.issuperset(words))


def _has(one: Passage, wanted: Iterable[Literal]) -> bool:
    """Whether every literal stands in a passage; code may be glued to what is around its ticks, and these end
    a command."""
    return all((not each.command and holds(one.text, each)) or holds(one.marked, each) for each in wanted)


def _share(said: str, content: Sequence[str], exact: bool, one: Passage) -> float:
    if len(said) >= _VERBATIM and not said.isascii() and said.lower() in one.text.lower():
        return 1.0  # of scripts without spaces a sentence is one word
    if content:
        return sum(word in one.words for word in content) / len(content)
    verbatim = len(said) >= _VERBATIM and " " in said and stands(said, one.text)
    return float(exact or verbatim)


def _verbatim(text: str, one: Passage) -> bool:
    """Whether a sentence is one of a passage, word for word; a part of one is not."""
    said = _spoken(_ITEM.sub("", text, count=1) if _ITEM.match(text) else text).rstrip(".!?。！？")
    if len(said) < _VERBATIM or (said.isascii() and " " not in said):
        return False
    passage, at, asks = _spoken(one.marked), -1, text.rstrip().endswith(("?", "？"))
    closed = _ASKED if asks else _CLOSED
    while (at := passage.find(said, at + 1)) >= 0:
        if _OPENED.search(passage, max(0, at - _NEAR), at) and closed.match(passage, at + len(said)):
            return True
    return False


@lru_cache(maxsize=64)
def _spoken(text: str) -> str:
    """A text as it is read out: no marks of Markdown, no ends of lines within a sentence."""
    return _NO_SPACES.sub("", negation.flowing(text).replace("`", "").replace("**", ""))


def _stale(claim: Claim, stale: Iterable[str]) -> bool:
    return any(stands(literal, claim.text) for literal in stale)


def claims(answer: str) -> list[Claim]:
    """What an answer says, piece by piece.

    >>> [one.text for one in claims("Use e.g. `a.b c`. Retry!\\n1. Then stop\\n- Go on")]
    ['Use e.g. `a.b c`.', 'Retry!', '1. Then stop', '- Go on']
    """
    found: list[Claim] = []
    start = line = 0
    for block in _FENCE.finditer(answer):
        found += _prose(answer[start : block.start()], line)
        start, line = block.end(), answer.count("\n", 0, block.start())
        if code := [Literal(flat(one), True) for one in block[1].splitlines() if flat(one)]:
            found.append(Claim(block[0], line, tuple(code), bool(block[2])))
        line = answer.count("\n", 0, start)
    return [*found, *_prose(answer[start:], line)]


def _prose(text: str, first: int) -> Iterator[Claim]:
    """The sentences of each line; a full stop inside code ends none, and a list's marks are no literals."""
    for number, line in enumerate(text.split("\n"), first):
        for said in _sentences(line):
            bare = _ITEM.sub("", said, count=1) if _ITEM.match(said) else said
            yield Claim(said, number, tuple(literals(bare)), _ENDED.search(said) is not None)


def _sentences(line: str) -> list[str]:
    """Sentences; what was cut off inside code is left out."""
    whole, torn, _ = line.rpartition("`") if line.count("`") % 2 else (line, "", "")
    found: list[str] = []
    for part in _SENTENCE.findall(whole):
        if found and (_GOES_ON.search(found[-1].rstrip()) or _NUMBER.fullmatch(found[-1])):
            found[-1] += part
        else:
            found.append(part)
    if torn and found and not found[-1].rstrip().endswith((".", "!", "?")):
        found.pop()
    if len(found) > 1 and _NUMBER.fullmatch(found[-1]):  # a list that was cut off
        found.pop()
    return [part.strip() for part in found if _WORD.search(part) or re.search(r"\d", part)]
