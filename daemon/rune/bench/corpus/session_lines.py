"""Lines of real sessions that hold no secret: what a detector must leave alone in a day's work.

How that is decided: whoever gathered the sessions left out those with secret patterns. Each distinct line is
then taken as clean, unless it is one of ``HELD``. These are lines that Rune, or the seed's patterns for
passwords and addresses, took for a secret (all were read, out of 285,924) and that do hold a credential by
form, such as ``password='something'`` in a test or an agreed passphrase. A line that was taken for a secret
and holds none stays in.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from rune.bench.corpus.planted import Item
from rune.errors import RuneError

LONGEST = 2000
"""Characters; longer lines are minified files and whole transcripts in JSON."""
_TEMPTING = re.compile(r"key|token|passw|pwd|secret|auth|cred|bearer|[\w+/=-]{20,}|://[^/\s]*@", re.I | re.A)
"""What gives a detector something to fall for: a telling word, a long run, a URL with an at-sign."""
HELD = frozenset(
    """
    0d0fc7b7fc8630a0 24c467bbe78eae57 266710076abb966a 29dd1e3b817cbf80 2ea715735e72bef6 2fff83a963fac5dd
    3610d6d6e3df8f40 3b460da1e12b43d3 3c91e741a27c3c25 3d24933f953b8ca3 403476220e7f6e86 408f4cda3cf68590
    4c15638f3b9e6f94 4e0e64b10872dc6a 6d55dea337af5cf9 6dcb837c0762b1e4 6ec3a1d8ea9a669d 7e6a204555db9871
    82d94787ba5fe87a 8addad4aab674969 8caec7e2573fab0b 8d62807d6f02631d 91b7fcbd34a3a675 957ed47f4df474e8
    9ea03a4c147a77e9 a27c414143345e2a a518e662ff03578d af4702e070528d89 b467492e947aeb27 b48e67a85a8b7b2c
    b5de36d265f332c2 bbbe586185d0bc27 bd2a23b903272af7 c916e04274f5471a d9bdb7eebf4c7947 de98de6de6fd5db3
    dfac228bb2d7ba3c e1525a58e3872b07 e395f85e63cf41d6 ea1ff2af21d0f099 f0f146bbc66c40df f0f8818586104fb3
    f769dd8a8078ed63
    """.split()  # noqa: SIM905
)
"""First 16 digits of the SHA-256 of lines that do hold a credential."""


def tempting(data: Path, seed: int, number: int, *, development: bool = False) -> list[Item]:
    """So many of the distinct clean lines that could tempt a detector; development draws from one half of
    them, the reported figures from the other.

    Raises:
        RuneError: the folder holds no recorded sessions.
    """
    pool = [line for line in clean(data) if _TEMPTING.search(line) and _half(line) == development]
    drawn = random.Random(seed).sample(pool, min(number, len(pool)))
    return [Item("sessions", line, unseen=not development) for line in drawn]


def clean(data: Path) -> list[str]:
    """Every distinct line that holds no secret, in order.

    Raises:
        RuneError: the folder holds no recorded sessions.
    """
    return sorted(line for line in distinct(data) if digest(line) not in HELD)


def distinct(data: Path) -> set[str]:
    """Every distinct line of the recorded sessions, without blanks at its end.

    Raises:
        RuneError: the folder holds no recorded sessions.
    """
    places = sorted(data.glob("trajectories.*.jsonl.gz"))
    if not places:
        raise RuneError(f"{data}: expected trajectories.*.jsonl.gz, found none; name the folder with --data")
    return {line for place in places for line in _lines(place)}


def digest(line: str) -> str:
    """What a line is called in ``HELD``."""
    return hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _lines(place: Path) -> Iterator[str]:
    with gzip.open(place, "rt", encoding="utf-8") as sessions:
        for session in sessions:
            for event in json.loads(session)["events"]:
                kept = (line.rstrip() for line in event["text"].split("\n"))
                yield from (line for line in kept if line and len(line) <= LONGEST)


def _half(line: str) -> bool:
    return int(digest(line)[:2], 16) % 2 == 0
