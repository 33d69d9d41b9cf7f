"""A session taken out of the text memory for good: no archive keeps it, and undo does not bring it back.

Covered: entries that come from this session alone, in memories, archives and backups; the journal of changes,
which goes as a whole where it names the session; an interrupted run (the next one completes it).
Not covered: entries that other sessions confirmed, etched ones, and blocks of knowledge.md: they are named.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rune import files
from rune.echoes import filter, recur
from rune.echoes.store import Store
from rune.errors import FormatError
from rune.records import echo, gathered
from rune.records.echo import Entry


@dataclass(frozen=True, slots=True)
class Erased:
    """What went and what stays."""

    removed: tuple[str, ...]
    left: tuple[str, ...]


def session(store: Store, name: str) -> Erased:
    """Take out what a session left; called again, it finds nothing."""
    removed: list[str] = []
    left: list[str] = []
    with store.alone(anytime=True):
        for path in _memories(store):
            _erase(store, path, name, removed, left)
        if _journal(store, name):
            files.remove_folder(store.echoes.journal)
            removed.append("the journal of changes: undo begins anew")
        known = list(gathered.read(store.echoes.gathered))
        if any(one.session == name for one in known):
            store.echoes.gathered.unlink()
            gathered.append(store.echoes.gathered, *(one for one in known if one.session != name))
    return Erased(tuple(removed), tuple(left))


def names(store: Store, name: str) -> bool:
    """Whether ``session`` has something to take out; what it leaves as it is does not count."""
    known = gathered.read(store.echoes.gathered)
    return (
        any(_only(entry, name) for entry in _entries(_memories(store)))
        or bool(_journal(store, name))
        or any(one.session == name for one in known)
    )


def of(store: Store, name: str) -> frozenset[str]:
    """Digests of the entries that ``session`` will take out of the memories in force; nothing is written.

    Raises:
        FormatError: what it keeps of the session cannot be read, or a newer Rune wrote it.
    """
    list(gathered.read(store.echoes.gathered))
    going: dict[bool, set[str]] = {True: set(), False: set()}
    for entry in _entries(store.echoes.root.glob("*/MEMORY.md")):
        going[_only(entry, name)].add(filter.clean(entry).entry.digest)
    return frozenset(going[True] - going[False])


def _entries(memories: Iterable[Path]) -> Iterator[Entry]:
    """What can be read; a memory that cannot is left as it is by ``session``, and named."""
    for path in memories:
        with contextlib.suppress(FormatError, UnicodeDecodeError):
            yield from echo.parse(path.read_bytes().decode("utf-8"), path).entries


def _journal(store: Store, name: str) -> list[Path]:
    """The files of the journal of changes that name a session."""
    found = (path for path in store.echoes.journal.glob("*/*") if path.is_file())
    return [path for path in found if name.encode() in path.read_bytes()]


def _memories(store: Store) -> Iterator[Path]:
    for role in sorted(path for path in store.echoes.root.glob("*") if path.is_dir()):
        found = (role / "MEMORY.md", *sorted(role.glob("archive/*.md")))
        yield from (path for path in found if path.is_file())


def _erase(store: Store, path: Path, name: str, removed: list[str], left: list[str]) -> None:
    shown = path.relative_to(store.echoes.root).as_posix()
    text = path.read_bytes()
    if name.encode() not in text:
        return
    try:
        memory = echo.parse(text.decode("utf-8"), path)
    except (FormatError, UnicodeDecodeError):
        left.append(f"{shown}, which cannot be read")
        return
    from_it = {place for place, entry in enumerate(memory.entries) if name in recur.origins(entry)}
    own = {place for place in from_it if _only(memory.entries[place], name)}
    left += [f"{shown}: {memory.entries[place].id}, confirmed elsewhere or etched" for place in from_it - own]
    if own:
        taken = echo.take_out(memory, own)[1]
        files.replace(path, echo.render(echo.without(memory, own)).encode())
        removed += [f"{shown}: {entry.id}" for entry in taken]


def _only(entry: Entry, name: str) -> bool:
    return entry.layer != "etched" and recur.origins(entry) == frozenset((name,))
