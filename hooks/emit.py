"""Every hook event but Rune's own command: keep it in the spool, say nothing, exit 0. See ``_link.py``."""

import os
import sys

try:
    import _signal  # signal itself imports enum, which costs as much as the rest of the hook

    for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
        _signal.signal(number, lambda *_: os._exit(0))
    try:
        import _link
    except (EOFError, ValueError, TypeError):  # a full disk has left half of a .pyc: do without
        sys.pycache_prefix = os.devnull
        import _link
    _link.emit()
except BaseException:  # noqa: BLE001  barrier: a memory must never be in the agent's way
    pass
finally:
    os._exit(0)  # at once: nothing is buffered, and tearing Python down takes as long as a write
