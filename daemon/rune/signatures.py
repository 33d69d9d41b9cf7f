"""The line of an output that names the error: what tells one failure of a runner from another.

Of several failures the first is named, so that what is left after a fix is another one. Lines that only wrap
the error (a summary, the runner's own farewell) name it where nothing else does.

Covered: the runners of ``verdicts``, tracebacks, compilers, linters. Else the first line with "error" in it,
or the last one.
"""

from __future__ import annotations

import re

from rune import runs
from rune.records.trajectory import Execution
from rune.verdicts import plain

_RAISED = r"(?:[\w.$]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt)\b:? ?.*"
_TOOK = r"(?:\s+\(?\d[\d.]* ?m?s\)?)?"
_JOINED = (
    r"^thread '(?P<where>.+?)' (?:\(\d+\) )?panicked at .*?:\d+:\d+:?\n(?P<what>.+)$",
    r"^thread '(?P<where>.+?)' panicked at '(?P<what>.+)', \S+:\d+:\d+$",
    r"^\s*● (?!Console$)(?:Test suite failed to run|(?P<where>\S.*))\n\s*\n\s*(?P<what>\S.*)$",
    rf"^\s*Failed (?P<where>\S+){_TOOK}(?: \[.*\])?\n\s*Error Message:\s*\n\s*(?P<what>\S.*)$",
    r"^\d+\) (?P<where>\S+::\S+.*)\n(?P<what>\S.*)$",
    rf"^\s*[×✗✕] (?P<where>.+?){_TOOK}\n\s*→ (?P<what>.+)$",
    r"^(?P<where>\S+ > .+?) FAILED\n\s+(?P<what>\S.*)$",
    r"^\s*(?P<where>)Error:\s*\t\s*(?P<what>\S.*)$",
    r"^(?P<what>WARNING: DATA RACE)$(?s:.*?)^\s*--- FAIL: (?P<where>\S+)",
)
"""A failing test above what went wrong there: both together name the error."""
_RULES = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        rf"^(?:Caused by: |Exception in thread \"[^\"]*\" )?({_RAISED})$",
        r"^(error(?:\[[\w-]+\])?: .+)$",
        r"\b(error [A-Z]+\d+: .+?)(?: \[\S+proj\])?$",
        r"^\s*(panic: .+?)(?: \[recovered\])?$",
        r"^(?!warning|note)(\S.*)\n\s*-->\s",
        r"^\s*\S+\.\w+:(?:\d+(?::\d+)?|\[\d+,\d+\]):? ((?:fatal )?error\b.+)$",
        r"^(?:vet: |e: )?\s*\S+\.\w+:(?:\d+(?::\d+)?|\[\d+,\d+\]):? (?!in <|note\b|warning\b|\w+Warning\b)"
        r"(.+(?:\n\s+symbol: .+)?)$",
        r"^\s+\d+:\d+\s+error\s+(\S.+)$",
        r"^FAILED (\S+(?: - .+)?)$",
        r"^(test \S+ \.\.\. FAILED)$",
        r"^failures:\n\s+(\S+)$",
        rf"^\s+({_RAISED})$",
        r"^(--- FAIL: \S+)",
        rf"^\s*[×✖!] (.+?){_TOOK}$",
        r"^(?:make: \*\*\* |npm (?:ERR!|error) |fatal: |ERROR:? |\s*Error:? )(.+)$",
        r"^(.*(?:No such file or directory|command not found|not found|[Pp]ermission denied|refused).*)$",
        r"^\s+\d+:\d+\s+warning\s+(\S.+)$",
        r"^((?:[\w.]+\.)?[A-Z]\w*Warning: .+)$",
        r"^(.*\b(?:error|failed|FAIL)\b.*)$",
    )
)
_NOISE = re.compile(
    r"^\s*(?:\d+\s*)?[|│]|\bscript \S+ exited with|\btask failed\b|^\s*FAIL\s*$|\b(?:INFO|DEBUG)\b"
    r"|^\s*\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:|^\s*\$ |^\s*Finished in [\d.]+|━━━|# \S+ \[\S+\.test\]$|^# \S+$"
    r"|^\d+ issues?:|^\s*\* \w+: \d+$|\bFound \d+ (?:errors?|warnings?)\b|^\[full output: "
    r"|\bSome (?:errors|warnings) were emitted\b|^\s*\S+:\d+ \+0x[0-9a-f]+$|^\[\*\] \d+ fixable\b|^!+ .* !+$"
    r"|^npm (?:ERR!|error)(?: (?:code|errno|syscall|path|command|signal|workspace|location|cwd|node|npm)\b.*"
    r"| (?:A complete log|Lifecycle script|Exit status|in workspace|at location).*|\s*)$"
)
"""Lines that say nothing of the error itself: quoted source, wrappers of the runner, log lines."""
_WRAPS = re.compile(
    r"\bBUILD FAIL(?:URE|ED)\b|^error: (?:test failed, to rerun|could not compile|aborting due"
    r"|test run failed|doctest failed|\d+ targets? failed)|^\s*Failed!\s+- |^\s*FAIL\s"
    r"|^make(?:\[\d+\])?: \*\*\* |\bELIFECYCLE\b|^test result: |\bCOMPILATION ERROR\b|^Tests run: "
    r"|^\s*(?:Tests|Test Suites|Test Files):?\s+\d|✖ \d+ problems? \("
    r"|^(?:FAILURES|ERRORS)!|^There (?:was|were) \d+ |^Failed to execute goal|^FAILURE: Build failed"
    r"|^> Task \S+ FAILED|^Execution failed for task|^[=\s]*(?:\d+ \w+, )*\d+ (?:failed|failing|errors?)\b"
)
"""Lines that say only that something failed."""
_SECTION = re.compile(
    r"^_{3,} \S.* _{3,}$(?P<pytest>(?s:.+?))(?=^_{3,} \S.* _{3,}$|^={3,} |\Z)"
    r"|^={60,}\n(?:FAIL|ERROR): (?P<unittest>(?s:.+?))(?=^={60,}$|\Z)",
    re.M,
)
"""What a test runner tells of the first failure."""
_TASK = re.compile(r"^(?:\[[\w:.-]+\] |#\d+ [\d.]+ )", re.M)
"""A task's name before its lines."""
_BARE = re.compile(r"assert (?:not )?[\w\[\]{}()]+|\w*Error")
_DETAIL = re.compile(r"^\s*((?:[Ee]xpected|[Rr]eceived|[Aa]ctual|left|right)\s*:\s*\S.*)$", re.M)


