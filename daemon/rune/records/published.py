"""What others may know of an adapter, ``<store>/<id>/published.json``: the manifest, written last.

    {"v": 1, "id": "51a2...", "source_hash": "...", "sha256": {"adapter_config.json": "...", ...},
     "bytes": 9780224, "base": "smollm2-135m-instruct", "base_hash": "...", "rank": 8, "alpha": 16.0,
     "targets": ["q_proj", ...], "level": "session", "lessons": 12, "created": 1795176000.2}

A folder of the store without it is not published yet. It is the public side of a card: no lesson, question or
summary, no session, no path, no setting. The weights beside it know what they were taught all the same.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass

from rune.errors import AdapterError, FormatError, NewerVersion
from rune.records import card as cards
from rune.records.card import CONFIG, WEIGHTS, Card

VERSION = 1
NAME = "published.json"
FILES = (CONFIG, WEIGHTS)
"""All that is copied."""


@dataclass(frozen=True, slots=True)
class Published:
    """An adapter as a shared store has it."""

    id: str
    source_hash: str
    """Of what it was distilled from; the id is a hash over it and the two files' hashes."""
    sha256: dict[str, str]
    """File name to hash, of ``FILES``."""
    bytes: int
    """Of both files."""
    base: str
    base_hash: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    level: str
    lessons: int
    """How many, not which."""
    created: float


def of(card: Card, size: int) -> Published:
    """The public side of a card.

    Args:
        card: of an adapter whose files are whole.
        size: bytes of its two files.

    Raises:
        AdapterError: the card lacks the hash of a file.
    """
    if missing := [name for name in FILES if name not in card.sha256]:
        raise AdapterError(f"adapter {card.id}: expected hashes of {FILES}, none of {missing}")
    hashes = {name: card.sha256[name] for name in FILES}
    return Published(
        card.id, card.source_hash, hashes, size, card.base, card.base_hash, card.rank, card.alpha,
        card.targets, card.level, len(card.lessons), card.created,
    )  # fmt: skip


def dump(published: Published) -> bytes:
    """As JSON text."""
    return json.dumps({"v": VERSION, **dataclasses.asdict(published)}, indent=1).encode() + b"\n"


def parse(data: bytes, where: str, id: str) -> Published:
    """The manifest of the adapter that was asked for.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is damaged, belongs to another adapter, or its hashes do not give its id.
    """
    try:
        raw = json.loads(data)
        version = raw.pop("v")
        if not isinstance(version, int) or version > VERSION:
            raise NewerVersion(f"{where}: version {version!r}; this Rune knows {VERSION}: update rune-memory")
        made = _checked(Published(**{**raw, "targets": tuple(raw["targets"])}))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"{where}: expected a manifest, found {error!r}; publish it anew") from None
    names = cards.identity_of(made.sha256[CONFIG], made.sha256[WEIGHTS], made.source_hash)
    if not made.id == id == names:
        raise FormatError(f"{where}: expected adapter {id}, found {made.id} with hashes of {names}")
    return made


def _checked(made: Published) -> Published:
    """Hashes and sizes decide what is written where: they are looked at."""
    whole = set(made.sha256) == set(FILES) and all(
        isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) for value in made.sha256.values()
    )
    if not whole or not isinstance(made.bytes, int) or made.bytes < 0:
        raise ValueError("sha256 or bytes are not those of two files")
    return made
