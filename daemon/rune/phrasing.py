"""The wordings of lessons: in which words a thing is asked while training, and in which only when probing.

Each kind of lesson has trained phrasings and held-out phrasings; the two lists share no wording beyond the
slots. Questions come in the ways in which agents ask: whole sentences and bare keywords.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rune import cues
from rune.records.card import Lesson

_CAUSE = (
    "Why did {r} fail with {s}?",
    "What caused the {c}?",
    "What was the reason for {e}?",
    "{c} cause",
    "Explain the {c} in {f}.",
    "{r} reported {s}. Why?",
    "reason for {c} in {f}",
)
_FIX = (
    "How was {e} fixed?",
    "How do I fix {s}?",
    "{c} fix",
    "{r} fails with {s}. What is the fix?",
    "What did we change in {f} to fix the {c}?",
    "fix for {c} in {f}",
    "What is the solution to the {c}?",
)
_PROOF = (
    "Which command shows that the {c} is fixed?",
    "How do I check the fix of {s}?",
    "What do I run to verify {f}?",
    "{c} verify command",
    "Which command passed after the fix in {f}?",
    "command to test {f}",
)
TRAINED = {
    "cause": _CAUSE,
    "proof": _PROOF,
    "repair": (*_CAUSE[:5], *_FIX, *_PROOF[:5], "{e}", "{r} {s}"),
    "command": (
        "How do I run {w} in this project?",
        "What is the command for {w}?",
        "{w} command",
        "Which command runs {w} here?",
        "How is {w} invoked?",
        "command line for {w}",
    ),
    "task": (
        "How do I {w}?",
        "What do I run to {w}?",
        "Which command lets me {w}?",
        "{w} command",
        "command to {w}",
        "I want to {w}. How?",
        "What is the way to {w} here?",
    ),
    "file": (
        "Which file defines {w}?",
        "Where is {w} implemented?",
        "{w} location",
        "In which file do I find {w}?",
        "path of {w}",
        "Where does {w} live?",
    ),
    "decision": (
        "What was decided about {w}?",
        "What do we know about {w}?",
        "{w} decision",
        "What is the rule for {w}?",
        "How do we handle {w}?",
        "notes on {w}",
    ),
    "preference": (
        "What does the user want with {w}?",
        "How does the user like {w}?",
        "{w} preference",
        "What did the user say about {w}?",
        "What is the rule for {w}?",
        "Is there a wish about {w}?",
    ),
    "steps": (
        "In which order was the work on {w} done?",
        "What were the steps for {w}?",
        "{w} steps",
        "What came first for {w}, and what next?",
        "procedure for {w}",
        "order of work on {w}",
    ),
    "goal": (
        "What was the outcome of the session about {w}?",
        "What was done about {w}?",
        "{w} summary",
        "result of {w}",
    ),
    "said": (
        "What do we know about {w}?",
        "{w}",
        "What was found out about {w}?",
        "tell me about {w}",
    ),
    "commit": (
        "Which commit is {w}?",
        "hash of the commit {w}",
        "{w} commit",
        "What is the commit id of {w}?",
        "sha of {w}",
    ),
    "count": (
        "How many {w} in the last run?",
        "{w} count",
        "What did the last run of {w} end with?",
        "total of {w}",
        "How many {w} were there at the end?",
    ),
    "error": (
        "What error did {w} give?",
        "How did {w} fail?",
        "{w} error",
        "What happened when we ran {w}?",
        "{w} failed with what message?",
    ),
    "unsolved": (
        *_CAUSE[:4],
        "{e}",
        "Was {s} solved?",
        "What is the state of {s}?",
        "{s} status",
        "Did we get rid of {s}?",
    ),
}  # fmt: skip
_CAUSE_HELD = ("I see {s} when I use {r}; what is behind it?", "What makes {s} happen?")
_PROOF_HELD = ("With what did we confirm that {s} is gone?", "Tell me how to make sure {f} works.")
HELD_OUT = {
    "cause": _CAUSE_HELD,
    "proof": _PROOF_HELD,
    "repair": (
        "I am hitting {s} again, what solved it last time?",
        "How can {s} be resolved?",
        _CAUSE_HELD[0],
        _PROOF_HELD[0],
    ),
    "command": ("I want to execute {w}; what should I type?", "Remind me of the invocation for {w}."),
    "task": ("What should I enter in order to {w}?", "Remind me how we {w}."),
    "file": ("I am looking for {w}, which path is it at?", "Point me to the source of {w}."),
    "decision": ("Remind me what we settled on for {w}.", "Anything I should know regarding {w}?"),
    "preference": ("How am I supposed to treat {w}?", "Which habit was requested for {w}?"),
    "steps": ("Walk me through {w}.", "Which sequence led to {w}?"),
    "goal": ("Where did the work on {w} end up?", "Recap the work around {w}."),
    "said": ("Remind me what there is to know about {w}.", "Anything noted down on {w}?"),
    "commit": ("Under which id did {w} go in?", "I am looking for the revision of {w}."),
    "count": ("What number of {w} did we have when it was finished?", "When all was done, how many {w}?"),
    "error": ("I am about to run {w}; what went wrong with it before?", "Which message comes up with {w}?"),
    "unsolved": ("Is {s} still open?", "How far did we get with {s}?"),
}

ANSWER_LIMIT, REPAIR_LIMIT = 300, 460
"""Characters of an answer; a repair tells cause, fix and proof."""
SENTENCES = frozenset(("cause", "repair", "unsolved", "decision", "preference", "goal", "said"))
"""Kinds whose answers are sentences: they are asked in their own words too, with one literal missing."""
MOST = 24
"""Wordings of one lesson."""
EMPTY = frozenset((
    "this", "that", "with", "from", "have", "will", "would", "could", "should", "what", "when", "where",
    "which", "there", "their", "them", "then", "than", "please", "make", "need", "want", "into", "about",
    "also", "just", "like", "some", "your", "mine", "ours", "they", "been", "being", "does", "done", "doing",
    "only", "very", "more", "most", "much", "such", "here", "must", "always", "never", "because", "since",
    "each", "other", "these", "those", "were", "able", "using", "used",
))  # fmt: skip
"""Words that say nothing about what a text is about."""


def make(
    kind: str, answer: str, slots: dict[str, str], evidence: Sequence[str], *more: str, lesson: str = ""
) -> Lesson:
    """Fill the templates of a kind; ``more`` are literals that the answer must hold to count as right."""
    answer = cut(answer, REPAIR_LIMIT if kind in ("repair", "unsolved") else ANSWER_LIMIT)
    plain = [_fill(template, slots) for template in TRAINED[kind]]
    held = [_fill(template, slots) for template in HELD_OUT[kind]]
    asked = " ".join((*plain, *held)).lower()
    wanted = [key for key in (*more, *literals(answer)) if key.lower() in answer.lower()]
    exact = list(dict.fromkeys(key for key in wanted if key.lower() not in asked))[:2]
    words = sorted(set(re.findall(r"[a-z]{5,}", answer.lower())), key=lambda word: (-len(word), word))
    keys = exact or [word for word in words if word not in asked][:2]
    told = _clauses(answer, exact) if kind in ("cause", "repair", "decision", "preference", "goal") else []
    missing = literals(answer)[:4] if kind in SENTENCES else []
    gaps = [gap for key in missing for gap in cues.masked(answer, key)]
    questions = tuple(dict.fromkeys([*plain, *told, *gaps, *_keywords(answer, keys)]))[:MOST]
    held += [cue for key in exact[:1] for cue in cues.held_out(answer, key)] if kind in SENTENCES else []
    probes = tuple(probe for probe in dict.fromkeys(held) if probe not in questions)
    return Lesson(lesson or kind, answer, questions, probes, tuple(dict.fromkeys(evidence)), tuple(keys))


def _clauses(answer: str, keys: Sequence[str]) -> list[str]:
    """The answer's own clauses as questions, with what is to be recalled masked.

    Whoever describes the matter in these words, or in words near them, is to get the whole answer.

    >>> _clauses("It fails because a.csv is encoded in cp1252: the bank writes bytes.", ["a.csv", "cp1252"])
    ['what is encoded in cp1252?', 'a.csv is encoded in what?', 'the bank writes bytes?']
    """
    found = []
    for clause in re.split(r"(?:;|:(?=\s|$)|,(?=\s)|\.(?=\s|$)|\bbecause\b|\bso that\b|\band so\b)", answer):
        clause = " ".join(clause.replace("`", "").split())
        masked = [clause.replace(key, "what") for key in keys if key in clause] or [clause]
        found += [f"{text}?" for text in masked if len(text.split()) >= 4 and len(text) <= 120]
    return list(dict.fromkeys(found))[:4]


def _keywords(answer: str, keys: Sequence[str]) -> list[str]:
    """Queries made of the answer's own words, what is to be recalled left out."""
    words = [w for w in re.findall(r"[A-Za-z_][\w.]*\w", answer) if len(w) > 3 and w.lower() not in EMPTY]
    words = [w for w in dict.fromkeys(words) if not any(w in key for key in keys)]
    picks = (words[:3], words[-3:])
    return list(dict.fromkeys(" ".join(pick) for pick in picks if len(pick) >= 2))


