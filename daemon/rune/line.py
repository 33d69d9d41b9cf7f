"""A command line in its parts: the commands, how they are joined, and where their output goes.

Covered: ``&&``, ``||``, ``;``, pipes, lines and groups; quotes, redirections and heredocs.
Not covered: variables, substitutions and loops, which are read as plain words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """One command of a line."""

    text: str
    words: tuple[str, ...]
    joined: str
    """What stands between it and the part before: ``&&``, ``|``, ...; empty for the first."""
    writes: tuple[str, ...] = ()
    """Files that its output goes to."""
    appends: bool = False
    body: str | None = None
    """The text of its heredoc."""

    @property
    def whole(self) -> str:
        """What it says, with its heredoc."""
        return self.text if self.body is None else f"{self.text}\n{self.body}"


_TOKEN = re.compile(
    r"(?P<gap>[ \t]+|\\\n|(?<![^\s;&|(])#[^\n]*)"
    r"|(?P<op>&&|\|\||;+|\|&?|\n|[()]|&(?!>))"
    r"|(?P<to>&>>?|\d*(?:>>?\|?(?:&[\d-]+)?|<<<|<<-?|<))"
    r"|(?P<word>(?:\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|\$\([^()]*\)|[^\s'\"\\;&|<>()])+|.)",
    re.S,
)
_QUOTED = re.compile(r"\\(.)|'([^']*)'|\"((?:\\.|[^\"\\])*)\"", re.S)
_PREFIX = re.compile(r"[A-Za-z_]\w*=.*|sudo|command|env|time|then|do|else|\{|!")


@dataclass(slots=True)
class _Draft:
    joined: str
    words: list[str] = field(default_factory=list)
    span: tuple[int, int] = (-1, -1)
    writes: list[str] = field(default_factory=list)
    appends: bool = False
    body: str | None = None
    pointing: str = ""

    def takes(self, token: str) -> str:
        """A word of the command, or where it is redirected; gives the end of a heredoc that begins here."""
        pointing, self.pointing = self.pointing, ""
        bare = _bare(token)
        if pointing in ("<<", "<<-"):
            return bare
        if not pointing:
            self.words.append(bare)
        elif ">" in pointing and not pointing.startswith("2"):
            self.writes.append(bare)
            self.appends = ">>" in pointing
        return ""


def parts(command: str) -> list[Part]:
    """The commands of a line, in their order.

    >>> [(part.joined, part.words) for part in parts("cd app && pytest -q 2>&1 | tail -3; echo 'a; b'")]
    [('', ('cd', 'app')), ('&&', ('pytest', '-q')), ('|', ('tail', '-3')), (';', ('echo', 'a; b'))]
    """
    drafts = [_Draft("")]
    waiting: list[tuple[_Draft, str]] = []
    place = 0
    while found := _TOKEN.match(command, place):
        place, draft, sign = found.end(), drafts[-1], found[0]
        if found.lastgroup == "op":
            if draft.words or draft.writes:
                drafts.append(_Draft(sign))
            elif sign not in "()\n":
                draft.joined = sign
            if sign == "\n":
                place = _bodies(command, place, waiting)
        elif found.lastgroup != "gap":
            draft.span = (draft.span[0] if draft.span[0] >= 0 else found.start(), found.end())
            if found.lastgroup == "to":
                draft.pointing = "" if re.search(r"&[\d-]+$", sign) else sign
            elif end := draft.takes(sign):
                waiting.append((draft, end))
    return [_part(draft, command) for draft in drafts if draft.words or draft.writes]


def _bodies(command: str, place: int, waiting: list[tuple[_Draft, str]]) -> int:
    """Reads the heredocs that begin on a line; gives where they end."""
    for draft, end in waiting:
        stop = re.compile(rf"^[ \t]*{re.escape(end)}[ \t]*$\n?", re.M).search(command, place)
        draft.body = command[place : stop.start() if stop else len(command)]
        place = stop.end() if stop else len(command)
    waiting.clear()
    return place


def _part(draft: _Draft, command: str) -> Part:
    words = draft.words
    while words and _PREFIX.fullmatch(words[0]):
        words = words[1:]
    text = command[slice(*draft.span)]
    return Part(text, tuple(words), draft.joined, tuple(draft.writes), draft.appends, draft.body)


def _bare(word: str) -> str:
    return _QUOTED.sub(lambda found: found[1] or found[2] or re.sub(r"\\(.)", r"\1", found[3] or ""), word)


def pipes(command: str) -> list[list[tuple[int, Part]]]:
    """The commands of a line with their numbers, those together of which one reads what another prints."""
    found: list[list[tuple[int, Part]]] = []
    for number, part in enumerate(parts(command)):
        if part.joined.startswith("|") and part.joined != "||" and found:
            found[-1].append((number, part))
        else:
            found.append([(number, part)])
    return found
