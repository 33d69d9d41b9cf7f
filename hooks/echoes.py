"""``/rune:echoes ...``: run the command and hand its text to the client, at no token of the model.

Whatever goes wrong here ends in exit 0 without output; the client then goes on to the command's skill file.
"""

import os
import shlex
import signal
import subprocess

import _link

SECONDS = 9
"""How long a typed command may take; the client waits a little longer."""
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SETUP = """Rune is not set up on this machine yet. In a terminal, in a clone of Rune's repository:
    make setup
    .venv/bin/rune setup
or, without a clone, in an environment of your own with Python 3.11 or newer:
    pip install --constraint {folder}/constraints.txt {folder}
    rune setup
{count} so far; they become memories once it is."""


def answer(payload):
    """The text for the person who typed the command."""
    argv = _link.launch(_link.home())
    if argv is None:
        return SETUP.format(folder=shlex.quote(FOLDER), count=_captured())
    typed = payload.get("command_args") or ""
    try:
        words = shlex.split(typed)
    except ValueError:  # an apostrophe is no quotation
        words = typed.split()
    cwd = payload.get("cwd")
    child = subprocess.Popen(
        [*argv, "echoes", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd if isinstance(cwd, str) and os.path.isdir(cwd) else None,
        env={**os.environ, "RUNE_TYPED_BY_PERSON": "1"},
        start_new_session=True,
    )
    try:
        out, errors = child.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return f"`rune echoes {typed}` gave no answer within {SECONDS} seconds; try it in a terminal."
    text = out.decode("utf-8", "replace").rstrip()
    if child.returncode:
        text = f"{text}\n{errors.decode('utf-8', 'replace').rstrip()}".strip()
    return text or f"`rune echoes {typed}` printed nothing (exit code {child.returncode})."


def _captured():
    try:
        files = os.listdir(os.path.join(_link.home(), "spool"))
    except OSError:
        files = []
    count = sum(name.endswith(".jsonl") for name in files)
    return f"{count} {'session is' if count == 1 else 'sessions are'} captured"


def main():
    """Answer the event on stdin."""
    raw, _ = _link.read(0)
    payload = _link.loads(raw.decode("utf-8"))
    line = _link.dumps({"decision": "block", "reason": answer(payload)}).encode("utf-8", "replace")
    while line:
        line = line[os.write(1, line) :]


if __name__ == "__main__":
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: os._exit(0))
        main()
    except BaseException:  # noqa: BLE001  barrier: the skill file is the fallback
        pass
    finally:
        os._exit(0)
