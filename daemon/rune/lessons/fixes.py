"""What a change is told as: the statement that was put in, and the one that it replaced.

A line that only begins a statement is told with the lines that end it, or not at all. Comments, brackets and
imports say little: other lines that differ come first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rune import arcs, phrasing
from rune.arcs import Change, changes

LONGEST = 120
"""Characters of a statement."""
JOINED = 8
"""Lines of a statement."""
LEAST = 3
"""Letters and digits of a statement that one unlike it takes the place of."""
ALIKE = 0.5
"""How alike two lines are of which one became the other."""
_HASHES = frozenset(
    (
        ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".m", ".mm", ".cs", ".rs", ".java", ".kt", ".go", ".js",
        ".jsx", ".mjs", ".ts", ".tsx", ".vue", ".svelte", ".swift", ".scala", ".dart", ".css",
        ".scss", ".less",
    )
)  # fmt: skip
"""Files in which a ``#`` begins code: an attribute, an include, a private field, a selector."""
_DIRECTIVE = re.compile(r"#!?\[|#\s*(?:include|define|undef|if|ifdef|ifndef|elif|endif|pragma)\b")
_IMPORT = re.compile(r"(?:import|from|use|using|require|#\s*include|package)\b")
_NAMES = re.compile(
    _IMPORT.pattern + r"|(?:(?:export|pub|async|public|static|default)\s+)*"
    r"(?:def|class|func|function|fn|struct|interface|type|enum|trait|impl)\b"
)
_EMPTY = re.compile(r"\W|\b(?:else|try|finally|end|pass|begin|then|do)\b")
_OPEN = re.compile(r"(?<![+-])[=+|&?\\]$|=>$|[(\[{,]$|\b(?:and|or|not|return|in)$")


@dataclass(frozen=True, slots=True)
class Fix:
    """A change in words."""

    told: str
    put: str = ""
    """What was put in, word for word; empty where something was only taken out."""
    taken: str = ""


def of(change: Change, error: set[str], about: set[str]) -> Fix | None:
    """A change as a sentence; None where nothing of it can be told.

    Args:
        change: what became of one place.
        error: the words of the error: an import that shares one may be the fix.
        about: these and the words of the diagnosis: of a text that is all new they choose the line.
    """
    if change.command:
        return None
    if change.new and not change.old:
        return _written(change, error, about)
    moved = set(change.removed) & set(change.added)
    found = [fix for hunk in changes.hunks(change.old, change.new) if (fix := _replaced(change, hunk, moved))]
    telling = [fix for fix in found if not _IMPORT.match(fix.put or fix.taken) or error & words(fix.told)]
    return next(iter((*telling, *found)), None) or _moved(change, moved)


def words(text: str) -> set[str]:
    """What texts are compared by."""
    return set(re.findall(r"[a-z_]\w{2,}", text.lower()))


def _written(change: Change, error: set[str], about: set[str]) -> Fix:
    """A file or a piece of it of which nothing is known but what it says now.

    A line that shares words with error and diagnosis is told; one that only names things, such as an import,
    where the error is of what it names.
    """
    lines = list(_statements(change.new, range(len(change.new)), change.path))
    if len(lines) == 1:
        return Fix(f"In {change.path}, add `{lines[0]}`.", lines[0])
    shared = {line: len(words(line) & (error if _NAMES.match(line) else about)) for line in lines}
    best = max(shared, key=lambda line: shared[line], default="")
    if best and shared[best]:
        return Fix(f"In {change.path}, write `{best}`.", best)
    return Fix(f"Write {change.path} anew.", change.path)


def _replaced(change: Change, hunk: changes.Hunk, moved: Collection[str]) -> Fix | None:
    added = [*_statements(change.new, hunk.added, change.path, moved)]
    removed = [*_statements(change.old, hunk.removed, change.path, moved)]
    if not added:
        cut = [change.new[place] for place in hunk.added if _says(change.new[place], change.path)]
        gone = removed and not cut
        return Fix(f"In {change.path}, remove `{removed[0]}`.", "", removed[0]) if gone else None
    put = added[0]
    taken = _before(put, added[1:], removed)
    if _same(put, taken):  # the same but for a comment in it
        put = next(_statements(change.new, hunk.added, change.path, moved, True), put)
    whole = f"In {change.path}, replace `{taken}` with `{put}`."
    if not taken or _same(put, taken):
        return None if taken else Fix(f"In {change.path}, add `{put}`.", put)
    return Fix(
        whole if len(whole) <= phrasing.ANSWER_LIMIT else f"In {change.path}, write `{put}`.", put, taken
    )


