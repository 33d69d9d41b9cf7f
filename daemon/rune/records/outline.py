"""What a listing needs of every card, in one file: ``adapters/.outlines.json``.

    {"v": 1, "outlines": {"<id>": [[inode, size, mtime_ns], {"session": ..., "lessons": 12, ...}]}}

It is derived from the cards and may be deleted at any time: a card whose stamp is another one is read again,
an outline without a card is dropped. It holds no summary and no lesson. Two processes may write it at once:
the later one wins, and what it did not know is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from rune import files
from rune.errors import FormatError
from rune.records import card as cards
from rune.records.card import Card, Stamp
from rune.records.ledger import State

log = logging.getLogger(__name__)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Outline:
    """A card without its lessons."""

    id: str
    session: str
    source_hash: str
    base: str
    base_hash: str
    rank: int
    lessons: int
    """How many it was taught."""
    created: float
    bytes: int
    probes_before: dict[str, float | None]
    probes_after: dict[str, float | None]


def of(card: Card, id: str) -> Outline:
    """The outline of a card; ``id`` is the name of its folder, as a card may be somewhere else's copy."""
    return Outline(
        id, card.session, card.source_hash, card.base, card.base_hash, card.rank, len(card.lessons),
        card.created, card.bytes, card.probes_before, card.probes_after,
    )  # fmt: skip


def unwritten(one: Card | Outline) -> State:
    """What has become of an adapter that the ledger has no line of: what that line would say."""
    better = cards.better_than_base(one.probes_before, one.probes_after)
    sessions = one.sessions if isinstance(one, Card) else ()
    return State("active" if better else "unserved", session=one.session, sessions=sessions)


Known = dict[str, tuple[Stamp, Outline]]


class Outlines:
    """The reading side of an adapters folder that never parses a card twice, not even in the next process."""

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._known: Known | None = None

    def all(self) -> list[Outline]:
        """Every adapter's outline; one whose card is damaged is logged and left out."""
        known = read(self._path) if self._known is None else self._known
        found: Known = {}
        for id in cards.ids(self._root):
            path = f"{self._root}/{id}/card.json"
            stamp = cards.stamp(path) or (0, 0, 0)  # before reading: what changes meanwhile is read again
            entry = known.get(id)
            try:
                found[id] = entry if entry and entry[0] == stamp else (stamp, of(cards.read(Path(path)), id))
            except FormatError as error:
                log.warning("%s", error)
        if found != known:
            _keep(self._path, found)
        self._known = found
        return [outline for _, outline in found.values()]


def read(path: Path) -> Known:
    """What the file holds; nothing where it is missing, damaged or of another version."""
    try:
        raw = orjson.loads(path.read_bytes())
        if raw["v"] != VERSION:
            return {}
        return {id: (_stamp(told), Outline(id, **outline)) for id, (told, outline) in raw["outlines"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _stamp(told: Iterable[int]) -> Stamp:
    inode, size, changed = told
    return inode, size, changed


def write(path: Path, known: Known) -> None:
    """Give the file this content in one step."""
    outlines: dict[str, Any] = {}
    for id, (stamp, outline) in known.items():
        told = asdict(outline)
        del told["id"]
        outlines[id] = [stamp, told]
    files.replace(path, orjson.dumps({"v": VERSION, "outlines": outlines}))


def drop(path: Path, id: str) -> None:
    """Take one adapter out of the file; what holds nothing more is deleted, or cannot be written anew."""
    known = read(path)
    if known.pop(id, None) is None:
        return
    try:
        if known:
            write(path, known)
    except OSError as error:
        log.warning("%s: not written (%s); every card is read again next time", path, error)
        known = {}
    if not known:
        path.unlink(missing_ok=True)


def _keep(path: Path, known: Known) -> None:
    """Write where that is possible: a listing works in a folder that cannot be written, too."""
    try:
        if known or path.exists():
            write(path, known)
    except OSError as error:
        log.warning("%s: not written (%s); every card is read again next time", path, error)
