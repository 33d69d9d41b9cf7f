"""Which base model a machine could carry; said to the person, never done by itself."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Proposal:
    """A base and its precision, as ``rune setup --base ... --precision ...`` takes them, and the reason."""

    base: str
    precision: str
    why: str


_LADDER = (
    (48, "Qwen/Qwen2.5-Coder-14B-Instruct", 28),
    (24, "Qwen/Qwen2.5-Coder-7B-Instruct", 15),
    (12, "Qwen/Qwen3-4B-Instruct-2507", 8),
    (6, "Qwen/Qwen2.5-Coder-1.5B-Instruct", 3),
)
"""Free GiB, base, GiB of its weights in bfloat16: about 40% stay for adapters, activations and the cache."""


def propose(free_bytes: int | None) -> Proposal:
    """The largest base that leaves room to learn in; None means that there is no CUDA device."""
    if free_bytes is None:
        return Proposal("smollm2-135m-instruct", "auto", "no CUDA device: the embedded base learns on a CPU")
    for gib, base, weights in _LADDER:
        if free_bytes >= gib * GIB:
            why = f"{free_bytes / GIB:.0f} GiB are free on the GPU; its weights take {weights} GiB"
            return Proposal(base, "bfloat16", why)
    why = f"{free_bytes / GIB:.1f} GiB are free on the GPU: too little for more than the embedded base"
    return Proposal("smollm2-135m-instruct", "bfloat16", why)


def free_gpu_bytes() -> int | None:
    """Free memory of the roomiest GPU that the installed PyTorch can use; asked of the driver, not of torch.

    Importing torch would take seconds, on every run of a command that mostly finds everything done.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None or importlib.metadata.version("torch").endswith("+cpu"):
        return None
    query = [tool, "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        return max(int(line) for line in answer.split()) << 20
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
