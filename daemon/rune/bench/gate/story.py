"""A task as the session in which an agent wrote it: an attempt that fails, its reason, the fix, the proof."""

from __future__ import annotations

from collections.abc import Iterable

from rune.bench.gate import execution
from rune.bench.gate.procedures import Task
from rune.errors import RuneError
from rune.records.trajectory import Event, Execution, Generation, Prompt, Reflection, SessionEnd, Trajectory


def session(task: Task) -> Trajectory:
    """The trajectory; it shows the source, and the results of the shown inputs alone."""
    path, test = f"{task.name}.py", f"pytest -q test_{task.name}.py"
    argument, expected, got = _failure(task)
    shown = "\n".join(f"{task.name}({argument}) returns {result}" for argument, result in task.shown)
    body = task.source.strip().splitlines()[-1].strip()
    events: Iterable[Event] = (
        Prompt("e1", 1.0, f"Write {task.name}(x) in {path}: it should {task.about}."),
        Generation("e2", 2.0, "Write", path, task.wrong),
        Execution("e3", 3.0, "Bash", test, f"E   AssertionError: {task.name}({argument}) gave {got}, "
                  f"expected {expected}\n1 failed", False),
        Reflection("e4", 4.0, f"The test failed because the first {task.name} left a part out. "
                   f"It has to be: {body}."),
        Generation("e5", 5.0, "Edit", path, task.source, task.wrong),
        Execution("e6", 6.0, "Bash", test, "3 passed", True),
        Execution("e7", 7.0, "Bash", f"python try_{task.name}.py", shown, True),
        Reflection("e8", 8.0, f"{task.name}(x) is in {path}. Its body is `{body}`. "
                   + ". ".join(shown.splitlines()) + "."),
        SessionEnd("e9", 9.0, "other"),
    )  # fmt: skip
    return Trajectory(f"gate-{task.name}", "/gate", "demo", 1.0, tuple(events), "SessionEnd")


def _failure(task: Task) -> tuple[str, str, str]:
    """A shown input that the first attempt gets wrong: argument, result, what it gave.

    Raises:
        RuneError: there is none; the session would tell of a failure that never was.
    """
    got = execution.results(task.wrong, task.name, [argument for argument, _ in task.shown])
    for (argument, result), other in zip(task.shown, got, strict=True):
        if other != result:
            return argument, result, other
    raise RuneError(f"{task.name}: expected a shown input on which the first attempt fails")
