"""What a hook does: redact, cut, append one line to the spool, and see that the daemon runs.

Hooks run before anything is installed, under the user's own python3 and without site-packages: standard
library only, Python 3.9 syntax, and few imports, because every import is paid on every tool call. Five facts
are shared with the package and held equal by tests/test_hooks.py: the home, the spool file, the socket, the
launch file (``rune.paths``) and the envelope (``rune.records.envelope``).

Covered: payloads of any size and shape, bytes that are no JSON, a closed stdin, a full disk, folders that
cannot be written, no HOME, a daemon that is dead or hung, signals.
Not covered: a python3 older than 3.9 or missing (the client then reports the hook as failed and goes on).
"""

import os
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "daemon"))

from rune.redact import assigned, redact, redact_value  # found through the line above

VERSION = 1
READ_LIMIT = 32 << 20
"""Bytes of a payload that are read as JSON; a longer one is kept by its head and tail."""
LINE_LIMIT = 64 << 10
"""Bytes of one spool line."""
WINDOW = 64 << 10
"""Characters of one string that are looked at: half from its head, half from its tail."""
MARGIN = 4 << 10
"""Characters dropped at a window's inner edge, where a secret may begin or end outside of the window."""
TOTAL = 1 << 20
"""Characters of one payload that are looked at."""
LIMITS = (16000, 8000, 4000, 2000, 1000, 400, 120)
"""Characters that are left of a string, tried in this order until the line fits."""
MANY = 200
"""Items of a list or an object that are kept."""
COMMON = ("session_id", "transcript_path", "cwd", "hook_event_name", "tool_name", "tool_use_id", "agent_id")
SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
SOCKET_LIMIT = 100


def emit():
    """Keep the event on stdin; a starting or ending session also starts the daemon."""
    raw, whole = read(0)
    if not raw.strip():
        return
    event, session, line = envelope(raw, whole)
    if line:
        append(os.path.join(home(), "spool", safe_name(session) + ".jsonl"), line)
    if event in ("SessionStart", "SessionEnd"):
        start_daemon()


def home(platform=sys.platform):
    """The same folder as ``rune.paths.home()``."""
    given = os.environ.get("RUNE_HOME")
    if given:
        return _plain(given)
    data = os.environ.get("XDG_DATA_HOME", "")
    if not data.startswith("/"):
        data = _expand("~/Library/Application Support" if platform == "darwin" else "~/.local/share")
    return _plain(data + "/rune")


def _plain(path):
    """As pathlib writes a path: no doubled, trailing or single-dot parts."""
    root = "" if path[:1] != "/" else "//" if path[:2] == "//" and path[:3] != "///" else "/"
    return root + "/".join(part for part in path.split("/") if part not in ("", ".")) or "."


def _expand(path):
    if "HOME" in os.environ and not os.environ["HOME"].startswith("/"):
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir.rstrip("/") + path[1:]
    expanded = os.path.expanduser(path)
    if not expanded.startswith("/"):
        raise OSError("no home folder: set HOME or RUNE_HOME")
    return expanded


def safe_name(session):
    """The same as ``rune.paths.safe_name``."""
    return "".join(c if c in SAFE else "_" for c in session).lstrip(".")[:80] or "unnamed"


def socket_path(root):
    """The same path as ``rune.paths.Home.socket``."""
    path = os.path.join(root, "run", "daemon.sock")
    if len(os.fsencode(path)) <= SOCKET_LIMIT:
        return path
    import hashlib
    import tempfile

    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return os.path.join(tempfile.gettempdir(), f"rune-{os.getuid()}", f"{digest}.sock")


def launch(root):
    """How to start Rune's Python, or None before ``rune setup`` has run."""
    try:
        with open(os.path.join(root, "launch.json"), "rb") as file:
            found = loads(file.read().decode("utf-8"))
    except (OSError, ValueError):
        return None
    argv = found.get("argv") if isinstance(found, dict) else None
    return argv if isinstance(argv, list) and argv and all(isinstance(part, str) for part in argv) else None


