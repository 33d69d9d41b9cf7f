"""``undo``: the last change of the text memory, taken back byte for byte."""

from __future__ import annotations

from dataclasses import dataclass

from rune.echoes.operations.proposal import Done, Outdated, Proposal, code_of, etched_by, outdated
from rune.echoes.store import NothingToUndo, Store
from rune.records.change import Change


@dataclass(frozen=True, slots=True)
class Undone:
    """What is taken back."""

    change: Change
    files: tuple[tuple[str, str], ...]
    """Each file and what happens to it: restored, removed or brought back."""


def propose(store: Store) -> Proposal[Undone]:
    """Plan to take the last change back; whatever touches etched entries is for a person.

    Raises:
        NothingToUndo: there is no change.
        Moved: a file was changed since.
    """
    store.settle()
    last = store.last_change()
    if last is None:
        raise NothingToUndo("there is no change of the text memory that could be undone")
    edits = store.journal.before(last)
    person = "only a person undoes a reset" if last.what.startswith("reset") else etched_by(edits)
    files = tuple((file.path, _fate(file.before, file.after)) for file in last.files)
    return Proposal(f"undo {last.what}", Undone(last, files), code_of(edits, store.echoes.project), person)


def carry_out(store: Store, code: str) -> Done:
    """Take back what was confirmed.

    Raises:
        Outdated: another change is the last one by now; nothing was done.
    """
    planned = propose(store)
    if planned.code != code:
        raise Outdated(outdated(code, planned.code))
    return Done(tuple(file.path for file in store.undo().files))


def _fate(before: str, after: str) -> str:
    if not before:
        return "is removed"
    return "gets its bytes of before" if after else "comes back"


def render(done: Undone) -> str:
    """The change, and each file of it."""
    return "\n".join([f"undo `{done.change.what}`", *(f"  {path} {fate}" for path, fate in done.files)])