def _fill(template: str, slots: dict[str, str]) -> str:
    text = template.format(**slots)
    return text[0].upper() + text[1:] if text.endswith("?") else text


def cut(text: str, limit: int = ANSWER_LIMIT) -> str:
    """At most ``limit`` characters, ending after a sentence where there is one, never inside code.

    Empty where even the first words are code that does not fit.
    """
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    spaces = [place for place, sign in enumerate(text[: limit + 1]) if sign == " "]
    outside = [place for place in spaces if text.count("`", 0, place) % 2 == 0]
    whole = [place for place in outside if place > 40 and text[place - 1] in ".!?"]
    return text[: (whole or outside or [0])[-1]]


def literals(text: str) -> list[str]:
    """What must come back exactly: code in backticks, paths, identifiers, numbers; else the longest words.

    >>> literals("Set `PORT=8080` in config/app.toml.")
    ['PORT=8080', 'config/app.toml']
    """
    found = re.findall(r"`([^`]{2,80})`", text)
    found += re.findall(r"[\w.-]*/[\w./-]*\w", text)
    found += re.findall(r"\b\w+(?:[._]\w+)+\b|\b[a-z]+[A-Z]\w+\b", text)
    found += re.findall(r"\b[A-Za-z]+\d\w*\b|\b\d[\d.]*\d\b|\b\d{2,}\b", text)
    if not found:
        found = sorted(re.findall(r"[A-Za-z]{6,}", text), key=len, reverse=True)[:2]
    return [word for place, word in enumerate(found) if not any(word in other for other in found[:place])]


def subject(text: str) -> str:
    """A few words that name what a text is about: its literals, else its first content words."""
    line = " ".join(text.split())[:300]
    found = re.findall(r"`([^`]{3,40})`|\b(\w+(?:[._]\w+)+|[a-z]+[A-Z]\w+|[A-Z][a-z]+[A-Z]\w*)\b", line)
    named = [quoted or written for quoted, written in found]
    if named:
        return " and ".join(dict.fromkeys(named[:2]))
    words = [w for w in re.findall(r"[A-Za-z][\w-]{3,}", line) if w.lower() not in EMPTY]
    return " ".join(words[:5]) if len(words) >= 2 else ""
