"""Whether a change that somebody tells has lasted: what was taken back, or is added, replaces nothing. Pure.

Not covered: a change that another statement takes back in quite other words.
"""

from __future__ import annotations

import re

_UNDONE = re.compile(
    r"\b(?:revert\w*|reversed|annulled|roll(?:ed|ing)? back|undo(?:ne|es|ing)?|undid|cancel\w*"
    r"|decided against|restor(?:ed?|ing)|reinstat\w+|withdr(?:ew|awn)|retract\w*|abort(?:ed)?|backed out"
    r"|(?:took|taken) back|g[ai]ven? up|after all)\b",
    re.I,
)
_PASSING = re.compile(
    r"\bto (?:re-?produce|test|try|see|debug|check|verify|demonstrate|show|experiment|measure|compare|trigger"
    r"|provoke|investigate|confirm|prove|simulate|bisect|isolate|diagnose|observe|benchmark|profile|explore"
    r"|(?:find|rule|figure) out)\b"
    r"|\b(?:as|for) an? (?:\w+ )?(?:experiment|test|trial|demo|try|workaround|while|moment|minute|hour|day"
    r"|week|bit)\b|\bas an? (?:temporary|short|quick)\b|\bfor the (?:moment|time being|experiment|trial)\b"
    r"|\bfor (?:now|today|testing|debugging|(?:\d+|two|three|some|a few) (?:second|minute|hour|day|week)s?)\b"
    r"|\bwhile\b|\bmeanwhile\b|\bin the meantime\b|\bprovisional(?:ly)?\b|\bbriefly\b|\bshort-lived\b",
    re.I,
)
"""What is said of a change that serves to find something out, or is for a time."""
_UNMEANT = re.compile(
    r"\bby (?:an? )?(?:mistake|accident|error|typo)\b|\b(?:due to|because of) an? (?:typo|mistake|mix-up)\b"
    r"|\bin error\b|\b(?:unintended|premature)(?:ly)?\b"
    r"|\b(?:mistaken|accidental|wrong(?:ful)?|incorrect|erroneous|inadvertent|unintentional|false)ly\b"
    r"|\b(?:that|this|it|which) (?:was|is|has been|turned out to be) (?:\w+ )?(?:an? )?"
    r"(?:mistake|accident|error|wrong|oversight|bad idea|temporary)\b",
    re.I,
)
_BACK = re.compile(
    r"\bback\b(?![ -]?(?:end|office|up|ground)\b)|\breset\b|\breturned to\b|\bin the end\b"
    r"|(?<!pass)(?<!passes)(?<!work)(?<!works)(?<!green)(?<!builds)(?<!succeed) (?:again|once more)\b"
    r"|\bno longer (?:holds?|applies|true|valid|the case)\b|\b(?:got|was) lost\b"
    r"|\b(?:that|this|it|the (?:move|change|switch))\b(?: \w+)? (?:not|never|\w+n't|failed to) "
    r"(?:work|last|help|h[eo]ld|stick|stay|survive|kept)\w*"
    r"|\b(?:old|former|previous)(?: \w+)? (?:still|also|remains?|stays?|keeps?|works?|is kept)\b"
    r"|\bboth\b|\bin parallel\b|\bside by side\b|\balongside\b|\balias\b",
    re.I,
)
"""What is said after a change that was taken back, or has left the older value beside the new one."""
_GONE = re.compile(
    r"\b(?:not?|no longer|never|nothing|nobody|free|gone|unused|closed|taken|occupied|busy|conflicts?"
    r"|any ?more|dead|\w+n't)\b",
    re.I,
)
"""What is said of a value that nothing has any more."""
_WHY = re.compile(r"\b(?:because|since|due to|so that|as)\b.*", re.S)
_PART = re.compile(r"[.;!?,](?:\s|$)|\n|\b(?:and|but|so|then|which)\b")


def undone(text: str) -> bool:
    """Whether a change is said to have been taken back, or to serve something that passes.

    >>> undone("It moved, and that was undone."), undone("It moved to reproduce it."), undone("It moved.")
    (True, True, False)
    """
    return _UNDONE.search(text) is not None or _PASSING.search(text) is not None


def unmeant(sentence: str) -> bool:
    """Whether a change is said to have come about by mistake; what it mended may have been one."""
    found = _UNMEANT.search(sentence)
    why = _WHY.search(sentence)
    return found is not None and (why is None or found.start() <= why.start())


def left(after: str, old: str) -> bool:
    """Whether what follows the telling of a change says that the older value holds again, or holds still.

    >>> left(", then back to it", "80"), left(", but 80 still answers", "80"), left("; 80 is free now", "80")
    (True, True, False)
    """
    if _BACK.search(after) or unmeant(after):
        return True
    named = re.compile(rf"(?<![\w.-]){re.escape(old)}(?![\w-]|\.\w)", re.I)
    return any(named.search(_WHY.sub("", one)) and not _GONE.search(one) for one in _PART.split(after))
