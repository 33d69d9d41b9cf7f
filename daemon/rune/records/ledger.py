"""What became of adapters after they were made: ``adapters/ledger.jsonl``, append-only.

    {"v": 1, "at": ..., "adapter": "<id>", "entry": "added", "detail": {...}}

``entry`` is one of added (``session``, ``source_hash`` and ``served`` in the detail; ``sessions`` and
``parents`` where it is made of several), scored (``probes``, ``served``), superseded (``by``, and ``untrue``
where all its lessons are retired), retired (``lessons``, ``by``), archived and reactivated (``reason``, and
``hand`` false where no person did it), forgotten, outcome (``session``, ``recalled``, ``passed``,
``share``), refused (``parents``, ``how``, ``reason``; its ``adapter`` names the attempt). ``served`` says
whether the probes were better than the base's. An entry that this Rune does not know is passed over, so that
new kinds need no new version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rune import fields, files
from rune.errors import FormatError, NewerVersion

VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    adapter: str
    entry: str
    at: float
    detail: dict[str, Any] = field(default_factory=dict)


def record(ledger: Path, entry: Entry) -> None:
    """Append one line to the ledger, durably.

    Raises:
        FormatError: nobody could read it again; nothing is written.
    """
    try:
        fields.number(entry.at)
        _check(entry)
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{ledger}: {entry.entry} of {entry.adapter} is not written: {error}") from None
    files.append(ledger, {"v": VERSION, **asdict(entry)})


def entries(ledger: Path) -> Iterator[Entry]:
    """The ledger's lines in order; a torn one is passed over.

    Raises:
        NewerVersion: a newer Rune wrote one.
        FormatError: a line lacks a field, or something in it is not what it must be.
    """
    for number, raw in files.objects(ledger):
        version = raw.get("v")
        if not isinstance(version, int) or version > VERSION:
            known = f"this Rune knows {VERSION}: update rune-memory"
            raise NewerVersion(f"{ledger}:{number}: ledger version {version!r}; {known}")
        try:
            name, entry = fields.text(raw["adapter"]), fields.text(raw["entry"])
            line = Entry(name, entry, fields.number(raw["at"]), fields.names(raw.get("detail", {})))
            _check(line)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{ledger}:{number}: no adapter, entry, at or detail: {error!r}") from None
        yield line


def _check(line: Entry) -> None:
    """Look at what is read out of a line of a known kind, as far as it is there."""
    if line.entry not in _KINDS:
        return
    for name, value in line.detail.items():
        if read := _DETAILS.get(name):
            read(value)
    if line.entry == "refused":
        refused(line.detail)


Status: TypeAlias = Literal["active", "unserved", "superseded", "archived", "forgotten"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a failure after an adapter's answer: did the next runs pass?"""

    session: str
    recalled: float
    passed: bool
    share: float = 1.0
    """How much of it is this adapter's doing, 0 to 1."""


@dataclass(frozen=True, slots=True)
class State:
    """What became of an adapter: the ledger's lines, added up. Only an active adapter is served."""

    status: Status = "active"
    """unserved: its probes are not better than the base's."""
    since: float = 0.0
    session: str = ""
    superseded_by: str = ""
    untrue: bool = False
    """It gave up its place because all its lessons were retired; with the first true one it is back."""
    reason: str = ""
    hand: bool = False
    """It was a person who archived it; what evolution archives goes on knowing better."""
    word: float = 0.0
    """When a person last put it back into service."""
    probes: dict[str, float | None] = field(default_factory=dict)
    """The newest scores; empty until it is scored again after its making."""
    outcomes: tuple[Outcome, ...] = ()
    retired: dict[int, str] = field(default_factory=dict)
    """Places of lessons that are no longer true, each with the adapter that knows better."""
    kept: dict[int, float] = field(default_factory=dict)
    """Places of retired lessons that a person put back, each with when: what had happened before that retires
    them no more."""
    sessions: tuple[str, ...] = ()
    """Those behind its parents; none where it was made of one, which is ``session``."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Every session that it comes from."""
        return self.sessions or (self.session,)

    def put_back_since(self, at: float) -> bool:
        """Whether a person has put it back since then: what was there before takes its place no more."""
        return bool(self.word) and self.word >= at


