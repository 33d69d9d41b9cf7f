"""The line of an output that names the error: what tells one failure of a runner from another.

Of several failures the first is named, so that what is left after a fix is another one. Lines that only wrap
the error (a summary, the runner's own farewell) name it where nothing else does; words that all failures have
in common ("Build failed in 3s", a bare ``AssertionError``) name none. A line that ends with a colon is told
with what it announces.

Covered: the runners of ``verdicts``, tracebacks, compilers, linkers, linters. Else the first line with
"error", the line beside one that says no more, or the last one.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from rune.records.trajectory import Execution
from rune.running import runs
from rune.running.verdicts import plain

_RAISED = r"(?:[\w.$]+\.)?[A-Z]\w*(?:Error|Exception|Interrupt)\b:? ?.*"
_TOOK = r"(?:\s+\(?\d[\d.]* ?m?s\)?)?"
_BIOME = r" ?(?:at )?\S+\.\w+(?::\d+:\d+)? (?:lint|assist)/"
"""How Biome begins a heading that names a rule."""
_JOINED = (
    r"^thread '(?P<where>.+?)' (?:\(\d+\) )?panicked at .*?:\d+:\d+:?\n(?P<what>.+)$",
    r"^thread '(?P<where>.+?)' panicked at '(?P<what>.+)', \S+:\d+:\d+$",
    r"^\s*● (?!Console$)(?:Test suite failed to run|(?P<where>\S.*))\n\s*\n\s*(?P<what>\S.*)$",
    rf"^\s*Failed (?P<where>\S+){_TOOK}(?: \[.*\])?\n\s*Error Message:\s*\n\s*(?P<what>\S.*)$",
    r"^\d+\) (?P<where>\S+::\S+.*)\n(?P<what>\S.*)$",
    rf"^\s*[×✗✕] (?P<where>.+?){_TOOK}\n\s*→ (?P<what>.+)$",
    r"^(?P<where>\S+ > .+?) FAILED\n\s+(?P<what>\S.*)$",
    r"^\s*(?P<where>)Error:\s*\t\s*(?P<what>\S.*)$",
    r"^Error: (?P<where>.+)\n[ \t]*\n?(?:[ \t]+with .*\n)?[ \t]+on .*\n(?:[ \t]*\n|[ \t]+\S.*\n)*"
    r"(?P<what>(?!Error: )\S.*)$",
    r"^\s*\d+\) (?P<where>\S.*)\n\s*Failure/Error:.*\n(?:(?!\s*\d+\) ).*\n){0,4}?"
    r"\s*(?P<what>[A-Z]\w*(?:::\w+)*:\n\s+\S.*)$",
    r"^\s*\d+\) (?P<where>\S.*)\n\s*Failure/Error:\s*(?P<what>\S.*)$",
    r"^\s*\d+\) (?P<where>\S.*) \([\w.]+\)\n\s+\S+:\d+\n\s*(?P<what>\S.*)$",
    r"^\s*(?:\d+\) )?(?:Failure|Error):\n(?P<where>\S+?)(?: \[\S+\])?:\n(?P<what>\S.*)$",
    r"^(?P<where>)\S+\.\w+:\d+:? (?:Failure|FAILED:?)\n\s*(?P<what>\S.*)$",
    r"^\s*FAILED\s+(?P<where>\S+ > .+)\n\s*(?P<what>\S.*)$",
    r"^ERROR in (?P<where>\S+).*\n(?P<what>\S.*)$",
    r"^(?P<where>)\s+(?P<what>assert .+)\n(?:[ \t~^]+\n)?AssertionError$",
    r"^(?P<where>\S+\.\w+)\n(?:\S+\.\w+\n){0,9}(?P<what>Code style issues found\b.*)$",
    r"^(?P<what>WARNING: DATA RACE)$(?s:.*?)^\s*--- FAIL: (?P<where>\S+)",
    rf"^{_BIOME}(?:\w+/)*(?P<where>\w+).*\n(?:[ \t]*\n)*\s*[×✖] (?P<what>\S.*)$",
)
"""A failing test above what went wrong there: both together name the error."""
_RULES = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        rf"^(?:Caused by: |Exception in thread \"[^\"]*\" )?({_RAISED})$",
        r"^[ \t]*(error(?:\[[\w-]+\])?: .+)$",
        r"\b(error [A-Z]+\d+: .+?)(?: \[\S+proj\])?$",
        r"^\s*(panic: .+?)(?: \[recovered\])?$",
        r"^(?!warning|note)(\S.*)\n\s*-->\s",
        r"^(CMake Error.*)$",
        r"^\s*\S+\.\w+:(?:\d+(?::\d+)?|\[\d+,\d+\]):? ((?:fatal )?error\b.+)$",
        r"^(?:vet: |e: )?\s*\S+\.\w+:(?:\d+(?::\d+)?|\[\d+,\d+\]):? (?!in <|note\b|warning\b|\w+Warning\b"
        r"|\w+(?:Error|Exception)$)"
        r"(.+(?:\n\s+symbol: .+)?)$",
        r"^\s+\d+:\d+\s+error\s+(\S.+)$",
        r"\b((?:[Uu]ndefined (?:reference|symbol)|multiple definition|cannot find -l).*)$",
        r"^FAILED (\S+(?: - .+)?)$",
        r"^([Ww]ould reformat:? \S.*)$",
        r"^(test \S+ \.\.\. FAILED)$",
        r"^failures:\n\s+(\S+)$",
        rf"^\s+({_RAISED})$",
        r"^(--- FAIL: \S+)",
        rf"^\s*[×✖!] (.+?){_TOOK}$",
        r"^\* What went wrong:\n(?:.+\n)?\s*> (.+)$",
        r"^\* What went wrong:\n(.+)$",
        r"^(\*\* \([A-Z][\w.]*\) .+)$",
        r"^(?:make: \*\*\* |npm (?:ERR!|error) |fatal: |ERROR:? |\s*Error:? |\[!\] (?:Error: )?)(.+)$",
        r"^(.*(?:No such file or directory|command not found|not found|[Pp]ermission denied|refused).*)$",
        r"^\s+\d+:\d+\s+warning\s+(\S.+)$",
        r"^((?:[\w.]+\.)?[A-Z]\w*Warning: .+)$",
        r"^(.*\b(?:error|failed|FAIL)\b.*)$",
    )
)
_NOISE = re.compile(
    r"^\s*(?:[>❱→]\s*)?(?:\d+\s+){0,2}\d*[|│]|^\s*[└╰╭┌]─|^\s+at .*(?:\)|:\d+)$|^\s*\(\w+\) \S+\.erl\b"
    r"|^\W*(?:\[Help \d+\]|For more (?:info|details)|To see the full|Re-run |See (?:the )?(?:full|log)\b)"
    r"|\bscript \S+ exited with|\btask failed\b|^\s*FAIL\s*$|\b(?:INFO|DEBUG)\b"
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
    r"|\bld returned \d+ exit status|\blinker command failed\b|^Errors while running CTest"
    r"|^-- Configuring incomplete|^\d+ \w+(?:, \d+ \w+)*$|^rspec \S+ # "
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
_RULED = re.compile(rf"^({_BIOME}\S+).*━━$(?=\n(?:[ \t]*\n)*\s*[×✖] )", re.M)
"""A heading that names the rule of an error (a warning has an exclamation mark), and the line after it."""
_TASK = re.compile(r"^(?:\[[\w:.-]+\] |#\d+ [\d.]+ )", re.M)
"""A task's name before its lines."""
_BARE = re.compile(r"assert (?:not )?[\w\[\]{}()]+|\w*Error")
_DETAIL = re.compile(
    r"^\s*((?:[Ee]xpected|[Rr]eceived|[Aa]ctual|left|right|got|symbol)(?: string| value)?\s*:\s*\S.*)$", re.M
)
_BOX = re.compile(r"^[ \t]*(?:[│┃║](?: |$)|[╷╵]$|[╭┌╰└][─━]+ ?(?=\w)|╰─▶ )")
"""The frame around a message, as far as it stands on its lines."""
_NEAR = 1000
"""Characters below a line that are looked at."""
_RIGHT = ("│", "┃", "║", "╮", "╯", "┐", "┘")
_COMMON = frozenset((
    "abort", "aborted", "aborting", "above", "all", "an", "and", "are", "assertion", "assertionerror",
    "assertions", "at", "be", "below", "build", "building", "by", "check", "checks", "code", "command",
    "compilation", "compile", "completed", "could", "did", "done", "during", "error", "errors", "example",
    "examples", "exception", "exceptions", "exit", "exited", "fail", "failed", "failing", "fails",
    "failure", "failures", "fatal", "finished", "for", "found", "has", "have", "in", "incomplete", "is",
    "it", "job", "make", "more", "ms", "not", "occured", "occurred", "occurs", "of", "one", "or", "out",
    "passed", "problem", "problems", "process", "returned", "run", "running", "runs", "sec", "second",
    "seconds", "see", "some", "spec", "specs", "stage", "status", "step", "stopped", "suite", "suites",
    "task", "tasks", "terminated", "test", "tests", "that", "the", "there", "this", "to", "total",
    "unexpected", "unknown", "unsuccessful", "was", "went", "were", "what", "when", "while", "with",
    "wrong", "you", "your",
))  # fmt: skip
"""Words that any failure is told with."""
_HEADING = re.compile(r"\b(?:error|fail|exception|abort|wrong)", re.I)
_COUNTS = re.compile(r"\b\d+ [a-z]")
_VOLATILE = tuple(
    (re.compile(pattern, re.I), blank)
    for pattern, blank in (
        (r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "#"),
        (r"\b0x[0-9a-f]+\b", "#"),
        (r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b", "#"),
        (r"(?:/private)?/(?:tmp|var/tmp|var/folders/\w+/\w+/\w+)/(?:[^\s/'\"`:,)]+/)*", "#/"),
        (r"\b[a-z]:\\(?:[^\s'\"`:]+\\)?temp\\(?:[^\s\\'\"`:,)]+\\)*", "#/"),
        (r"(?<=#/)[\w-]*(?:tmp|temp)[\w.-]*|\btmp[\w-]{6,}", "#"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "#"),
        (r"\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?", "#"),
        (
            r"(?<![\w.])\d[\d,]*(?:\.\d+)?\s?(?:ns|[uµμ]s|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?"
            r"|milliseconds?|[kmgt]i?b|bytes?|%)(?!\w)",
            "#",
        ),
        (r"(\.(?!(?:com|org|net|io|dev|local|internal)\b)[a-z]\w{0,4}|file):\d+(?::\d+)?", r"\1 #"),
        (r"\b(lines?|col(?:umn)?|position|offset|char|seed) \d+", r"\1 #"),
        (r"(:|\bport )(?:3[2-9]|[45]\d|6[0-5])\d{3}\b", r"\1#"),
        (
            r"\b(pid|process|thread|goroutine|worker|request|session|job|container)([ =:#-]{1,2})\d+\b",
            r"\1 #",
        ),
        (r"(?<![\w.])\d{9,}\b", "#"),
    )
)
"""What differs from run to run of one error: addresses, ids, temporary paths, times, places in a file."""


def signature(run: Execution, limit: int = 110) -> str:
    """The line of an error that says most: the last exception, a compiler's message, a failing test.

    >>> text = "Traceback (most recent call last):\\nKeyError: 'port'"
    >>> signature(Execution("1", 0, "Bash", "python a.py", text, False))
    "KeyError: 'port'"
    """
    text = _RULED.sub(r"\1", _TASK.sub("", plain(run.text)))
    lines = map(_unboxed, text.splitlines())
    said = [line for line in lines if _NOISE.search(line) is None and not line.startswith("Exit code")]
    bare = [line for line in said if _WRAPS.search(line) is None]
    named: list[str] = []
    for told in (bare, said):
        for candidate in _candidates("\n".join(told), limit):
            if tells(line := _short(candidate, limit)):
                return line
            named.append(line)
    rest = [_short(line, limit) for line in (*_beside(said, limit), *reversed(bare), *reversed(said))]
    return next(filter(tells, rest), "") or next(filter(_LETTER.search, (*named, *rest)), unnamed(run))


def unnamed(run: Execution) -> str:
    """The signature of a run that says nothing of why it failed."""
    return f"{runs.family(run.command) or 'the command'} failed"


def same(one: str, other: str) -> bool:
    """Whether two signatures are of one error: what differs from run to run does not count.

    >>> same("Timeout 30012ms exceeded", "Timeout 60007ms exceeded"), same("KeyError: 'a'", "KeyError: 'b'")
    (True, False)
    """
    return one == other or _lasting(one) == _lasting(other)


def _lasting(line: str) -> str:
    for pattern, blank in _VOLATILE:
        line = pattern.sub(blank, line)
    return line


_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{2,}")


def tells(line: str) -> bool:
    """Whether a line says more than that something failed.

    >>> tells("FAILURE: Build failed with an exception"), tells("╵"), tells("1 failed"), tells("KeyError")
    (False, False, False, True)
    """
    return any(word.lower() not in _COMMON for word in _WORD.findall(re.sub(r"\[[\w-]+\]", "", line)))


def _unboxed(line: str) -> str:
    inner, framed = _BOX.subn("", line.rstrip())
    return inner.rstrip("│┃║╮╯┐┘─━ ") if framed and inner.endswith(_RIGHT) else inner


def _candidates(text: str, limit: int) -> Iterator[str]:
    """What may name the error, the best first."""
    if raised := _raised(text):
        yield raised
    for pattern in _JOINED:
        if found := re.search(pattern, text, re.M):
            yield _joined(text, found, limit)
    for place, rule in enumerate(_RULES):
        found_all = list(rule.finditer(text))
        for found in reversed(found_all) if place == 0 else found_all:
            yield _ruled(text, found, limit)


def _raised(text: str) -> str:
    """What a Python test runner says of the first failure: its last exception, or what it asserts."""
    section = _SECTION.search(text)
    first = (section["pytest"] or section["unittest"]) if section else text
    blocks = [block.splitlines() for block in re.findall(r"(?:^E(?:\s.*)?(?:\n|\Z))+", first, re.M)]
    told = [line[1:].strip() for line in (blocks[-1] if blocks else ())]
    what = next((line for line in told if re.match(rf"assert\b|Failed\b|{_RAISED}", line)), "")
    what = what or next((line for line in told[:1] if line[:1] not in "-+?"), "")
    what += _detail("\n".join(told), 0, what) if what.endswith((".", ":")) else ""
    if what and _BARE.fullmatch(what):
        whence = next((line.strip("+ ") for line in told if line.startswith("+  where")), "")
        named = re.search(r"^FAILED (\S+(?: - .+)?)$", text, re.M)
        return f"{what}, {whence}" if whence else named[1] if named else what
    if what or not section:
        return what
    found = _RULES[0].findall(first)
    return str(found[-1]) if found else ""


def _joined(text: str, found: re.Match[str], limit: int) -> str:
    what = found["what"]
    what = _whole(text, what, found.end(), limit) if what.endswith(":") else what
    what += _detail(text, found.end(), what)
    if found.re.pattern.startswith("^thread"):
        return f"thread '{found['where']}' panicked: {what}"
    where = found["where"].strip("─━ ")
    return f"{where}: {what}" if where else what


def _ruled(text: str, found: re.Match[str], limit: int) -> str:
    line = found[1].replace("[*] ", "")
    if found.end(1) == found.end():
        line = _whole(text, line, found.end(), limit)
    return line + (_detail(text, found.end(), line) if re.match(r"error|Timed out\b", line) else "")


def _whole(text: str, line: str, end: int, limit: int) -> str:
    """A line with what it announces: what follows a colon, or stands deeper below words that say nothing.

    Where both are too long for one line, what is announced says more.
    """
    near = re.compile(r"\n(?:[ \t]*\n)?").match(text, end)
    below = list(itertools.takewhile(str.strip, text[near.end() :][:_NEAR].splitlines() if near else ()))
    first = below[0] if below else ""
    deep = len(first) - len(first.lstrip())
    if not (line.rstrip().endswith(":") or (deep and not tells(line))):
        return line
    more = [first, *itertools.takewhile(lambda other: deep and other[:deep].isspace(), below[1:4])]
    told = " ".join(" ".join(more).split())
    whole = f"{line} {told}" if re.search(r"\w", told) else line
    return told if tells(told) and (len(whole) > limit > len(line) or not tells(line)) else whole


def _beside(lines: Sequence[str], limit: int) -> Iterator[str]:
    """The lines below and above those that say only that something failed."""
    said = [line for line in lines if line.strip()]
    for place, line in enumerate(said):
        if _HEADING.search(line) and not tells(line) and not _COUNTS.search(line):
            text = "\n".join(said[place + 1 : place + 5])
            if place + 1 < len(said):
                yield _whole(text, said[place + 1], len(said[place + 1]), limit)
            if place:
                yield said[place - 1]


def _detail(text: str, end: int, line: str) -> str:
    """The two values that were compared, where the next lines tell them and the line itself does not."""
    near = "\n".join(text[end:][:_NEAR].splitlines()[:8])
    found = (" ".join(detail.split()) for detail in _DETAIL.findall(near)[:2])
    return "".join(f" {detail}" for detail in found if detail not in line)


def _short(line: str, limit: int) -> str:
    line = " ".join(line.split()).lstrip(" :").rstrip(" .:")
    return line if len(line) <= limit else line[:limit].rsplit(" ", 1)[0]
