"""Tokens to text that may be shown: whole characters, and nothing that may yet become a stop string."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BROKEN = "\N{REPLACEMENT CHARACTER}"
LONGEST = 8
"""Tokens that a broken character is waited for; the longest character has four bytes, so four tokens."""


class Stream:
    """The text of one request as it grows."""

    def __init__(self, tokenizer: Any, stop: Sequence[str]) -> None:
        self.tokenizer = tokenizer
        self.stop = tuple(mark for mark in stop if mark)
        self.stopped = False
        """Whether a stop string came; what follows it is dropped."""
        self._ids: list[int] = []
        self._from = 0
        """Where decoding starts: a few tokens back, as some tokenizers join a token to the one before."""
        self._read = 0
        self._held = ""

    def push(self, token: int) -> str:
        """Take a token; returns what may be shown now."""
        self._ids.append(token)
        return self._released(self._decoded(final=False), final=False)

    def finish(self) -> str:
        """No token comes any more; returns what was held back."""
        return self._released(self._decoded(final=True), final=True)

    def _decoded(self, final: bool) -> str:
        """The text that the newest tokens add, or nothing while a character is incomplete."""
        before = self._text(self._ids[self._from : self._read])
        after = self._text(self._ids[self._from :])
        waiting = after.endswith(BROKEN) and len(self._ids) - self._read < LONGEST
        if (waiting and not final) or len(after) <= len(before):
            return ""
        self._from, self._read = self._read, len(self._ids)
        return after[len(before) :]

    def _text(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True)) if ids else ""

    def _released(self, text: str, final: bool) -> str:
        if self.stopped:
            return ""
        text = self._held + text
        found = [place for place in (text.find(mark) for mark in self.stop) if place >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        hold = 0 if final else max((_beginning(text, mark) for mark in self.stop), default=0)
        cut = len(text) - hold
        self._held = text[cut:]
        return text[:cut]


def _beginning(text: str, mark: str) -> int:
    """How many characters at the end of a text begin a mark.

    >>> _beginning("one</st", "</stop>"), _beginning("one", "</stop>")
    (4, 0)

    """
    return next((n for n in range(min(len(mark) - 1, len(text)), 0, -1) if text.endswith(mark[:n])), 0)