def read(descriptor):
    """Everything on a descriptor, and whether it is whole; of too much, the head and the tail."""
    parts, size, tail = [], 0, b""
    while True:
        part = os.read(descriptor, 1 << 20)
        if not part:
            return b"".join(parts) + tail, size <= READ_LIMIT
        size += len(part)
        if size <= READ_LIMIT:
            parts.append(part)
        else:
            tail = (tail + part)[-4 * WINDOW :]


def envelope(raw, whole=True):
    """Event, session and spool line of a payload; the line is empty where nothing is to be kept."""
    try:
        payload = loads(raw.decode("utf-8")) if whole else None
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        return "Unparsed", "unparsed", _unparsed(raw)
    event = str(payload.get("hook_event_name") or "Unknown")[:100]
    session = str(payload.get("session_id") or "unnamed")[:200]
    if event == "UserPromptExpansion" and str(payload.get("command_name")) == "rune:echoes":
        return event, session, b""  # typed to Rune, not to the agent
    try:
        return event, session, _line(event, session, payload)
    except RecursionError:
        return event, session, _unparsed(raw, event, session)


def _line(event, session, payload):
    left = [TOTAL, 0]
    payload, redactions = redact_value(_narrow(payload, left), _windowed)
    for limit in LIMITS:
        cut = [left[1]]
        line = _wrap(event, session, _shorten(payload, limit, cut), redactions, cut[0])
        if len(line) <= LINE_LIMIT:
            return line
    kept = {name: payload[name] for name in COMMON if isinstance(payload.get(name), str)}
    kept = _shorten(kept, LIMITS[-1], [0])
    kept["unparsed"], gone = _cut(dumps(payload), LIMITS[2])
    return _wrap(event, session, kept, redactions, left[1] + gone)


def _unparsed(raw, event="Unparsed", session="unparsed"):
    text, redactions = _windowed(raw.decode("utf-8", "replace"))
    text, _ = _cut(text, LIMITS[2])
    return _wrap(event, session, {"unparsed": text}, redactions, max(0, len(raw) - len(text)))


def _wrap(event, session, payload, redactions, cut):
    now = time.time_ns()
    project = os.environ.get("CLAUDE_PROJECT_DIR") or payload.get("cwd")
    record = {
        "v": VERSION,
        "id": f"{now}-{os.getpid()}",
        "at": now / 1e9,
        "event": event,
        "session": session,
        "project": project if isinstance(project, str) and project else os.getcwd(),
        "client": os.getppid(),
        "redactions": redactions,
        "cut": cut,
        "payload": payload,
    }
    return dumps(record).encode("utf-8", "replace") + b"\n"


