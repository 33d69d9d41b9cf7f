"""What a lesson tells, as far as another one may tell the same or deny it. Pure.

In doubt there may be several values of a thing: who takes one for the only one loses the others.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rune import cues, essence
from rune.evolution import moves, owner
from rune.evolution.moves import Move
from rune.evolution.owner import Whose
from rune.evolution.wording import CHANGED, doubtful, kind, plain, sort, values, words
from rune.records.card import Lesson

HISTORY = frozenset(("repair", "cause", "unsolved", "error", "proof", "goal", "steps", "commit", "count"))
"""Kinds of lessons that tell what happened once; how many tests passed depends on which were run."""
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
    r"|lives (?:in|at)|(?:stored|kept|defined) in)|=)\s*:?\s*(?:now\s+|the\s+)*[\"'(]*$",
    re.I,
)
"""What stands before a literal that can only be one."""
_TO = re.compile(
    rf"\b(?:{'|'.join(sorted(CHANGED))})\b[^;]{{0,80}}\b(?:to|into)\s+(?:\w+\s+){{0,2}}[\"'(]*$", re.I
)
_NOW = re.compile(r"(?<=\S )now\b|\binstead\b(?! of)")
"""What says that something is no longer as it was; a sentence that begins with "Now" goes on with a story."""
_ONLY = re.compile(
    r"\b(?:(?:is|are|gets?)(?:\s+now)?(?:\s+(?:being\s+)?(?:written|stored|kept|defined|located|hosted|served|deployed"
    r"|built|configured|managed|placed|published|saved|read|run|started|installed|formatted|done|made|based"
    r"|bound|connected|listening|running|living))?(?:\s+now)?\s+(?:to|in|at|on|from|with|by|under|via|as|through)"
    r"|(?:listens?|lives?|resides?|sits?|stays?|points?|goes|runs?|comes?)(?:\s+now)?"
    r"\s+(?:to|in|at|on|from|with|by|under|via|as|through)|uses?|using|(?P<runs>runs?)"
    r"|(?:called|named|known as)|defaults?\s+to)"
    r"(?:\s+now)?(?:\s+(?!(?:and|or|for|of|with|when|that|which)\b)[a-z]+){0,3}?\s*[\"'(]*$",
    re.I,
)
"""What stands before the value that a thing has instead of another one, if that is said of now: where it is,
what it is called or works with. What it does now to one thing, it may have done to another one before."""
_MORE = re.compile(
    r"\b(?:also|too|as well|another|additional(?:ly)?|one of|further|among|amongst|has|such as"
    r"|for example|e\.g\."
    r"|(?:support|accept|handle|validate|include|return|expose|allow|cover|contain|provide|need|require)s?)\b"
    r"|^\W*(?:one|some|another|certain|several)\b",
    re.I,
)
"""What says that there are others, or may be."""
_ONE_OF = re.compile(r"\b(?:an?|new)\b|[\d`](?:,|,?\s+(?:and|or))\s+$", re.I)
"""The same, before the value."""
_ID = re.compile(
    r"(?:#|\b(?:issue|pr|pull request|ticket|lines?|step|status|error|code|commit|task))\s*#?$", re.I
)
"""What makes a number a name."""
_IDS = re.compile(
    r"\b(?:issue|pr|pull request|merge request|mr|ticket|story|epic|commit|revision|changeset|hash|sha"
    r"|migration|u?uid|guid|id|identifier|(?:issue|ticket|pr|build|run|job|order|invoice) number"
    r"|(?:feature|topic|working|current|my) branch)s?"
    r"(?=\s+(?:of|for|in|on|that|which|with|is|are|was|has|named|called|behind|to|from|about)\b|\s*[:=(])",
    re.I,
)
"""Things each of which has a name of its own: the next one is another thing, it does not take its place."""
_ID_LIKE = re.compile(r"#\d+|!\d+|[A-Z][A-Z0-9]+-\d+|\d{3,}_\w+|[\da-f]{8}-[\da-f]{4}-[\da-f-]+")
"""How such names look."""
_MEMBERS = re.compile(
    r"\b(?:function|method|class|variable|constant|option|flag|argument|parameter|field|column|exception|helper"
    r"|hook|event|test|fixture|error)(?=\s+(?:(?:of|for|in|on|that|which|with)\s.*)?"
    r"(?:is|are|:)(?: called| named)?\s*$)",
    re.I,
)
"""What a program has many of: to be called something makes one of them no other."""
_PAST = re.compile(r"^\W*(?:\w+ed|found|made|wrote|built|ran)\b", re.I)
"""How a statement begins of what was done once."""
_EPISODE = re.compile(
    r"\b(?:fix|bug|issue|problem|error|failure|cause|culprit|failing|hint|step|solution|question|answer"
    r"|key|relevant)\b",
    re.I,
)
"""What is another one in each session."""
_DENIED = re.compile(r"\b(?:not|never|no longer|instead of|rather than|\w+n't)\s+(?:[\w'-]+\s+){0,3}$", re.I)
_ASIDE = re.compile(r"(?:\b(?:in|for|on|via|with|under)|\(see)\s+[\"'(]*$", re.I)
_WAY = re.compile(r"\b(?:from|to)\b", re.I)
"""Words that tell two subjects apart, though they carry nothing."""

Subject = tuple[str, frozenset[str]]


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


def read(lesson: Lesson, alone: str = "") -> Told | None:
    """What a lesson is about, and what it says of it; None where that cannot be told apart.

    A statement too short to be about one thing with another one is about itself, under the name ``alone``, if
    it is given one: it can be found by its value alone.

    >>> told = read(Lesson("said", "The gateway now listens on port 8080.", (), ()))
    >>> sorted(told.about[1]), told.value, told.single
    (['gateway', 'listens', 'port'], '8080', True)
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
    about = words(question)
    if kind == "file":
        return Told((kind, about), value, value, False, about)
    essential = plain(essence.essential(value)).strip()
    return Told((kind, about | essence.installs(value)), essential, value, True, about)


