"""Which entry somebody means: by id, by the beginning of its digest, by ``echo_ref``, or by title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rune.echoes.operations.show import roles_of
from rune.echoes.store import Change
from rune.errors import FormatError
from rune.records.echo import LAYERS, Entry

_DIGITS = re.compile(rf"(?:(?P<layer>{'|'.join(LAYERS)})-)?(?P<digits>[0-9a-f]{{4,64}})", re.I)
_PLACE = re.compile(r"(?:(?:\.claude/)?echoes/)?(?P<role>[\w.-]+)(?:/MEMORY\.md#|/|#)(?P<rest>.+)")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and where it stands."""

    role: str
    entry: Entry


def find(change: Change, ref: str) -> Found:
    """The one entry that is meant.

    Raises:
        FormatError: none or several are.
    """
    problems: list[str] = []
    everything = list(entries(change, problems))
    place = _PLACE.fullmatch(ref.partition("@sha256:")[0])
    named = [found for found in everything if place and found.role == place["role"]]
    matching = _matching(named, place["rest"]) if place and named else _matching(everything, ref)
    if len({(found.role, found.entry.id) for found in matching}) == 1:  # somebody may have written it twice
        return matching[0]
    if matching:
        several = ", ".join(f"{found.role}/{found.entry.id}" for found in matching)
        raise FormatError(f"{ref!r} may be any of {several}: say which")
    unread = f" (not read: {'; '.join(problems)})" if problems else ""
    expected = "an id such as etched-1a2b3c4d, as `show <role>` prints it"
    raise FormatError(f"there is no entry {ref!r}: expected {expected}{unread}")


def entries(change: Change, problems: list[str]) -> Iterator[Found]:
    """Every entry of every role; roles that cannot be read are named."""
    for role in roles_of(change.echoes):
        try:
            yield from (Found(role, entry) for entry in change.memory(role).entries)
        except FormatError as error:
            problems.append(str(error))


def _matching(among: list[Found], ref: str) -> list[Found]:
    ref = ref.strip().lower()
    if found := _DIGITS.fullmatch(ref):
        layer = found["layer"] or ""
        matching = [
            f for f in among if f.entry.digest.startswith(found["digits"]) and f.entry.layer.startswith(layer)
        ]
        if matching:
            return matching
    return [f for f in among if f.entry.title.strip().lower() == ref]
