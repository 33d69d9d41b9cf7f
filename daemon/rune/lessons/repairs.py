"""Lessons of an arc: what caused a failure, what fixed it, which command proves it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rune import arcs, phrasing
from rune.arcs import Arc, Change, signatures
from rune.lessons import fixes
from rune.lessons.fixes import Fix
from rune.lessons.typed import typed
from rune.records.card import Lesson
from rune.running import runs, scopes

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
    were answered with each other's answers. An error that came back is told by its last arc.
    """
    same = [other for other in arcs_of_session if other is not arc and _recurs(arc, other)]
    if (arc.solved or not arc.outcome) and any(_outlasts(other, arc) for other in same):
        return
    slots, why = _slots(arc, arcs_of_session), _why(arc)
    earlier = [other for other in same if other.solved and _outlasts(arc, other)]
    evidence = (*arc.events, *(event for other in earlier for event in other.events))
    if arc.solved:
        yield from _solved(arc, slots, why, evidence)
    elif not arc.outcome and not arc.doubtful:
        near = why if _shares(why, arc.signature) else ""  # what was said long after it is of something else
        back = ("came back after a fix",) if earlier else ()
        ended = " and ".join((*back, "was left unsolved in that session."))
        helped = [fix for other in earlier[-1:] for fix in _fixes(other)[:1]]
        once = [f"Before, this had helped: {fix.told}" for fix in helped]
        told = " ".join((phrasing.cut(near, WHY_LIMIT), _quoted(arc.signature), ended, *once))
        made = phrasing.make("unsolved", told.strip(), slots, evidence, *back)
        yield replace(made, keys=_right(made.keys, helped))
    elif why:
        yield phrasing.make("cause", why, slots, arc.events)


def _recurs(one: Arc, other: Arc) -> bool:
    same = signatures.same(one.signature, other.signature)
    return same and not scopes.elsewhere(one.error.command, other.error.command)


def _outlasts(later: Arc, one: Arc) -> bool:
    """Whether an arc of the same error tells how that ended, and the other one does not."""
    if later.solved and one.solved:
        return _ended(later) > _ended(one)
    if later.solved:
        return not one.outcome and _ended(later)[0] > one.error.at
    return not later.outcome and one.solved and later.error.at > _ended(one)[0]


def _ended(arc: Arc) -> tuple[float, float]:
    return arc.outcome.at if arc.outcome else float("inf"), arc.error.at


def _solved(arc: Arc, slots: dict[str, str], why: str, evidence: Sequence[str]) -> Iterator[Lesson]:
    assert arc.outcome
    fixed = _fixes(arc)
    stated = _stated_fix(arc, why)
    fix = " ".join(filter(None, [stated, *(one.told for one in fixed)]))
    command = typed(arc.outcome.command)
    proof = f"Verified with `{command}`." if command else ""
    if why or fix:
        told = " ".join(filter(None, (phrasing.cut(why, WHY_LIMIT), fix, proof)))
        put = [one.put for one in fixed if one.put] or [one.taken for one in fixed if one.taken]
        exact = [*(put or phrasing.literals(stated) if fix else ())[:1], *filter(None, [command]), *put[1:]]
        made = phrasing.make("repair", told, slots, evidence, *exact)
        yield replace(made, keys=_right(made.keys, fixed))
    elif command:
        yield phrasing.make("proof", f"Run `{command}`.", slots, (arc.outcome.id,), command)


def _right(keys: tuple[str, ...], fixed: Sequence[Fix]) -> tuple[str, ...]:
    """The keys without the code that was wrong: whoever gives it back has not learnt the fix."""
    put = " ".join(one.put for one in fixed)
    wrong = " ".join(one.taken for one in fixed if one.put)
    return tuple(key for key in keys if key in put or key not in wrong) or keys


def _quoted(signature: str) -> str:
    return signature.replace("`", "'")  # a lone tick would open code that never ends


def _shares(sentence: str, signature: str) -> bool:
    return bool(fixes.words(sentence) & fixes.words(signature))


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
                r"\b(?:because|due to|cause|reason|since|root cause|the (?:\w+ )?(?:issue|problem|bug) is)\b",
                sentence,
                re.I,
            )
            else 0
        )
        return (shared + because + ("`" in sentence)) * (0.2 if _PLANNED.match(sentence) else 1)

    best = max(reversed(arc.diagnosis), key=weight, default="")  # of equals what was said last
    return best if best and weight(best) >= 1 else ""


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


def _fixes(arc: Arc) -> list[Fix]:
    """At most two changes in words: those that share most of theirs with the failure, or later ones."""
    if given := _fit(" ".join(arc.given)):
        return [Fix(f"Set `{given}` for it.", given)]
    error = fixes.words(arc.signature)
    about = error | fixes.words(" ".join(arc.diagnosis))
    told: dict[str, tuple[int, int, Fix]] = {}
    for place, made in enumerate(arc.changes):
        if fix := _ran(made) if made.command else fixes.of(made, error, about):
            shared = len(about & fixes.words(" ".join((*made.removed, *made.added))))
            told[fix.told] = shared, place, fix
    exact = [
        one for one in told.values() if one[2].put not in {made.path for made in arc.changes if made.path}
    ]
    best = sorted(exact or told.values(), key=lambda one: one[:2], reverse=True)[:2]
    return [fix for _, _, fix in sorted(best, key=lambda one: one[1])]


def _ran(change: Change) -> Fix | None:
    """A command that edited, with all of its pipes: what stands at their end may be what wrote."""
    command = _fit(re.sub(r"^cd\s+[/~]\S*\s*&&\s*", "", change.command))
    return Fix(f"Ran `{command}`.", command) if command else None


def _fit(command: str) -> str:
    """A command that can be told; empty where it is long, or has several lines."""
    several = "\n" in command or "<<" in command
    fit = len(command) <= 140 and "`" not in command and not several and not arcs.unfit(command)
    return command if fit else ""