def _before(put: str, others: Sequence[str], removed: Sequence[str]) -> str:
    """The statement that gave way to another one; empty where that is rather new."""
    if not removed:
        return ""
    best = max(removed, key=lambda line: changes.alike(line, put))
    if changes.alike(best, put) >= ALIKE:
        return best
    first = removed[0] if len(_EMPTY.sub("", removed[0])) >= LEAST else ""
    return "" if any(changes.alike(first, other) >= ALIKE for other in others) else first


def _same(one: str, other: str) -> bool:
    return re.sub(r"\s|,(?=\s*[)\]}])", "", one) == re.sub(r"\s|,(?=\s*[)\]}])", "", other)


def _moved(change: Change, moved: Collection[str]) -> Fix | None:
    """What stands elsewhere now, below the line that it follows."""
    before = set(itertools.pairwise(change.old))
    for place, (above, line) in enumerate(itertools.pairwise(change.new), 1):
        if (above, line) not in before and {above, line} & set(moved) and _says(above, change.path):
            put = next(_statements(change.new, range(place, place + 1), change.path), "")
            if put and "`" not in above and len(above) <= LONGEST and not arcs.unfit(above):
                return Fix(f"In {change.path}, move `{put}` below `{above}`.", put)
    return None


def _statements(
    lines: Sequence[str], places: range, path: str, without: Collection[str] = (), comments: bool = False
) -> Iterator[str]:
    """The statements that begin at these places and say something."""
    for place in places:
        if lines[place] not in without and _says(lines[place], path):
            told = _statement(lines[place : place + JOINED], path, comments)
            if told and "`" not in told and len(told) <= LONGEST and not arcs.unfit(told):
                yield told


def _statement(lines: Sequence[str], path: str, comments: bool) -> str:
    """The statement that the first line begins; empty where it does not end soon."""
    told = ""
    for line in lines:
        if told and not comments and _comment(line, path):
            continue
        close = not told or told[-1] in "([" or (told[-1] != "," and line[0] in ").,]")
        told += line if close or line[0] in ")]" else f" {line}"
        if not _begun(told):
            return re.sub(r",(?=[)\]])", "", told) if len(lines) > 1 and told != lines[0] else told
    head = lines[0].removesuffix("{").rstrip()
    return "" if _begun(head) else head


def _begun(text: str) -> bool:
    """Whether a text is cut in the middle of a statement: a bracket is open, or an operator waits.

    >>> [_begun(text) for text in ("f(", "x = f(')')", "}, [a]);", "a = b +", "'book': 7,", "if x:")]
    [True, False, False, True, False, False]
    """
    bare = re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", "''", text)
    deep = 0
    for sign in bare:
        deep = deep + 1 if sign in "([{" else max(0, deep - 1) if sign in ")]}" else deep
    return deep > 0 or _OPEN.search(bare.rstrip(",") if bare.endswith(",") else bare) is not None


def _says(line: str, path: str) -> bool:
    """Whether a line is code, and more than brackets and quotes."""
    return _EMPTY.sub("", line) != "" and not _comment(line, path)


def _comment(line: str, path: str) -> bool:
    """Whether a line is a comment, as far as its file's name tells.

    >>> _comment("# port", "a.py"), _comment("#[derive(Debug)]", "a.rs"), _comment("*head = 0;", "a.c")
    (True, False, False)
    """
    if line.startswith("#"):
        return PurePath(path).suffix not in _HASHES and _DIRECTIVE.match(line) is None
    return line.startswith(("//", "/*", '"""', "<!--")) or re.match(r"\*(?:\s|/|$)", line) is not None
