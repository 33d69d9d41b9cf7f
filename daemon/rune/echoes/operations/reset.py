"""``reset``: a role forgets; everything it held goes to its archive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rune.echoes.store import Change
from rune.errors import EchoError
from rune.records import echo
from rune.records.echo import LAYERS, Entry


@dataclass(frozen=True, slots=True)
class Emptied:
    """What a role forgets."""

    role: str
    layers: dict[str, int]
    etched: tuple[str, ...]
    """Titles of the etched entries."""
    files: tuple[str, ...]
    """Files beside MEMORY.md that go to the archive."""
    digests: tuple[str, ...] = ()
    """Of the entries, for whoever else remembers them."""


@dataclass(frozen=True, slots=True)
class Reset:
    """What is forgotten, by role."""

    roles: tuple[Emptied, ...]


def digests_of(done: Reset) -> set[str]:
    """Of all entries that are forgotten."""
    return {digest for role in done.roles for digest in role.digests}


def run(change: Change, roles: Sequence[str]) -> Reset:
    """Empty the roles that hold anything."""
    return Reset(tuple(done for role in roles if (done := _empty(change, role))))


def _empty(change: Change, role: str) -> Emptied | None:
    entries = _archived(change, role)
    known = change.echoes.knowledge(role)
    extra = [
        path for path in (known, *sorted(change.echoes.role(role).glob("*-findings.md"))) if path.exists()
    ]
    if entries is None and not extra:
        return None
    for path in extra:
        _keep(change, role, path)
    if entries is not None:
        change.save(echo.empty(role))
    return _emptied(role, entries or (), tuple(path.name for path in extra))


def _archived(change: Change, role: str) -> tuple[Entry, ...] | None:
    """The entries, put into the archive; None where there are none.

    Of a file that cannot be read whole, the copy that is made before a reset keeps everything.
    """
    try:
        memory = change.memory(role)
    except EchoError:
        path = change.echoes.memory(role)
        return echo.survey((change.read(path) or b"").decode("utf-8", "replace"), path).entries
    _, entries = echo.take_out(memory, range(len(memory.entries)))
    change.archive(role, entries)
    return entries or None


def _keep(change: Change, role: str, path: Path) -> None:
    """Move a file to the archive, under a name of its own."""
    data = change.read(path)
    number = 1
    while True:
        name = f"{path.stem}-{change.today}{'' if number == 1 else f'-{number}'}{path.suffix}"
        place = change.echoes.archive(role) / name
        if change.read(place) is None:
            break
        number += 1
    change.write(place, data or b"")
    change.remove(path)


def _emptied(role: str, entries: Sequence[Entry], files: tuple[str, ...]) -> Emptied:
    counts = Counter(entry.layer for entry in entries)
    return Emptied(
        role,
        {layer: counts[layer] for layer in LAYERS},
        tuple(entry.title for entry in entries if entry.layer == "etched"),
        files,
        tuple(entry.digest for entry in entries),
    )


def render(done: Reset) -> str:
    """What is forgotten; everything of it stays in the archives."""
    lines: list[str] = []
    for role in done.roles:
        counts = ", ".join(f"{count} {layer}" for layer, count in role.layers.items() if count)
        lines.append(
            f"{role.role}: {counts or 'no entries'}" + (f"; {', '.join(role.files)}" if role.files else "")
        )
        lines += [f"  etched: {title}" for title in role.etched]
    if not lines:
        return "nothing to reset: no role holds anything"
    return "\n".join(
        [*lines, "All of it goes to the archive of its role, which is never loaded; `undo` brings it back."]
    )
