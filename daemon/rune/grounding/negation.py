"""Whether what a text says and what a sentence says are opposites.

"Never run the migration" is not supported by "run the migration", nor the other way round; nor "it is safe"
by "it is unsafe". What is denied (``rune.grounding.saying``) must be denied on both sides, enough of it. A
sentence is compared with those of a text that are nearest to it. Negations in code are read with care: a line
of code, a command and a count of 0 can bear out that something is denied, but they deny nothing of a sentence
that asserts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rune.grounding.opposites import opposites, stem
from rune.grounding.saying import Denied, Said, Words, coded, read

_NEAR = 6
"""Words after a negation that it denies in any case."""
_CODE = re.compile(
    r"[=!<>]=|[=-]>|::|\w\((?!s\))|[{};]\s*$|^\$ |\S\s=\s\S"
    r"|^\W*(?:\d+\W+)?(?:if|elif|while|return|assert|def|class|import|except|else|case|for)\b.*[:;{)]\s*$"
    r"|^\W*(?:\d+\W+)?(?:if|elif|while)\s[^.]*:\s"
)
"""A line without ticks that is code rather than prose."""
_WRAPPED = re.compile(r"(?<=[\w,`'’)])\n(?=[^\W\d_A-Z])")
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)*_]*\s+|\n")
_REFUSED = re.compile(r"\?[\"'”’)*_]*\s+(?:no|never|nope)\b\s*(?:[.!,—–-]+|$)", re.I)
"""A question, and that the answer is no."""
_SPAN = re.compile(r"`([^`]+)`")
_ACTS = frozenset(map(stem, ("run", "use", "execute", "call", "invoke", "type", "do", "start", "launch")))
"""Verbs that say no more of a command than that it is run."""
_HEADING = re.compile(r"(?P<mark>\s*(?:[-*+•]\s+|#+\s+|\d{1,3}[.)]\s+)?)(?P<said>\S.*?)\s*$")
_ITEM = re.compile(r"(?P<mark>\s*(?:[-*+•]|\d{1,3}[.)])\s+)(?=\S)")
_NEVER = "never: "


def flowing(text: str) -> str:
    """A text whose sentences go on over the ends of lines no more.

    >>> flowing("It must not\\nrun here.\\n- Go on")
    'It must not run here.\\n- Go on'
    """
    return _WRAPPED.sub(" ", text)


def headed(lines: Sequence[str]) -> list[str]:
    """Lines in which each item of a list says by itself that the list's heading denies it.

    >>> headed(["Don't:", "- Push", "", "Do:", "- Pull"])
    ["Don't:", '- never: Push', '', 'Do:', '- Pull']
    """
    found: list[str] = []
    under: int | None = None
    for line in lines:
        depth = len(line) - len(line.lstrip())
        item = _ITEM.match(line)
        if under is not None and line.strip() and not (item and depth >= under):
            under = None
        denies = _heads(line)
        if under is not None and item and not denies:
            line = f"{item['mark']}{_NEVER}{line[item.end() :]}"
        elif denies:
            under = depth + 1 if item else depth
        found.append(line)
    return found


def _heads(line: str) -> bool:
    """Whether a line is a heading that denies what stands under it."""
    said = _HEADING.match(line) if len(line) <= _LONGEST else None
    if not said:
        return False
    bare = said["said"].strip("*_ ")
    titled = "#" in said["mark"] or said["said"].startswith("**")
    if not (bare.endswith(":") or titled):
        return False
    told = read(f"{bare.rstrip(':')}: {_UNDER}").denied
    return any(_UNDER in one.words or (len(one.words) == 1 and one.words[0] in _ACTS) for one in told)


_LONGEST = 80
"""Characters of a heading."""
_UNDER = "thatwhichfollow"


def contradicts(sentence: str, texts: Iterable[str]) -> bool:
    """Whether what is nearest to a sentence in some texts says the opposite; all have their ticks.

    >>> contradicts("Never run it on staging.", ["Run it on staging."])
    True
    >>> contradicts("Use uv.", ["Use uv, not pip."])
    False
    """
    claim = read(sentence)
    units = [one for text in texts for one in _units(text)]
    if any(
        not any(_denies(one, what.words) for one in _nearest(units, what.words, claim))
        for what in claim.denied
    ):
        return True
    if not claim.asserted or not units:
        return False
    codes = _codes(sentence)
    told = _told(sentence, claim, codes)
    return all(_refuses(one, claim, codes) or _opposes(one, claim) for one in _nearest(units, told, claim))


def _nearest(units: Sequence[Said], what: Words, claim: Said) -> Iterator[Said]:
    """The sentences that have most of something, above all what comes first, and then most of the claim."""
    first, part = what[0] if what else "", frozenset(what)
    near = [(len(part & one.words), first in one.words, len(claim.words & one.words)) for one in units]
    best = max(near, default=None)
    return (one for one, score in zip(units, near, strict=True) if score == best)


def _told(sentence: str, claim: Said, codes: Sequence[tuple[str, Words]]) -> Words:
    """What is asserted, its first code before all; a long command is no more than one word of it."""
    if not codes:
        return ("", *claim.asserted)
    begins = [code[0] for _, code in codes]
    return (*begins, *read(_SPAN.sub(" ", sentence)).asserted.difference(begins))


def _denies(one: Said, what: Words) -> bool:
    """Whether a sentence denies something of this, too, or asserts its opposite."""
    denied = (*one.denied, *one.hinted)
    if any(not what or not other.words or _share(what, other.words) for other in denied):
        return True
    return any(not one.asserted.isdisjoint(opposites(word)) for word in what)


def _refuses(one: Said, claim: Said, codes: Sequence[tuple[str, Words]]) -> bool:
    """Whether a sentence denies what is asserted: the word after a negation, or half of its reach, or most of
    the claim, or its code."""
    firm = claim.asserted - one.asserted
    known = (*claim.denied, *claim.hinted)
    alone = [
        what
        for what in one.denied
        if what.words and not any(_share(what.words, other.words) for other in known)
    ]
    return any(_refused(what, firm, claim) for what in alone) or any(
        _coded(what, one, verb, code) for what in alone for verb, code in codes
    )


def _refused(what: Denied, firm: frozenset[str], claim: Said) -> bool:
    if any(not firm.isdisjoint(opposites(word)) for word in what.words):
        return False
    if 2 * len(firm.intersection(what.words)) > len(claim.asserted):
        return True
    near = what.words[what.before : what.before + _NEAR]
    half = not what.verb and not what.before and 2 * len(firm.intersection(near)) >= len(near)
    return half or not firm.isdisjoint(near[:1])


def _coded(what: Denied, one: Said, verb: str, code: Words) -> bool:
    """Whether code is denied as a whole, with its verb, and not asserted beside."""
    at = _place(code, what.words)
    if at < 0 or any(_place(code, run) >= 0 for run in one.runs):
        return False
    verbs = what.words[:at]
    return not verbs or verb in verbs or (verb in _ACTS and not _ACTS.isdisjoint(verbs))


def _place(part: Words, words: Words) -> int:
    """Where some words stand side by side among others, or -1."""
    many = len(part)
    return next((at for at in range(len(words) - many + 1) if words[at : at + many] == part), -1)


def _codes(sentence: str) -> list[tuple[str, Words]]:
    """The code of a sentence, each with the word before it."""
    found = []
    for one in _SPAN.finditer(sentence):
        before = re.findall(r"[^\W\d_]+", sentence[max(0, one.start() - 40) : one.start()].lower())
        if words := coded(one[1]):
            found.append((stem(before[-1]) if before else "", words))
    return found


def _opposes(one: Said, claim: Said) -> bool:
    """Whether a sentence says the opposite of a word of the claim, both in the same way."""
    ours, theirs = claim.words - one.words, one.words - claim.words
    return any(
        (word in claim.asserted) == (other in one.asserted)
        for word in ours
        for other in opposites(word) & theirs
    )


def _share(one: Sequence[str], other: Sequence[str]) -> bool:
    return not set(one).isdisjoint(other)


@lru_cache(maxsize=64)
def _units(text: str) -> tuple[Said, ...]:
    """The sentences of a text."""
    found = []
    for line in flowing(text).split("\n"):
        code = "`" not in line and _CODE.search(line) is not None
        parts = [line] if code else _SENTENCE.split(_REFUSED.sub(": never. ", line))
        found += [read(part, code) for part in parts if part]
    return tuple(one for one in found if one.words)
