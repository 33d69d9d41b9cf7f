"""Command lines as what a shell makes of them: simple commands, and what joins them. Pure.

The grammar is tree-sitter's for Bash. Quoted text, heredocs and what ``$(...)`` runs are arguments of the
command that gets them, and no commands of the line.

Covered: lists, pipes, subshells, loops and conditions (their commands in the order of the text), redirects,
heredocs, ``bash -c``; a line with a mistake in it, as far as it can be read.
Not covered: functions, variables, what a loop runs more than once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_JOINTS = frozenset(("&&", "||", ";", ";;", "|", "|&", "&", "\n"))
_OPAQUE = frozenset(("string", "raw_string", "command_substitution", "process_substitution", "comment"))
_COMMANDS = frozenset(("command", "declaration_command", "test_command", "unset_command"))
_REDIRECTS = frozenset(("file_redirect", "heredoc_redirect"))
_SHELLS = frozenset(("bash", "sh", "zsh", "dash"))
_SCRIPT = re.compile(r"-[a-z]*c")


@dataclass(frozen=True, slots=True)
class Simple:
    """One command with its arguments."""

    words: tuple[str, ...]
    """Without quotes, redirects and assignments; a heredoc is none."""
    text: str
    """As it is written, assignments in front of it included."""
    env: tuple[str, ...] = ()
    """Assignments in front of it."""
    joint: str = ""
    """What joins it to the one before: ``&&``, ``||``, ``;``, ``|``, ``&``; nothing at the beginning."""
    writes: tuple[str, ...] = ()
    """Files that its output goes into."""
    appends: bool = False
    """Whether it goes behind what they hold."""
    redirects: str = ""
    """How its output is redirected, as it is written."""
    heredoc: str | None = None
    """What it is given to read."""
    within: tuple[int, ...] = ()
    """The subshells in which it runs, the outermost first."""
    background: bool = False
    """Whether nobody waits for it."""

    @property
    def whole(self) -> str:
        """It with its redirects, without what a heredoc holds."""
        return f"{self.text} {self.redirects}" if self.redirects else self.text

    @property
    def program(self) -> str:
        """The name of what runs, without its folder; empty for an assignment alone."""
        return self.words[0].rsplit("/", 1)[-1] if self.words else ""


@lru_cache(512)
def parse(line: str) -> tuple[Simple, ...]:
    """The commands of a line, in the order of its text.

    >>> [(one.joint, one.words) for one in parse("cd app && A=1 jest 'a b' 2>&1 | tail -3")]
    [('', ('cd', 'app')), ('&&', ('jest', 'a b')), ('|', ('tail', '-3'))]
    >>> one, = parse("cat > a.py <<'E'\\npytest && ls\\nE")
    >>> one.words, one.writes, one.heredoc
    (('cat',), ('a.py',), 'pytest && ls\\n')
    """
    found: list[Simple] = []
    joint = ""
    begun = 0
    for node, inner in _steps(_parser().parse(line.encode("utf-8", "replace")).root_node):
        if node.type in _JOINTS:
            joint = _JOINED.get(node.type, node.type)
            if joint in (";", "&"):
                found[begun:] = [replace(one, background=joint == "&") for one in found[begun:]]
                begun = len(found)
        elif node.type in _REDIRECTS:
            found[-1:] = [_redirected(one, node) for one in found[-1:]]
        else:
            found += _given(replace(_simple(node), joint=joint if found else "", within=inner))
            joint = ";"
    return tuple(found)


def pipes(line: str) -> list[list[tuple[int, Simple]]]:
    """The commands of a line with their numbers, those together of which one reads what another prints."""
    found: list[list[tuple[int, Simple]]] = []
    for number, one in enumerate(parse(line)):
        if one.joint == "|" and found:
            found[-1].append((number, one))
        else:
            found.append([(number, one)])
    return found


_JOINED = {"|&": "|", "\n": ";", ";;": ";"}


@cache
def _parser() -> Parser:
    import tree_sitter_bash  # noqa: PLC0415 - who runs no command does not wait for it
    from tree_sitter import Language, Parser  # noqa: PLC0415

    return Parser(Language(tree_sitter_bash.language()))


def _steps(root: Node) -> Iterator[tuple[Node, tuple[int, ...]]]:
    """Commands, redirects and what joins them, in the order of the text; in which subshells each stands."""
    waiting: list[tuple[Node, tuple[int, ...]]] = [(child, ()) for child in reversed(root.children)]
    while waiting:  # a line of a thousand commands is as deep a tree
        node, inner = waiting.pop()
        if node.type in _COMMANDS or node.type == "variable_assignment":
            yield node, inner
            waiting += [(part, inner) for part in reversed(node.children) if part.type in _REDIRECTS]
        elif node.type in _JOINTS or node.type == "file_redirect":
            yield node, inner
        elif node.type not in _OPAQUE:
            if node.type == "heredoc_redirect":
                yield node, inner  # a pipe may stand behind the mark, and its text only after that
            within = (*inner, node.start_byte) if node.type == "subshell" else inner
            waiting += [(child, within) for child in reversed(node.children)]


def _simple(node: Node) -> Simple:
    if node.type == "variable_assignment":
        return Simple((), _source(node), (_source(node),))
    parts = [part for part in node.children if not part.type.endswith("_redirect")]
    front = [part for part in parts if part.type == "variable_assignment" and node.type == "command"]
    env = tuple(map(_source, front))
    words = tuple(_word(part) for part in parts if part not in front)
    text = " ".join(_source(part) for part in parts)
    return Simple(tuple(word for word in words if word), text, env)


def _redirected(one: Simple, node: Node) -> Simple:
    if node.type == "heredoc_redirect":
        body = next((_source(part) for part in node.children if part.type == "heredoc_body"), "")
        return replace(one, heredoc=body)
    first, *_, last = node.children
    if first.type == "file_descriptor" and _source(first) != "1":
        return one
    how = next((part.type for part in node.children if part.type in (">", ">>", "&>", "&>>", ">|")), "")
    if not how:
        return one
    whole = " ".join(filter(None, (one.redirects, _source(node))))
    return replace(one, writes=(*one.writes, _word(last)), appends=how.endswith(">>"), redirects=whole)


def _given(one: Simple) -> Iterator[Simple]:
    """A command; for a shell that is given a line, those of the line."""
    place = next((n for n, word in enumerate(one.words) if n and _SCRIPT.fullmatch(word)), 0)
    if one.program in _SHELLS and place and len(one.words) > place + 1:
        for inner in parse(one.words[place + 1]):
            yield replace(inner, joint=inner.joint or one.joint, within=(*one.within, -1, *inner.within))
    else:
        yield one


def _word(node: Node) -> str:
    """A word as the command gets it, variables aside."""
    text = _source(node)
    match node.type:
        case "raw_string" | "ansi_c_string":
            return text.removeprefix("$")[1:-1]
        case "string":
            return text[1:-1].replace('\\"', '"')
        case "concatenation":
            return "".join(_word(part) for part in node.children)
        case "command_name":
            return "".join(_word(part) for part in node.children) or text
        case "word":
            return re.sub(r"\\(.)", r"\1", text)
    return text


def _source(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
