"""``/rune:echoes ...`` typed, or a question of Rune's answered: run it, and hand the text to the client.

The event itself stays unread here: Rune reads it from the same socket, which the kernel says the client
opened. That is how it knows a typed command from one that an agent made up (``rune.echoes.person``).

Whatever goes wrong here ends in exit 0 without output; a typed command then goes on to its skill file.
"""

import os
import shlex
import signal
import subprocess
import sys

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


def typed(argv):
    """What the person sees who typed the command; the model sees nothing of it."""
    if argv is None:
        return {"decision": "block", "reason": SETUP.format(folder=shlex.quote(FOLDER), count=_captured())}
    return {"decision": "block", "reason": _run(argv) or "`rune echoes` printed nothing."}


def answered(argv):
    """What came of the person's answer, for them and for the agent that asked; None where nothing did."""
    if argv is None or not _names(os.path.join("run", "questions")):
        return None
    text = _run(argv)
    said = {"hookEventName": "PostToolUse", "additionalContext": text}
    return {"systemMessage": text, "hookSpecificOutput": said} if text else None


def _run(argv):
    child = subprocess.Popen(
        [*argv, "echoes", "event"],
        stdin=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, errors = child.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return f"`rune echoes` gave no answer within {SECONDS} seconds; try it in a terminal."
    text = out.decode("utf-8", "replace").rstrip()
    if child.returncode:
        text = f"{text}\n{errors.decode('utf-8', 'replace').rstrip()}".strip()
        return text or f"`rune echoes` failed without a word (exit code {child.returncode})."
    return text


def _captured():
    count = sum(name.endswith(".jsonl") for name in _names("spool"))
    return f"{count} {'session is' if count == 1 else 'sessions are'} captured"


def _names(folder):
    try:
        return os.listdir(os.path.join(_link.home(), folder))
    except OSError:
        return []


def main(words=()):
    """Answer the event on stdin."""
    argv = _link.launch(_link.home())
    answer = answered(argv) if list(words) == ["answered"] else typed(argv)
    line = b"" if answer is None else _link.dumps(answer).encode("utf-8", "replace")
    while line:
        line = line[os.write(1, line) :]


if __name__ == "__main__":
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: os._exit(0))
        main(sys.argv[1:])
    except BaseException:  # noqa: BLE001  barrier: the skill file is the fallback
        pass
    finally:
        os._exit(0)
