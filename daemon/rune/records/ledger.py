"""What became of adapters after they were made: ``adapters/ledger.jsonl``, append-only.

    {"v": 1, "at": ..., "adapter": "<id>", "entry": "added", "detail": {...}}

``entry`` is one of added (``session``, ``source_hash`` and ``served`` in the detail, ``sessions`` where it is
made of several), scored (``probes``, ``served``), superseded (``by``, and ``untrue`` where all its lessons
are retired), retired (``lessons``, ``by``), archived and reactivated (``reason``, and ``hand`` false where no
person did it), forgotten, outcome (``session``, ``recalled``, ``passed``, ``share``), refused (``parents``,
``how``, ``reason``; its ``adapter`` names the attempt). ``served`` says whether the probes were better than
the base's. An entry that this Rune does not know is passed over, so that new kinds need no new version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rune import files
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
    """Append one line to the ledger, durably."""
    files.append(ledger, {"v": VERSION, **asdict(entry)})


def entries(ledger: Path) -> Iterator[Entry]:
    """The ledger's lines in order; a torn one is passed over.

    Raises:
        NewerVersion: a newer Rune wrote one.
        FormatError: a line lacks a field, or its detail is of another shape.
    """
    for number, raw in files.objects(ledger):
        version = raw.get("v")
        if not isinstance(version, int) or version > VERSION:
            known = f"this Rune knows {VERSION}: update rune-memory"
            raise NewerVersion(f"{ledger}:{number}: ledger version {version!r}; {known}")
        try:
            name, entry, detail = str(raw["adapter"]), str(raw["entry"]), dict(raw.get("detail", {}))
            line = Entry(name, entry, float(raw["at"]), detail)
            if read := _DETAILS.get(entry):
                read(detail)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise FormatError(f"{ledger}:{number}: no adapter, entry, at or detail: {error!r}") from None
        yield line


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
        session = str(detail.get("session", ""))
        return State(_served(detail), line.at, session, sessions=_sessions(detail), outcomes=kept)
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
            return _observed(state, _outcome(detail))
        case "forgotten":
            return State("forgotten", line.at, state.session)
        case _:
            return state


def _moved(state: State, line: Entry) -> State:
    """Out of service, or back."""
    hand, why = bool(line.detail.get("hand", True)), str(line.detail.get("reason", ""))
    if line.entry == "reactivated" and hand:
        state = _put_back(state, line.at)
    state = replace(state, since=line.at, untrue=False, hand=False)
    if line.entry == "superseded":
        by, untrue = str(line.detail.get("by", "")), bool(line.detail.get("untrue", False))
        return replace(state, status="superseded", superseded_by=by, untrue=untrue)
    if line.entry == "archived":
        return replace(state, status="archived", reason=why, hand=hand)
    return replace(state, status="active", superseded_by="", reason=why)


def _scored(state: State, line: Entry) -> State:
    state = replace(state, probes=_probes(line.detail))
    if state.status not in ("active", "unserved"):
        return state
    status = _served(line.detail)
    return replace(state, status=status, since=state.since if status == state.status else line.at)


def _put_back(state: State, at: float) -> State:
    """An adapter on a person's word; its retired lessons, too, unless something else had taken it away."""
    if state.status != "active" and not state.untrue:
        return replace(state, word=at)
    return replace(state, word=at, retired={}, kept={**state.kept, **dict.fromkeys(state.retired, at)})


def _observed(state: State, one: Outcome | None) -> State:
    """With one more outcome; what two processes have written down at once counts once."""
    known = {(outcome.session, outcome.recalled) for outcome in state.outcomes}
    if one is None or (one.session, one.recalled) in known:
        return state
    return replace(state, outcomes=(*state.outcomes, one))


# what the details say


def _served(detail: dict[str, Any]) -> Status:
    return "active" if detail.get("served", True) else "unserved"


def _sessions(detail: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in _list(detail.get("sessions", [])))


def _probes(detail: dict[str, Any]) -> dict[str, float | None]:
    scores = dict(detail.get("probes", {}))
    return {name: None if score is None else float(score) for name, score in scores.items()}


def _retired(detail: dict[str, Any]) -> dict[int, str]:
    return {int(place): str(detail.get("by", "")) for place in _list(detail.get("lessons", []))}


def refused(detail: dict[str, Any]) -> tuple[str, frozenset[str]]:
    """Which attempt a refused line is about: how a child was made, and of which parents.

    >>> refused({"how": "learnt", "parents": ["a"], "reason": "fitness 0.40 is not above the best parent's"})
    ('learnt', frozenset({'a'}))
    """
    how, parents = detail["how"], _list(detail["parents"])
    if not all(isinstance(one, str) for one in (how, *parents)):
        raise TypeError(f"expected names, found how {how!r} and parents {parents!r}")
    return how, frozenset(parents)


def _list(found: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(found, list | tuple):  # a text would be taken for a list of letters
        raise TypeError(f"expected a list, found {found!r}")
    return found


def _outcome(detail: dict[str, Any]) -> Outcome | None:
    if not isinstance(detail.get("passed"), bool):
        return None
    recalled, share = float(detail.get("recalled", 0)), float(detail.get("share", 1))
    return Outcome(str(detail.get("session", "")), recalled, detail["passed"], share)


_DETAILS: dict[str, Callable[[dict[str, Any]], object]] = {
    "added": _sessions, "scored": _probes, "retired": _retired, "outcome": _outcome, "refused": refused,
}  # fmt: skip
"""What is read out of each kind of line; reading it shows whether it can be."""
