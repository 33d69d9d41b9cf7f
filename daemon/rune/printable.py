"""Stored text as a terminal may get it: without what it would act on.

What people paste and commands print holds colours, titles and moves of the cursor. Covered: control
characters, escape sequences with all that belongs to them, marks that turn the direction of writing around,
halves of surrogate pairs. What is left may also stand in XML.
"""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, moves
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-~]"
)
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def lines(text: str) -> str:
    r"""The text with its lines and tabs.

    >>> lines("\x1b[31mFAILED\x1b[0m tests\r\nnext")
    'FAILED tests\nnext'
    """
    return _HARMFUL.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def line(text: str) -> str:
    r"""The text as one line.

    >>> line("Make the gate open.\n\tPaint \x07it.")
    'Make the gate open. Paint it.'
    """
    return " ".join(lines(text).split())


def escaped(json: str) -> str:
    r"""JSON that says the same, with these characters by their numbers.

    >>> print(escaped('{"summary": "\x9b31m"}'))
    {"summary": "\u009b31m"}
    """
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", json)
