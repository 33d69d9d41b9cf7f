"""What several edits changed in the end: what was taken back is no change, what was changed twice is one.

An edit replaces one text by another. A later edit of the same file that meets the text that an earlier one
wrote goes on with it: both are one edit, from the first text to the last. Pure.

Covered: edits of the same lines, in any number; ``git checkout`` and ``git restore`` of a file; a file that
was written whole, where an earlier event of the session wrote it, too.
Not covered: edits that overlap in part, and what a shell command does to a file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from rune.records.trajectory import Execution, Generation

Made = Generation | Execution
"""What changes something: an edit, or a command."""
LEAST = 3
"""Letters and digits of a line that says something: others close a block."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that give way to others, as places in the old and in the new text."""

    removed: range
    added: range


def lines(text: str) -> tuple[str, ...]:
    """The lines of a text without indentation and blank lines."""
    return tuple(line for raw in text.splitlines() if (line := raw.strip()))


def hunks(old: Sequence[str], new: Sequence[str]) -> tuple[Hunk, ...]:
    """Where two texts differ, in their order."""
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(Hunk(range(a, b), range(c, d)) for what, a, b, c, d in codes if what != "equal")


def net(made: Iterable[Made]) -> list[Made]:
    """What edits come to: each text that was changed once, nothing that was taken back.

    >>> one, back = (Generation("e", 0.0, "Edit", "a", *pair) for pair in (("2", "1"), ("1", "2")))
    >>> net([one]) == [one], net([one, back])
    (True, [])
    """
    kept: list[Made] = []
    for one in made:
        edit = one
        for place in reversed(range(len(kept))):
            if both := _one(kept[place], edit):
                del kept[place]
                edit = both
        if not (isinstance(edit, Generation) and lines(edit.before) == lines(edit.text)):
            kept.append(edit)
    return kept


def _one(first: Made, then: Made) -> Generation | None:
    """Two edits as one; None where the second does not go on with what the first wrote."""
    if not isinstance(first, Generation) or not isinstance(then, Generation) or first.path != then.path:
        return None
    if then.before and then.before in first.text:
        return replace(then, before=first.before, text=first.text.replace(then.before, then.text))
    if _telling(first.text) and first.before and first.text in then.before:
        return replace(then, before=then.before.replace(first.text, first.before))
    return None


def _telling(text: str) -> bool:
    return len(re.sub(r"\W", "", text)) >= LEAST


def undoes(then: Made, first: Made) -> bool:
    """Whether an edit puts back what another one had replaced."""
    return (
        isinstance(first, Generation)
        and isinstance(then, Generation)
        and (then.path, then.before, then.text) == (first.path, first.text, first.before)
    )


_RESTORES = re.compile(r"\bgit\s+(?:checkout|restore)\s+([^;&|\n]+)")


def restores(command: str, path: str) -> bool:
    """Whether a command puts a file back as it was committed.

    >>> restores("git checkout -- src/a.py", "src/a.py"), restores("git checkout -b src", "src/a.py")
    (True, False)
    """
    if re.search(r"\bgit\s+reset\s+(?:\S+\s+)?--hard\b", command):
        return True
    for found in _RESTORES.finditer(command):
        words = found[1].split()
        if not {"-b", "-B", "--staged", "-S", "--orphan"} & set(words):
            inside = [word.strip("'\"").removeprefix("./") for word in words if not word.startswith("-")]
            if any(word in (".", "") or _within(path, word) for word in inside):
                return True
    return False


def _within(path: str, folder: str) -> bool:
    parts, start = PurePath(path).parts, PurePath(folder).parts
    return parts[: len(start)] == start or (PurePath(path).is_absolute() and parts[-len(start) :] == start)


def written(known: dict[str, str], edit: Generation) -> Generation:
    """An edit with what it replaced, where it wrote a whole file that the session had written before.

    Args:
        known: what is known of files by their paths; kept up to date.
        edit: the next edit.
    """
    before = known.get(edit.path)
    if edit.tool == "Write":
        known[edit.path] = edit.text
        return replace(edit, before=before) if before and not edit.before else edit
    if before is not None and edit.before and edit.before in before:
        known[edit.path] = before.replace(edit.before, edit.text, 1)
    else:
        known.pop(edit.path, None)
    return edit