def _narrow(value, left):
    """Without the middle of long lists, the rest of large objects, and what goes beyond TOTAL characters."""
    if isinstance(value, str):
        seen = min(len(value), WINDOW)
        if seen > left[0]:
            left[1] += len(value)
            return _mark(len(value))
        left[0] -= seen
        return value
    if isinstance(value, list):
        if len(value) > MANY:
            gone = value[MANY // 2 : -MANY // 2]
            left[1] += len(dumps(gone))
            value = [*value[: MANY // 2], f"…[{len(gone)} items cut]…", *value[-MANY // 2 :]]
        return [_narrow(item, left) for item in value]
    if isinstance(value, dict):
        items = list(value.items())
        left[1] += len(dumps(dict(items[MANY:]))) if len(items) > MANY else 0
        made = {}
        for number, (key, item) in enumerate(items[:MANY]):
            if len(key) > 200:
                left[1] += len(key)
                key = f"{_mark(len(key))} {number}"
            made[key] = _narrow(item, left)
        return made
    return value


def _windowed(text):
    """Redact one string; of a huge one its head and tail, less what a secret could reach across the edges."""
    if len(text) <= WINDOW:
        return redact(text)
    head, counts = redact(text[: WINDOW // 2])
    tail, more = redact(text[-WINDOW // 2 :])
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count
    head, tail = head[:-MARGIN], tail[MARGIN:]
    start = min((at for at in map(tail.find, " \n\"',;") if at >= 0), default=len(tail))
    tail = tail[start:]  # a secret longer than the margin ends with its word
    return head + _mark(max(1, len(text) - len(head) - len(tail))) + tail, counts


def _shorten(value, limit, cut):
    if isinstance(value, str):
        value, gone = _cut(value, limit)
        cut[0] += gone
        return value
    if isinstance(value, list):
        return [_shorten(item, limit, cut) for item in value]
    if isinstance(value, dict):
        return {key: _shorten(item, limit, cut) for key, item in value.items()}
    return value


def _cut(text, limit):
    """Head and tail of a redacted string, and how much is gone, an earlier cut included."""
    if len(text) <= limit:
        return text, 0
    head, middle, tail = text[: limit // 2], text[limit // 2 : -limit // 2], text[-limit // 2 :]
    earlier = middle.partition("…[")[2].partition(" characters cut]…")[0]
    gone = len(middle) + (int(earlier) if earlier.isdecimal() and len(earlier) < 12 else 0)
    return head + _mark(gone) + tail, gone


def _mark(count):
    return f"…[{count} characters cut]…"


class _Rules:
    """For ``json``'s C scanner, used without ``json``, which imports ``re``."""

    strict, object_hook, object_pairs_hook, memo = False, None, None, None
    parse_float, parse_int, parse_constant = float, int, float


def loads(text):
    """The same value as ``json.loads(text, strict=False)``; ValueError where it is no JSON."""
    text = text.strip(" \t\n\r")
    try:
        from _json import make_scanner

        value, end = make_scanner(_Rules)(text, 0)
    except (ImportError, StopIteration, SystemError):  # the scanner cannot name an error without json
        import json

        return json.loads(text, strict=False)
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def dumps(value):
    """The same text as ``json.dumps(value, ensure_ascii=False, separators=(",", ":"))``."""
    try:
        from _json import encode_basestring, make_encoder

        encode = make_encoder(None, None, encode_basestring, None, ":", ",", False, False, True)
        return "".join(encode(value, 0))
    except (ImportError, TypeError):
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def append(path, line):
    """Add one line with one write; a line that does not fit on the disk is taken back."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        folder = os.path.dirname(path)
        os.makedirs(os.path.dirname(folder), 0o700, exist_ok=True)
        os.makedirs(folder, 0o700, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # close what a crash tore; where another is only writing, an empty line is left
    written = os.write(descriptor, line)
    if written < len(line):
        end = os.lseek(descriptor, 0, os.SEEK_CUR)
        if os.fstat(descriptor).st_size == end:  # nobody has written behind it
            os.ftruncate(descriptor, end - written)
    os.close(descriptor)


def start_daemon():
    """Start the daemon, detached, if it is installed and none listens; races end in the daemon's own lock."""
    root = home()
    argv = launch(root)
    if argv is None or _listens(socket_path(root)) or os.fork():
        return
    try:
        os.setsid()
        logs = os.path.join(root, "logs")
        os.makedirs(logs, 0o700, exist_ok=True)
        null = os.open(os.devnull, os.O_RDWR)
        log = os.open(os.path.join(logs, "launch.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for target, source in enumerate((null, log, log)):
            os.dup2(source, target)
        os.closerange(3, 256)  # pipes of the client would keep it waiting
        if root.startswith("/"):
            os.chdir("/")
        os.execve(argv[0], [*argv, "daemon", "run"], _environment())  # noqa: S606  no shell is the point
    finally:
        os._exit(0)


def _environment():
    """The environment of a resident process: without the client's session and without anybody's secrets."""
    return {
        name: value
        for name, value in os.environ.items()
        if assigned.kind(name) is None and (name == "CLAUDE_CONFIG_DIR" or not name.startswith("CLAUDE"))
    }


def _listens(path):
    """Whether a daemon holds the socket, without waiting for one that hangs."""
    import _socket

    probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        probe.setblocking(False)
        probe.connect(path)
    except BlockingIOError:
        return True  # its queue is full: it is there
    except OSError:
        return False
    finally:
        probe.close()
    return True
