"""Whether there can be but one value of what a statement tells: only then another one takes its place. Pure.

A number names things ("phase 2"), stands aside ("on Python 3.12") or was counted and measured more often than
it is what a thing was set to. So it must be *said of* something that is set: a port, a limit, a version. So
must a name: a project has one default branch, and any number of symptoms. What is said to be so *now*, or to
have become so, may be said of anything that is no measurement and of no session.

In doubt there may be several: who takes one for the only one loses the others.
"""

from __future__ import annotations

import re
from itertools import pairwise

from rune import cues
from rune.evolution import subject
from rune.evolution.subject import About
from rune.evolution.wording import CHANGED, LITERAL, RENEWED, doubtful, kind, opened

_SETTINGS = frozenset((
    "port", "version", "timeout", "limit", "ttl", "interval", "delay", "threshold", "quota", "budget",
    "backoff", "concurrency", "parallelism", "default", "retries", "retention", "cooldown", "debounce",
    "deadline",
))  # fmt: skip
"""What a number is that somebody has set."""
_SIZES = {
    "size": "pool page batch buffer chunk block font tab",
    "count": "retry worker thread replica shard",
    "number": "retry worker thread replica shard retries workers threads replicas shards attempts",
    "length": "line password key token",
    "rate": "learning sample sampling tax frame refresh",
    "level": "log compression",
}
"""What has a size that is set; that of a build, or the length of a queue, is measured."""
_THINGS = frozenset((
    "database", "host", "hostname", "registry", "bucket", "queue", "namespace",
    "cluster", "region", "zone", "timezone", "domain", "channel", "config",
    "configuration", "settings", "manager", "bundler", "compiler", "engine",
    "license", "encoding", "locale", "currency", "prefix", "suffix", "store", "storage", "cache", "broker",
    "provider", "driver", "protocol", "interpreter", "editor", "tokenizer", "theme", "charset",
    "logs", "version", "default", "port", "changelog", "schedule",
))  # fmt: skip
"""What a project has one of, by its making: its words say which. Linters, formatters and frameworks work side
by side."""
_BRANCHES = frozenset(("default", "main", "release", "production", "base", "protected", "stable", "trunk"))
"""Which branches are none of somebody's work."""
_URLS = frozenset(("base", "api", "public", "staging", "production", "callback", "webhook", "registry"))
"""Which addresses are none of a page that somebody read."""
_OTHER = r"(?:is|are|was|were|has|had|of|for|in|on|at|to|that|which|with|from|by|and|or|behind|under)\b"
_ONCE = re.compile(
    r"\b(?:fix|bug|issue|problem|error|exception|failure|cause|culprit|crash|hint|steps?|solution|question"
    r"|answer|key|run|session|change|patch|diff|review|symptom|reason|root|result|output|example|sample"
    r"|report|article|screenshot|trace|dump|log|series|sequence|signal|request|response|event"
    r"|fixture|mocks?|place|task|work|attempts?|trial|experiment|worktree|scratch|traceback)\b"
    rf"(?!\s+(?!{_OTHER})[a-z])"
    r"|\b(?:relevant|affected|expected|actual|free|random|temp(?:orary)?|tmp|broken|wrong|right|correct\w*"
    r"|slow\w*|fast\w*|interesting|important|suspicious|suspect\w*|remaining|first|last|next|previous|latest"
    r"|fail(?:s|ed|ing)?|crash(?:es|ed|ing)|this|my|preview|reproduc\w+|today|yesterday|tomorrow"
    r"|feature|topic|working|missing|corrupt\w*|lost|stale|dead|locked|down|bad|invalid|empty|duplicate|leaked"
    r"|stuck|orphaned|unknown|un\w+(?:ed|able)|vulnerable|unstable|flaky|best|worst"
    r"|optimal|tested|supported|fixed|bumped|chosen|picked|found|spike|prototype|poc"
    r"|to (?:look|try|rerun|show|see))\b"
    rf"|\b(?!{RENEWED})new\b",
    re.I,
)
"""What is another one in each session, or was looked at in one; a task queue is none."""
_MEASURED = re.compile(
    r"\b(?:coverage|pid|process id|seed|total|sum|p\d\d+|percentile|average|mean|median|latency|throughput"
    r"|usage"
    r"|memory|duration|elapsed|took|takes?|score|accuracy|loss|hits?|peak|measured|observed|counted|grew"
    r"|uptime|downtime|size of|number of (?!(?:retries|workers|replicas|threads|processes|shards|attempts)\b)"
    r"|results?|tests?|warnings|failures|lines|rows|files (?:of|in|changed)|users|requests)\b",
    re.I,
)
"""What numbers come of by counting and measuring."""
_NOW = re.compile(r"(?<=\S )now\b|\binstead\b(?! of)|\bfrom now on\b|\bas of (?:now|today|this)\b", re.I)
"""What says that something is no longer as it was; a sentence that begins with "Now" goes on with a story."""
_BY = r"(?:to|in|at|on|from|with|by|under|via|as|through)"
_ONLY = re.compile(
    r"\b(?:(?:is|are|gets?)(?:\s+now)?(?:\s+(?:being\s+)?(?:written|stored|kept|defined|located|hosted|served|deployed"
    r"|built|configured|managed|placed|published|saved|read|run|started|installed|formatted|done|made|based"
    r"|bound|connected|listening|living|owned|maintained|pinned|set))?(?:\s+now)?"
    rf"\s+{_BY}|(?:listens?|binds?|lives?|resides?|sits?|stays?|points?|goes|runs?|comes?)(?:\s+now)?\s+{_BY}"
    r"|uses?|using|(?P<runs>runs?)|(?:called|named|known as)|defaults?\s+to)"
    r"(?:\s+now)?(?:\s+(?!(?:and|or|for|of|with|when|that|which)\b)[a-z]+){0,3}?\s*[\"'(]*$",
    re.I,
)
"""What stands before the value that a thing has instead of another one, if that is said of now: where it is,
what it is called or works with. What it does now to one thing, it may have done to another one before."""
_BOUNDS = frozenset(("maximum", "minimum", "max", "min", "default"))
"""What says of any amount that it is set, unless it was found out."""
_STANDS = re.compile(rf"\b(?:is|are|gets?)\s+(?:now\s+)?{_BY}\s+[^.;]*$", re.I)
"""The same of what a number is at: that is measured."""
_MORE = re.compile(
    r"\b(?:also|too|as well|another|additional(?:ly)?|one of|further|among|amongst|such as"
    rf"|has(?!\s+(?:(?:now|just|since)\s+)?(?:been|{'|'.join(sorted(CHANGED))})\b)"
    r"|for example|e\.g\."
    r"|(?:support|accept|handle|validate|include|return|expose|allow|cover|contain|provide|need|require|expect)s?)\b"
    r"|^\W*(?:one|some|another|certain|several)\b",
    re.I,
)
"""What says that there are others, or may be."""
_ONE_OF = re.compile(rf"\b(?:an?|(?!{RENEWED})new)\b|[\d`](?:,|,?\s+(?:and|or))\s+$", re.I)
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
_ID_LIKE = re.compile(
    r"#\d+|!\d+|[A-Z][A-Z0-9]+-\d+|\d{3,}_\w+|[\da-f]{8}-[\da-f]{4}-[\da-f-]+|https?://\S+/\d+"
    r"|(?:feat(?:ure)?|fix|bugfix|hotfix|topic|chore|wip)/\S+|(?:/private)?(?:/var)?/tmp/\S*"
)
"""How such names look."""
_MEMBERS = re.compile(
    r"\b(?:function|method|class|variable|constant|option|argument|parameter|field|column|exception|helper"
    r"|hook|event|test|fixture|error)(?=\s+(?:(?:of|for|in|on|that|which|with)\s.*)?"
    r"(?:is|are|:)(?: called| named)?\s*$)",
    re.I,
)
"""What a program has many of: to be called something makes one of them no other."""
_PAST = re.compile(
    r"^\W*(?:(?:i|we|they|you)(?:['’]ve)?\s+)?(?:\w+ed|found|made|wrote|built|ran|did|saw|got)\b", re.I
)
"""How a statement begins of what was done once."""
_WAS = re.compile(r"\b(?:was|were|had|used to be)\b(?:\s+(?!(?:is|are)\b)[a-z]+){0,3}\s*[\"'(]*$", re.I)
"""What stands before a value that is so no more."""
_HERE = re.compile(
    r"\b(?:in|during|for) (?:this|that) (?:session|task|turn|step|round)\b|\b(?:their|your)\b"
    r"|\b(?<!per )(?:customer|user|tenant|caller|reporter|attacker|visitor|(?<!sort )order)\b"
    rf"(?!\s+(?!{_OTHER})[a-z])"
    r"|\b(?:conflicting|allowed|permitted|blocked|banned|denied|ignored|excluded|trusted|enabled|disabled)\b",
    re.I,
)
"""What is so for a while, with somebody, or of one among several."""
_KNOWN = ("is", "called", "at", "owner", "default", "version", "port")


