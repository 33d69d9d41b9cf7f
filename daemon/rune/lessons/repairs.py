"""Lessons of an arc: what caused a failure, what fixed it, which command proves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rune import arcs, phrasing, runs
from rune.arcs import Arc, Change
from rune.records.card import Lesson

_NAMED = re.compile(r"\b(?:[A-Z]\w*(?:Error|Exception|Warning)|Test\w+|test_\w+|TS\d{3,}|E\d{3,})\b")


def _short_name(arc: Arc) -> str:
    """What people call an error among themselves: its class, or the failing test; empty where it has none."""
    found = _NAMED.search(arc.signature)
    return found[0] if found else ""


def _slots(arc: Arc, arcs_of_session: Sequence[Arc]) -> dict[str, str]:
    """For the templates: e is the whole error, s its gist, c its name where no other error shares it."""
    short = re.split(r"(?<=\w): ", arc.signature, maxsplit=1)
    brief = arc.signature if len(arc.signature) <= 60 or len(short) == 1 else short[-1][:60].rsplit(" ", 1)[0]
    brief = brief.strip(" :;,.(")
    path = next((change.path for change in arc.changes if change.path), "")
    runner = runs.family(arc.error.command) or "the command"
    runner = "the script" if runner.startswith("python -c") else runner
    name = _short_name(arc)
    shared = sum(_short_name(other) == name for other in arcs_of_session) > 1
    called = brief if shared or not name else name
    return {"e": arc.signature, "s": brief, "c": called, "r": runner, "f": path.rsplit("/", 1)[-1] or runner}


def of_arc(arc: Arc, arcs_of_session: Sequence[Arc]) -> Iterator[Lesson]:
    """The whole story of a failure as one lesson: its cause as the agent named it, its fix, and the proof.

    One answer to every question about one error: three lessons that share all the words of their questions
    were answered with each other's answers.
    """
    slots, why = _slots(arc, arcs_of_session), _why(arc)
    if arc.solved:
        yield from _solved(arc, slots, why)
    elif not arc.outcome and not any(o.solved and o.signature == arc.signature for o in arcs_of_session):
        near = why if _shares(why, arc.signature) else ""  # what was said long after it is of something else
        told = f"{phrasing.cut(near, WHY_LIMIT)} {_quoted(arc.signature)} was left unsolved in that session."
        yield phrasing.make("unsolved", told.strip(), slots, arc.events)
    elif arc.outcome and why:
        yield phrasing.make("cause", why, slots, arc.events)


def _solved(arc: Arc, slots: dict[str, str], why: str) -> Iterator[Lesson]:
    assert arc.outcome
    changes = [_described(change) for change in _telling(arc)]
    fix = " ".join(filter(None, [_stated_fix(arc, why), *changes]))
    command = clean(arc.outcome.command)
    proof = f"Verified with `{command}`." if command else ""
    if why or fix:
        told = " ".join(filter(None, (phrasing.cut(why, WHY_LIMIT), fix, proof)))
        exact = [*phrasing.literals(fix)[:1], *filter(None, [command])]
        yield phrasing.make("repair", told, slots, arc.events, *exact)
    elif command:
        yield phrasing.make("proof", f"Run `{command}`.", slots, (arc.outcome.id,), command)


def _quoted(signature: str) -> str:
    return signature.replace("`", "'")  # a lone tick would open code that never ends


def _shares(sentence: str, signature: str) -> bool:
    return bool(set(_words(sentence)) & set(_words(signature)))


WHY_LIMIT = 220
"""Characters of a cause in front of its fix."""
_PLANNED = re.compile(r"(?:i|we|you)?\s*(?:need|should|will|can|must|have|'ll)\b", re.I)
"""What is to be done is no cause: a sentence that starts so comes last."""


def _why(arc: Arc) -> str:
    """One or two sentences of the diagnosis: those with literals or with the words of the error first."""
    words = set(re.findall(r"\w{4,}", arc.signature.lower()))

    def weight(sentence: str) -> float:
        shared = len(words & set(re.findall(r"\w{4,}", sentence.lower())))
        because = (
            2
            if re.search(
                r"\b(?:because|due to|cause|reason|since|root cause|the (?:issue|problem|bug) is)\b",
                sentence,
                re.I,
            )
            else 0
        )
        return (shared + because + ("`" in sentence)) * (0.2 if _PLANNED.match(sentence) else 1)

    ranked = sorted(arc.diagnosis, key=weight, reverse=True)
    best = ranked[:1]
    return best[0] if best and weight(best[0]) >= 1 else ""


def _stated_fix(arc: Arc, why: str) -> str:
    """What the agent itself called the fix, if it said so."""
    for sentence in arc.diagnosis:
        if sentence != why and re.search(
            r"\b(?:fix(?:ed)?|instead|need(?:s|ed)? to|must|should|adding|changed|replaced?)\b",
            sentence,
            re.I,
        ):
            return sentence if len(sentence) <= 160 else ""
    return ""


def _telling(arc: Arc) -> list[Change]:
    """At most two changes: those that share most words with error and diagnosis, later ones first."""
    about = set(_words(f"{arc.signature} {' '.join(arc.diagnosis)}"))

    def weight(place: int) -> tuple[int, int]:
        made = arc.changes[place]
        return len(about & set(_words(" ".join((*made.removed, *made.added))))), place

    best = sorted(range(len(arc.changes)), key=weight, reverse=True)[:2]
    return [arc.changes[place] for place in sorted(best)]


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w{2,}", text.lower())


def _described(change: Change) -> str:
    if change.command:
        return f"Ran `{clean(change.command)}`." if clean(change.command) else ""
    removed, added = _informative(change.removed), _informative(change.added)
    if removed and added:
        whole = f"In {change.path}, replace `{removed}` with `{added}`." if removed != added else ""
        return whole if len(whole) <= phrasing.ANSWER_LIMIT else f"In {change.path}, write `{added}`."
    if added:
        return f"In {change.path}, add `{added}`."
    return f"In {change.path}, remove `{removed}`." if removed else ""


def _informative(lines: Sequence[str]) -> str:
    """The first line that is code, short enough to be said, and not only brackets, quotes or a comment."""
    for line in lines:
        code = len(re.sub(r"\W", "", line)) >= 3 and not line.startswith(("#", "//", "/*", "*", '"""'))
        if code and "`" not in line and len(line) <= 120 and not arcs.unfit(line):
            return line
    return ""


def clean(command: str) -> str:
    """A command as a person would type it: without the change of folder, the pipe to tail, or a heredoc."""
    if "\n" in command.strip() or "<<" in command:
        return ""
    command = re.sub(r"^\s*cd\s+\S+\s*(?:&&|;)\s*", "", command.strip())
    command = re.sub(r"\s*(?:2>&1)?\s*\|\s*(?:tail|head|cat|tee)\b.*$", "", command)
    command = re.sub(r"\s*2>&1\s*$", "", command)
    return command if len(command) <= 140 and "`" not in command and not arcs.unfit(command) else ""
