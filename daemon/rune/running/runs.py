"""What runs a command line holds, and whether each of them really succeeded.

The status of a line is that of its last command. ``pytest | tail`` exits 0, and only its text says FAILED;
of ``ruff check . && pytest`` only one has failed. So every run is judged by itself: by the status where that
is its own, else by what its runner prints when it ends (``verdicts``), by the status that the line prints,
or not at all. Both capture and import judge commands here, so that a live session and an imported one look
the same.

Covered: compound commands, pipes, ``; echo $?``, ``&& echo yes || echo no``, output that went into a file.
Not covered: programs of one's own that print nothing when they fail behind a pipe.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePosixPath

from rune.running import programs, scopes, verdicts
from rune.running.shell import Simple, parse, pipes

_QUOTES_OTHERS = ("git ", "docker ", "pip ")
"""Families whose output quotes other programs (hooks, layers, builds): only their exit status counts."""
_FILTERS = frozenset(("grep", "egrep", "rg", "ack", "ag"))
"""Programs that fail where they find nothing."""
_SHOWS_THE_END = frozenset(("tail", "cat", "tee", "ts", "less", "more"))
_KILLED = re.compile(r"^(?:Error: )?Exit code (?:124|137|143)\b|Command timed out after", re.M)
_CLIENTS = re.compile(r"\A(?:Error: )?Exit code \d+\n?")
_STATUS = re.compile(r"\$\{?(\?|PIPESTATUS\[0\]|\w+)\}?")
_TESTING = re.compile(r"test|spec|e2e|check")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a line."""

    family: str
    text: str
    """As it is written, without redirects and pipes."""
    folder: str
    """Where it works, from where the line began; empty where that is the same."""
    ok: bool | None
    """Whether it went well; None where nothing tells."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A run inside its line."""

    one: Simple
    family: str
    folder: str
    pipe: tuple[Simple, ...]
    """What its output goes through."""
    after: tuple[Simple, ...]
    """What comes behind its pipe."""
    sure: bool
    """Whether the line's status is its own: it is the last one, or all up to the last one went well."""
    alone: bool
    """Whether it is the only run of the line: then all that is printed may be its own."""


@lru_cache(1024)
def family(command: str) -> str:
    """The family of a command's first run, such as ``pytest`` or ``go test``; empty for looking around.

    >>> family("cd app && pytest -q tests | tail -5"), family("git commit -m pytest"), family("cat notes.txt")
    ('pytest', 'git commit', '')
    """
    return next((name for one in parse(command) if (name := programs.family(one))), "")


@lru_cache(512)  # a session is read several times in a row; what is stored of an output is short
def each(command: str, text: str, ok: bool) -> tuple[Run, ...]:
    """The runs of a line and what became of each.

    >>> said = "All checks passed!\\n1 failed in 2s"
    >>> [(run.family, run.ok) for run in each("ruff check . && pytest", said, False)]
    [('ruff', True), ('pytest', False)]
    >>> [(run.family, run.ok) for run in each("pytest | tail -1; git push", "1 passed in 2s", True)]
    [('pytest', True), ('git push', True)]
    """
    return _judged(command, text, ok)


def _judged(command: str, text: str, ok: bool) -> tuple[Run, ...]:
    places = _places(command)
    if not places or _KILLED.search(text[:200]):
        return ()
    said = text if ok else _CLIENTS.sub("", text)  # its status is the line's, and told by ``ok``
    if ok:
        ends = [_ended(place, said, True if place.sure else None) for place in places]
    else:
        ends = _failing(places, said)
    both = zip(places, ends, strict=True)
    return tuple(Run(place.family, place.one.text, place.folder, end) for place, end in both)