def lasting(about: About) -> bool:
    """Whether a thing has what is told of it by its making, one at a time."""
    before, after = _around(about)
    if after in ("with", "where", "when"):  # it is told apart from others of its kind
        return False
    if about.noun == "branch":
        return before in _BRANCHES
    if about.noun in ("url", "uri"):
        return before in _URLS
    if about.noun in ("flag", "option", "command"):
        return after in ("to", "for")
    if about.noun == "image":
        return bool(before)
    if about.noun == "point":
        return before == "entry"
    return about.noun in (_SETTINGS | _THINGS) or _sized(about)


def one(text: str, found: re.Match[str], value: str, about: About) -> bool:
    """Whether there can be but one such value.

    >>> def ask(text, value):
    ...     found = re.search(value, text)
    ...     return one(text, found, value, subject.find(text, found))
    >>> ask("The port of the gateway is 80.", "80"), ask("Phase 2 of the gateway is done.", "2")
    (True, False)
    """
    before = text[: found.start()]
    if (
        _is_id(before, found[0])
        or doubtful(subject.asserted(text))
        or _MORE.search(text)
        or _ONE_OF.search(before)
    ):
        return False
    said, number = opened(LITERAL.sub("x", text)), kind(value) == "number"
    if _ONCE.search(said) or (number and about.how != "must" and _MEASURED.search(said)):
        return False
    if about.how == "became":
        moved = ("at", subject.VALUE) in pairwise(about.words)  # to a place
        return _set(about) if number else moved or lasting(about)
    now = _NOW.search(said) is not None
    if _PAST.search(text) or (not now and (_WAS.search(before) or _HERE.search(before))):
        return False
    if number and not _ID.search(before[-30:]):
        bound = about.how == "is" and not _BOUNDS.isdisjoint(about.words)
        return _set(about) or (now and (bound or (not _STANDS.search(before) and _changed(before, value))))
    known = about.how in _KNOWN and not _MEMBERS.search(before)
    return (known and (now or lasting(about))) or (now and _changed(before, value))


