"""Where in a file the lines of a change stand now; pure.

Covered: whole lines, parts of a line, several lines of which the outer two are parts, blank lines between
them, lines of the change that were changed again since.
Not covered: what was indented into another text, or what stands in several places alike: the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_TELLING = re.compile(r"\w\W*\w\W*\w")
"""A bracket or an ``8`` says of no place that it is the one."""


def stands(text: str, added: Sequence[str]) -> tuple[int, int] | None:
    """First and last line, counted from 1, of the block that holds most of what was added; None without one.

    >>> stands("import os\\n\\nport = int(env['PORT'])\\n", ["int(env['PORT'])"])
    (3, 3)
    >>> stands("a = port\\nb = port\\n", ["port"])  # a part of two lines: nobody knows which
    """
    lines = [line.strip() for line in text.splitlines()]
    whole = "\n".join(lines)
    found: dict[int, int] = {}
    for piece in dict.fromkeys(line.strip() for line in added):
        for number in _lines_with(lines, piece) if piece in whole else ():
            found[number] = found.get(number, 0) + (len(piece) if _TELLING.search(piece) else 0)
    blocks = [(sum(found.get(n, 0) for n in range(a, b + 1)), -a, b) for a, b in _blocks(lines, found)]
    weight, first, last = max(blocks, default=(0, 0, 0))
    return (1 - first, 1 + last) if weight else None


def _lines_with(lines: Sequence[str], piece: str) -> list[int]:
    """The lines that are this piece, else the only one that it is a part of, in whole words."""
    if not piece:
        return []
    if whole := [number for number, line in enumerate(lines) if line == piece]:
        return whole
    if not _TELLING.search(piece):
        return []
    before, after = (r"(?<!\w)" if piece[0].isalnum() else ""), (r"(?!\w)" if piece[-1].isalnum() else "")
    part = re.compile(before + re.escape(piece) + after)
    parts = [number for number, line in enumerate(lines) if part.search(line)]
    return parts if len(parts) == 1 else []


def _blocks(lines: Sequence[str], found: dict[int, int]) -> list[tuple[int, int]]:
    """Runs of lines that were found, over blank ones."""
    blocks: list[tuple[int, int]] = []
    for number in sorted(found):
        if blocks and not any(lines[blocks[-1][1] + 1 : number]):
            blocks[-1] = (blocks[-1][0], number)
        else:
            blocks.append((number, number))
    return blocks
