"""The receipt of an adapter, ``adapters/<id>/card.json`` (write-once).

It says where the adapter came from and what it cost. Scores and states that come later are lines of the
ledger (``rune.records.ledger``). Version 2 knows ``level``, ``parents`` and ``sessions``; version 1 is read,
too.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from rune import fields
from rune.errors import FormatError, NewerVersion
from rune.literal import stands
from rune.records import ledger as lines
from rune.records.ledger import State

VERSION = 2
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
LEVELS = ("session", "task", "project")
"""How much an adapter brings together, the least first."""
HISTORY = frozenset(("repair", "cause", "unsolved", "error", "proof", "goal", "steps", "commit", "count"))
"""Kinds of lessons that tell what happened once; how many tests passed depends on which were run."""
MEASURED = ("trained", "heldout", "composed", "related")
"""Kinds of probes that show use; the others show harm."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing an adapter was taught: an answer, the questions that trained it, probes that never did."""

    kind: str
    """repair, cause, unsolved, proof, command, error, commit, count,
    said, decision, preference, steps, goal, file; or a note's."""
    answer: str
    questions: tuple[str, ...]
    probes: tuple[str, ...]
    """Phrasings held out of training."""
    evidence: tuple[str, ...] = ()
    """Ids of the events it came from."""
    keys: tuple[str, ...] = ()
    """Literals that an answer must hold to count as right."""
    at: float = 0.0
    """When the last of that happened; 0.0 where it is not known. Not when it was learnt: a session may be
    learnt long after a later one."""


@dataclass(frozen=True, slots=True)
class Card:
    """What an adapter is, written once beside its weights."""

    session: str
    source_hash: str
    """Of what it was distilled from: ``Trajectory.content_hash``, and the echoes it was taught, if any.
    One adapter per content and base."""
    events: int
    redactions: dict[str, int]
    base: str
    base_hash: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    steps: int
    seconds: float
    engine: str
    lessons: tuple[Lesson, ...]
    summary: str
    """What the session was about, in a few words: what retrieval matches against."""
    probes_before: dict[str, float | None]
    probes_after: dict[str, float | None]
    created: float
    peak_mb: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    """File name to hash of the weights and the PEFT configuration."""
    bytes: int = 0
    id: str = ""
    level: str = "session"
    """One of LEVELS."""
    parents: tuple[str, ...] = ()
    """Ids of the adapters that it was made of; none where it was made of a session."""
    sessions: tuple[str, ...] = ()
    """The sessions behind its parents; none where it was made of one, which is ``session``."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Every session that it comes from."""
        return self.sessions or (self.session,)

    @property
    def told(self) -> float:
        """When the last of its lessons happened, as far as they say so; else when it was made."""
        return max((lesson.at for lesson in self.lessons), default=0.0) or self.created

    @property
    def start(self) -> str:
        """The name of the start that its training began at; empty where that was nothing."""
        return str(self.settings.get("start", ""))


_KINDS: dict[str, Callable[[Any], object]] = {
    "str": fields.text, "int": fields.place, "float": fields.number,
}  # fmt: skip
_READ = {
    f.name: fields.names if str(f.type).startswith("dict") else _KINDS[str(f.type)]
    for f in dataclasses.fields(Card)
    if not str(f.type).startswith("tuple")
} | {"probes_before": fields.scores, "probes_after": fields.scores}
"""How each field but the lists is read from JSON."""
_NAMES = frozenset(f.name for f in dataclasses.fields(Card))
_LISTS = ("targets", "parents", "sessions")
_TEXT = frozenset((str,))
_VALUES = {"redactions": frozenset((int,)), "sha256": _TEXT}
"""What the other fields that have names of their own may hold."""


_WAY_OUT = (
    "delete its folder and make it anew with `rune distil <session>`, or, of one that was made of others, "
    "put those back with `rune adapters reactivate`"
)


