"""Whether a command that was run may have mended something: it changes a file, or supplies what was missing.

Covered: editors of streams, heredocs and redirects into files of the project, patches, formatters, scripts
that write; installing, starting a service, migrating, making a file, where the failure asked for just that.
Not covered: what a script of one's own changes without saying so.
"""

from __future__ import annotations

import re

from rune.running import programs
from rune.running.shell import Simple, parse

_ASIDE = re.compile(
    r"^(?:/tmp|/dev|/var/tmp|/var/log|\$TMP\w*|\$\{TMP\w*\})(?:/|$)|(?:^|/)(?:node_modules|dist|build|target|coverage"
    r"|__pycache__|\.git|\.cache)/|\.(?:log|out|tmp|bak|orig|pid|html|xml|svg|png)$"
)
"""Files that are no part of what is worked on."""
_WRITERS = frozenset(
    ("cat", "echo", "printf", "sed", "awk", "jq", "yq", "tr", "sort", "envsubst", "head", "tail", "grep")
)
_SCRIPTED = re.compile(
    r"\.write\(|write_text\(|writeFile(?:Sync)?\(|open\([^)]*,\s*['\"][wa]b?['\"]|File\.write|file_put_contents"
)
_TIDY = re.compile(
    r"\bgo fmt\b|\b(?:gofmt|goimports)\s+(?:-\w+\s+)*-w|--fix\b|--write\b|\w:fix\b"
    r"|\b(?:mise|make|just|task|cargo|npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:fmt|format)\b"
    r"|\b(?:ruff|biome|deno|mix|dart)\s+(?:format|fmt)\b(?!.*--check)|\b(?:black|isort|rustfmt)\s(?!.*--check)"
)
_TIDYABLE = re.compile(r"lint|fmt|format|check|biome|prettier|ruff|flake8|clippy|commit|black|isort|rubocop")
_NEEDS = (
    (
        r"\b(?:install|add|get|sync|ci|i|download|restore|require|vendor|deps\.get)\b",
        r"No module named|Cannot find (?:module|package)|ModuleNotFound|command not found|not installed"
        r"|could not resolve|unresolved import|no required module|missing go\.sum|not found: \S+$"
        r"|is not recognized|Module not found|package \S+ is not in|ImportError|cannot load such file"
        r"|can't find crate",
    ),
    (
        r"\b(?:up|start|restart|run -d|serve)\b",
        r"(?i:refused|could not connect|can't connect|ECONNREFUSED|unreachable|connection to server"
        r"|not running|cannot connect|failed to connect|no such host)",
    ),
    (
        r"migrat|\bupgrade\b|createdb|\bdb:|schema|\bseed\b|\bpush\b",
        r"(?i:no such (?:table|column)|does not exist|unknown (?:column|table|database)|doesn't exist"
        r"|unapplied migration|pending migration)",
    ),
    (r"generate|codegen|\bbuild\b|compile", r"(?i:no such file|cannot find|not found|ENOENT|undefined:)"),
)
"""What a command does, and errors that ask for it."""
_MAKERS = frozenset(("mkdir", "touch", "cp", "ln", "chmod", "export", "mv"))


def edits(command: str) -> bool:
    """Whether a command changes files of the project by itself (``sed -i``, a heredoc, ``--fix``).

    >>> edits("sed -i s/a/b/ x.py"), edits("ls"), edits("pytest | tee /tmp/out.log")
    (True, False, False)
    """
    return any(_writes(one, fed) or _TIDY.search(one.text) for one, fed in _fed(command))


def mends(command: str, name: str, said: str = "") -> bool:
    """Whether a command may mend a failure of this family that said so: a formatter mends no test.

    >>> mends("npm run lint:fix", "js lint"), mends("npm run lint:fix", "js test")
    (True, False)
    >>> mends("pip install requests", "pytest", "No module named 'requests'")
    True
    """
    return any(able(one, fed, name, said) for one, fed in _fed(command))


def able(one: Simple, fed: Simple | None, name: str, said: str) -> bool:
    """Whether one command of a line may; ``fed`` is what it reads from."""
    if _writes(one, fed):
        return True
    if _TIDY.search(one.text) is not None:
        return _TIDYABLE.search(name) is not None
    return _supplies(one, said)


def _fed(command: str) -> list[tuple[Simple, Simple | None]]:
    """The commands of a line, each with the one whose output it reads."""
    line = parse(command)
    return [(one, fed if one.joint == "|" else None) for fed, one in zip((None, *line), line, strict=False)]


def _writes(one: Simple, fed: Simple | None) -> bool:
    """Whether one command changes a file of the project; ``fed`` is what it reads from."""
    words = one.words
    match one.program:
        case "sed" | "perl" | "ruby":
            return any(re.match(r"-\w*i|--in-place", word) for word in words[1:])
        case "tee":
            source = one if one.heredoc is not None else fed
            return source is not None and _says(source) and any(ours(word) for word in words[1:])
        case "git":
            return words[1:2] == ("apply",)
        case "patch" | "apply_patch":
            return True
        case "mv" | "cp":
            *sources, target = [word for word in words[1:] if not word.startswith("-")] or [""]
            gone = sources if one.program == "mv" else []
            return bool(sources) and all(map(ours, gone or [target]))
    if one.program in _WRITERS and any(map(ours, one.writes)):
        return True
    if programs.family(one).startswith(("python -c", "node", "ruby", "perl", "php")):
        return _SCRIPTED.search(one.heredoc or one.text) is not None
    return False


def _says(one: Simple) -> bool:
    return one.heredoc is not None or one.program in ("echo", "printf")


def ours(path: str) -> bool:
    """Whether a path may be one of what is worked on."""
    return not path.startswith("-") and _ASIDE.search(path) is None


def _supplies(one: Simple, said: str) -> bool:
    """Whether a command brings what a failure said was missing."""
    if not said or not one.words:
        return False
    if one.program in _MAKERS:
        made = {word.strip("/").rsplit("/", 1)[-1].split("=")[0] for word in one.words[1:]}
        return any(len(name) > 3 and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said) for name in made)
    if not programs.family(one):
        return False
    return any(re.search(does, one.text) and re.search(asks, said, re.M) for does, asks in _NEEDS)
