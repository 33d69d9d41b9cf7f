"""A sentence as what it asserts and what it denies.

What a negation denies is what follows it in its clause, over what is put in between commas, up to the next
clause; what a permission denies ("X is not allowed", "X is forbidden") is what stands before it, too. Verbs
that deny what follows (avoid, refrain, stop doing, fail to, lack) are negations. What is missing, unset or
0 may be what a sentence denies, or something else: it is a hint. Scripts that deny within a word or without
spaces (Chinese, Japanese, Korean) are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rune.grounding.opposites import stem

_TOKEN = re.compile(
    r"`(?P<code>[^`]+)`|(?P<word>-{0,2}\w+(?:['’./:@=-]+\w+)*)|(?P<stop>[,;:.!?()\[\]{}|\n—–…]+)"
)
_CODED = re.compile(r"\w+(?:[./:@=-]+\w+)*|(?<!\S)--?\w[\w-]*")
_NEGATORS = frozenset((
    "not", "never", "no", "without", "cannot", "nor", "neither", "nothing", "nobody", "nowhere", "hardly",
    "scarcely", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "cant", "wont", "shouldnt",
    "mustnt", "nicht", "nie", "niemals", "kein", "keine", "keinen", "keinem", "keiner", "keines", "ohne",
    "niet", "geen", "nooit", "pas", "jamais", "sans", "aucun", "aucune", "nunca", "não", "non", "не", "нет",
    "никогда", "без",
))  # fmt: skip
_OTHERS = frozenset(("longer", "instead", "rather"))
"""Parts of negations of several words."""
_LATE = frozenset(("nicht", "niet", "pas", "nie"))
"""Stand after what they deny, before a comma too."""
_PAIRS = frozenset((("none", "of"), ("instead", "of"), ("rather", "than")))
_NO_NEGATION = frozenset(("only", "just", "merely", "matter", "doubt"))
"""After "not" or "no" they make something that denies nothing."""
_VERBS = frozenset(map(stem, (
    "avoid", "refrain", "forbid", "forbidden", "forbade", "prohibit", "ban", "disallow", "lack", "unable",
    "discourage", "unsupported",
)))  # fmt: skip
"""What denies what it is about."""
_TO = frozenset(map(stem, (
    "fail", "failure", "refuse", "forget", "forgot", "forgotten", "wrong", "dangerous", "bad", "mistake",
    "unwise",
)))  # fmt: skip
"""What does so before "to"."""
_DOING = frozenset(map(stem, ("stop", "quit", "cease")))
"""What does so before a verb with -ing."""
_UNFORGOTTEN = frozenset(map(stem, ("forget", "hesitate")))
"""After "not" they deny nothing."""
_ABSENT = frozenset(("missing", "absent", "unset", "undefined", "gone", "unless"))
"""What may be meant where something is denied."""
_PERMITTED = frozenset((
    "allowed", "permitted", "okay", "ok", "safe", "necessary", "needed", "required", "recommended",
    "supported", "possible", "advisable", "wise", "acceptable", "fine", "worth", "good", "done", "welcome",
    "wanted", "advised",
))  # fmt: skip
"""What is said of an act: where it is denied, the act is."""
_THERE = frozenset(("set", "there", "present", "available", "defined", "found", "given", "installed"))
"""What is said of a thing: where it is denied, the thing is."""
_FORBIDDEN = frozenset((
    "forbidden", "prohibited", "banned", "disallowed", "discouraged", "unsupported", "unnecessary",
    "unneeded", "unsafe", "impossible", "unwise", "inadvisable", "unacceptable", "unwanted",
))  # fmt: skip
"""What denies the act before it."""
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
    "it's", "it’s", "from", "no", "yes",
    "der", "die", "das", "den", "dem", "ein", "eine", "ist", "sind", "le", "la", "les", "de", "el", "los",
))  # fmt: skip
"""Words that say nothing by themselves."""
_NOT, _VERB, _ACT, _HINT = "\x00", "\x01", "\x02", "0"
"""Stand in a clause for a negation, a verb that is one, one of the act before it, and a hint."""
_MARKS = frozenset((_NOT, _VERB, _ACT, _HINT))
_REACH = 16
"""Words that a negation denies at most."""

Words = tuple[str, ...]


class Denied(NamedTuple):
    """What one negation denies."""

    words: Words
    """In their order; what stands before the negation, then what follows it."""
    before: int = 0
    """How many stand before it."""
    verb: bool = False
    """Whether a verb denies it."""


class Said(NamedTuple):
    """A sentence as what it asserts and what it denies; words are stems."""

    words: frozenset[str]
    asserted: frozenset[str]
    runs: tuple[Words, ...]
    """What it asserts, clause by clause and in order."""
    denied: tuple[Denied, ...]
    hinted: tuple[Denied, ...]
    """What a 0, a word such as "missing", and every negation of code may deny."""


def read(sentence: str, code: bool = False) -> Said:
    """What a sentence asserts and denies; a command is run.

    >>> read("Running it on Fridays is not allowed.").denied[0].words
    ('run', 'friday', 'allow')
    """
    reader = _Reader()
    if sentence.startswith("$ "):
        reader.runs.append(["run"])
    for words, stop, late in _clauses(sentence):
        reader.take(words, stop, late)
    found = [
        (mark == _HINT or code, Denied(tuple(words[:_REACH]), before, mark == _VERB))
        for mark, words, before in reader.found
    ]
    denied, hinted = (tuple(one for hint, one in found if hint is wanted) for wanted in (False, True))
    asserted = frozenset(word for run in reader.runs for word in run).union(*(one.words for one in hinted))
    every = asserted.union(*(one.words for one in denied))
    return Said(every, asserted, tuple(map(tuple, reader.runs)), denied, hinted)


class _Reader:
    """Goes through the clauses of a sentence."""

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.found: list[tuple[str, list[str], int]] = []
        """Each negation, what it denies, and how much of that stands before it."""
        self._open: list[str] | None = None
        """What goes on being denied in the next clause."""
        self._between = False
        """Whether that is because of something put in between commas."""
        self._stop = ""
        """How the clause before ended."""

    def take(self, words: list[str], stop: str, late: bool) -> None:
        """Read a clause that ends with this sign, or with a word ("")."""
        before: list[str] = []
        subject: list[str] = []
        reach = self._open
        for word in words:
            if word in _MARKS:
                subject = before if word == _ACT else []
                reach = list(subject)
                self.found.append((word, reach, len(subject)))
                before = [] if subject else before
            elif reach is None or len(reach) >= _REACH:
                before.append(word)
            else:
                reach.append(word)
        if reach == [] and self.found[-1][1] is reach:
            before = self._end(reach, before, words, stop, late)
        if before:
            self.runs.append(before)
        self._go_on(reach, stop, len(subject))
        self._stop = stop

    def _end(self, reach: list[str], before: list[str], words: list[str], stop: str, late: bool) -> list[str]:
        """A negation with nothing after it; returns what its clause still asserts."""
        mark = self.found[-1][0]
        if words == [_NOT] and self.runs and self._stop and stop not in _GOING_ON:  # "run it: never."
            denied = self.runs.pop()
            self.found[-1] = (_NOT, denied, len(denied))
        elif before and (late or mark == _HINT or stop not in _GOING_ON):  # "läuft nicht"
            reach += reversed(before[-2:])
            return before[:-2]
        return before

    def _go_on(self, reach: list[str] | None, stop: str, subject: int) -> None:
        """Whether what is denied comes after the end of a clause ("never, at no time, run it")."""
        nothing = reach is not None and (not reach or (stop == ":" and _STEMS.issuperset(reach[subject:])))
        self._open = reach if nothing or (self._between and stop == ",") else None
        self._between = self._open is not None and stop == ","


_GOING_ON = frozenset((",", ":"))
_SAID = _PERMITTED | _THERE
_STEMS = frozenset(map(stem, _PERMITTED))


def _clauses(sentence: str) -> Iterator[tuple[list[str], str, bool]]:
    """The stems of each clause, with its negations; how it ends, and whether with a late negation."""
    found = list(_TOKEN.finditer(sentence))
    following = [*((one["word"] or "").lower() for one in found[1:]), ""]
    clause: list[str] = []
    before = ""
    for one, after in zip(found, following, strict=False):
        if code := one["code"]:
            clause += coded(code)
            before = ""
            continue
        word = (one["word"] or "").lower()
        if not word or word in _ENDS:
            if clause or not word:
                yield clause, (one["stop"] or "")[:1], before in _LATE
            clause = []
        if word:
            _add(clause, before, word, after)
        before = word
    yield clause, "", before in _LATE


def coded(code: str) -> Words:
    """The stems of code; none where it denies something by itself."""
    words = _CODED.findall(code.lower())
    return () if _NEGATORS.intersection(words) else tuple(map(stem, words))


def says_no(word: str) -> bool:
    """Whether a word denies by itself."""
    return word in _NEGATORS or word in _ABSENT or word in _OTHERS or stem(word) in _VERBS


def _add(clause: list[str], before: str, word: str, after: str) -> None:
    """A word at the end of a clause, as a negation where it is one."""
    denied = clause[-1:] == [_NOT]
    mark = _negates(before, word, after)
    if denied and (mark == _VERB or (mark == _ACT and word in _FORBIDDEN) or stem(word) in _UNFORGOTTEN):
        clause.pop()  # whoever must not forget it has to do it
    elif denied and word in _SAID and after != "to":
        clause[-1:] = [_ACT, stem(word)]
    elif mark:
        clause += [stem(word), mark] if mark == _HINT and word != "0" else [mark]
    elif word not in _LITTLE and word not in _ENDS:
        clause.append(stem(word))


def _negates(before: str, word: str, after: str) -> str:
    """Which negation a word is between two others; "" where it is none."""
    if (word, after) in _PAIRS or word.endswith(("n't", "n’t", "n'ts", "n’ts")):
        return _NOT
    if word == "0":
        return _HINT if after and after not in _NO_NEGATION else ""
    if word == "no":
        return _NOT if after and after not in _NO_NEGATION else ""
    if word in _NEGATORS:
        return _NOT if before != "or" and after not in _NO_NEGATION else ""
    if word in _ABSENT:
        return _HINT
    return _verb(word, after)


def _verb(word: str, after: str) -> str:
    """The same of a verb or what is said of an act."""
    if word in _FORBIDDEN or (word, after) == ("bad", "idea"):
        return _VERB if after in ("to", "from") else _ACT
    root = stem(word)
    denies = root in _VERBS or (root in _TO and after == "to") or (root in _DOING and after.endswith("ing"))
    return _VERB if denies else ""
