"""What a command line does to files: what it writes, changes, puts back, sets aside, moves and removes.

Covered: files written by heredocs; ``cd`` inside of the line; git's checkout, restore, reset, stash, add,
commit, revert, rm, mv and clean; cp, mv, rm; ``sed -i`` and ``perl -pi`` whose patterns are plain text.
Not covered: patterns with wildcards, patches (``git apply -R``), programs of one's own that write files.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rune.running import programs, shell
from rune.running.shell import Simple


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that a part does to files."""

    kind: str
    """``write``, ``append``, ``replace``; ``copy``, ``move``, ``remove``, ``clean``; ``restore``, ``reset``,
    ``uncommit``, ``stash``, ``pop``, ``drop``, ``clear``, ``add``, ``commit``, ``revert``."""
    paths: tuple[str, ...] = ()
    """What it is done to; ``""`` holds all."""
    source: str = ""
    """Where it comes from: a file, a commit, a place in the stash."""
    text: str = ""
    swaps: tuple[tuple[str, str | None], ...] = ()
    """Plain texts that give way to others; to nothing where their whole line goes."""
    part: int = 0
    """Which part of the line does it."""


@lru_cache(512)
def of(command: str, project: str = "") -> tuple[Deed, ...]:
    """What a line does to files, in its order; paths are relative to where it runs.

    >>> command = "git stash && pytest; git checkout -- src/a.py; cd app && rm b.py"
    >>> [(deed.kind, deed.paths) for deed in of(command)]
    [('stash', ('',)), ('restore', ('src/a.py',)), ('remove', ('app/b.py',))]
    """
    found: list[Deed] = []
    folder = ""
    before: Simple | None = None
    for number, part in enumerate(shell.parse(command)):
        if part.words[:1] == ("cd",):
            folder = _within(part.words[1] if len(part.words) > 1 else "~", folder, project)
        for deed in _deeds(part, before):
            paths = tuple(_within(path, folder, project) for path in deed.paths)
            source = deed.source
            if deed.kind in ("copy", "move"):
                source = _within(source, folder, project)
            found.append(replace(deed, paths=paths, source=source, part=number))
        before = part
    return tuple(found)


def targets(command: str, number: int, project: str = "") -> list[str]:
    """The files that a part of a line changes, as far as it names them.

    >>> targets("make | tee log.txt 2>/dev/null", 1), targets("mv a.py b.py", 0)
    (['log.txt'], ['b.py', 'a.py'])
    """
    part = shell.parse(command)[number]
    done = [deed for deed in of(command, project) if deed.part == number]
    found = [path for deed in done for path in (*deed.paths, *([deed.source] if deed.kind == "move" else []))]
    copied = _operands(part.words[1:]) if part.words[:1] == ("tee",) else []
    named = [path for path in (*part.writes, *copied) if not path.startswith("/dev/")]
    return list(dict.fromkeys((*found, *(_within(path, "", project) for path in named))))


def _within(path: str, folder: str, project: str) -> str:
    """A path of the line as the project knows it; empty for all of the project."""
    if path in ("", ":/"):
        return ""
    whole = posixpath.normpath(path if path.startswith(("/", "~")) else posixpath.join(folder, path))
    if project and (whole == project or whole.startswith(f"{project}/")):
        whole = whole[len(project) + 1 :]
    return "" if whole in (".", "") else whole


def _deeds(part: Simple, before: Simple | None) -> Iterator[Deed]:
    words = programs.started(part.words)
    name = words[0].rsplit("/", 1)[-1] if words else ""
    written = _written(name, part, before)
    if written:
        yield written
    elif name == "git":
        yield from _git(words[1:])
    elif name in ("sed", "perl"):
        yield from _replaced(words)
    elif name in ("cp", "mv"):
        *sources, target = _operands(words[1:]) or [""]
        for source in sources:
            into = target.endswith("/") or target == "." or len(sources) > 1
            end = posixpath.join(target, posixpath.basename(source)) if into else target
            yield Deed("copy" if name == "cp" else "move", (end,), source)
    elif name == "rm":
        yield Deed("remove", tuple(_operands(words[1:])))


def _written(name: str, part: Simple, before: Simple | None) -> Deed | None:
    """A heredoc that goes into one file."""
    body, targets, appends = part.heredoc, part.writes, part.appends
    if name == "tee":
        if body is None and before and part.joint == "|" and before.words == ("cat",):
            body = before.heredoc
        targets, appends = tuple(_operands(part.words[1:])), bool({"-a", "--append"} & set(part.words))
    elif name != "cat" or _operands(part.words[1:]):
        return None
    if body is None or len(targets) != 1 or "$" in targets[0]:
        return None
    return Deed("append" if appends else "write", targets, text=body)


def _operands(words: Sequence[str]) -> list[str]:
    """What is no option; all that follows a ``--``."""
    place = words.index("--") if "--" in words else len(words)
    return [word for word in words[:place] if not word.startswith("-")] + list(words[place + 1 :])


def swapped(text: str, deed: Deed) -> str:
    """A text after a stream editor (``replace``)."""
    for old, new in deed.swaps:
        if new is None:
            kept = [one for one in text.splitlines(keepends=True) if old not in one]
            text = "".join(kept) if len(kept) < len(text.splitlines()) else text
        else:
            text = text.replace(old, new)
    return text


# git

_GLOBAL = re.compile(r"-C|-c|--git-dir|--work-tree")
_BRANCHES = frozenset(("-b", "-B", "--orphan", "-t", "--track", "-d", "--detach", "-p", "--patch"))
_COMMIT = re.compile(r"(?:HEAD|ORIG_HEAD|[0-9a-f]{7,40})(?:[~^]\d*)*|\w+/\w[\w-]*[~^]\d*")
_FORCED = frozenset(("-f", "--force", "--discard-changes"))


