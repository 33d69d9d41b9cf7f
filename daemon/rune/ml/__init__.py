"""The only room with tensors.

OpenMP's threads spin while they wait for each other unless they are told not to. On a machine that is also
doing something else (a coding agent's test run, say) a spinning thread burns the very core that the other
one needs: a distillation step measured 32 s instead of 1.6 s. The variable is read once, when torch loads,
hence here.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