def _stated(text: str, alone: str) -> Told | None:
    move, said = moves.find(text), [one for one in values(text) if not _DENIED.search(_lead(text, one))]
    if move:
        said = [one for one in said if plain(one[0]) == move.new] or said
    if not said:
        return None
    found = _named(text, said)
    rest, value = f"{text[: found.start()]} {text[found.end() :]}", plain(found[0])
    some, named = words(rest), _IS.search(_lead(text, found)) is not None
    whole, single = some | words(found[0]), _single(text, found, value, named)
    whose = owner.find(text, found, move.old if move else "")
    few = named and kind(value) != "file" and not _EPISODE.search(text)
    about = ("said", some | {one.lower() for one in _WAY.findall(rest)})
    if len(some) < (NAMED if few else LEAST):
        if not alone:
            return None
        about = (alone, frozenset())
    return Told(about, value, value, single, whole, move, sort(found[0]), whose)


def _lead(text: str, found: re.Match[str]) -> str:
    """What stands close before a literal."""
    return text[max(0, found.start() - 50) : found.start()]


def _named(text: str, said: list[re.Match[str]]) -> re.Match[str]:
    """The last value; the last one that is said to be it if those after it say but where."""
    plainly = (one for one in reversed(said) if not _ASIDE.search(_lead(text, one)))
    first = next(plainly, said[-1])
    return first if _IS.search(_lead(text, first)) else said[-1]


def _single(text: str, found: re.Match[str], value: str, named: bool) -> bool:
    """Whether there can be but one such value: a number, what is said to be it, what is so now; no id."""
    before = text[: found.start()]
    if _is_id(before, found[0]) or doubtful(text) or _MORE.search(text) or _ONE_OF.search(before):
        return False
    if _TO.search(before):
        return True
    number = kind(value) == "number" and not _ID.search(before[-30:])
    one = named and not _MEMBERS.search(before)
    return not _PAST.search(text) and (number or one or _changed(text, before, value))


def _is_id(before: str, literal: str) -> bool:
    """Whether a value is the name of a thing that has none but this."""
    raw = literal.strip("`\"'()[].,;:")
    return cues.kind(raw) == "commit" or bool(_ID_LIKE.fullmatch(raw) or _IDS.search(before))


def _changed(text: str, before: str, value: str) -> bool:
    """Whether a thing is said to have this value now; a job is one script, but may run many a command."""
    only = _ONLY.search(before) if _NOW.search(text) else None
    return only is not None and not (only["runs"] and kind(value) != "file")
