"""What a statement is made of: its literals, the words that name something, and whether it is meant. Pure."""

from __future__ import annotations

import re

from rune import cues
from rune.literal import flat

LITERAL = re.compile(
    r"`[^`]+`|(?<![^\s`])(?:[^\s`]*[\d/\\_=][^\s`]*|[^\s`]+\.\w[^\s`]*)|(?<!\w)\w*[a-z][A-Z]\w*"
)
"""What may be the value of a fact; looked for at the beginning of a word alone, since words may be long."""
CHANGED = frozenset((
    "renamed", "moved", "changed", "replaced", "switched", "bumped", "migrated", "updated", "upgraded",
    "downgraded", "raised", "lowered", "increased", "decreased", "reduced", "went", "became",
    "transferred", "converted", "handed",
))  # fmt: skip
"""Verbs of a change that has happened."""
RENEWED = r"new\s+(?:port|version|limit|timeout|default|owner|maintainer|url|host|name)\b"
"""What is new of a thing that is the same; a new port is the port now, a new endpoint is one more."""
_EDGES = ".,;:!?()[]'\""
FILLING = frozenset(("service", "server"))
"""Words that say of a thing what everybody knows: one says them, another one leaves them out."""
SILENT = frozenset((
    "currently", "still", "already", "just", "always", "please", "we", "i", "our",
))  # fmt: skip
"""Words that one who tells the same thing says and another one leaves out."""
TALK = frozenset((
    "i've", "i'd", "we've", "we'd", "you", "you've", "they", "they've", "he", "she", "your",
    "someone", "somebody", "today", "yesterday", "recently", "finally", "successfully", "permanently",
    "completely", "officially", "gone", "ahead",
))  # fmt: skip
"""Words of whoever reports a change; they are no part of what has changed."""
_STATES = frozenset((
    "listens", "listen", "runs", "uses", "keeps", "takes", "waits", "lives", "starts", "serves", "called",
    "named",
))  # fmt: skip
"""Verbs of what is so."""
_GENERAL = frozenset((
    "port", "ports", "file", "files", "number", "command", "name", "path", "use", "used", "using", "run",
    "instead", "set", "value", "old", "what", "been", "here", "everybody", "everyone", "dropped", "removed",
    "deprecated", "replaces", "previously", "formerly", "over",
))  # fmt: skip
"""Words that any two facts may share: they say nothing about what something is."""
WHOLE = frozenset(("project", "repo", "repository", "codebase"))
"""What everything belongs to: one names it, another one leaves it out."""
MEASURES = frozenset((
    "version", "default", "limit", "timeout", "size", "count", "delay", "interval", "rate", "ttl",
))  # fmt: skip
"""What many things have: it must be the same, but does not say of what."""
_SAID = (
    r"(?:all|done|ok(?:ay)?|al(?:l )?right|right|set|great|perfect|good|news|note|fyi|in|summary|update"
    r"|result|changes?|changed|status|first|second|next|also|success|info|finished|completed?|fixed|implemented|the|is"
    r"|it|it[’']s|that|that[’']s|has|been|now|here|we|are)"
)
_OPENING = re.compile(
    r"^\W*(?:(?:(?:as of|since|from) (?:today|now(?: on)?|yesterday|this \w+)|today|yesterday"
    r"|actually|correction|note that|finally|recently|lately"
    r"|(?:in|during) this (?:session|task|turn|step|round)"
    r"|as (?:you )?(?:requested|discussed|agreed|asked|wished)|(?:this|last) (?:morning|week|month)"
    r"|on (?:mon|tues|wednes|thurs|fri|satur|sun)day|so|and|but|then)"
    rf"\b[,:]?\s+|(?:{_SAID}\s+){{0,5}}{_SAID}\s*[:!,.–—-]+\s+)+",
    re.I,
)
"""How somebody begins to report a change."""
_DOUBTS = frozenset((
    "not", "never", "cannot", "if", "when", "whenever", "unless", "whether", "should", "would", "could",
    "might", "may", "will", "shall", "until", "plan", "plans", "planned", "planning", "todo", "later", "soon",
    "maybe", "perhaps", "try", "tried", "trying", "temporary", "temporarily", "want", "wants", "wanted",
    "propose", "proposed", "suggest", "suggested", "consider", "considered", "going", "let", "let's",
))  # fmt: skip
_SETTING = re.compile(
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|\$.+|\{\{.+|<\w+>|%\w+%|(?:[\w.]*settings|config|env|process\.env|os\.environ)\b[.[].+"
)
"""The name of what holds a value."""
_TOKEN = re.compile(r"[a-z']+")
_BOUND = re.compile(r"[<>~^!]=?(?=\s*v?\d)")
"""What makes of a version all those on one side of it."""
_ROLES = {
    "ownership": "owner", "owned": "owner", "owns": "owner", "maintained": "maintainer",
    "maintains": "maintainer", "defaults": "default",
}  # fmt: skip
"""What a verb or a noun of it says that a thing has."""


def opened(text: str) -> str:
    """A statement without the words with which somebody begins to report.

    >>> opened("Done: as of today, the port is 80.")
    'the port is 80.'
    """
    return _OPENING.sub("", text)


def plain(text: str) -> str:
    """A value as it is compared."""
    return flat(text.lower()).strip(_EDGES)


def values(text: str) -> list[re.Match[str]]:
    """Where a statement has what may be the value of a fact: nothing that is marks alone, such as `...`."""
    return [one for one in LITERAL.finditer(text) if plain(one[0])]


def kind(value: str) -> str:
    """What sort of thing a value is; one with its unit is a number.

    >>> kind("8080"), kind("1m"), kind("make ship")
    ('number', 'number', 'command')
    """
    return "number" if re.fullmatch(r"\d[\d.,]*[a-z%]{0,2}", value) else cues.kind(value)


def sort(literal: str) -> str:
    """What sort of thing a literal is as it was written; a version is a number, a setting's name no value.

    >>> sort("`v1.2`"), sort("`GATE_PORT`"), sort("`shop_a`"), sort("`>=1.2`")
    ('number', 'setting', 'name', '>')
    """
    raw = literal.strip("`" + _EDGES)
    if bound := _BOUND.match(raw):
        return bound[0][0].replace("^", "~")
    if kind(plain(raw)) == "file":
        return "file"
    if _SETTING.fullmatch(raw):
        return "setting"
    return "number" if re.fullmatch(r"v?\d[\w.+-]*", raw) else kind(plain(literal))


def unmistakable(value: str) -> bool:
    """Whether a value is hardly the name of two things: a path, a long flag, a command of several words.

    >>> unmistakable("conf/gate.toml"), unmistakable("--no-verify"), unmistakable("npm run dev")
    (True, True, True)
    >>> unmistakable("config.toml"), unmistakable("--verbose"), unmistakable("8080")
    (False, False, False)
    """
    if value.startswith("-"):
        return re.fullmatch(r"--\w+(?:-\w+)+", value) is not None
    return (kind(value) == "file" and re.search(r"\w/\w", value) is not None) or kind(value) == "command"


def words(text: str) -> frozenset[str]:
    """The words that say something."""
    said = cues.content(text.replace("`", "").replace("’", "'")).lower().split()
    return frozenset(word.strip(_EDGES).removesuffix("'s") for word in said) - FILLING - SILENT


def names(text: str) -> frozenset[str]:
    """The words that say what a statement is about: not that it changed, nor what any fact may be.

    >>> sorted(names("We switched the frontend of the shop to another port."))
    ['another', 'frontend', 'shop']
    """
    return topic(words(text)) - _GENERAL - {""}


def topic(said: frozenset[str]) -> frozenset[str]:
    """Words without those by which what is so differs from what has become so."""
    return said - _STATES - CHANGED - TALK


def role(word: str) -> str:
    """What a verb says that a thing has: what is owned has an owner; any other word as it is."""
    return _ROLES.get(word, word)


def stem(word: str) -> str:
    """A word as one that names the same: "defaults" is a default, "owned" has an owner.

    >>> stem("workers"), stem("ownership")
    ('worker', 'owner')
    """
    return role(word).removesuffix("s")


def doubtful(text: str) -> bool:
    """Whether something is denied, supposed or planned rather than told.

    >>> doubtful("The port should be 80."), doubtful("It isn't 80."), doubtful("The port is 80.")
    (True, True, False)
    """
    said = _TOKEN.findall(text.lower())
    return (
        text.rstrip().endswith("?")
        or not _DOUBTS.isdisjoint(said)
        or any(one.endswith(("n't", "'ll")) for one in said)
    )
