"""Whether this machine can keep a base the way ``quantize`` says: asked of ``rune.ml.quantize``.

In a process of its own: setup imports no tensors, and a library that takes its process down takes no setup
along.
"""

from __future__ import annotations

import subprocess
import sys

from rune.config import ModelConfig


def problem(chosen: ModelConfig) -> str | None:
    """What was expected, what came and what to do, in one line; None where it works."""
    if chosen.quantize == "none":
        return None
    asked = [sys.executable, "-P", "-m", "rune.ml.quantize", chosen.quantize, chosen.device]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if not done.returncode:
        return None
    said = done.stderr.strip().splitlines()
    return said[-1] if said else f"{' '.join(asked)} ended with status {done.returncode}"
