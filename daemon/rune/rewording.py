"""The same question in other words, drawn anew for every example: an adapter must not hang on one wording.

Whoever asks again keeps some words of what was said, leaves others out, and says the rest in his own: so a
question is taken as it is, thinned, or made of a few words of the answer, and common words are exchanged for
others of the same sense. He also says what the work was about, which many lessons have in common: such words
are put around any question, so that an adapter learns to look at the others. Pure: the same dice give the
same wordings.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

from rune import cues
from rune.cues import content
from rune.phrasing import EMPTY, literals
from rune.records.card import Lesson

CUED, THINNED, REPLACED = 0.4, 0.2, 0.5
"""Share of examples that are asked by a few words of the answer, by a thinned question; and the chance that a
wording gets other words of the same sense."""
WANTED = 0.7
"""Of those asked by words of the answer: the share that asks for one of its literals, which is left out."""
SET = 0.4
"""Share of examples that also say what the session was about."""
SHARED = 0.15
"""Share of the lessons that have a word in common which says what the session was about."""

OPENERS = {
    "file": (
        "where is", "which file", "which file has", "in what module is", "path of", "where in the repo is",
        "exact spot of", "which source file holds", "where did we put", "where do I find",
        "in which directory is", "in what folder is",
    ),
    "commit": (
        "hash of", "which commit", "sha of", "commit id of", "which changeset", "commit for",
    ),
    "number": (
        "how many", "number of", "total of", "count of", "how much",
        "which line", "what port", "what value has", "what limit", "final number of",
    ),
    "flag": (
        "which flag", "what option", "flag for", "which argument", "what do I pass for",
        "is there an option for",
    ),
    "command": (
        "how do I", "which command", "what do I run to", "command to", "script to",
        "which script", "how to", "how can I", "what do I call for",
        "what runs after", "way to",
    ),
    "name": (
        "what", "name of", "what is the", "which", "what's the name of", "which function", "which field",
        "which one", "what exactly", "what does it say:", "what did it become:",
        "what did we use for", "what replaced", "wording of", "which type",
    ),
    "": (
        "what", "why", "how", "which", "what was", "why did", "how did we", "what is the",
        "do you know", "when", "what happened with", "what did we decide on",
        "was there", "in which", "reason for", "how come", "what caused", "how was",
        "what became of", "what do we know about", "what was wrong with", "explain", "did we",
        "is it true that",
    ),
}  # fmt: skip
"""How somebody begins who wants a file, a number...; and who wants to know about something."""
_SETTINGS = (
    "{about}: {asked}", "{about} work: {asked}", "in the {about} change, {asked}", "{asked} ({about})",
    "{asked} in the {about} work", "about {about}: {asked}", "while working on {about}, {asked}",
    "after the {about} change, {asked}", "for {about}, {asked}", "I changed the {about}. {asked}",
    "{about} again. {asked}",
)  # fmt: skip
_SENSES = """
run execute launch start invoke kick_off
fail break crash go_red blow_up
failed broke crashed went_red blew_up
fails breaks crashes
failing broken red
failure breakage crash problem
error exception message complaint problem
errors exceptions messages complaints problems
fix solve repair resolve mend cure
fixed solved repaired resolved mended cured
file module source path place
defined declared implemented written located
command invocation call line
tests suite specs checks
test check spec
pass succeed go_green
passed succeeded went_green
caused triggered provoked led_to
cause reason explanation culprit
changed modified edited altered touched
change modify edit alter
added introduced created put_in
add introduce create put_in
removed dropped deleted took_out
remove drop delete take_out
renamed relabelled
replaced swapped exchanged
replace swap exchange
decided chose agreed settled
used employed relied_on
uses employs relies_on
commit changeset
hash sha
number count total amount
returns gives yields
return give yield
function helper method routine
method function helper
class type
field attribute property
variable name
directory folder
config configuration settings
setting option
flag option
default standard
missing absent lacking
wrong incorrect bad faulty
correct right proper
instead rather
because since as
show display print
shows displays prints
shown displayed printed
page screen view
component widget
endpoint route url
request call
response reply answer
user person
old former previous
new fresh
only just merely
also too
handle deal_with treat
handles deals_with treats
handled dealt_with treated
check verify confirm
checks verifies confirms
verified confirmed checked
updated refreshed revised
update refresh revise
build compile
linter lint style_check
warning complaint
unused dead leftover
empty blank
skip bypass get_round
skipped bypassed left_out
branch line
merge join
moved relocated shifted
move relocate shift
stored saved kept
store save keep
loaded read fetched
load read fetch
calls invokes
called invoked
needs requires
need require
support handling
parse read
parsed read
outcome result upshot
summary recap
get obtain
ensure make_sure guarantee
prevent avoid stop
prevents avoids stops
wait delay
timeout time_limit
package library dependency
install set_up add
version release
unsolved open unfixed
left remained
"""
"""A line holds words of one sense; an underscore is a blank."""


def reword(lesson: Lesson, dice: random.Random, about: Sequence[str] = ()) -> str:
    """One wording of a question that the lesson answers; ``about`` is what its session was about."""
    throw = dice.random()
    if throw < CUED:
        own = dice.random() < 0.65
        asked = of_answer(lesson.answer, dice) if own else cued(dice.choice(lesson.questions), dice)
    else:
        asked = dice.choice(lesson.questions)
        asked = thinned(asked, dice) if throw < CUED + THINNED else asked
    asked = replaced(asked, dice) if dice.random() < REPLACED else asked
    return placed(asked, about, dice) if dice.random() < SET else asked


def shared(lessons: Sequence[Lesson], most: int = 12) -> tuple[str, ...]:
    """What a session was about: words that several of its answers have in common, the commonest first.

    They tell no lesson from another; whoever asks says them all the same.
    """
    found = Counter(word for lesson in lessons for word in _words(lesson.answer))
    least = max(3, round(len(lessons) * SHARED))
    common = sorted((word for word in found if found[word] >= least), key=lambda word: (-found[word], word))
    return tuple(common[:most])


def _words(text: str) -> set[str]:
    """The words of a text and of the names in it, those that any text may have left out."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    found = {word.lower() for word in re.findall(r"[A-Za-z]{4,}", apart)}
    return {word for word in found if word not in EMPTY and word not in _SAME}