NEW = State()
"""Of an adapter that the ledger does not name: its line was lost, or is being written."""


def states(lines: Iterable[Entry]) -> dict[str, State]:
    """The state of each adapter that the ledger names.

    >>> made = [Entry("a", "added", 1.0, {"session": "s"}), Entry("b", "added", 2.0, {"session": "s"})]
    >>> states([*made, Entry("a", "superseded", 2.0, {"by": "b"})])["a"].superseded_by
    'b'
    """
    found: dict[str, State] = {}
    for line in lines:
        if line.entry != "refused":
            found[line.adapter] = _next(found.get(line.adapter, NEW), line)
    unsure = [name for name, state in reversed(found.items()) if state.retired or state.untrue]
    truth = _Truth(found) if unsure else None
    return {**found, **{name: truth.state(name) for name in unsure}} if truth else found


class _Truth:
    """Adapters without what is true again because whoever knew better has no say any more.

    Whether it has one may hang on the same question about itself, so that each is worked out after those that
    it depends on, and once. Who knew better is mostly younger: from the youngest on the way is never long.
    """

    def __init__(self, found: Mapping[str, State]) -> None:
        self.known: dict[str, State] = {}
        self._found = found
        self._of_session: dict[str, list[str]] = defaultdict(list)
        for name, state in found.items():
            self._of_session[state.session].append(name)

    def state(self, name: str) -> State:
        """What became of an adapter in truth."""
        raw = self._found.get(name, NEW)
        if name not in self.known and (raw.retired or raw.untrue):
            self.known[name] = raw  # whoever asks in a circle finds it as it is
            self.known[name] = self._as_true(name, raw)
        return self.known.get(name, raw)

    def _as_true(self, name: str, raw: State) -> State:
        still = {place: by for place, by in raw.retired.items() if self._speaks(by)}
        state = replace(raw, retired=still)
        if not raw.untrue or (still and still == raw.retired):
            return state
        if newer := self._newer(name, raw.session):
            return replace(state, superseded_by=newer, untrue=False)
        return replace(state, status="active", superseded_by="", untrue=False)

    def _speaks(self, name: str) -> bool:
        """Whether an adapter, or what took its place, has a say; not if it is put away by hand, or gone."""
        last = self._last(name)
        return last.status in ("active", "unserved") or (last.status == "archived" and not last.hand)

    def _last(self, name: str) -> State:
        """What serves for an adapter: the last of its heirs."""
        return self.state(_chain(name, self.state)[-1])

    def _newer(self, name: str, session: str) -> str:
        """The newest adapter of the same session that serves, or for which another one does."""
        own = self._of_session[session] if session else []
        later = own[own.index(name) + 1 :] if own else []
        chains = (heirs(one, self._found) for one in reversed(later))
        able = (one for one, *chain in chains if name not in chain and self._last(one).status == "active")
        return next(able, "")


def heirs(name: str, found: Mapping[str, State]) -> list[str]:
    """An adapter, the one that took its place, the one that took that one's place, and so on."""
    return _chain(name, lambda one: found.get(one, NEW))


def _chain(name: str, state_of: Callable[[str], State]) -> list[str]:
    chain = [name]
    while (state := state_of(chain[-1])).status == "superseded" and state.superseded_by not in chain:
        chain.append(state.superseded_by)
    return chain


def _next(state: State, line: Entry) -> State:
    detail = line.detail
    if line.entry == "added":
        kept = () if state.status == "forgotten" else state.outcomes
        session, sessions = detail.get("session", ""), _texts(detail.get("sessions", []))
        return State(_served(detail), line.at, session, sessions=sessions, outcomes=kept)
    if state.status == "forgotten":
        return state
    match line.entry:
        case "scored":
            return _scored(state, line)
        case "archived" | "superseded" | "reactivated":
            return _moved(state, line)
        case "retired":
            return replace(state, retired={**state.retired, **_retired(detail)})
        case "outcome":
            return observed(state, _outcome(detail))
        case "forgotten":
            return State("forgotten", line.at, state.session)
        case _:
            return state


