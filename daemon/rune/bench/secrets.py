"""The secrets corpus: how many planted secrets are taken out, and how many clean lines are touched.

The same lines go through Rune (``rune.redact`` and ``rune.scan``, as the daemon runs them) and through the
four patterns that the seed rule names, with a common pattern for e-mail addresses in evidence.

*What counts*: a secret is found when no eight characters in a row of it are left (of a shorter one: when it
is not left as a whole). The seed's patterns reject an entry and replace nothing: a match anywhere in the text
counts as found, which flatters them. A clean text is a false positive when anything in it changes or matches.

*Two seeds*: what was missed or touched was looked at with one, the reported figures come from another, which
draws other values, pairs and session lines. The places are known by now. What is missed where nobody has
looked yet was measured blind, three times, each before anything was made for it: a quarter of the places and
templates held out of development (936 of 1,000 found, 12 of 3,879 touched); those of gitleaks' tests (1,200
tokens: 0.73 found; 240 passwords: 0.42; 1,796 clean texts: 0.06 touched); those of detect-secrets' tests (484
of 1,000 found). What they showed was then mended. The lines of one template resemble each other:
the intervals are rather too narrow.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rune.bench.corpus import look_alikes, planted, session_lines
from rune.bench.corpus.planted import Item
from rune.redact import redact
from rune.scan import scan

DEVELOPMENT, FRESH = 1, 4711
"""The seed that misses were looked at with, and the one of the reported figures."""
SECRETS, LOOK_ALIKES, LINES, BEYOND = 4000, 3000, 3000, 200
Z = 1.959964
"""Of a 95 % interval."""

_KEY = re.compile(r"[A-Za-z0-9_-]{20,}")
_KEY_CONTEXT = re.compile(r"key|token", re.I)
_REJECTED = (
    re.compile(r"password\s*[:=]\s*\S+", re.I),
    re.compile(r"bearer\s+[A-Za-z0-9._-]+", re.I),
    re.compile(r"[a-z]+:\/\/[^:]+:[^@]+@"),
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class Count:
    """So many of so many, with Wilson's interval."""

    hits: int
    total: int

    @property
    def rate(self) -> float:
        """The share; 0.0 of nothing."""
        return self.hits / self.total if self.total else 0.0

    def interval(self) -> tuple[float, float]:
        """The 95 % interval of Wilson.

        >>> Count(98, 100).interval()
        (0.9299, 0.9945)
        """
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.rate
        middle, reach = p + Z**2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        low, high = ((middle + side * reach) / (1 + Z**2 / n) for side in (-1, 1))
        return math.floor(max(low, 0.0) * 10_000) / 10_000, math.ceil(min(high, 1.0) * 10_000) / 10_000

    def row(self) -> dict[str, Any]:
        """As it stands in a result file."""
        return {"hits": self.hits, "of": self.total, "rate": round(self.rate, 4), "interval": self.interval()}


def run(data: Path, seed: int = FRESH) -> dict[str, Any]:
    """The figures of a fresh corpus, in the form of a result file."""
    dice = random.Random(seed)
    secrets = planted.items(dice, SECRETS)
    clean = look_alikes.look_alikes(dice, LOOK_ALIKES) + session_lines.tempting(data, seed, LINES)
    lines = [Item("sessions", line) for line in session_lines.clean(data)]
    ours, theirs = (Count(sum(map(by, secrets)), len(secrets)) for by in (found, seed_matches))
    our_false, their_false = (Count(sum(map(by, clean)), len(clean)) for by in (touched, seed_matches))
    summary = {
        "secrets_recall": round(ours.rate, 4),
        "secrets_false_positive": round(our_false.rate, 4),
        "seed_recall": round(theirs.rate, 4),
        "seed_false_positive": round(their_false.rate, 4),
    }
    rows = [
        *_table("secrets", secrets, found),
        _row("beyond: neither shape nor name, not in the recall", planted.beyond(dice, BEYOND), found),
        *_table("clean", clean, touched),
        _row("clean: every line of the sessions", lines, touched),
    ]
    whole = {"seed": seed, "recall": ours.row(), "false_positive": our_false.row(),
             "seed_recall": theirs.row(), "seed_false_positive": their_false.row()}  # fmt: skip
    return {"summary": summary, "rows": rows, "whole": whole}


def development(data: Path | None) -> tuple[list[Item], list[Item]]:
    """The secrets and the clean texts that may be looked at: no held-out shape, place, template or line."""
    dice = random.Random(DEVELOPMENT)
    clean = look_alikes.look_alikes(dice, 2 * LOOK_ALIKES)
    secrets = planted.items(dice, 2 * SECRETS)
    lines = session_lines.tempting(data, DEVELOPMENT, LINES, development=True) if data else []
    return [item for item in secrets if not item.unseen], [item for item in clean if not item.unseen] + lines


def through_rune(item: Item) -> str:
    """What Rune writes down of a text."""
    text, _ = redact(item.text, emails=item.evidence)
    return scan(text)[0]


def found(item: Item) -> bool:
    """Whether Rune leaves nothing of the secret."""
    return not item.leaked(through_rune(item))


def touched(item: Item) -> bool:
    """Whether Rune changes a clean text."""
    return through_rune(item) != item.text


def seed_matches(item: Item) -> bool:
    """Whether one of the seed rule's patterns rejects the text."""
    key = _KEY.search(item.text) and _KEY_CONTEXT.search(item.text)
    mail = item.evidence and _EMAIL.search(item.text)
    return bool(key or mail or any(pattern.search(item.text) for pattern in _REJECTED))


def _table(name: str, items: Sequence[Item], by: Callable[[Item], bool]) -> list[dict[str, Any]]:
    kinds = dict.fromkeys(item.kind for item in items)
    rows = [_row(f"{name}: {kind}", [item for item in items if item.kind == kind], by) for kind in kinds]
    return [*rows, _row(f"{name}: held out until the first measurement", [i for i in items if i.unseen], by)]


def _row(name: str, items: Sequence[Item], by: Callable[[Item], bool]) -> dict[str, Any]:
    rune, seed = (Count(sum(map(judge, items)), len(items)) for judge in (by, seed_matches))
    return {"what": name, "rune": rune.row(), "seed": seed.row()}
