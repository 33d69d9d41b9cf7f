"""Result files: ``docs/results/<name>.json`` with what ran, where, and what came out.

{"command", "commit", "machine", "seed", "summary": {metric: number}, "rows": [...]}
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from rune.errors import FormatError

ROOT = Path(__file__).parents[3]


def write(name: str, result: dict[str, Any], seed: int = 0) -> Path:
    """Write a result file into the checkout and print its summary."""
    made = path(name)
    made.parent.mkdir(parents=True, exist_ok=True)
    program = Path(sys.argv[0]).name
    arguments = ["rune" if program == "__main__.py" else program, *sys.argv[1:]]
    whole = {"command": " ".join(arguments), "commit": commit(), "machine": machine(), "seed": seed, **result}
    staged = made.with_suffix(".new")  # later runs go on from the file: a crash must not tear it
    staged.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")
    staged.replace(made)
    for key, value in result["summary"].items():
        print(f"{key:32} {value}")
    print(f"written: {made.relative_to(ROOT)}")
    return made


def path(name: str) -> Path:
    """Where a result file lies in the checkout."""
    return ROOT / "docs" / "results" / f"{name}.json"


def named(bench: str, model: str, default: str) -> str:
    """What a result is called: one of another model than the default has the model in its name.

    >>> named("context", "qwen2.5-coder-1.5b-instruct", "smollm2-135m-instruct")
    'context_qwen2_5_coder_1_5b_instruct'
    >>> named("context", "smollm2-135m-instruct", "smollm2-135m-instruct")
    'context'
    """
    return bench if model == default else f"{bench}_" + re.sub(r"\W", "_", model)


def earlier(file: Path, whence: Sequence[str]) -> dict[str, Any] | None:
    """The result file of an earlier run, which a later one goes on from; None: there is none.

    Each of its rows says where it comes from: by ``whence`` (of "commit", "machine"), if it does not yet.

    Raises:
        FormatError: somebody changed it.
    """
    if not file.is_file():
        return None
    try:
        past = json.loads(file.read_bytes())
        tag, rows = {name: past[name] for name in whence}, past["rows"]
        if not isinstance(rows, list):
            raise TypeError(f"rows are {type(rows).__name__}")
        return {**past, "rows": [{**tag, **row} for row in rows]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise changed(file, error) from None


def changed(file: Path, error: Exception) -> FormatError:
    """The error of a result file that lacks what its bench has written into it."""
    back = f"take it back with `git checkout -- {file.name}` there, or delete it to measure anew"
    return FormatError(f"{file}: expected a result of {file.stem}, found {error!r}: {back}")


def commit() -> str:
    """The commit of the checkout, with ``+`` where files differ from it."""
    ours = _git("status", "--porcelain", "--untracked-files=no", "daemon", "hooks", "plugin")
    return (_git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if ours else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """Processor, cores, memory and versions: what the figures belong to."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "transformers": _version("transformers"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.processor(),
    )


def _version(package: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - only result files need it

    return version(package)
