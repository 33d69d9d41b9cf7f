"""What git sees of the echoes: nothing, or the role folders alone; only lines of Rune's own are touched.

Rune's lines stand between two comments. Everything outside of them belongs to somebody else and stays byte
for byte. In the project's own ``.gitignore`` they appear only where ``.claude/echoes`` is already named there
and would hide what shall be seen.

Covered: either file missing, empty, without a line end, with CRLF, edited in between.
Not covered: a project that ignores the whole of ``.claude`` (git then never looks inside; ``hint`` names the
line and the way out), a repository around the project that ignores the whole of it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from rune import files
from rune.echoes.journal import read, within
from rune.paths import Echoes
from rune.records.echo import ROLES

BEGIN = b"# >>> rune: see echoes.version_controlled in .claude/rune-config.yml"
END = b"# <<< rune"
EVERYTHING = b"*\n"
SEEN = (
    "*",
    *(line for role in ROLES for line in (f"!/{role}/", f"!/{role}/**")),
    "/*/*-findings.md",
    "/*/archive/*-findings-*.md",
    ".*",
)
"""Role folders, less what an agent has found but nobody has looked through yet, and unfinished files."""
PRIVATE = (
    "/trajectories/", "/adapters/", "/journal/", "/uses.jsonl", "/gathered.jsonl", "/.*lock",
    "/*/*-findings.md", "/*/archive/*-findings-*.md",
)  # fmt: skip
"""What stays out of git in any case."""
OPENED = ("!/.claude/echoes/",)
"""For the project's own file: git shall look into the folder, whose own file then decides."""
WAY_IN = ("!/.claude/", "/.claude/*", "!/.claude/echoes/")
"""What a person may add to the project's own file where it hides all of ``.claude``."""

_NAMED = re.compile(rb"(?m)^(?!!)(?:\*\*/|/)?\.claude/echoes(?:/|/\*\*?)?[ \t]*\r?$")
_ALL = re.compile(rb"(?m)^/?\*\*?[ \t]*\r?$")
_OWN = frozenset(line.encode() for line in (*SEEN, *PRIVATE, *OPENED))
_RULE = re.compile(r"(.*?):(\d+):(.*)")


def guard(echoes: Echoes) -> None:
    """Keep the folder out of git from its first file on; a file that is there is left as it is."""
    if not echoes.ignore.exists():
        files.replace(echoes.ignore, EVERYTHING)


def apply(echoes: Echoes, version_controlled: bool) -> tuple[Path, ...]:
    """Make git see the role folders, or nothing; returns the files that changed."""
    guard(echoes)
    projects = echoes.project / ".gitignore"
    wanted = (
        (echoes.ignore, inner(echoes.ignore.read_bytes(), version_controlled)),
        (projects, outer(read(projects) or b"", version_controlled)),
    )
    return tuple(path for path, data in wanted if _written(echoes, path, data))


def inner(text: bytes, version_controlled: bool) -> bytes:
    """The content of ``.claude/echoes/.gitignore``; pure."""
    theirs = without(text)
    if version_controlled:
        return _with(theirs, SEEN)
    return theirs if _ALL.search(theirs) else _with(theirs, PRIVATE)


def outer(text: bytes, version_controlled: bool) -> bytes:
    """The content of the project's ``.gitignore``; pure."""
    theirs = without(text)
    return _with(theirs, OPENED) if version_controlled and _NAMED.search(theirs) else theirs


def without(text: bytes) -> bytes:
    """A file without Rune's lines; what somebody wrote between them stays."""
    lines = text.split(b"\n")
    plain = [line.rstrip(b"\r") for line in lines]
    ours: set[int] = set()
    begin = -1
    for number, line in enumerate(plain):
        if line == BEGIN:
            begin = number
        elif line == END and begin >= 0:
            within = range(begin + 1, number)
            ours |= {begin, number, *(n for n in within if plain[n] in _OWN)}
            begin = -1
    return b"\n".join(line for number, line in enumerate(lines) if number not in ours)


def hint(echoes: Echoes) -> str:
    """What keeps the role folders out of git although they shall be seen, and the way out; empty without."""
    rules = dict.fromkeys(rule for role in ROLES if (rule := hidden_by(echoes, role)))
    if not rules:
        return ""
    named = ", ".join(f"`{rule}`" for rule in rules)
    if not _hides(echoes.project, echoes.root.relative_to(echoes.project).as_posix()):
        return f"git does not see all of it: {named} hides it; take that line out, or narrow it"
    lines = "".join(f"\n    {line}" for line in WAY_IN)
    return (
        f"git does not see it yet: {named} (file, line, rule) hides the whole folder, which is not Rune's to "
        f"change. Add these lines to the end of {echoes.project / '.gitignore'}; all else in .claude stays "
        f"hidden:{lines}"
    )


def hidden_by(echoes: Echoes, role: str) -> str:
    """The rule that keeps a role's memory out of git, ``file:line:pattern``; empty where git sees it."""
    return _hides(echoes.project, echoes.memory(role).relative_to(echoes.project).as_posix())


def _hides(project: Path, path: str) -> str:
    command = ("git", "check-ignore", "--no-index", "--verbose", "--", path)
    try:
        said = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:  # without git nothing is hidden from it
        return ""
    rule = _RULE.match(said.partition("\t")[0])
    return rule[0] if rule and not rule[3].startswith("!") else ""


def _with(theirs: bytes, lines: Iterable[str]) -> bytes:
    """Rune's lines come last, where they win; a file that ended without a line end still does."""
    block = b"\n".join((BEGIN, *(line.encode() for line in lines), END))
    return theirs + block + b"\n" if not theirs or theirs.endswith(b"\n") else theirs + b"\n" + block


def _written(echoes: Echoes, path: Path, data: bytes) -> bool:
    if (read(path) or b"") == data:
        return False
    real = within(echoes.project, path)
    mode = real.stat().st_mode & 0o777
    files.replace(real, data)
    real.chmod(mode)
    return True
