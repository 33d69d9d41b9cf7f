import json
import socket

import pytest
from click.testing import CliRunner

from rune import cli, config
from rune.setup import Installer, Problem, check, client_settings, doctor, run
from rune.setup.health import daemon_problem, twins


@pytest.fixture
def installer(home, embedded):
    return Installer(home, embedded=embedded)


@pytest.fixture
def launched(home):
    """``launched(text)``: a hook has started a daemon that said this."""

    def said(text: str) -> None:
        home.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home.logs / "launch.log").write_text(text)

    return said


def test_check_says_how_to_mend_what_is_missing(home):
    assert [problem.way_out for problem in check(home, config.ModelConfig())] == ["run `rune setup`"] * 3


def test_check_finds_a_python_that_is_gone_and_an_open_home(installer, home):
    run(installer)
    home.launch.write_text(json.dumps({"v": 1, "argv": ["/gone/python", "-m", "rune"]}))
    home.root.chmod(0o755)
    gone, opened = check(home, config.ModelConfig())
    assert gone == Problem(f"{home.launch} names /gone/python, which cannot be run", "run `rune setup`")
    assert opened.way_out == f"chmod 700 {home.root}"
    run(installer)
    assert check(home, config.ModelConfig()) == [opened]


def test_what_is_wrong_and_the_way_out_are_said_once_each(home):
    for problem in check(home, config.ModelConfig()):
        assert "rune setup" not in problem.what


def test_a_record_of_a_newer_rune_is_answered_with_an_update(installer, home):
    record = run(installer).base / "rune-model.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "v": 99}))
    (problem,) = check(home, config.ModelConfig())
    assert problem.way_out == "update rune-memory"
    assert "update" not in problem.what


def test_a_daemon_that_did_not_start_is_quoted(home, launched):
    assert daemon_problem(home) is None
    lines = [*(f"line {number}" for number in range(20)), "ModuleNotFoundError: No module named 'rune'"]
    launched("\n".join(lines))
    problem = daemon_problem(home)
    assert problem
    assert problem.what.endswith("line 19\n    ModuleNotFoundError: No module named 'rune'")
    assert "line 3\n" not in problem.what
    assert "rune daemon start" in problem.way_out


@pytest.mark.parametrize("said", ["", "\n", "another daemon lives already\n"])
def test_a_daemon_that_said_nothing_of_note_is_no_problem(home, launched, said):
    launched(said)
    assert daemon_problem(home) is None


def test_while_a_daemon_runs_what_an_earlier_one_said_is_no_problem(home, launched):
    launched("Error: the disk is full\n")
    home.socket.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(str(home.socket))
        daemon.listen()
        assert daemon_problem(home) is None
    assert daemon_problem(home)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"enabledPlugins": {"rune@rune-memory": True}}, []),
        ({"enabledPlugins": {"rune@rune-memory": True, "rune@other": False}}, []),
        ({"enabledPlugins": {"rune@a": True, "rune@b": ["1.0"], "x@a": True}}, ["rune@a", "rune@b"]),
        ({"enabledPlugins": ["rune@a", "rune@b"]}, []),
        ({}, []),
        (["rune@a"], []),
        (None, []),
    ],
)
def test_two_plugins_called_rune_are_told_apart_from_one(settings, found):
    assert twins(settings) == found


def test_doctor_warns_of_two_plugins_called_rune(installer, home, tmp_path, monkeypatch):
    run(installer)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    assert doctor(home, config.ModelConfig(), client_settings()) == []
    client_settings().write_text("{torn")
    assert doctor(home, config.ModelConfig(), client_settings()) == []
    client_settings().write_text(json.dumps({"enabledPlugins": {"rune@a": True, "rune@b": True}}))
    (problem,) = doctor(home, config.ModelConfig(), client_settings())
    assert "rune@a, rune@b" in problem.what
    shown = CliRunner().invoke(cli.main, ["doctor"])
    assert shown.exit_code == 1
    assert shown.output == f"{problem.what}\n  -> {problem.way_out}\n1 problem(s)\n"
