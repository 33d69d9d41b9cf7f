"""What became of adapters after they were made: ``adapters/ledger.jsonl``, append-only.

    {"v": 1, "at": ..., "adapter": "<id>", "entry": "added", "detail": {...}}

``entry`` is one of added (``session``, ``source_hash`` and ``served`` in the detail), scored (``probes``,
``served``), superseded (``by``, and ``untrue`` where all its lessons are retired), retired (``lessons``,
``by``), archived and reactivated (``reason``), forgotten, outcome (``session``, ``recalled``, ``passed``,
``share``), refused (``parents``, ``how``, ``reason``; its ``adapter`` names the attempt). ``served`` says
whether the probes were better than the base's. An entry that this Rune does not know is passed over, so that
new kinds need no new version.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
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
        FormatError: a line lacks a field.
    """
    for number, raw in files.objects(ledger):
        version = raw.get("v")
        if not isinstance(version, int) or version > VERSION:
            known = f"this Rune knows {VERSION}: update rune-memory"
            raise NewerVersion(f"{ledger}:{number}: ledger version {version!r}; {known}")
        try:
            yield Entry(str(raw["adapter"]), str(raw["entry"]), float(raw["at"]), dict(raw.get("detail", {})))
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{ledger}:{number}: no adapter, entry, at or detail: {error!r}") from None


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
    probes: dict[str, float | None] = field(default_factory=dict)
    """The newest scores; empty until it is scored again after its making."""
    outcomes: tuple[Outcome, ...] = ()
    retired: dict[int, str] = field(default_factory=dict)
    """Places of lessons that are no longer true, each with the adapter that knows better."""


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
    outdated = [name for name, state in found.items() if state.retired]
    for name in sorted(outdated, key=lambda name: -found[name].since):  # who knew better may be back itself
        found[name] = _as_true(found[name], found)
    return found


def _as_true(state: State, found: Mapping[str, State]) -> State:
    """A state without what is true again, because whoever knew better serves no longer."""
    still = {place: by for place, by in state.retired.items() if _speaks(by, found)}
    if still == state.retired:
        return state
    if state.untrue:
        state = dataclasses.replace(state, status="active", superseded_by="", untrue=False)
    return dataclasses.replace(state, retired=still)


def _speaks(name: str, found: Mapping[str, State]) -> bool:
    """Whether an adapter, or what took its place, is in service: else what it made untrue is all there is."""
    last = heirs(name, found)[-1]
    return last not in found or found[last].status == "active"


def heirs(name: str, found: Mapping[str, State]) -> list[str]:
    """An adapter, the one that took its place, the one that took that one's place, and so on."""
    chain = [name]
    while (state := found.get(chain[-1])) and state.status == "superseded":
        if state.superseded_by in chain:
            break
        chain.append(state.superseded_by)
    return chain


def _next(state: State, line: Entry) -> State:
    detail = line.detail
    if line.entry == "added":
        kept = () if state.status == "forgotten" else state.outcomes
        return State(_served(detail), line.at, str(detail.get("session", "")), outcomes=kept)
    if state.status == "forgotten":
        return state
    since = dataclasses.replace(state, since=line.at)
    match line.entry:
        case "scored":
            state = dataclasses.replace(state, probes=dict(detail.get("probes", {})))
            if state.status not in ("active", "unserved"):
                return state
            status = _served(detail)
            return dataclasses.replace(
                state, status=status, since=state.since if status == state.status else line.at
            )
        case "archived":
            why = str(detail.get("reason", ""))
            return dataclasses.replace(since, status="archived", reason=why, untrue=False)
        case "superseded":
            by, untrue = str(detail.get("by", "")), bool(detail.get("untrue", False))
            return dataclasses.replace(since, status="superseded", superseded_by=by, untrue=untrue)
        case "reactivated":
            why = str(detail.get("reason", ""))
            return dataclasses.replace(since, status="active", superseded_by="", reason=why, untrue=False)
        case "retired":
            newer = {int(place): str(detail.get("by", "")) for place in detail.get("lessons", ())}
            return dataclasses.replace(state, retired={**state.retired, **newer})
        case "outcome" if isinstance(detail.get("passed"), bool):
            return dataclasses.replace(state, outcomes=(*state.outcomes, _outcome(detail)))
        case "forgotten":
            return State("forgotten", line.at, state.session)
        case _:
            return state


def _served(detail: dict[str, Any]) -> Status:
    return "active" if detail.get("served", True) else "unserved"


def _outcome(detail: dict[str, Any]) -> Outcome:
    recalled, share = float(detail.get("recalled", 0)), float(detail.get("share", 1))
    return Outcome(str(detail.get("session", "")), recalled, detail["passed"], share)
