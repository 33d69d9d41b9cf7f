"""Lessons of what was said: notes, the outcome of a goal, decisions, and what the agent reported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rune import arcs, phrasing
from rune.lessons import statements
from rune.records.card import Lesson
from rune.records.trajectory import Note, Prompt, Reflection, Trajectory


def notes(trajectory: Trajectory) -> Iterator[Lesson]:
    """What was written down on purpose."""
    for event in trajectory.events:
        if isinstance(event, Note):
            subject = ", ".join(event.tags) or phrasing.subject(event.text)
            if subject:
                yield phrasing.make("decision", event.text, {"w": subject}, (event.id,), lesson=event.note)


def goals(trajectory: Trajectory, known: Sequence[Lesson]) -> Iterator[Lesson]:
    """What the person asked for, and the agent's last words on it, where no other lesson says them."""
    taught = [statements.words_of(lesson.answer) for lesson in known]
    prompts = [event for event in trajectory.events if isinstance(event, Prompt) and len(event.text) > 15]
    for index, prompt in enumerate(prompts):
        until = prompts[index + 1].at if index + 1 < len(prompts) else float("inf")
        said = [
            e
            for e in trajectory.events
            if isinstance(e, Reflection) and not e.agent and prompt.at <= e.at < until
        ]
        subject = phrasing.subject(prompt.text)
        closing = [s for s in sentences_of(said[-1:]) if _says_something(s)]
        if subject and closing and not _repeats(closing[0], taught):
            yield phrasing.make("goal", closing[0], {"w": subject}, (prompt.id, said[-1].id))


_STATUS = re.compile(
    r"^(?:perfect|excellent|great|all done|done|fixed|summary|complete|✅)"
    r"|\b(?:all (?:the )?tests pass|commit(?:ted)? `?[0-9a-f]{7}|working tree|is clean|successfully)\b",
    re.I,
)


def _says_something(sentence: str) -> bool:
    """Whether a closing sentence holds a fact: a whole sentence with a literal that is more than a status."""
    return (
        30 <= len(sentence) <= 260
        and sentence.endswith(".")
        and _STATUS.search(sentence) is None
        and re.search(r"`|\d|/|\w[._]\w|[a-z][A-Z]", sentence) is not None
    )


def sentences_of(reflections: Sequence[Reflection]) -> list[str]:
    """The sentences of several reflections."""
    return [sentence for reflection in reflections for sentence in arcs.sentences(reflection.text)]


_DECIDED = re.compile(
    r"\b(?:decided|we(?:'ll| will)? use|chose|choose|instead of|must|always|never|convention|prefer"
    r"|the (?:right|correct) (?:way|approach))\b",
    re.I,
)


def said(trajectory: Trajectory, known: Sequence[Lesson], limit: int) -> Iterator[Lesson]:
    """The weightiest statements of the agent's reports, without what other lessons say already."""
    taught = [statements.words_of(lesson.answer) for lesson in known]
    found = [one for one in statements.find(trajectory) if not _repeats(one.text, taught)]
    for one in found[:limit]:
        if subject := phrasing.subject(one.text):
            kind = "decision" if _DECIDED.search(one.text) else "said"
            yield phrasing.make(kind, one.text, {"w": subject}, (one.event,))


def _repeats(text: str, taught: Sequence[set[str]]) -> bool:
    words = statements.words_of(text)
    return any(len(words & known) > 0.7 * len(words) for known in taught)