def signature(run: Execution, limit: int = 110) -> str:
    """The line of an error that says most: the last exception, a compiler's message, a failing test.

    >>> text = "Traceback (most recent call last):\\nKeyError: 'port'"
    >>> signature(Execution("1", 0, "Bash", "python a.py", text, False))
    "KeyError: 'port'"
    """
    text = _TASK.sub("", plain(run.text))
    said = [line for line in text.splitlines() if _NOISE.search(line) is None]
    for told in ("\n".join(line for line in said if _WRAPS.search(line) is None), "\n".join(said)):
        if line := _short(_raised(told) or _joined(told) or _ruled(told), limit):
            return line
    lines = [_short(line, limit) for line in said if not line.startswith("Exit code")]
    return next((line for line in reversed(lines) if line), f"{runs.family(run.command)} failed")


def _raised(text: str) -> str:
    """What a Python test runner says of the first failure: its last exception, or what it asserts."""
    section = _SECTION.search(text)
    first = (section["pytest"] or section["unittest"]) if section else text
    blocks = [block.splitlines() for block in re.findall(r"(?:^E(?:\s.*)?(?:\n|\Z))+", first, re.M)]
    told = [line[1:].strip() for line in (blocks[-1] if blocks else ())]
    what = next((line for line in told if re.match(rf"assert\b|Failed\b|{_RAISED}", line)), "")
    what = what or next((line for line in told[:1] if line[:1] not in "-+?"), "")
    if what and _BARE.fullmatch(what):
        whence = next((line.strip("+ ") for line in told if line.startswith("+  where")), "")
        named = re.search(r"^FAILED (\S+(?: - .+)?)$", text, re.M)
        return f"{what}, {whence}" if whence else named[1] if named else what
    if what or not section:
        return what
    found = _RULES[0].findall(first)
    return str(found[-1]) if found else ""


def _joined(text: str) -> str:
    for pattern in _JOINED:
        if found := re.search(pattern, text, re.M):
            what = f"{found['what']}{_detail(text, found.end())}"
            if found.re.pattern.startswith("^thread"):
                return f"thread '{found['where']}' panicked: {what}"
            return f"{found['where']}: {what}" if found["where"] else what
    return ""


def _ruled(text: str) -> str:
    for place, rule in enumerate(_RULES):
        if found := list(rule.finditer(text)):
            best = found[-1] if place == 0 else found[0]
            line = best[1].replace("[*] ", "")
            if line.strip(" .:"):
                return line + (_detail(text, best.end()) if line.startswith("error") else "")
    return ""


def _detail(text: str, end: int) -> str:
    """The two values that were compared, where the next lines tell them."""
    near = "\n".join(text[end:].splitlines()[:8])
    return "".join(f" {line}" for line in _DETAIL.findall(near)[:2])


def _short(line: str, limit: int) -> str:
    line = " ".join(line.split()).strip(" .:")
    return line if len(line) <= limit else line[:limit].rsplit(" ", 1)[0]