def _set(about: About) -> bool:
    """Whether a number is what somebody has set a thing to."""
    if about.how in ("port", "default", "version", "must", "set"):
        return True
    loose = about.noun in ("delay", "interval", "limit") and not _around(about)[0]
    return about.how in ("is", "became") and (_sized(about) or (about.noun in _SETTINGS and not loose))


def _sized(about: About) -> bool:
    """Whether it is a size, and the size of something that has one by its making."""
    return _around(about)[0] in _SIZES.get(about.noun, "").split()


def _around(about: About) -> tuple[str, str]:
    """The words before and after that for what a value is."""
    words = ("", *about.words, "")
    place = words.index(about.noun, 1) if about.noun and about.noun in about.words else 0
    return (words[place - 1], words[place + 1]) if place else ("", "")


def _is_id(before: str, literal: str) -> bool:
    """Whether a value is the name of a thing that has none but this."""
    raw = literal.strip("`\"'()[].,;:")
    return cues.kind(raw) == "commit" or bool(_ID_LIKE.fullmatch(raw) or _IDS.search(before))


def _changed(before: str, value: str) -> bool:
    """Whether a thing is said to have this value; a job is one script, but may run many a command."""
    only = _ONLY.search(before)
    return only is not None and not (only["runs"] and kind(value) != "file")
