"""``rune serve`` with a real daemon, whose engine is a fake."""

import contextlib
import json
import signal
import socket
import stat
import subprocess
import sys
import time

import httpx
import psutil
import pytest
from click.testing import CliRunner
from tests.conftest import end

from rune import cli, client
from rune.records import message
from rune.records.message import Status
from rune.testing import until

RUN = (sys.executable, "-P", "-m", "rune.testing", "daemon", "--token", "0.02")


@pytest.fixture
def start(home):
    """``start("[serve]\\nenabled = true")``: a daemon that ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(settings: str = "[serve]\nport = 0", more: str = "") -> subprocess.Popen[bytes]:
        home.root.mkdir(exist_ok=True)
        home.config.write_text(f"[daemon]\ntick_seconds = 0.1\n{more}\n{settings}\n")
        started.append(subprocess.Popen(RUN))
        until(lambda: client.running(home.socket))
        return started[-1]

    yield begin
    for one in started:
        end(one)


@pytest.fixture
def rune():
    """``rune("serve")`` is what the command prints."""

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli.main, words)
        assert result.exit_code == code, result.output
        return result.output

    return run


def health(home) -> message.Health:
    found = client.call(home.socket, Status(), 20)
    assert isinstance(found, message.Health)
    return found


def models(url: str, key: str) -> httpx.Response:
    return httpx.get(f"{url}/models", headers={"Authorization": f"Bearer {key}"}, trust_env=False)


def test_it_prints_what_a_client_needs_and_closes_again(start, rune, home, project):
    start()
    told = json.loads(rune("serve", "--project", str(project), "--json"))
    assert told["project"] == str(project)
    assert models(told["base_url"], told["api_key"]).json()["data"][0]["id"] == "rune"
    assert stat.S_IMODE(home.api_keys.stat().st_mode) == 0o600
    said = rune("serve", "--project", str(project))
    assert told["base_url"] in said
    assert told["api_key"] in said, "asking again changes nothing"
    assert told["base_url"] in rune("status")
    new = json.loads(rune("serve", "--project", str(project), "--rotate", "--json"))
    assert models(told["base_url"], told["api_key"]).status_code == 401
    assert models(told["base_url"], new["api_key"]).status_code == 200
    rune("serve", "--stop")
    assert health(home).serving == ""
    with pytest.raises(httpx.ConnectError):
        models(told["base_url"], new["api_key"])


def test_an_open_endpoint_keeps_the_daemon_and_a_closed_one_does_not(start, rune):
    process = start(more="idle_exit_seconds = 1.0")
    rune("serve")
    time.sleep(1.5)
    assert process.poll() is None
    rune("serve", "--stop")
    assert process.wait(20) == 0


def test_the_settings_open_it_with_the_daemon(start, home, rune):
    start("[serve]\nenabled = true\nport = 0")
    until(lambda: health(home).serving)
    assert models(health(home).serving, "none").status_code == 401


def test_a_taken_port_is_one_clear_line_and_the_daemon_lives(start, home, rune):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        start(f"[serve]\nenabled = true\nport = {port}")
        until(lambda: "rune serve --port" in health(home).last_error)
        said = rune("serve", code=1)
        assert f"cannot listen on 127.0.0.1:{port}" in said
        assert "Traceback" not in said
    assert ":0/" not in rune("serve")


def test_without_a_daemon_there_is_nothing_to_close(rune):
    assert "closed" in rune("serve", "--stop")


def test_a_daemon_that_is_told_to_leave_in_the_middle_of_an_answer_leaves(start, rune):
    process = start()
    told = json.loads(rune("serve", "--json"))
    body = {"model": "smollm2-135m-instruct", "prompt": "word " * 300, "max_tokens": 200, "stream": True}
    headers = {"Authorization": f"Bearer {told['api_key']}"}
    with httpx.stream(
        "POST", f"{told['base_url']}/completions", json=body, headers=headers, trust_env=False, timeout=30
    ) as answer:
        lines = answer.iter_lines()
        next(lines)
        below = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(httpx.RemoteProtocolError):
            for _ in lines:
                pass
    assert process.wait(20) == 0
    assert all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in below)
