"""Whether a sentence that explains a failure still stands as its cause: not where it was denied or refuted.

Pure, and for English alone, like the cues of an explanation themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_CAUSE = r"(?:root |real |actual |underlying )*(?:cause|problem|issue|culprit|reason|bug|fault)"
_NOT = r"(?:n['’]t| not| never)"
_DENIES = re.compile(
    rf"\b(?:not|never|no longer|hardly|(?:is|was|are|were){_NOT})\s+"
    r"(?:actually |really |even |directly |at all |itself |in fact |likely |necessarily |be |the one |what )*"
    rf"(?:caus(?:ed|ing|es)\b|due to\b|because\b|(?:the|a|an|our|my) {_CAUSE}\b|(?:to )?blame\b|at fault\b"
    r"|responsible\b|related\b|relevant\b|involved\b|it\b[.!,;]?\s*$)"
    rf"|\b{_CAUSE}\s+(?:itself )?(?:is|was|lies|are|were){_NOT}\b(?! (?:enough|\w+ing\b|only|just))"
    rf"|\b(?:do|does|did){_NOT}\s+(?:actually |really |seem to |appear to )*"
    r"(?:cause|explain|come from|stem from|trigger|account for)\b"
    r"|\b(?:unrelated|pre-?existing|nothing to do with|red herring|false (?:lead|alarm)"
    r"|rul(?:ed?|es|ing) out)\b"
    r"|\bhas no (?:effect|influence|impact|bearing)\b",
    re.I,
)
"""Ways to say that something is not what caused a failure."""
_AFFIRMS = re.compile(
    rf"\b(?:because|due to|caused? by|causes|comes from|stems from|{_CAUSE} (?:is|was|lies)"
    r"|it(?:['’]s| is| was)|the \w+ (?:is|was|fails|reads|asks)|but (?:the|by|in|from|a|an)\b|rather"
    r"|that (?:breaks|fails))",
    re.I,
)
_BEQUEATHED = re.compile(
    r"\b(?:due to|because of|caused by|fails? on|from) (?:an? |the |some )?pre-?existing\b", re.I
)
"""What was there before is named as the cause."""
_CLAUSES = re.compile(
    r"[;:—–]|\s-\s|,?\s(?=(?:but|rather|instead)\b)|,\s(?=(?:it(?:['’]s| is)|the|that)\b)|(?<=[.!?])\s"
)
_DOUBTED = r"(?:theory|hypothesis|guess|idea|assumption|diagnosis|suspicion)"
_REFUTES = re.compile(
    r"(?:(?:no|hmm+|ok|okay|so|well|right|actually|wait|still|unfortunately|ah|oh)[,.:!—-]*\s+)*"
    rf"(?:(?:that|this|it|which)(?:\s+(?:{_DOUBTED}|change|attempt|edit|fix))?"
    rf"(?:\s*(?:was|is){_NOT}\s+(?:actually |really )*"
    rf"(?:it|right|correct|true|enough|the (?:\w+ )?(?:{_CAUSE}|fix)|why)\b"
    r"|\s+(?:was|is)\s+(?:wrong|incorrect|mistaken|refuted|a (?:wrong|false|red|bad)\b)"
    rf"|\s+(?:did|does){_NOT}\s+(?:help|work|fix|solve|change|matter|make|do)\b"
    r"|\s+(?:had|has|made) no (?:effect|difference))"
    r"|(?:wrong|bad) (?:guess|theory|hypothesis|lead|track)|not it\b|i was wrong\b"
    r"|i (?:had )?mis(?:read|diagnosed|judged)"
    rf"|(?:my|the) (?:\w+ )?{_DOUBTED}\s+(?:(?:was|is)\s+(?:wrong|incorrect|mistaken|off|false)"
    rf"|(?:was|is){_NOT}\s+(?:right|correct|true)|(?:did|does){_NOT}\s+hold)"
    r"|(?:the |that )?(?:same )?(?:error|failure|problem) "
    r"(?:is (?:still there|unchanged)|persists|remains)\b)",
    re.I,
)
_IT = r"(?:it|this|that|them|those)"
_LEFT = re.compile(
    r"\bpre-?existing\b|\b(?:(?:un|not )related to|nothing to do with|not caused by|not (?:from|due to))"
    r" (?:what I\b|(?:my|our|this|the|these|any of my) (?:\w+ )?"
    r"(?:change|work|task|edit|diff|pr|pull|refactor|commit|feature|rename)\w*)"
    rf"|\b(?:leav(?:e|ing)|left) {_IT} (?:alone|as (?:it|they) (?:is|are)|as[- ]is|for (?:now|later)|out)\b"
    rf"|\bI(?:['’]ll|['’]m| will| am)? leav(?:e|ing) {_IT}(?=[.!;]|$)"
    rf"|\b(?:won['’]t|will not|not going to|do not|don['’]t) (?:fix|touch|address) {_IT}\b"
    r"|\bout of scope\b|\balready (?:failed|failing|fails|broken|red) (?:before|on (?:main|master))"
    r"|\bfail(?:s|ed|ing)? (?:on|in) (?:main|master) (?:as well|too)\b|\bknown (?:flak|failure)",
    re.I,
)
_MENDS = re.compile(
    r"\b(?:I(?:['’]ll| will|['’]m going to)|let me|let['’]s|I (?:need|have) to)\s+"
    r"(?:now |still |just |also )*"
    r"(?:fix|repair|correct|address|resolve|solve|look into|mend)\b"
    r"|\b(?:fix(?:ing|ed)?|address(?:ing|ed)?) (?:it|them|this) anyway\b",
    re.I,
)


def denies(sentence: str) -> bool:
    """Whether a sentence only says what a failure does not come from.

    >>> denies("It is not caused by the cache."), denies("It is not caused by the cache but by `conf.py`.")
    (True, False)
    >>> denies("It fails because `port` is not set."), denies("This failure is pre-existing.")
    (False, True)
    """
    if not _DENIES.search(sentence) or _BEQUEATHED.search(sentence):
        return False
    rest = (part for part in _CLAUSES.split(sentence) if part and not _DENIES.search(part))
    return not any(_AFFIRMS.search(part) for part in rest)


def refutes(sentence: str) -> bool:
    """Whether a sentence says that what was thought before was wrong.

    >>> refutes("That wasn't it."), refutes("That isn't set in the configuration.")
    (True, False)
    """
    return _REFUTES.match(sentence) is not None


def standing(sentences: Sequence[str]) -> list[str]:
    """The sentences after the last one that refutes what was said before it."""
    last = max((place for place, one in enumerate(sentences) if refutes(one)), default=-1)
    return list(sentences[last + 1 :])


def leaves(text: str) -> bool:
    """Whether the agent says that a failure stays as it is.

    >>> leaves("This failure is pre-existing."), leaves("It is pre-existing. Let me fix it anyway.")
    (True, False)
    """
    return _LEFT.search(text) is not None and _MENDS.search(text) is None
