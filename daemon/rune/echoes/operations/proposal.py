"""What a command would do, a code that stands for exactly that, and who may do it.

The code is made of the bytes of every file before and after. Whoever confirms it confirms them: if anything
is different by then, the code is another one and nothing happens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from rune.echoes.journal import Edit, digest
from rune.echoes.store import Change, Store
from rune.errors import RuneError
from rune.records import echo

R = TypeVar("R")
DIGITS = 6
"""Of a code; it guards against a changed state, not against guessing."""


class PersonNeeded(RuneError):
    """Only a person may do this, and nothing shows that a person asks."""


class Outdated(RuneError):
    """The confirmed code is not that of what the command would do now."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[R]):
    """Something that can be planned and done."""

    what: str
    """For the journal: ``prune reviewer``."""
    make: Callable[[Change], R]
    """Writes into the change and says what."""
    person: str = ""
    """Why only a person may do it, whatever it touches."""
    backups: bool = False
    """Whether every MEMORY.md is copied before it is changed."""
    anytime: bool = False
    """Whether it is done while a session is at work, too."""


@dataclass(frozen=True, slots=True)
class Proposal(Generic[R]):
    """An operation as it would be done now."""

    what: str
    report: R
    code: str
    """Empty where nothing would change."""
    person: str
    """Why only a person may do it; empty where anybody may."""


def propose(store: Store, operation: Operation[R]) -> Proposal[R]:
    """Plan an operation; nothing is written."""
    store.settle()
    change = Change(store.echoes, store.today)
    report = operation.make(change)
    edits = change.edits
    code = code_of(edits, store.echoes.project)
    return Proposal(operation.what, report, code, operation.person or etched_by(edits))


@dataclass(frozen=True, slots=True)
class Done:
    """What was written; paths are relative to the project."""

    changed: tuple[str, ...]
    backups: tuple[str, ...] = ()
    """Copies of what each MEMORY.md was before; undo leaves them."""


def carry_out(store: Store, operation: Operation[R], code: str) -> Done:
    """Do what was confirmed.

    Raises:
        Outdated: it would be something else by now; nothing was done.
        Busy: a session of the project is at work.
    """
    with store.change(operation.what, anytime=operation.anytime) as change:
        operation.make(change)
        found = code_of(change.edits, store.echoes.project)
        if found != code:
            raise Outdated(outdated(code, found))
        changed = [edit.path for edit in change.edits]
        roles = _roles(change) if operation.backups else []
        backups = [copy for role in roles if (copy := change.backup(role))]
    project = store.echoes.project
    named = (tuple(path.relative_to(project).as_posix() for path in some) for some in (changed, backups))
    return Done(*named)


def outdated(given: str, now: str) -> str:
    """What to tell somebody whose code does not fit."""
    what = f"the plan is {now} by now" if now else "there is nothing to do by now"
    return f"{given} is not the code of this plan: {what}; run the command again without --confirm to see it"


def code_of(edits: Iterable[Edit], project: Path) -> str:
    """The code of a set of edits; empty for none.

    >>> code_of([], Path("/p"))
    ''
    >>> a, b = (Edit(Path("/p/x"), None, text) for text in (b"a", b"b"))
    >>> len(code_of([a], Path("/p"))), code_of([a], Path("/p")) == code_of([b], Path("/p"))
    (6, False)
    """
    lines = sorted(
        f"{edit.path.relative_to(project).as_posix()}\t{digest(edit.before)}\t{digest(edit.after)}"
        for edit in edits
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:DIGITS] if lines else ""


def etched_by(edits: Sequence[Edit]) -> str:
    """Why these edits are a person's alone: they touch etched entries; empty where they do not."""
    added: set[tuple[str, str]] = set()
    gone: set[tuple[str, str]] = set()
    for edit in edits:
        if edit.path.name == "MEMORY.md":
            before, after = _etched(edit.path, edit.before), _etched(edit.path, edit.after)
            added |= after - before
            gone |= before - after
    if added:
        return "only a person etches"
    return "only a person removes an etched entry" if gone else ""


def _etched(path: Path, data: bytes | None) -> set[tuple[str, str]]:
    entries = echo.survey((data or b"").decode("utf-8", "replace"), path).entries
    return {(entry.title, entry.learning) for entry in entries if entry.layer == "etched"}


def _roles(change: Change) -> list[str]:
    return sorted(
        {edit.path.parent.name for edit in change.edits if edit.path.name == "MEMORY.md" and edit.before}
    )