def _places(command: str) -> list[_Place]:
    """The runs of a line: at most one of a pipe."""
    line, strict = [[one for _, one in pipe] for pipe in pipes(command)], "pipefail" in command
    last = max((n for n, pipe in enumerate(line) if pipe[0].joint in (";", "&")), default=0)
    alternative = any(pipe[0].joint == "||" for pipe in line[last:])
    found, folders = [], folders_of([pipe[0] for pipe in line])
    for number, (pipe, folder) in enumerate(zip(line, folders, strict=True)):
        places = [(n, name) for n, one in enumerate(pipe) if (name := programs.family(one))]
        if places:
            n, name = places[0]
            through = tuple(one for one in pipe[n + 1 :] if one.program != "tee" or not strict)
            sure = number >= last and not alternative and (strict or not through) and not pipe[0].background
            after = tuple(one for later in line[number + 1 :] for one in later[:1])
            found.append(_Place(pipe[n], name, folder, through, after, sure, True))
    return [replace(place, alone=len(found) == 1) for place in found]


def folders_of(line: Sequence[Simple], begun: str = "") -> list[str]:
    """Where one is after each command of a line; a subshell's folder ends with it."""
    now: dict[tuple[int, ...], str] = {(): begun}
    found = []
    for one in line:
        outer = next(one.within[:n] for n in range(len(one.within), -1, -1) if one.within[:n] in now)
        now[one.within] = now[outer]
        if one.program == "cd" and len(one.words) == 2:
            now[one.within] = inside(now[one.within], one.words[1])
        found.append(now[one.within])
    return found


def inside(folder: str, step: str) -> str:
    """The folder where one is after ``cd``; nothing where that is not known, or is where one began.

    >>> inside("web", "../api"), inside("web", ".."), inside("web", "/srv"), inside("", "../api")
    ('api', '', '/srv', '../api')
    """
    if step.startswith(("$", "~", "-")) or "$" in step:
        return ""
    parts: list[str] = []
    for part in (PurePosixPath(folder) / step).parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return str(PurePosixPath(*parts)) if parts else ""


def unechoed(command: str, text: str) -> str:
    """An output without what its line prints by itself: ``echo`` says nothing of what failed.

    >>> unechoed('make; echo "exit: $?"', "boom\\nexit: 2")
    'boom'
    """
    echoes = [one for one in parse(command) if one.program == "echo" and not one.writes]
    if not echoes:
        return text
    shapes = [re.sub(r"\\\$(?:\\\{[^}]*\\\}|\\\?|\w+)", ".*", re.escape(_echoed(one))) for one in echoes]
    own = re.compile("|".join(shape for shape in shapes if shape) or r"(?!)")
    return "\n".join(line for line in text.split("\n") if not own.fullmatch(line.strip()))


def _echoed(one: Simple) -> str:
    said = " ".join(word for word in one.words[1:] if not re.fullmatch(r"-[neE]+", word))
    return said.replace("\\n", "").strip()


def _ended(place: _Place, text: str, status: bool | None) -> bool | None:
    """What became of a run of a line that went well as a whole; ``status`` is its own if that is known."""
    if (printed := _printed(place, text)) is not None:
        return printed
    if place.family.startswith(_QUOTES_OTHERS):
        return status
    told = verdicts.told(text, place.family, own=status is not None and not place.alone)
    if told is not False and verdicts.nothing(text, place.family):
        return None
    if told is not None or status is not None:
        return status if told is None else told
    return _unsaid(place, text)


def _unsaid(place: _Place, text: str) -> bool | None:
    """Whether a run went well of which neither status nor closing line is seen: who is silent then, did."""
    shown = {one.program for one in place.pipe}
    if place.one.writes or place.one.background:
        return None
    if verdicts.closes(place.family):
        return True if verdicts.some(text) else None
    if verdicts.misused(text):
        return False
    if shown & _FILTERS:
        counts = any(re.fullmatch(r"-\w*c\w*", word) for one in place.pipe for word in one.words)
        return True if not text.strip() or (counts and text.strip() == "0") else None
    return True if shown <= _SHOWS_THE_END or not text.strip() else None


def _printed(place: _Place, text: str) -> bool | None:
    """What the line itself says of a run: ``; echo "exit $?"``, ``&& echo yes || echo no``."""
    for one in place.after:
        if one.program not in ("echo", "printf"):
            continue
        said = _echoed(one)
        if one.joint == ";" and (found := _STATUS.search(said)):
            if found[1] == "?" and place.pipe:
                return None
            shape = re.escape(said[: found.start()]) + r"(\d+)"
            codes = re.findall(rf"^{shape}", text, re.M)
            return codes[-1] == "0" if codes else None
        plain = one.joint in ("&&", "||") and len(said) > 1 and "$" not in said
        if plain and re.search(rf"^{re.escape(said)}\s*$", text, re.M):
            return one.joint == "&&"
    return None