def dump(card: Card) -> bytes:
    """The card as JSON text.

    Raises:
        FormatError: a score or setting is no finite number, or a share is not from 0 to 1.
    """
    try:
        for probes in (card.probes_before, card.probes_after):
            fields.scores(probes)
        text = json.dumps({"v": VERSION, **asdict(card)}, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FormatError(f"card of session {card.session}: {error}; its numbers must be finite") from None
    return text.encode("utf-8", "replace") + b"\n"


def read(path: Path) -> Card:
    """Read ``card.json``.

    Raises:
        NewerVersion: a newer Rune wrote it.
        FormatError: it is damaged; file and field are named.
    """
    try:
        raw = orjson.loads(path.read_bytes())  # not json: a library of a thousand adapters is read in one go
        version = raw.pop("v")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: expected a card with a version, found {error!r}; {_WAY_OUT}") from None
    if not isinstance(version, int) or version > VERSION:
        raise NewerVersion(f"{path}: card version {version!r}; this Rune knows {VERSION}: update rune-memory")
    if unknown := raw.keys() - _NAMES:
        raise FormatError(f"{path}: unknown fields {sorted(unknown)}; {_WAY_OUT}")
    if wrong := _field(raw):
        raise FormatError(f"{path}: {wrong}: found {raw[wrong]!r}; {_WAY_OUT}")
    try:
        lessons = tuple(_lesson(place, entry) for place, entry in enumerate(raw.pop("lessons")))
        lists = {name: tuple(raw[name]) for name in _LISTS if name in raw}
        return Card(**{**raw, "lessons": lessons, **lists})
    except ValueError as error:
        raise FormatError(f"{path}: {error}; {_WAY_OUT}") from None
    except (TypeError, KeyError, AttributeError) as error:
        raise FormatError(f"{path}: {error!r}; {_WAY_OUT}") from None


def _field(raw: dict[str, Any]) -> str:
    """The field of a card, its lessons aside, that is not what it must be; empty where all are."""
    for name, found in raw.items():
        try:
            if read := _READ.get(name):
                read(found)
        except (TypeError, ValueError):
            return name
        if name in _VALUES and not _VALUES[name].issuperset(map(type, found.values())):
            return name
        if name in _LISTS and not _texts(found):
            return name
        if name == "level" and found not in LEVELS:
            return name
    return ""


def identity(card: Card) -> str:
    """What an adapter is called: a hash over weights, configuration and source."""
    return identity_of(card.sha256[CONFIG], card.sha256[WEIGHTS], card.source_hash)


def identity_of(*parts: str) -> str:
    """The same, of the hashes of configuration, weights and source."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _lesson(place: int, raw: dict[str, Any]) -> Lesson:
    get = raw.get
    kind, answer, at = raw["kind"], raw["answer"], get("at", 0.0)
    asked, probes = get("questions", []), get("probes", [])
    evidence, keys = get("evidence", []), get("keys", [])
    lists = type(asked) is type(probes) is type(evidence) is type(keys) is list
    fine = lists and asked and fields.finite(at)  # plainly: a thousand cards have 24,000 lessons
    if not (fine and _TEXT.issuperset(map(type, [kind, answer, *asked, *probes, *evidence, *keys]))):
        raise ValueError(f"lessons[{place}].{_wrong(raw)}")
    return Lesson(kind, answer, tuple(asked), tuple(probes), tuple(evidence), tuple(keys), float(at))


def _wrong(lesson: dict[str, Any]) -> str:
    """The field of a lesson that is not what it must be."""
    lists = {name: lesson.get(name, []) for name in ("questions", "probes", "evidence", "keys")}
    texts = {name: [lesson[name]] for name in ("kind", "answer")} | lists
    bad = [name for name, found in texts.items() if not _texts(found)]
    name = bad[0] if bad else "at" if lists["questions"] else "questions"
    return f"{name}: found {lesson.get(name)!r}"


def _texts(found: Any) -> bool:
    return type(found) is list and _TEXT.issuperset(map(type, found))


def better_than_base(before: dict[str, float | None], after: dict[str, float | None]) -> bool:
    """Whether an adapter answers more than the base alone, in wordings that it was not trained on.

    Where no lesson has such a wording, its other scores are compared, all together. Unrelated questions and
    the drift show harm, not use, and do not count. Where nothing was measured the answer is yes: recall still
    checks what it is told against the evidence.

    >>> better_than_base({"trained": 0.2, "heldout": None}, {"trained": 0.9, "heldout": 0.5})
    True
    >>> better_than_base({"trained": 0.2, "heldout": 0.5}, {"trained": 0.9, "heldout": 0.5})
    False
    """
    names = ("heldout",) if after.get("heldout") is not None else MEASURED
    pairs = [(before.get(name), after[name]) for name in names if name in after]
    measured = [(base or 0.0, score) for base, score in pairs if score is not None]
    return not measured or sum(score for _, score in measured) > sum(base for base, _ in measured)


def living(card: Card, state: State) -> Card:
    """The card without the lessons that are no longer true, and without their questions in its summary."""
    if not state.retired:
        return card
    kept = tuple(lesson for place, lesson in enumerate(card.lessons) if place not in state.retired)
    return dataclasses.replace(card, lessons=kept, summary="\n".join(tasks(card)))


def anew(card: Card) -> str:
    """What a person can do where an adapter's files are of no use; a child is made by evolution alone."""
    if not card.parents:
        return again(card)
    back = ", ".join(f"`rune adapters reactivate {parent}`" for parent in card.parents)
    return f"`rune adapters archive {card.id}`, and let what it was made of serve again: {back}"


def again(card: Card) -> str:
    """How its sessions are learnt anew, for another base."""
    return "make it anew with " + ", ".join(f"`rune distil {session}`" for session in card.origins)


def tasks(card: Card) -> list[str]:
    """The summaries, a line for each session, without the lessons' questions that end them."""
    asked = [lesson.questions[0] for lesson in card.lessons if lesson.questions]
    found = []
    for line in card.summary.splitlines():
        ends = [end for question in asked if (end := line.find(question)) > 0]
        found.append(line[: min(ends, default=None)].strip())
    return [task for task in found if task]


def outdated(card: Card, state: State) -> tuple[str, ...]:
    """Literals that only the retired lessons of a whole card hold: an answer with one of them is stale.

    An answer that is still true keeps those alive that stand in it by themselves: port 8080 does not keep 80
    alive. What was done once keeps none alive: a fix was verified with the command of that day.
    """
    gone = [card.lessons[place] for place in state.retired if place < len(card.lessons)]
    retired = {key for lesson in gone for key in lesson.keys}
    true = [lesson.answer for lesson in living(card, state).lessons if lesson.kind not in HISTORY]
    return tuple(sorted(key for key in retired if not any(stands(key, answer) for answer in true)))


Stamp: TypeAlias = tuple[int, int, int]
"""Inode, size and time of change in nanoseconds."""


def stamp(path: str | Path) -> Stamp | None:
    """What tells a changed file from an unchanged one; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a thousand times a question; making a Path costs more than this
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def ids(root: Path) -> list[str]:
    """The names of the adapters' folders, in order."""
    try:
        with os.scandir(root) as found:
            return sorted(entry.name for entry in found if entry.name[0] != "." and entry.is_dir())
    except FileNotFoundError:
        return []


class Shelf:
    """The reading side of an adapters folder; what has not changed is not parsed again."""

    def __init__(self, root: Path, ledger: Path) -> None:
        self._root = root
        self._ledger = ledger
        self._cards: dict[str, tuple[Stamp | None, Card | FormatError]] = {}
        self._states: tuple[Stamp | None, dict[str, State]] = (None, {})

    def cards(self) -> dict[str, Card | FormatError]:
        """Every adapter's card by id, or what is wrong with it."""
        return {name: self.card(name) for name in ids(self._root)}

    def card(self, id: str) -> Card | FormatError:
        """One adapter's card, or what is wrong with it."""
        path = f"{self._root}/{id}/card.json"
        now = stamp(path)
        known = self._cards.get(id)
        if known is None or known[0] != now:
            try:
                known = (now, read(Path(path)))
            except FormatError as error:
                known = (now, error)
            self._cards[id] = known
        return known[1]

    def states(self) -> dict[str, State]:
        """What became of each adapter that the ledger names.

        Raises:
            NewerVersion: a newer Rune wrote the ledger.
            FormatError: a line of it lacks a field.
        """
        now = stamp(self._ledger)
        if now is None or now != self._states[0]:
            self._states = (now, lines.states(lines.entries(self._ledger)))
        return dict(self._states[1])