def placed(asked: str, about: Sequence[str], dice: random.Random) -> str:
    """The question beside one to three words of what the session was about."""
    if not about:
        return asked
    some = dice.sample(list(about), min(len(about), dice.randint(1, 3)))
    return dice.choice(_SETTINGS).format(about=" ".join(some), asked=asked)


def thinned(question: str, dice: random.Random) -> str:
    """A question with about a third of its words left out, at least two kept."""
    words = question.split()
    kept = [word for word in words if dice.random() > 0.3]
    return " ".join(kept) if len(kept) >= 2 else question


def of_answer(answer: str, dice: random.Random) -> str:
    """Words of an answer that ask for one of its literals, or for all of it."""
    exact = literals(answer)
    if exact and dice.random() < WANTED:
        wanted = dice.choice(exact)
        rest = answer.replace(wanted, " ")
        if len(content(rest.replace("`", "")).split()) >= 2:
            return cued(rest, dice, cues.kind(wanted))
    return cued(answer, dice)


def cued(text: str, dice: random.Random, sort: str = "") -> str:
    """Two to seven content words of a text as someone would type them, names sometimes in their parts.

    ``sort`` is what is asked for, as ``cues.kind`` has it.
    """
    words = content(text.replace("`", "")).split()
    if len(words) < 2:
        return text
    places = sorted(dice.sample(range(len(words)), min(len(words), dice.randint(2, 7))))
    if dice.random() < 0.35:
        dice.shuffle(places)
    picked = [words[place] for place in places]
    if dice.random() < 0.3:
        picked = [word.lower() for word in picked]
    if dice.random() < 0.3:
        picked = [_parts(word) for word in picked]
    asked = " ".join(picked)
    if dice.random() < (0.8 if sort else 0.6):
        asked = f"{dice.choice(OPENERS[sort])} {asked}" + ("?" if dice.random() < 0.7 else "")
    return asked


def _parts(word: str) -> str:
    """``src/issueCount.ts`` as someone says it: ``issue count.ts``."""
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", word.replace("_", " ").rsplit("/", 1)[-1]).lower()


def replaced(text: str, dice: random.Random, share: float = 0.5) -> str:
    """The text with some common words exchanged for others of the same sense; code is left as it is.

    >>> replaced("Why did pytest fail in src/run.py?", random.Random(1), 1.0)
    'Why did pytest blow up in src/run.py?'
    """

    def other(found: re.Match[str]) -> str:
        senses = _SAME.get(found[0].lower())
        return dice.choice(senses) if senses and dice.random() < share else found[0]

    return re.sub(r"(?<![\w/._-])[A-Za-z]+(?![\w/_-]|\.\w)", other, text)


def _same(lines: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for line in lines:
        words = [word.replace("_", " ") for word in line.split()]
        for word in words:
            if " " not in word:
                found.setdefault(word, set()).update(other for other in words if other != word)
    return {word: sorted(others) for word, others in found.items()}


_SAME = _same(_SENSES.strip().splitlines())
