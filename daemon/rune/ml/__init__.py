"""The only room with tensors.

OpenMP's threads spin while they wait for each other unless they are told not to. On a machine that is also
doing something else (a coding agent's test run, say) a spinning thread burns the very core that the other
one needs: a distillation step measured 32 s instead of 1.6 s. The variable is read once, when torch loads,
hence here.

PEFT imports bitsandbytes, which warns on some processors that one of its optional kernels would have to be
downloaded. That is no matter of whoever typed ``rune recall``, and Rune downloads nothing: the line goes to
the worker's log.
"""

import logging
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _optional_kernel(record: logging.LogRecord) -> bool:
    """Turn one known warning of bitsandbytes into information; anything else stays what it is."""
    if record.levelno == logging.WARNING and "gemm_4bit_forward" in str(record.msg):
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        return logging.getLogger(record.name).isEnabledFor(logging.INFO)
    return True


logging.getLogger("bitsandbytes.backends.cpu.ops").addFilter(_optional_kernel)
