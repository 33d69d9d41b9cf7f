"""The same question in other words, drawn anew for every example: an adapter must not hang on one wording.

Whoever asks again keeps some words of what was said, leaves others out, and says the rest in his own: so a
question is taken as it is, thinned, or made of a few words of the answer, and common words are exchanged for
others of the same sense. Pure: the same dice give the same wordings.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from rune.cues import content
from rune.records.card import Lesson

CUED, THINNED, REPLACED = 0.4, 0.2, 0.5
"""Share of examples that are asked by a few words of the answer, by a thinned question; and the chance that a
wording gets other words of the same sense."""

_OPENERS = (
    "what", "why", "how", "which", "where", "which file", "what was", "why did", "how did we",
    "which command", "what is the", "remind me", "do you know", "when", "how many", "what happened with",
    "who", "tell me", "what did we decide on", "where did we put", "what's the name of", "I need the",
    "looking for", "was there", "in which",
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
commit revision changeset
hash sha id
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
flag switch option
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


def reword(lesson: Lesson, dice: random.Random) -> str:
    """One wording of a question that the lesson answers."""
    throw = dice.random()
    if throw < CUED:
        asked = cued(lesson.answer if dice.random() < 0.65 else dice.choice(lesson.questions), dice)
    else:
        asked = dice.choice(lesson.questions)
        asked = thinned(asked, dice) if throw < CUED + THINNED else asked
    return replaced(asked, dice) if dice.random() < REPLACED else asked


def thinned(question: str, dice: random.Random) -> str:
    """A question with about a third of its words left out, at least two kept."""
    words = question.split()
    kept = [word for word in words if dice.random() > 0.3]
    return " ".join(kept) if len(kept) >= 2 else question


def cued(text: str, dice: random.Random) -> str:
    """Two to seven content words of a text as someone would type them, names sometimes in their parts."""
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
    if dice.random() < 0.6:
        asked = f"{dice.choice(_OPENERS)} {asked}" + ("?" if dice.random() < 0.7 else "")
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
