"""What runners print when they end: whether an output tells of a failure.

A runner's own closing line decides, where it stands in the output. Else any line that tells of an error does:
a failing test, a compiler's complaint, a traceback. A log line of a run that its runner calls passed is none.

Covered: the closing lines below, as the tools print them; several runs in one output, of which one failed.
Not covered: an output of which only the middle is left, and programs of one's own that say nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache

LEAD = r"^(?:\[[\w:.-]+\] |[@\w./-]+(?:[ :]+[\w-]+)*: ?)?\s*"
"""Where a line begins; a task runner may put the name of the task before it."""
_FOUND = r"\b[Ff]ound [1-9]\d* errors?\b(?! \(\d+ fixed, 0 remaining)"
_NONE = r"(?!)"
_ENDINGS = {
    "pytest": (
        r"^(?:=+ )?(?:\d+ \w+, )*[1-9]\d* (?:failed|errors?)\b.* in [\d.]+s"
        r"|^(?:=+ )?(?:no tests ran|\d+ deselected)(?:, \d+ warnings?)? in [\d.]+s",
        r"^(?:=+ )?(?:\d+ \w+, )*\d+ (?:passed|skipped|xfailed|xpassed)\b.* in [\d.]+s",
    ),
    "unittest": (r"^FAILED \(|^NO TESTS RAN\b", r"^OK(?: \(.+\))?$"),
    "tox": (
        r"^\s*[\w.-]+: FAIL\b|\bevaluation failed :\(|^ERROR: .*commands failed",
        r"\bcongratulations :\)",
    ),
    "go": (
        r"^FAIL(?:\s|$)|^\s*--- FAIL: |\[(?:build|setup) failed\]",
        r"^ok\s+\S+\s+(?:[\d.]+s|\(cached\))|^PASS$",
    ),
    "golangci-lint": (r"^[1-9]\d* issues?[:.]|^level=error |^ERRO ", r"^0 issues\."),
    "make": (r"^\w*make(?:\[\d+\])?: \*\*\* ", _NONE),
    "mise": (r"^mise ERROR\b|\bERROR task failed\b", _NONE),
    "vitest": (
        LEAD + r"(?:Test Files|Tests|Type Errors|Errors)\s+[1-9]\d* (?:failed|errors?)\b"
        r"|^No test files found, exiting|^Vitest caught ",
        LEAD + r"Tests\s+(?:\d+ \w+ \| )*\d+ passed\b",
    ),
    "jest": (
        LEAD + r"(?:Tests|Test Suites):\s+(?:\d+ \w+, )*[1-9]\d* failed\b"
        r"|^Jest: .* not met|^No tests found, exiting with code 1",
        LEAD + r"Tests:\s+(?:\d+ \w+, )*\d+ passed\b",
    ),
    "playwright": (
        r"^\s*[1-9]\d* (?:failed|interrupted|errors? w(?:as|ere) not a part of any test)\b",
        r"^\s*\d+ passed \(",
    ),
    "mocha": (LEAD + r"[1-9]\d* failing\b", LEAD + r"\d+ passing\b"),
    "tsc": (r"\berror TS\d+: |" + _FOUND, r"^Found 0 errors\b"),
    "eslint": (
        r"✖ \d+ problems? \([1-9]\d* error|^ESLint found too many warnings|^Oops! Something went wrong",
        r"✖ \d+ problems? \(0 errors",
    ),
    "biome": (_FOUND + r"|× Some (?:errors|warnings) were emitted", _NONE),
    "prettier": (
        r"^\[warn\] Code style issues|^\[error\] |^Code style issues found",
        r"^All matched files use Prettier",
    ),
    "js": (
        r"^npm (?:ERR!|error)|\bELIFECYCLE\b|\bERR_PNPM_\w+|^error Command failed with exit code"
        r"|YN0000: .*\bFailed with errors|^error: script \"[^\"]+\" exited with code [1-9]|^\s*[1-9]\d* fail$"
        r"|\bERROR\s+run failed: |^\s*NX\s+.*\bfailed$",
        r"^\s*0 fail$",
    ),
    "cargo": (
        r"^test result: FAILED\b|^error: (?:could not compile|test failed|test run failed|doctest failed"
        r"|aborting due to|\d+ targets? failed)|^Diff in \S+\.rs\b",
        r"^test result: ok\b|^\s*Summary \[.*\bpassed\b",
    ),
    "ruff": (
        _FOUND + r"|^\d+ files? would be reformatted|^ruff failed",
        r"^All checks passed!|^Found \d+ errors? \(\d+ fixed, 0 remaining\)"
        r"|^\d+ files? (?:left unchanged|already|reformatted)",
    ),
    "mypy": (_FOUND + r"|^mypy: ", r"^Success: no issues found"),
    "dotnet": (
        r"^\s*Failed!\s+- |^Build FAILED\b|^\s*[1-9]\d* Error\(s\)|^Test Run Failed|^Build failed with [1-9]"
        r"|^Test summary: .*\bfailed: [1-9]",
        r"^\s*Passed!\s+- |^Build succeeded\b|^Test Run Successful",
    ),
    "gradle": (r"^BUILD FAILED\b|^FAILURE: |\btests? completed, [1-9]\d* failed", r"^BUILD SUCCESSFUL\b"),
    "mvn": (
        r"\bBUILD FAILURE\b|\bFailed to execute goal\b|\bCOMPILATION ERROR\b"
        r"|\bTests run: \d+,(?: Failures: \d+,)? (?:Failures|Errors): [1-9]",
        r"\bBUILD SUCCESS$",
    ),
    "phpunit": (
        r"^(?:FAILURES|ERRORS)!|\bAssertions: \d+,(?: \w+: \d+,)* (?:Errors|Failures): [1-9]",
        r"^OK(?: \(|, but)",
    ),
    "gcc": (
        r"\bld returned [1-9]\d* exit status|\blinker command failed|\b[1-9]\d* errors? generated\b"
        r"|^(?:\S*/)?(?:gcc|g\+\+|clang|cc1\w*|collect2)(?:-\d+)?: (?:fatal )?error: ",
        _NONE,
    ),
    "node": (r"\n\nNode\.js v\d+\.\d+\.\d+$", _NONE),
}  # fmt: skip
"""By runner: how the closing line of a run that failed begins, and of one that went well."""
_ALIKE = {"manage.py": "unittest"}
_OTHERS = (
    r"\b\d+ (?:examples?|tests?|specs?|runs?)(?:, \d+ \w+)*, [1-9]\d* (?:failures?|errors?)\b"
    r"|\bExecuted \d+ tests?, with [1-9]\d* failures?|^- exit code: [1-9]|^- files were modified by this hook"
    r"|\b[1-9]\d* tests? failed out of \d+|^ninja: build stopped|^CMake Error\b"
    r"|^\*\* (?:TEST|BUILD) FAILED \*\*"
    r"|" + _FOUND + r"|^[1-9]\d* errors?, \d+ warnings?\b"
    r"|^error: Recipe .* failed|\bcompiled with [1-9]\d* errors?\b|^Failed to compile\b|^error during build:"
)
"""Closing lines of runners that only others start: make, npm, a script."""
_WRAPPING = frozenset(("make", "mise", "tox", "js", "node"))
"""Runners that run others: closing lines of all are theirs, as they are of one that has none of its own."""

_COMPLAINTS = (
    r"^\s*--- FAIL|^FAIL\b|^FAILED\b|^=+ (?:FAILURES|ERRORS) =+|^✗ "
    r"|(?:^\s*|[=,;(|:]\s*)[1-9]\d* (?:tests? )?failed\b|\b[1-9]\d* fail$"
    r"|Traceback \(most recent call last\)|^\s*panic: |error TS\d+:|error\[E\d+\]|^npm ERR!|ELIFECYCLE"
    r"|\bBUILD FAILED\b|\[build failed\]|^E\s{2,}\w+Error|\bFAILED \((?:failures|errors)=|^SyntaxError:"
    r"|Exit code [1-9]|exit status [1-9]|: No module named |command not found"
    r"|^\S+:\d+(?::\d+)?:? (?:fatal )?error\b|\S\(\d+,\d+\): error\b|\bundefined reference to\b"
)
"""Lines that tell of an error, whoever runs; only where no closing line says that all went well."""
_DIAGNOSES = {
    "pytest": r"^ERROR [^\s:]+\.py(?:::\S+)?(?: - .*)?$|^E\s{2,}\S|^INTERNALERROR>|^ERROR: |^!+ .* !+$",
    "go build": r"^(?:vet: )?\S+\.go:\d+:\d+: |^go: (?:cannot |errors parsing |go\.mod file not found)",
    "golangci-lint": r"^\S+\.go:\d+(?::\d+)?: ",
    "flake8": r"^\S+:\d+:\d+: [A-Z]+\d+ ",
    "ruff": r"^\S+:\d+:\d+: [A-Z]+\d+ |^[A-Z]+\d{3,4} .*\n\s*--> |^Would reformat: |^error: ",
    "eslint": r"^\s+\d+:\d+\s+error\s",
    "cargo": r"^error(?:\[\w+\])?: ",
    "mvn": r"^\[ERROR\] ",
    "terraform": r"^(?:│ )?Error: ",
    "node": r"^(?:Uncaught )?\w*Error(?: \[\w+\])?: .*\n\s+at ",
}
"""By kind of run: its own lines of that sort."""
for _kind in ("go vet", "go install", "go run", "go generate"):
    _DIAGNOSES[_kind] = _DIAGNOSES["go build"]

_CLOSING = (
    frozenset(
        (
            "pytest",
            "unittest",
            "tox",
            "vitest",
            "jest",
            "playwright",
            "mocha",
            "mypy",
            "gradle",
            "mvn",
            "phpunit",
        )
    )
    | {"ruff", "rspec", "ctest"}
    | {"go test", "cargo test", "cargo nextest", "dotnet test", "dotnet build", "mix test", "swift test"}
)
"""Runs that never end in silence unless they are asked to."""
_TESTS = ("pytest", "unittest", "vitest", "jest", "playwright", "mocha", "phpunit")
_NO_TEST = re.compile(
    r"^running 0 tests$|\[no tests? (?:to run|files)\]|^No tests? (?:files )?found, exiting with code 0"
    r"|^(?:=+ )?\d+ (?:skipped|deselected)(?:, \d+ (?:skipped|deselected|warnings?))* in [\d.]+s"
    r"|^Ran 0 tests\b|\b0 (?:examples|tests|runs), 0 (?:failures|assertions)"
    r"|^No tests? (?:executed|matches|were found)"
    r"|\bTests are skipped\.|^\s*0 passing\b|^\s*0 pass$|\bExecuted 0 tests\b"
    r"|\bTests:?\s+\d+ skipped(?:, \d+ total| \()",
    re.M,
)
"""Lines of a run in which no test ran."""
_SOME_TEST = re.compile(
    r"\b[1-9]\d* (?:passed|passing)\b|^\s*[1-9]\d* pass$|^ok\s+\S+\s+(?:[\d.]+s|\(cached\))\s*$"
    r"|\bTests run: [1-9]|^Ran [1-9]|\b[1-9]\d* (?:examples|tests|runs),|\bPassed: +[1-9]",
    re.M,
)
"""Lines of one in which some did."""
_MISUSED = re.compile(
    r"\A\s*(?:(?:usage:.*\n(?:[ \t]+.*\n)*)?\S+: error: (?:unrecognized arg|argument |the following arg)"
    r"|error:? (?:unrecognized subcommand|un(?:known|expected) (?:option|argument|command|(?:\w+ )?flag)"
    r"|no such command|the following required arguments|invalid value|(?:script|module) not found"
    r"|No such (?:option|command)|Missing (?:option|argument|command|parameter)|Got unexpected extra arg"
    r"|Command \"\S+\" not found)\b)",
    re.I,
)
"""How an output begins of what was called in a wrong way: argparse, click, clap, commander, cobra."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BLANK = re.compile(r"\n\s*\n")
_BAD = {name: re.compile(bad, re.M) for name, (bad, _) in _ENDINGS.items()}
_GOOD = {name: re.compile(good, re.M) for name, (_, good) in _ENDINGS.items()}
_OTHERS_BAD = re.compile(_OTHERS, re.M)
_COMPLAINT = re.compile(_COMPLAINTS, re.M)
_DIAGNOSIS = {kind: re.compile(pattern, re.M) for kind, pattern in _DIAGNOSES.items()}


