"""Who is believed to be a person: shown with real processes, sockets and pseudo-terminals."""

from __future__ import annotations

import json
import os
import pty
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rune.echoes import person
from rune.errors import FormatError

TYPED = {
    "hook_event_name": "UserPromptExpansion",
    "session_id": "s1",
    "cwd": "/project",
    "command_name": "rune:echoes",
    "command_args": "etch team x: y",
}
RECEIVE = """
import json
from rune.echoes import person
event = person.receive()
print(json.dumps({"typed": event.typed, "doubt": event.doubt, "caller": repr(event.caller("slash command"))}))
"""
"""What the command does with the event of its hook."""
HOOK = f"import subprocess, sys; sys.exit(subprocess.call({[sys.executable, '-c', RECEIVE]!r}))"
"""A process between the client and the command, as the hook is one."""
OPENS = f"""
import socket, subprocess, sys
ours, theirs = socket.socketpair()
ours.sendall(sys.argv[1].encode())
ours.shutdown(socket.SHUT_WR)
sys.exit(subprocess.call([{sys.executable!r}, "-c", sys.argv[2]], stdin=theirs))
"""
"""What a client does: open a socket, write the event, start the hook on its other end."""
LISTENS = """
import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print(flush=True)
channel, _ = listening.accept()
channel.sendall(sys.argv[2].encode())
channel.close()
"""
AT_TERMINAL = "from rune.echoes import person; print(person.at_terminal())"


@pytest.fixture(autouse=True)
def _no_agent_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(person.MARK, raising=False)
    found = person.at_terminal()
    if isinstance(found, person.Nobody) and "agent" in found.reason:
        pytest.skip(f"who is above these tests decides what they see: {found.reason}")


@pytest.fixture
def client(tmp_path: Path) -> str:
    """A program that is called as the client is."""
    program = tmp_path / "claude"
    program.symlink_to(Path(sys.executable).resolve())
    return str(program)


def below(*command: str) -> str:
    """A program that starts another and waits for it."""
    return f"import subprocess, sys; sys.exit(subprocess.call({list(command)!r}))"


def output(command: list[str], **options: Any) -> str:
    given = options if {"stdin", "input"} & set(options) else {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60, check=True, **given).stdout


def run(command: list[str], **options: Any) -> dict[str, str]:
    found: dict[str, str] = json.loads(output(command, **options))
    return found


def opened_by(program: str, event: dict[str, Any] = TYPED, **options: Any) -> dict[str, str]:
    """What the command makes of an event that this program sent through a socket of its own."""
    return run([program, "-c", OPENS, json.dumps(event), HOOK], **options)


def test_what_is_typed_in_the_client_is_a_persons(client: str) -> None:
    found = opened_by(client)
    assert found["doubt"] == ""
    assert found["typed"] == "etch team x: y"
    assert found["caller"] == repr(person.Person("slash command", "s1"))


def test_an_event_that_comes_through_a_pipe_is_nobodys(client: str) -> None:
    found = run([client, "-c", below(sys.executable, "-c", HOOK)], input=json.dumps(TYPED))
    assert "did not come through the client's own socket" in found["doubt"]


def test_an_event_from_a_program_that_is_no_client_is_nobodys() -> None:
    assert "is no Claude Code" in opened_by(sys.executable)["doubt"]


def test_a_bash_call_that_makes_up_an_event_is_nobodys(client: str) -> None:
    """A program below the client opens a socket of its own and runs the hook on it."""
    shell = below(sys.executable, "-c", OPENS, json.dumps(TYPED), HOOK)
    assert "is no Claude Code" in run([client, "-c", shell])["doubt"]


def test_a_client_that_an_agent_starts_speaks_for_nobody(client: str) -> None:
    nested = below(client, "-c", OPENS, json.dumps(TYPED), HOOK)
    assert "an agent started this client" in run([client, "-c", nested])["doubt"]


def test_a_client_with_the_mark_of_an_agents_shell_speaks_for_nobody(client: str) -> None:
    found = opened_by(client, env={**os.environ, person.MARK: "1"})
    assert "an agent started this client" in found["doubt"]
    assert found["caller"].startswith("Nobody")


def test_a_socket_of_a_client_elsewhere_is_nobodys(client: str, tmp_path: Path) -> None:
    """A socket that some process above opened, handed to a command that does not stand below it."""
    other = subprocess.Popen(
        [client, "-c", LISTENS, str(tmp_path / "sock"), json.dumps(TYPED)], stdout=subprocess.PIPE
    )
    assert other.stdout
    other.stdout.readline()
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(str(tmp_path / "sock"))
        found = run([sys.executable, "-c", RECEIVE], stdin=channel.fileno())
    other.communicate()
    assert "does not stand above" in found["doubt"]


def test_only_the_expansion_of_the_command_is_a_typed_command(client: str) -> None:
    other = {**TYPED, "command_name": "other:echoes"}
    assert opened_by(client, other)["typed"] is None
    assert opened_by(client, {**TYPED, "hook_event_name": "PostToolUse"})["typed"] is None


@pytest.mark.parametrize("raw", [b"", b"no json", b"[1]", b'{"prompt": "x"}'])
def test_what_is_no_event_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "event").write_bytes(raw)
    with (tmp_path / "event").open("rb") as file, pytest.raises(FormatError, match="expected an event"):
        person.receive(file.fileno())


# Terminals


def on_a_terminal(command: list[str], **options: Any) -> str:
    """What a program prints whose standard input and output are a pseudo-terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **options) as process:
            process.wait(60)
            return os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_whoever_sits_at_a_terminal_may_be_a_person() -> None:
    assert "Person(way='terminal'" in on_a_terminal([sys.executable, "-c", AT_TERMINAL])


def test_without_a_terminal_nobody_asks() -> None:
    assert "standard input is no terminal" in output([sys.executable, "-c", AT_TERMINAL])


def test_a_terminal_below_a_client_is_an_agents(client: str) -> None:
    said = on_a_terminal([client, "-c", below(sys.executable, "-c", AT_TERMINAL)])
    assert "an agent runs this command" in said


def test_a_terminal_with_the_mark_of_an_agents_shell_is_an_agents() -> None:
    said = on_a_terminal([sys.executable, "-c", AT_TERMINAL], env={**os.environ, person.MARK: "1"})
    assert "an agent runs this command" in said


@pytest.mark.skipif(shutil.which("script") is None, reason="no script(1) here")
def test_script_makes_no_person_of_an_agent(client: str, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(AT_TERMINAL, "utf-8")
    command = f"{sys.executable} {tmp_path}/ask.py"
    script = below("env", "-u", person.MARK, "script", "-qec", command, "/dev/null")
    assert "an agent runs this command" in output([client, "-c", script])