def _moved(state: State, line: Entry) -> State:
    """Out of service, or back."""
    hand, why = line.detail.get("hand", True), line.detail.get("reason", "")
    if line.entry == "reactivated" and hand:
        state = _put_back(state, line.at)
    state = replace(state, since=line.at, untrue=False, hand=False)
    if line.entry == "superseded":
        by, untrue = line.detail.get("by", ""), line.detail.get("untrue", False)
        return replace(state, status="superseded", superseded_by=by, untrue=untrue)
    if line.entry == "archived":
        return replace(state, status="archived", reason=why, hand=hand)
    return replace(state, status="active", superseded_by="", reason=why)


def _scored(state: State, line: Entry) -> State:
    """With newer scores; where a person has put it back, a bad one does not take it out of service again."""
    state = replace(state, probes=fields.scores(line.detail.get("probes", {})))
    if state.status not in ("active", "unserved") or (state.status == "active" and state.word):
        return state
    status = _served(line.detail)
    return replace(state, status=status, since=state.since if status == state.status else line.at)


def _put_back(state: State, at: float) -> State:
    """An adapter on a person's word; its retired lessons, too, unless something else had taken it away."""
    if state.status != "active" and not state.untrue:
        return replace(state, word=at)
    return replace(state, word=at, retired={}, kept={**state.kept, **dict.fromkeys(state.retired, at)})


def observed(state: State, one: Outcome | None) -> State:
    """With one more outcome, in the place of what was said before of the same answer."""
    if one is None:
        return state
    known = {(outcome.session, outcome.recalled): outcome for outcome in state.outcomes}
    return replace(state, outcomes=tuple({**known, (one.session, one.recalled): one}.values()))


# what the details say


def _served(detail: dict[str, Any]) -> Status:
    return "active" if detail.get("served", True) else "unserved"


def _retired(detail: dict[str, Any]) -> dict[int, str]:
    return dict.fromkeys(detail.get("lessons", []), detail.get("by", ""))


def refused(detail: dict[str, Any]) -> tuple[str, frozenset[str]]:
    """Which attempt a refused line is about: how a child was made, and of which parents.

    >>> refused({"how": "learnt", "parents": ["a"], "reason": "fitness 0.40 is not above the best parent's"})
    ('learnt', frozenset({'a'}))
    """
    return fields.text(detail["how"]), frozenset(_texts(detail["parents"]))


def _texts(found: Any) -> tuple[str, ...]:
    return tuple(fields.text(one) for one in fields.items(found))


def _places(found: Any) -> tuple[int, ...]:
    return tuple(fields.place(one) for one in fields.items(found))


def _outcome(detail: dict[str, Any]) -> Outcome | None:
    if not isinstance(detail.get("passed"), bool):
        return None
    recalled, share = float(detail.get("recalled", 0)), float(detail.get("share", 1))
    return Outcome(detail.get("session", ""), recalled, detail["passed"], share)


_KINDS = frozenset((
    "added", "scored", "superseded", "retired", "archived", "reactivated", "forgotten", "outcome", "refused",
))  # fmt: skip
_DETAILS: dict[str, Callable[[Any], object]] = {
    "session": fields.text, "sessions": _texts, "parents": _texts, "source_hash": fields.text,
    "served": fields.flag, "probes": fields.scores, "probes_before": fields.scores,
    "probes_after": fields.scores, "by": fields.text, "untrue": fields.flag, "lessons": _places,
    "reason": fields.text, "hand": fields.flag, "recalled": fields.number, "share": fields.share,
}  # fmt: skip
"""What the details of known kinds may be, whatever the kind; other names are passed over."""