def plain(text: str) -> str:
    """An output without colours and with one blank line where it has several: it is looked through often."""
    return _BLANK.sub("\n\n", _COLOUR.sub("", text))


def told(text: str, kind: str, own: bool = False) -> bool | None:
    """What an output tells of a run of this kind (``go test``): whether it went well; None if nothing.

    ``own`` is to count only what no other program prints.

    >>> told("ERROR app.py:3 lost\\n3 passed in 0.1s", "pytest"), told("1 error in 0.1s", "pytest")
    (True, False)
    """
    text = plain(text)
    name = _name(kind)
    every = not own and (name in _WRAPPING or name not in _ENDINGS)
    endings = _ENDINGS if every else {name} & _ENDINGS.keys()
    if any(_BAD[one].search(text) for one in endings) or (every and _OTHERS_BAD.search(text)):
        return False
    if any(_GOOD[one].search(text) for one in endings):
        return True
    complaints = [_DIAGNOSIS[one] for one in (kind, name) if one in _DIAGNOSIS]
    complaints += [] if own else [_COMPLAINT]
    if any(pattern.search(text) for pattern in complaints):
        return False
    return None


def closes(kind: str) -> bool:
    """Whether runs of this kind that went well always end with a line that says so."""
    return kind in _CLOSING or _name(kind) in _CLOSING


