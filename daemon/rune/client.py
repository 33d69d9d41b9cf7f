"""One typed call over the daemon's socket."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rune.errors import DaemonUnavailable
from rune.records import message

LINE_LIMIT = 8 * 1024 * 1024


def call(path: Path, request: message.Request, timeout: float) -> message.Answer:
    """Send one request to the daemon and wait for its answer.

    Args:
        path: the daemon's socket.
        request: any request of ``rune.records.message``.
        timeout: seconds for the whole exchange.

    Raises:
        DaemonUnavailable: nobody listens, or no whole answer came in time.
    """
    deadline = time.monotonic() + timeout
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout)
            link.connect(str(path))
            link.sendall(message.encode(request))
            line = _line(link, deadline)
    except TimeoutError:
        raise DaemonUnavailable(
            f"the daemon did not answer within {timeout:g} s; see `rune status`"
        ) from None
    except OSError as error:
        raise DaemonUnavailable(
            f"no daemon on {path} ({error.strerror}); start it with `rune daemon start`"
        ) from None
    answer = message.decode(line)
    assert isinstance(answer, message.Answer)
    return answer


def _line(link: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        link.settimeout(max(0.001, deadline - time.monotonic()))
        piece = link.recv(65536)
        if not piece or len(received) > LINE_LIMIT:
            raise DaemonUnavailable("the daemon closed the connection before it answered; see `rune logs`")
        received += piece
    return bytes(received)


def running(path: Path) -> bool:
    """Whether a daemon listens on this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(1.0)
        try:
            link.connect(str(path))
        except OSError:
            return False
    return True


def ensure(path: Path, argv: Sequence[str], wait: float = 10.0) -> None:
    """Start a daemon, detached, if none listens; return when one does.

    Raises:
        DaemonUnavailable: none came up within ``wait`` seconds.
    """
    if running(path):
        return
    nowhere = subprocess.DEVNULL
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            argv, stdin=nowhere, stdout=nowhere, stderr=said, start_new_session=True, cwd="/"
        )
        deadline = time.monotonic() + wait
        while time.monotonic() < deadline:
            if running(path):
                return
            if child.poll():
                said.seek(0)
                last = said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
                why = f"the daemon ended at once (exit status {child.returncode})"
                raise DaemonUnavailable(f"{why}: {last}" if last else f"{why}; see `rune logs`")
            time.sleep(0.05)
    raise DaemonUnavailable(
        f"a daemon was started but does not answer on {path} after {wait:g} s; see `rune logs`"
    )
