"""Runs small Python programs, ours and generated ones, in a process with little room.

A generated program is not trusted: an interpreter without the user's packages, an empty folder, ten seconds,
half a gigabyte, no file may grow. That keeps accidents small; it is no wall against malice.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from rune.errors import RuneError

SECONDS = 10
MEMORY = 512 * 2**20
MARK = "rune-result:"


def results(source: str, name: str, arguments: Sequence[str]) -> list[str]:
    """What ``name`` of the source returns for each argument, as Python writes it.

    Raises:
        RuneError: it does not run.
    """
    found = attempt(source, name, arguments)
    if found is None:
        raise RuneError(f"{name}: expected a function that runs:\n{source}")
    return found


def attempt(source: str, name: str, arguments: Sequence[str]) -> list[str] | None:
    """As ``results``; None where it fails, hangs, or is no Python."""
    program = (
        f"{source}\n\nimport json\n"
        f"print({MARK!r} + json.dumps([repr({name}(x)) for x in [{', '.join(arguments)}]]))\n"
    )
    with tempfile.TemporaryDirectory(prefix="rune-gate-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", program], cwd=folder, capture_output=True, text=True,
                timeout=SECONDS, check=False, preexec_fn=_small, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
    last = done.stdout.rpartition(MARK)[2]
    if done.returncode or not last:
        return None
    try:
        found = json.loads(last)
    except ValueError:
        return None
    return found if len(found) == len(arguments) else None


def _small() -> None:
    """In the child, before it starts."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