def _git(words: Sequence[str]) -> Iterator[Deed]:
    while words and words[0].startswith("-"):
        words = words[2:] if _GLOBAL.fullmatch(words[0]) else words[1:]
    if not words:
        return
    name, rest = words[0], words[1:]
    flags, named = {word.partition("=")[0] for word in rest if word.startswith("-")}, _operands(rest)
    match name:
        case "checkout" | "switch" | "restore":
            yield from _restored(name, rest, flags, named)
        case "reset":
            target = named[0] if named else "HEAD"
            if flags & {"--hard", "--merge", "--keep"}:
                yield Deed("reset", ("",), target)
            elif re.match(r"HEAD[~^]", target):
                yield Deed("uncommit", ("",), target)
        case "stash":
            yield from _stashed(rest, named)
        case "add":
            every = flags & {"-A", "--all", "-u", "--update"}
            yield Deed("add", ("",) if every and not named else tuple(named))
        case "commit":
            all_of_it = "--all" in flags or any(re.match(r"-[a-z]*a", flag) for flag in flags)
            yield Deed("commit", ("",) if all_of_it else ())
        case "revert":
            yield from [Deed("revert", ("",), target) for target in named]
        case "rm":
            yield from () if "--cached" in flags else [Deed("remove", tuple(named))]
        case "mv" if len(named) == 2:
            yield Deed("move", (named[1],), named[0])
        case "clean" if any(re.match(r"-\w*f|--force", flag) for flag in flags):
            yield Deed("clean", tuple(named) or ("",))
        case _:
            pass


def _restored(name: str, rest: Sequence[str], flags: set[str], named: Sequence[str]) -> Iterator[Deed]:
    if name == "restore":
        if (flags & {"-S", "--staged"} and not flags & {"-W", "--worktree"}) or flags & {"-p", "--patch"}:
            return
        source = next((word.partition("=")[2] for word in rest if word.startswith("--source=")), "")
        taken = [rest[place + 1] for place, word in enumerate(rest[:-1]) if word in ("-s", "--source")]
        source = source or "".join(taken[:1])
        yield Deed("restore", tuple(word for word in named if word not in taken), source)
    elif flags & _FORCED:
        yield Deed("restore", ("",), "HEAD")
    elif name == "checkout" and not flags & _BRANCHES:
        place = rest.index("--") if "--" in rest else 1 if _COMMIT.fullmatch(rest[0] if rest else "") else 0
        commit = [word for word in rest[:place] if not word.startswith("-")]
        yield Deed("restore", tuple(word for word in named if word not in commit), "".join(commit[:1]))


def _stashed(rest: Sequence[str], named: list[str]) -> Iterator[Deed]:
    what = named[0] if named and not rest[0].startswith("-") else "push"
    which = next((found[1] for word in named if (found := re.fullmatch(r"(?:stash@\{)?(\d+)\}?", word))), "0")
    if what in ("pop", "apply", "drop", "clear"):
        yield Deed("pop" if what == "apply" else what, ("",), "" if what == "clear" else which)
    elif what in ("push", "save"):
        said = {rest[place + 1] for place, word in enumerate(rest[:-1]) if word in ("-m", "--message")}
        paths = [word for word in named if word not in said and word != what] if what == "push" else []
        yield Deed("stash", tuple(paths) or ("",))


# sed

_SWAP = re.compile(r"s([/|,#@!:%~])((?:\\.|(?!\1)[^\\])*)\1((?:\\.|(?!\1)[^\\])*)\1([gIi]*)", re.S)
_DROP = re.compile(r"/((?:\\.|[^\\/])*)/\s*d")


def _replaced(words: Sequence[str]) -> Iterator[Deed]:
    """``sed -i`` or ``perl -pi`` with plain texts."""
    perl = words[0].endswith("perl")
    flags = [word for word in words[1:] if word.startswith("-") and len(word) > 1]
    if not any(re.match(r"--in-place|-[a-zA-Z]*i", flag) for flag in flags):
        return
    wide = perl or any(re.fullmatch(r"-[a-zA-Z]*[Er][a-zA-Z]*|--regexp-extended", flag) for flag in flags)
    scripts = [after for word, after in itertools.pairwise(words) if re.fullmatch(r"-\w*e", word)]
    rest = [word for word in words[1:] if word and not word.startswith("-") and word not in scripts]
    if not scripts:
        scripts, rest = rest[:1], rest[1:]
    swaps = tuple(swap for script in scripts for swap in _swaps(script, wide))
    if rest:
        yield Deed("replace", tuple(rest), swaps=swaps)


def _swaps(script: str, wide: bool) -> Iterator[tuple[str, str | None]]:
    for found in _SWAP.finditer(script):
        old, new = _plain(found[2], wide), found[3]
        if old and not re.search(r"(?<!\\)&|\\\d|\$\d", new):
            yield old, re.sub(r"\\(\W)", r"\1", new)
    if (gone := _DROP.fullmatch(script.strip())) and (old := _plain(gone[1], wide)):
        yield old, None


def _plain(pattern: str, wide: bool) -> str:
    """The text that a pattern stands for; empty where it stands for several."""
    bare = re.sub(r"\\\W", "", pattern)
    if re.search(r"[*\[\]^$]" + (r"|[+?(){}|]" if wide else ""), bare) or re.search(r"\\\w", pattern):
        return ""
    if not wide and re.search(r"\\[+?(){}|]", pattern):
        return ""
    return re.sub(r"\\(\W)", r"\1", pattern)
