"""What kind of command this is, and whether it really succeeded.

A failing run is not always flagged: ``pytest | tail`` exits 0, and only its text says FAILED (``verdicts``).
Both capture and import judge commands here, so that a live session and an imported one look the same.

Covered: the runners listed below, in compound commands and behind pipes.
Not covered: programs of one's own that print nothing when they fail.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache

from rune import scopes, verdicts

_BEFORE = r"^(?:(?:\w+=\S*|sudo|env|time|nohup|exec|timeout\s+\S+|(?:uv|poetry|pdm)\s+run)\s+)*"
"""What may stand before a program that is run by its path; after anything else the path is an argument."""
_MAKE_OPTIONS = r"(?:\s+(?:-[Cf]\s*\S+|-j\s*\d*|--?[a-zA-Z][\w-]*(?:=\S+)?|\w+=\S*))*"
_JS_OPTIONS = (
    r"(?:--(?:filter|workspace|prefix|dir|cwd|scope)(?:=|\s+)\S+\s+|-[CFw]\s+\S+\s+|--?[a-zA-Z]\S*\s+)*"
)
"""What may stand before the target or the script that is run: no part of its name."""
_RUNNERS = (
    ("pytest", r"\b(?:py\.test|pytest)\b"),
    ("unittest", r"\bpython[\d.]*\s+-m\s+unittest"),
    ("manage.py", r"\b(?:runtests\.py|manage\.py\s+test)\b"),
    ("tox", r"\btox\b"),
    ("go", r"\bgo\s+(test|build|install|vet|run|mod|generate)\b"),
    ("golangci-lint", r"\bgolangci-lint\b"),
    ("gofmt", r"\b(?:gofmt|goimports)\b"),
    ("mise", r"\bmise\s+(?:run|r|x|exec)\s+(?:--\s+)?([\w:.-]+)"),
    ("make", r"(?:^|[;&|]\s*)make\b" + _MAKE_OPTIONS + r"\s*([\w.-]*)"),
    ("vitest", r"\bvitest\b"),
    ("jest", r"\bjest\b"),
    ("playwright", r"\bplaywright\s+test\b"),
    ("mocha", r"\bmocha\b"),
    ("tsc", r"\btsc\b"),
    ("eslint", r"\beslint\b"),
    ("biome", r"\bbiome\b"),
    ("prettier", r"\bprettier\b"),
    (
        "js",
        rf"\b(?:npm|pnpm|yarn|bun|nx|turbo)\s+{_JS_OPTIONS}(?:workspace\s+\S+\s+)?(?:run\s+{_JS_OPTIONS})?"
        r"([A-Za-z][\w:.-]*)",
    ),
    ("cargo", r"\bcargo\s+(\w+)"),
    ("ruff", r"\bruff\b"),
    ("mypy", r"\bmypy\b"),
    ("flake8", r"\bflake8\b"),
    ("dotnet", r"\bdotnet\s+(\w+)"),
    ("gradle", r"\bgradlew?\s+(?:-\S+\s+)*(?::?[\w-]+:)*:?(\w+)"),
    ("mvn", r"\bmvn\b"),
    ("phpunit", r"\bphpunit\b"),
    ("gcc", r"\b(?:gcc|g\+\+|clang|cc)\b"),
    ("git", r"\bgit\b[^;&|]*\b(commit|push|rebase|merge)\b"),
    ("python", r"\bpython[\d.]*\s+(?:-[uBWOIE]\s+)*(-c|-(?=\s|$)|<<|[\w./-]+\.py|-m\s+\S+)"),
    ("node", r"\bnode\s+(\S+)"),
    ("docker", r"\bdocker\s+(\w+)"),
    ("pip", r"\bpip[\d.]*\s+(\w+)"),
    ("rspec", r"\brspec\b"),
    ("pyright", r"\b(?:based)?pyright\b"),
    ("pre-commit", r"\b(?:pre-commit|prek)\s+run\b"),
    ("ctest", r"\bctest\b"),
    ("ninja", r"\bninja\b|\bcmake\s+--build\b"),
    ("swift", r"\bswift\s+(build|test|run)\b"),
    ("mix", r"\bmix\s+([a-z][\w.]*)"),
    ("deno", r"\bdeno\s+(test|check|lint|fmt|run|task)\b"),
    ("terraform", r"\b(?:terraform|tofu)\s+(?:-\S+\s+)*([a-z]+)"),
    ("script", r"(?<![\w./-])(?:/\S*/)?(?:bash|sh)\s+(\S+\.sh)|" + _BEFORE + r"(\./[\w./-]+)"),
)
RUNNERS = tuple((name, re.compile(pattern)) for name, pattern in _RUNNERS)
_LOOKS = re.compile(
    r"\s*(?:cat|grep|rg|ls|find|head|tail|sed -n|echo|cd|export"
    r"|git (?:diff|log|show|status|add|stash|branch|checkout))\b"
)
_THROUGH = re.compile(r"\b(?:npx|bunx)\s+(?:-\S+\s+)*")
_QUOTES_OTHERS = ("git ", "docker ", "pip ")
"""Families whose output quotes other programs (hooks, layers, builds): only their exit status counts."""
_SHELL_EDIT = re.compile(
    r"\bsed\s+(?:-\w+\s+)*-i|cat\s*>|>\s*\S+\.\w+\s*<<|\btee\s+\S|\bgit\s+apply|\bpatch\b\s+-|\.write\(|write_text\("
    r"|apply_patch|\bmv\s"
)
_TIDY = re.compile(
    r"\bgo fmt\b|gofmt\s+(?:-\w+\s+)*-w|--fix\b|--write\b|\w:fix\b"
    r"|\b(?:mise|make|just|cargo|npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:fmt|format)\b"
)
_TIDYABLE = re.compile(r"lint|fmt|format|check|biome|prettier|ruff|flake8|clippy|commit")
_ASIDE = (
    re.compile(r";\s*echo\b.*$", re.S),
    re.compile(r"\s*(?:2>&1\s*)?\|\s*(?:tail|head|cat|tee|less|grep)\b[^;&]*"),
    re.compile(r"\s*2>&1(?=\s*(?:$|[;&]))"),
    re.compile(r"\s-(?:q+|v+)(?=\s|$)|\s--(?:quiet|verbose|silent)(?=\s|$)"),
    re.compile(r"\bpython[\d.]*\s+-m\s+(?=(?:pip|pytest|mypy|ruff|build)\b)"),
)
_INSTALLING = re.compile(
    r"\b(?:pip[\d.]*|uv(?:\s+pip)?|npm|pnpm|yarn|bun|poetry|cargo|gem|brew|apt(?:-get)?|go)\s+"
    r"(?:install|add|get|i)\b([^|;&]*)"
)
_PACKAGE = re.compile(r"['\"]?((?:@[\w.-]+/)?[A-Za-z](?!\S*\.(?:txt|toml|whl|json)\b)[\w./-]*)")


@lru_cache(1024)
def family(command: str) -> str:
    """The family of a command, such as ``pytest`` or ``go test``; empty for looking around.

    >>> family("cd app && pytest -q tests | tail -5")
    'pytest'
    >>> family("cat notes.txt")
    ''
    """
    return next(_families(command), "")


def _families(command: str) -> Iterator[str]:
    """The families of the parts of a command, in their order."""
    body = scopes.HEREDOC.sub("<<heredoc", command)
    for part in re.split(r"&&|\|\||;|\n", body):
        head = _THROUGH.sub("", part.split("|")[0]).strip()
        if not head or _LOOKS.match(head):
            continue
        for name, pattern in RUNNERS:
            if found := pattern.search(head):
                yield _named(name, next((group for group in found.groups() if group), ""), command)
                break


def _named(name: str, argument: str, command: str) -> str:
    if name == "python" and argument.startswith("-m pytest"):
        return "pytest"
    if name == "python" and argument in ("-c", "-", "<<"):  # one-off: only the same text is the same
        return "python -c " + hashlib.sha256(re.sub(r"\s+", " ", command).encode()).hexdigest()[:8]
    return f"{name} {argument.rsplit('/', 1)[-1]}".strip()


def succeeded(command: str, text: str, flagged: bool) -> bool:
    """Whether a run went well: the client's flag, corrected by what a runner's own output says.

    >>> succeeded("pytest -q | tail -3", "2 failed, 1 passed", True)
    False
    >>> succeeded("git commit -m x", "1 failed, as the hook says; [main 343e81e] x", True)
    True
    """
    kinds = list(_families(command))
    if not flagged or not kinds or kinds[0].startswith(_QUOTES_OTHERS):
        return flagged
    return not verdicts.failed(text, [kind for kind in kinds if not kind.startswith(_QUOTES_OTHERS)])


def verifies(passed: str, failed: str, said: str) -> bool:
    """Whether a command that passed proves that what failed with another one, and said so, is well.

    >>> verifies("pytest", "pytest tests/a.py", ""), verifies("npm -w web test", "npm -w api test", "")
    (True, False)
    """
    return family(passed) == family(failed) != "" and scopes.verifies(passed, failed, said)


def answers(run: str, ok: bool, failed: str, said: str) -> bool:
    """Whether a run tells what became of one that failed before and said so: it failed once more, or is well.

    >>> answers("pytest", True, "pytest a.py", ""), answers("pytest b.py", False, "pytest a.py", "")
    (True, False)
    """
    if ok:
        return verifies(run, failed, said)
    return family(run) == family(failed) != "" and not scopes.apart(run, failed)


def edits(command: str) -> bool:
    """Whether a shell command changes files by itself (``sed -i``, a heredoc, ``--fix``).

    >>> edits("sed -i s/a/b/ x.py"), edits("ls")
    (True, False)
    """
    return _SHELL_EDIT.search(command) is not None or _TIDY.search(command) is not None


def mends(command: str, name: str) -> bool:
    """Whether what a shell command edits can mend a failure of this family: a formatter mends no test.

    >>> mends("npm run lint:fix", "js lint"), mends("npm run lint:fix", "js test")
    (True, False)
    """
    if _SHELL_EDIT.search(command):
        return True
    return _TIDY.search(command) is not None and _TIDYABLE.search(name) is not None


def essential(command: str) -> str:
    """A command without what changes nothing of what it does: how its output is looked at, ``python -m``.

    >>> essential('python3 -m pip install -q sqlparse 2>&1 | tail -3; echo "Exit: $?"')
    'pip install sqlparse'
    """
    for pattern in _ASIDE:
        command = pattern.sub("", command)
    return command


def installs(command: str) -> frozenset[str]:
    """The packages that a command installs by their names; none where it installs what the project asks for.

    >>> sorted(installs("pip install -q 'sqlparse>=0.4' pytz")), installs("pip install -e . -r dev.txt")
    (['pytz', 'sqlparse'], frozenset())
    """
    named = [word for found in _INSTALLING.finditer(command) for word in found[1].split()]
    return frozenset(found[1].lower() for word in named if (found := _PACKAGE.match(word)))