def nothing(text: str, kind: str) -> bool:
    """Whether a run of tests tells that none of them ran: it went well, and proves nothing.

    >>> nothing("running 0 tests\\ntest result: ok. 0 passed; 0 failed", "cargo test")
    True
    """
    text = plain(text)
    return _NO_TEST.search(text) is not None and not some(text)


def misused(text: str) -> bool:
    """Whether a program told only how it is to be called.

    >>> misused("error: unrecognized subcommand x"), misused("1 passed\\nerror: unknown option")
    (True, False)
    """
    return _MISUSED.search(plain(text)) is not None


def some(text: str) -> bool:
    """Whether an output tells that some test ran and passed, in whoever's words."""
    return _SOME_TEST.search(plain(text)) is not None


@lru_cache(256)  # each failure that waits is compared with each run that passes
def runners(text: str) -> frozenset[str]:
    """Whose closing lines may stand in an output: some of them are written alike.

    >>> sorted(runners("OK\\nmake: *** [test] Error 1"))
    ['make', 'unittest']
    """
    text = plain(text)
    return frozenset(name for name in _ENDINGS if _BAD[name].search(text) or _GOOD[name].search(text))


def of_tests(text: str) -> bool:
    """Whether a test failed, as the closing lines tell, rather than a build or a linter."""
    text = plain(text)
    return any(_BAD[name].search(text) for name in _TESTS)


def _name(kind: str) -> str:
    name = kind.split(" ")[0]
    return _ALIKE.get(name, name)
