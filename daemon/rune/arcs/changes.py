"""What several edits changed in the end: what was taken back is no change, what was changed twice is one.

An edit replaces one text by another. A later edit of the same file that meets the text that an earlier one
wrote goes on with it: both are one edit, from the first text to the last. Pure.

Covered: edits of the same lines, in any number; lines that one edit puts in and another takes out; a stream
editor or a rename run backwards; a file that was written whole, where an earlier event wrote it, too.
Not covered: what commands do to files (``rune.arcs.worktree``).
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from rune.arcs import deeds
from rune.arcs.deeds import Deed
from rune.records.trajectory import Execution, Generation

Made = Generation | Execution
"""What changes something: an edit, or a command."""
LEAST = 3
"""Signs of a text by which it is known again elsewhere."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that give way to others, as places in the old and in the new text."""

    removed: range
    added: range


@lru_cache(1024)
def lines(text: str) -> tuple[str, ...]:
    """The lines of a text without indentation and blank lines."""
    return tuple(line for raw in text.splitlines() if (line := raw.strip()))


@lru_cache(1024)
def hunks(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[Hunk, ...]:
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
            elif undoes(edit, kept[place]):
                del kept[place]
                break
        else:
            if not _idle(edit):
                kept.append(edit)
    return [left[0] for left in apart([[one] for one in kept], whole=True) if left]


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
    return re.search(r"\w", text) is not None and len(text.strip()) >= LEAST


def _idle(edit: Made) -> bool:
    """Whether an edit changes nothing, or a file is written as it was."""
    return isinstance(edit, Generation) and lines(edit.before) == lines(edit.text)


def undoes(then: Made, first: Made) -> bool:
    """Whether a change puts back what another one had replaced."""
    if isinstance(first, Generation) and isinstance(then, Generation):
        same = first.path == then.path
        return same and (lines(then.before), lines(then.text)) == (lines(first.text), lines(first.before))
    back, forth = _reversible(then), _reversible(first)
    if back and forth:
        return back == [_reversed(deed) for deed in reversed(forth)]
    if isinstance(then, Generation) and forth:
        text = then.text
        for deed in forth:
            text = deeds.swapped(text, deed) if then.path in deed.paths else text
        return text == then.before != then.text
    return False


def _reversible(made: Made) -> list[Deed]:
    """The stream editors and renames of a command, where it does nothing else to files."""
    done = deeds.of(made.command) if isinstance(made, Execution) else ()
    able = all(deed.swaps or deed.kind == "move" for deed in done)
    return [replace(deed, part=0) for deed in done] if able else []


def _reversed(deed: Deed) -> Deed:
    if deed.kind == "move":
        return replace(deed, paths=(deed.source,), source=deed.paths[0])
    return replace(deed, swaps=tuple((new or "", old) for old, new in reversed(deed.swaps)))


def apart(groups: Sequence[Sequence[Made]], whole: bool = False) -> list[list[Made]]:
    """Groups of edits, one after the other, without what a later one took back of an earlier one.

    Lines that were put in and only taken out again are in neither.

    Args:
        groups: edits, as they came.
        whole: what replaced lines that an earlier one had put in goes on from what these had replaced.
    """
    left = [list(group) for group in groups]
    for place, later in enumerate(left):
        for earlier in left[:place]:
            for then in [one for one in later if any(undoes(one, first) for first in earlier)]:
                later.remove(then)
                earlier[:] = [first for first in earlier if not undoes(then, first)]
            for at in range(len(earlier)):
                for number in range(len(later)):
                    earlier[at], later[number] = _cancelled(earlier[at], later[number], whole)
    return [[one for one in group if not _idle(one)] for group in left]


def _cancelled(first: Made, then: Made, whole: bool) -> tuple[Made, Made]:
    """Two edits of one file without the lines that the first put in and the second took out."""
    if not isinstance(first, Generation) or not isinstance(then, Generation) or first.path != then.path:
        return first, then
    old, new = lines(then.before), lines(first.text)
    if whole and then.tool == "Write" and not then.before:  # all of the file: what is not in it is gone
        now = set(lines(then.text))
        mine = lines(first.before)
        kept = [line for line in new if line in now or line in mine]
        return (first if len(kept) == len(new) else replace(first, text="\n".join(kept))), then
    if set(old).isdisjoint(_added(first)):
        return first, then
    gone = Counter(_gone(old, lines(then.text), whole))
    put, taken = list(new), list(old)
    for hunk in reversed(hunks(lines(first.before), new)):
        added = [new[place] for place in hunk.added]
        out = [line for line in added if gone[line] > 0 and _telling(line)]
        if not out:
            continue
        back = [lines(first.before)[place] for place in hunk.removed] if out == added else []
        if back and not whole:
            continue
        for line in out:
            gone[line] -= 1
        put[hunk.added.start : hunk.added.stop] = [*back, *(line for line in added if line not in out)]
        place = taken.index(out[0])
        for line in out:
            taken.remove(line)
        taken[place:place] = back
    if put == list(new):
        return first, then
    return replace(first, text="\n".join(put)), replace(then, before="\n".join(taken))


def _gone(old: tuple[str, ...], new: tuple[str, ...], whole: bool) -> Iterator[str]:
    """The lines that an edit took out; unless whole, only those that no other line takes the place of."""
    for hunk in hunks(old, new):
        removed, added = [old[place] for place in hunk.removed], [new[place] for place in hunk.added]
        for line in () if whole else added:
            if removed:
                removed.remove(max(removed, key=partial(alike, line)))
        yield from removed


def alike(one: str, other: str) -> float:
    """How alike two lines are, from 0 to 1."""
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def lasts(change: Made, later: Sequence[Made], there: bool = True) -> bool:
    """Whether a change is there after what came next; a line that moved was not taken back.

    Args:
        change: what was changed.
        later: what was changed after it, and stands.
        there: not where a command took it away.

    >>> pairs = ("n = 2", "n = 1"), ("n = 1", "n = 2")
    >>> one, back = (Generation("e", 0.0, "Edit", "a", *pair) for pair in pairs)
    >>> lasts(one, []), lasts(one, [back]), lasts(one, [back, one])
    (True, False, True)
    """
    added = _added(change)
    for place, then in enumerate(later):
        if undoes(then, change) or _removes(then, change, added):
            there = any(added & _added(other) for number, other in enumerate(later) if number != place)
        elif not there and added and added <= _added(then):
            there = True
    return there


def _added(made: Made) -> frozenset[str]:
    """The lines that an edit puts in and by which it is known again."""
    return _between(made.before, made.text) if isinstance(made, Generation) else frozenset()


@lru_cache(2048)
def _between(before: str, text: str) -> frozenset[str]:
    old, new = lines(before), lines(text)
    return frozenset(filter(_telling, (new[place] for hunk in hunks(old, new) for place in hunk.added)))


def _removes(then: Made, first: Made, added: frozenset[str]) -> bool:
    """Whether an edit takes out all that another one put in, and puts back what that had taken out."""
    if not isinstance(then, Generation) or not isinstance(first, Generation) or then.path != first.path:
        return False
    old, taken = lines(then.before), _between(first.text, first.before)
    if not added or not added.issubset(old) or not taken <= _added(then):
        return False
    return added.issubset(_gone(old, lines(then.text), bool(taken)))


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