def _failing(places: Sequence[_Place], text: str) -> list[bool | None]:
    """What became of the runs of a line that failed: one of those whose status it is has."""
    ends: list[bool | None] = [None if place.sure else _ended(place, text, None) for place in places]
    sure = [number for number, place in enumerate(places) if place.sure]
    if not sure:
        return ends if len(places) > 1 else [_alone(places[0], text)]
    own = {n: _ended(places[n], text, None) for n in sure if not places[n].family.startswith(_QUOTES_OTHERS)}
    bad = [n for n in sure if own.get(n) is False]
    open_ = [n for n in sure if own.get(n) is not True or not verdicts.closes(places[n].family)]
    if not (bad or open_):
        return ends
    guilty = _guilty([(n, places[n].family) for n in bad], text) if bad else open_[-1]
    for n in sure:
        ends[n] = False if n == guilty else True if n < guilty else None
    return ends


def _alone(place: _Place, text: str) -> bool | None:
    """What became of the only run of a line that failed behind a pipe, or before ``||``."""
    if {one.program for one in place.pipe} & _FILTERS and not text.strip():
        return None if verdicts.closes(place.family) else True
    told = _ended(place, text, None)
    return False if told is None and not place.pipe else told


def _guilty(bad: Sequence[tuple[int, str]], text: str) -> int:
    """Which of several runs failed that may all have said so: tests or others, and the last of these."""
    testing = verdicts.of_tests(text)
    fitting = [number for number, name in bad if bool(_TESTING.search(name)) == testing]
    return (fitting or [number for number, _ in bad])[-1]


def succeeded(command: str, text: str, flagged: bool) -> bool:
    """Whether a line went well: the client's flag, corrected by what the runners' own output says.

    >>> succeeded("pytest -q | tail -3", "2 failed, 1 passed in 1s", True)
    False
    >>> succeeded("git commit -m x", "1 failed, as the hook says; [main 343e81e] x", True)
    True
    """
    return flagged and all(run.ok is not False for run in _judged(command, text, True))


_PHASES = {
    "mvn": "validate compile test-compile test package integration-test verify install deploy",
    "gradle": "classes compileJava testClasses test check build",
}
"""Goals of which a later one holds all earlier ones."""


def alike(passed: str, failed: str) -> bool:
    """Whether runs of one family tell what became of those of another one.

    >>> alike("pytest", "pytest"), alike("mvn verify", "mvn test"), alike("mvn compile", "mvn test")
    (True, True, False)
    >>> alike("make lint test", "make test"), alike("make lint", "make test lint")
    (True, False)
    """
    if passed == failed:
        return passed != ""
    name, _, goal = passed.partition(" ")
    before, _, earlier = failed.partition(" ")
    if name == before == "make":
        return bool(earlier) and set(earlier.split()) <= set(goal.split())
    phases = _PHASES.get(name, "").split()
    return name == before and {goal, earlier} <= set(phases) and phases.index(earlier) < phases.index(goal)


def verifies(passed: str, failed: str, said: str) -> bool:
    """Whether a run that passed proves that what failed with another one, and said so, is well.

    >>> verifies("pytest", "pytest tests/a.py", ""), verifies("npm -w web test", "npm -w api test", "")
    (True, False)
    """
    return alike(family(passed), family(failed)) and scopes.verifies(passed, failed, said)


def answers(run: str, ok: bool, failed: str, said: str) -> bool:
    """Whether a run tells what became of one that failed before and said so: it failed once more, or is well.

    >>> answers("pytest", True, "pytest a.py", ""), answers("pytest b.py", False, "pytest a.py", "")
    (True, False)
    """
    if ok:
        return verifies(run, failed, said)
    return family(run) == family(failed) != "" and not scopes.apart(run, failed)
