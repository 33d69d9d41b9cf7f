"""What a lesson tells, as far as another one may tell the same or deny it. Pure.

In doubt there may be several values of a thing: who takes one for the only one loses the others.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from rune.evolution import moves, only, owner, subject
from rune.evolution.moves import Move
from rune.evolution.owner import Whose
from rune.evolution.subject import VALUE, About
from rune.evolution.wording import kind, plain, sort, values, words
from rune.records.card import HISTORY, Lesson
from rune.running import essence

LEAST = 3
"""Words that two statements must share to be about one thing."""
NAMED = 2
"""The same, where the value is said to be it."""
_FORMS = {"command": re.compile(r"Run `([^`]+)`\."), "file": re.compile(r"\S+ is in (\S+)\.")}
"""How lessons answer that tell how something is run, or where it is; a note of that kind may say anything."""
ASKED = frozenset(_FORMS)
"""What is told by the answer to a question, not by a statement."""
_OWN = re.compile(
    r"\b(?:this(?! (?:project|repo))|it|(?:the|my|our) (?:[\w-]+ )?(?:fix|issue|bug|problem|error)"
    r"|example|syntax|reproduc\w+|tests?(?: \w+)? (?:file|script)"
    r"|(?:the|a|one) (?:[\w-]+ )?test(?! (?:suite|server|stack|coverage|data))"
    r"|(?:failing|failed|specific|single|new|added|changed|affected|my|quick|simple) "
    r"(?:[\w-]+ )?(?:tests?|checks?|scripts?))\b"
    r"|^(?!.*\b(?:publish|deploy|release|ship|push|upload)\b).*\b(?:the|my|our) (?:[\w-]+ )?changes?\b",
    re.I,
)
"""What makes a question one about its own session: the fix that is tested is another one each time."""
_IS = re.compile(
    r"(?:\b(?:is|are|called|named|port|version|set to|default(?:s to)?|equals|listens on"
    r"|lives (?:in|at)|(?:stored|kept|defined) in|pinned to|owned by)|=)\s*:?\s*(?:now\s+|the\s+)*[\"'(]*$",
    re.I,
)
"""What stands before a literal that is said to be it."""
_EPISODE = re.compile(
    r"\b(?:fix|bug|issue|problem|error|crash|failure|cause|culprit|failing|hint|step|solution|question|answer"
    r"|key|relevant)\b",
    re.I,
)
"""What is another one in each session."""
_DENIED = re.compile(r"\b(?:not|never|no longer|instead of|rather than|\w+n't)\s+(?:[\w'-]+\s+){0,3}$", re.I)
_USED = re.compile(
    r"^\W*(?:(?:to\s+[^,.;]{2,40},\s+)?(?:please\s+|always\s+)?(?:run|use)"
    r"|(?:start|build|deploy|test|install|launch|serve|release|publish|format|lint|check)\s[^,.;]{0,40}\bwith"
    r"|(?:(?:the|our)\s+)?(?:[\w-]+\s+){1,4}(?:is|are)\s+(?:read|taken|loaded)\s+from)\s+"
    r"(?:the\s+(?:environment\s+|env\s+)?(?:variable|command|script)\s+)?[\"'(]*\x00"
    r"[\"')]*(?:\s+to\s+[^,.;]{2,40})?[.!]?\s*$",
    re.I,
)
"""A statement that tells to use its value, and nothing else."""
_FAULT = re.compile(
    r"\b(?:fix|bugs?|issue|problem|crash\w*|failure|cause|culprit|fail(?:s|ed|ing)|broken?|leak\w*|hint)\b"
    r"|\berrors?(?=\s+(?:is|are|was|were|in|on|at|comes?)\b)",
    re.I,
)
"""What is another one in each session, wherever its place has gone."""
_TALK = re.compile(
    r"^\W*(?:it|this|that|see|please|note|i(?:[’']ve)?\s+(?:looked|checked|read|found|searched))\b", re.I
)
"""How a sentence begins that goes on about the one before it, or about the work."""
_RENAMED = re.compile(r"\brenamed\b", re.I)
_SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n")
_ASIDE = re.compile(r"(?:\b(?:in|for|on|via|with|under)|\(see)\s+[\"'(]*$", re.I)

Subject = tuple[str, tuple[str, ...]]


class Told(NamedTuple):
    """What a lesson tells, read once."""

    about: Subject
    value: str
    """What it says of it."""
    literal: str
    """The same as others would name it: the command that is run, the path where something is."""
    single: bool
    """Whether there can be but one such value."""
    words: frozenset[str]
    """Of the statement, or of the question that is answered."""
    move: Move | None = None
    """What it says itself to have been so before."""
    sort: str = ""
    """What sort of thing a stated value is: one of another sort does not stand in its place."""
    whose: Whose | None = None
    """Whose value it is, of a statement."""
    order: tuple[str, ...] = ()
    """The words that say of what it is told, in their order."""
    aside: tuple[str, ...] = ()
    """What is said of the subject by some and left out by others."""
    stated: bool = True
    """Whether it is what is said of the subject, not something beside it, and of no single episode."""
    measure: str = ""
    """What a number counts in."""
    named: Subject | None = None
    """What it is called of which a value is said to be the new name."""
    more: bool = False
    """Whether the statement tells something else in a sentence of its own."""


def read(lesson: Lesson, alone: str = "") -> Told | None:
    """What a lesson is about, and what it says of it; None where that cannot be told apart.

    A statement too short to be about one thing with another one is about itself, under the name ``alone``, if
    it is given one: it can be found by its value alone.

    >>> told = read(Lesson("said", "The port of the gateway is now 8080.", (), ()))
    >>> " ".join(told.about[1][:2]), told.value, told.single
    ('gateway port', '8080', True)
    """
    if lesson.kind in HISTORY:
        return None
    form = _FORMS[lesson.kind].fullmatch(lesson.answer) if lesson.kind in _FORMS else None
    if form and lesson.questions:
        return _asked(lesson.kind, lesson.questions[0], plain(form[1]))
    return _stated(lesson.answer, alone)


def _asked(kind: str, question: str, value: str) -> Told | None:
    """How something is run, or where it is; what an installation installs is a part of what it is about.

    Things of one name may be defined in two files.
    """
    if _OWN.search(question):
        return None
    about, some = subject.ordered(question), words(question)
    if kind == "file":
        return Told((kind, about), value, value, False, some, order=about)
    essential = plain(essence.essential(value)).strip()
    return Told((kind, (*about, *sorted(essence.installs(value)))), essential, value, True, some, order=about)


def _stated(text: str, alone: str) -> Told | None:
    move, said = moves.find(text), [one for one in values(text) if not _DENIED.search(_lead(text, one))]
    if move:
        said = [one for one in said if plain(one[0]) == move.new] or said
    if not said:
        return None
    found = _named(text, said)
    told = subject.find(text, found, move is not None)
    single, value = only.one(text, found, plain(found[0]), told), plain(found[0])
    about = ("said", (*told.words, told.measure))
    if not _enough(text, found, told, single):
        if not alone:
            return None
        about = (alone, ())
    return Told(
        about, value, value, single, words(text), move, sort(found[0]),
        owner.find(text, found, move.old if move else ""),
        told.words, told.aside, _stands(text, found, told), told.measure,
        _called(text, told), _more(text, found),
    )  # fmt: skip


def _called(text: str, told: About) -> Subject | None:
    """What "is called so", where it has been renamed to the value."""
    if told.how != "became" or not _RENAMED.search(text) or VALUE not in told.words:
        return None
    place = told.words.index(VALUE)
    return ("said", (*told.words[:place], "called", *told.words[place:], told.measure))


def _stands(text: str, found: re.Match[str], told: About) -> bool:
    """Whether a value is what is said of the subject, or what is to be used, beyond this session."""
    used = _USED.search(text[: found.start()] + VALUE + text[found.end() :])
    return bool(told.how or used) and not _FAULT.search(text)


def _more(text: str, found: re.Match[str]) -> bool:
    """Whether a sentence without the value says so much that it may be a fact of its own."""
    ends = [0, *(gap.end() for gap in _SENTENCE.finditer(text)), len(text)]
    others = (text[first:last] for first, last in pairwise(ends) if not first <= found.start() < last)
    return any(len(words(one)) >= LEAST and (values(one) or not _TALK.search(one)) for one in others)


def _enough(text: str, found: re.Match[str], told: About, single: bool) -> bool:
    """Whether a statement says so much of its subject that another one may be about the same."""
    sure = single or only.lasting(told) or told.how == "at" or kind(plain(found[0])) != "file"
    if told.how and sure and not _EPISODE.search(text):
        return len(told.said) >= NAMED
    return len(words(f"{text[: found.start()]} {text[found.end() :]}")) >= LEAST


def _lead(text: str, found: re.Match[str]) -> str:
    """What stands close before a literal."""
    return text[max(0, found.start() - 50) : found.start()]


def _named(text: str, said: list[re.Match[str]]) -> re.Match[str]:
    """The last value; the last one that is said to be it if those after it say but where."""
    plainly = (one for one in reversed(said) if not _ASIDE.search(_lead(text, one)))
    first = next(plainly, said[-1])
    return first if _IS.search(_lead(text, first)) else said[-1]
