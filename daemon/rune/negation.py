"""What a text denies, and whether a sentence denies the same of it.

"Never run the migration" is not supported by "run the migration", nor the other way round. What a negation
denies is what follows it in its clause; of that, enough must be denied on both sides. A sentence is compared
with those of a text that are nearest to it. Negations in code are read with care: a line of code, a command
and a count of 0 can bear out that something is denied, but they deny nothing of a sentence that asserts.
Scripts that deny within a word or without spaces (Chinese, Japanese, Korean) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(
    r"`(?P<code>[^`]+)`|(?P<word>-{0,2}\w+(?:['’./:@=-]+\w+)*)|(?P<stop>[,;:.!?()\[\]{}|\n—–…]+)"
)
_WORD = re.compile(r"\w+(?:[./:@=-]+\w+)*")
_NEGATORS = frozenset((
    "not", "never", "no", "without", "cannot", "nor", "neither", "nothing", "nobody", "nowhere",
    "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "cant", "wont", "shouldnt", "mustnt",
    "nicht", "nie", "niemals", "kein", "keine", "keinen", "keinem", "keiner", "keines", "ohne",
    "niet", "geen", "nooit", "pas", "jamais", "sans", "aucun", "aucune", "nunca", "não", "non",
    "не", "нет", "никогда", "без",
))  # fmt: skip
_PAIRS = frozenset((("none", "of"), ("instead", "of"), ("rather", "than")))
_NO_NEGATION = frozenset(("only", "just", "merely", "matter", "doubt"))
"""After "not" or "no" they make something that denies nothing."""
_ENDS = frozenset((
    "but", "because", "since", "so", "while", "whereas", "although", "though", "which", "unless", "if",
    "when", "until", "and", "then", "instead", "aber", "weil", "denn", "und", "sondern", "mais", "et", "car",
))  # fmt: skip
"""Words with which another clause begins."""
_LITTLE = frozenset((
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "being", "to", "of", "it", "its", "this",
    "that", "these", "those", "there", "do", "does", "did", "have", "has", "had", "will", "would", "should",
    "must", "can", "could", "may", "might", "shall", "any", "ever", "longer", "yet", "in", "on", "at", "by",
    "for", "with", "as", "or", "than", "i", "we", "you", "he", "she", "they", "them", "our", "your", "my",
    "der", "die", "das", "den", "dem", "ein", "eine", "ist", "sind", "le", "la", "les", "de", "el", "los",
))  # fmt: skip
"""Words that say nothing by themselves."""
_NOT, _ZERO = "\x00", "0"
_REACH = 6
"""Words that a negation denies at most."""
_ENDING = re.compile(r"(?:ing|ed|es|s|d|e)$")
_CODE = re.compile(
    r"[=!<>]=|[=-]>|::|\w\((?!s\))|[{};]\s*$|^\$ |\S\s=\s\S"
    r"|^\W*(?:\d+\W+)?(?:if|elif|while|return|assert|def|class|import|except|else|case|for)\b.*[:;{)]\s*$"
    r"|^\W*(?:\d+\W+)?(?:if|elif|while)\s[^.]*:\s"
)
"""A line without ticks that is code rather than prose."""
_WRAPPED = re.compile(r"(?<=[\w,`'’)])\n(?=[^\W\d_A-Z])")
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)*_]*\s+|\n")


class Said(NamedTuple):
    """A sentence as what it asserts and what it denies; words are stems."""

    words: frozenset[str]
    asserted: frozenset[str]
    denied: tuple[tuple[str, ...], ...]
    """For each negation what it denies, nearest first."""
    hinted: tuple[tuple[str, ...], ...]
    """The same of a 0, and of every negation of code: it may be what a sentence denies, or something else."""


def flowing(text: str) -> str:
    """A text whose sentences go on over the ends of lines no more.

    >>> flowing("It must not\\nrun here.\\n- Go on")
    'It must not run here.\\n- Go on'
    """
    return _WRAPPED.sub(" ", text)


def contradicts(sentence: str, texts: Iterable[str]) -> bool:
    """Whether what is nearest to a sentence in some texts says the opposite; all have their ticks.

    >>> contradicts("Never run it on staging.", ["Run it on staging."])
    True
    >>> contradicts("Use uv.", ["Use uv, not pip."])
    False
    """
    claim = _read(sentence)
    units = [one for text in texts for one in _units(text)]
    if not claim.denied and not any(one.denied for one in units):
        return False
    firm = claim.asserted
    return not (
        all(any(_denies(one, what) for one in _nearest(units, what, claim)) for what in claim.denied)
        and (not firm or any(not _refuses(one, claim) for one in _nearest(units, firm, claim)))
    )


def _nearest(units: Sequence[Said], what: Iterable[str], claim: Said) -> Iterator[Said]:
    """The sentences that have most of something and, of these, most of the claim."""
    part = frozenset(what)
    near = [(len(part & one.words), len(claim.words & one.words)) for one in units]
    best = max(near, default=None)
    return (one for one, score in zip(units, near, strict=True) if score == best)


def _denies(one: Said, what: Sequence[str]) -> bool:
    """Whether a sentence denies something of this, too."""
    return any(not what or not denied or _share(what, denied) for denied in (*one.denied, *one.hinted))


def _refuses(one: Said, claim: Said) -> bool:
    """Whether a sentence denies what is asserted: the word after a negation, or half of its reach."""
    firm = claim.asserted - one.asserted
    alone = (what for what in one.denied if what and not any(_share(what, other) for other in claim.denied))
    return any(what[0] in firm or 2 * len(firm.intersection(what)) >= len(what) for what in alone)


def _share(one: Sequence[str], other: Sequence[str]) -> bool:
    return not set(one).isdisjoint(other)


@lru_cache(maxsize=64)
def _units(text: str) -> tuple[Said, ...]:
    """The sentences of a text."""
    found = []
    for line in flowing(text).split("\n"):
        code = "`" not in line and _CODE.search(line) is not None
        found += [_read(part, code) for part in ([line] if code else _SENTENCE.split(line)) if part]
    return tuple(one for one in found if one.words)


def _read(sentence: str, code: bool = False) -> Said:
    """What a sentence asserts and denies; a command is run."""
    asserted = {"run"} if sentence.startswith("$ ") else set()
    denied: list[list[str]] = []
    hinted: list[list[str]] = []
    reach: list[str] | None = None
    for clause in _clauses(sentence):
        reach = reach if reach == [] else None  # "never, at no time, run it": what is denied comes later
        before: list[str] = []
        for word in clause:
            if word in (_NOT, _ZERO):
                (hinted if code or word == _ZERO else denied).append(reach := [])
            elif reach is None or len(reach) == _REACH:
                before.append(word)
            else:
                reach.append(word)
        if reach == [] and before:  # "läuft nicht"
            reach += reversed(before[-2:])
            before = before[:-2]
        asserted.update(before)
    asserted = asserted.union(*hinted)
    words = frozenset(asserted).union(*denied)
    return Said(words, frozenset(asserted), tuple(map(tuple, denied)), tuple(map(tuple, hinted)))


def _clauses(sentence: str) -> Iterator[list[str]]:
    """The stems of each clause that say something, and its negations."""
    found = list(_TOKEN.finditer(sentence))
    following = [*(one["word"] or "" for one in found[1:]), ""]
    clause: list[str] = []
    before = ""
    for one, after in zip(found, following, strict=False):
        if code := one["code"]:
            words = _WORD.findall(code.lower())
            clause += [] if _NEGATORS.intersection(words) else map(_stem, words)
            before = ""
            continue
        word, after = (one["word"] or "").lower(), after.lower()
        if word and _negates(before, word, after):
            clause.append(_ZERO if word == "0" else _NOT)
        elif not word or word in _ENDS:
            yield clause
            clause = []
        elif word not in _LITTLE:
            clause.append(_stem(word))
        before = word
    yield clause


def _negates(before: str, word: str, after: str) -> bool:
    if (word, after) in _PAIRS or word.endswith(("n't", "n’t")):
        return True
    if word == "no" or word == "0":
        return after != "" and after not in _NO_NEGATION
    return word in _NEGATORS and before != "or" and after not in _NO_NEGATION


def _stem(word: str) -> str:
    """A word without its endings: never to be read, alike for all its forms.

    >>> {_stem(word) for word in ("drop", "drops", "dropped", "dropping")}
    {'drop'}
    """
    word = word.removesuffix("'s").removesuffix("’s")
    while len(shorter := _ENDING.sub("", word)) > 1 and shorter != word:
        word = shorter
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
