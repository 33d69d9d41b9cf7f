"""Words without their endings, and which of them say the opposite of one another."""

from __future__ import annotations

import re
from functools import lru_cache

_ENDING = re.compile(r"(?:ing|ed|es|s|d|e)$")
_PAIRS = (
    "enable disable", "enabled disabled", "required optional", "accept reject", "accepted rejected",
    "increase decrease", "raise lower", "pass fail", "passing failing", "succeed fail", "success failure",
    "allow forbid", "include exclude", "open close", "start stop", "true false", "newer older", "fast slow",
    "faster slower", "public private", "sync async", "synchronous asynchronous",
    "synchronously asynchronously", "upgrade downgrade", "lock unlock", "encrypt decrypt", "zero nonzero",
    "all few", "more less", "more fewer", "above below", "earlier later", "minimum maximum", "least most",
    "ascending descending", "internal external", "safe dangerous", "install uninstall", "always never",
    "always sometimes", "possible impossible", "allow disallow", "connect disconnect", "appear disappear",
    "correct incorrect", "valid invalid", "visible invisible", "complete incomplete",
    "consistent inconsistent", "active inactive", "secure insecure", "compatible incompatible",
    "mutable immutable", "sufficient insufficient", "sensitive insensitive", "direct indirect",
    "dependent independent", "push pull", "cheap expensive",
)  # fmt: skip
_PREFIXES = ("un", "non", "non-", "not-")
_NO_OPPOSITES = frozenset(("unless", "under", "until"))
_LEAST = 4
"""Letters of a word that a prefix may turn around."""


def stem(word: str) -> str:
    """A word without its endings: never to be read, alike for all its forms.

    >>> {stem(word) for word in ("drop", "drops", "dropped", "dropping")}, stem("retries")
    ({'drop'}, 'retry')
    """
    word = word.removesuffix("'s").removesuffix("’s")
    if word.endswith(("ies", "ied")):
        return f"{word[:-3]}y"
    while len(shorter := _ENDING.sub("", word)) > 1 and shorter != word:
        word = shorter
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _paired() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _PAIRS:
        one, other = map(stem, pair.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


_OTHERS = _paired()


@lru_cache(maxsize=4096)
def opposites(word: str) -> frozenset[str]:
    """The stems of what says the opposite of a stem.

    >>> sorted(opposites(stem("required"))), "saf" in opposites(stem("unsafe"))
    (['non-requir', 'nonrequir', 'not-requir', 'optional', 'unrequir'], True)
    """
    found = set(_OTHERS.get(word, ()))
    if len(word) >= _LEAST - 1 and word.isalpha():
        found |= {prefix + word for prefix in _PREFIXES}
    for prefix in _PREFIXES:
        if word.startswith(prefix) and word not in _NO_OPPOSITES and len(word) - len(prefix) >= _LEAST - 1:
            found.add(word.removeprefix(prefix))
    return frozenset(found)
