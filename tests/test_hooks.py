"""The real hook scripts, run as the client runs them: facts, cuts, failures, the daemon, the command."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs.macos
import platformdirs.unix
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune import files, paths
from rune.echoes.operations import questions
from rune.records import envelope, question
from rune.records.envelope import Envelope
from rune.testing import until

ROOT = Path(__file__).parents[1]
HOOKS = ROOT / "hooks"
CANARY = "ghp_" + "Zq7Wn3Xk9Rt2Lm5Vb8Cy4Hd6Jf1Ps0Ga"


@pytest.fixture(scope="module")
def link() -> ModuleType:
    spec = importlib.util.spec_from_file_location("_link", HOOKS / "_link.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command(script: str, python: str = sys.executable) -> list[str]:
    return [python, "-S", "-E", str(HOOKS / script)]


def payload(event: str = "PostToolUse", **fields: Any) -> bytes:
    return json.dumps({"session_id": "s1", "cwd": "/project", "hook_event_name": event, **fields}).encode()


def emit(raw: bytes, **options: Any) -> None:
    """Run emit.py and insist on exit 0 without a word."""
    environment = {"RUNE_HOME": os.environ["RUNE_HOME"], "PATH": os.environ["PATH"], **options.pop("env", {})}
    python = options.pop("python", sys.executable)
    done = subprocess.run(
        command("emit.py", python), input=raw, capture_output=True, timeout=60, env=environment, **options
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def kept(home: paths.Home, session: str = "s1") -> list[Envelope]:
    path = home.spool / f"{session}.jsonl"
    return [envelope.parse(line) for _, line in files.whole_lines(path)] if path.exists() else []


# What hook and package must agree on


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("data", [None, "", "relative/data", "/data", "/data/./x//y/"])
@pytest.mark.parametrize("user", ["/home/me", "/home/me/", "/", "", "relative", None])
def test_the_home_is_the_packages_home(link, monkeypatch, platform, data, user):
    for name, value in (("XDG_DATA_HOME", data), ("HOME", user)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    maker = platformdirs.macos.MacOS if platform == "darwin" else platformdirs.unix.Unix
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *a, **k: maker(*a, **k).user_data_path)
    for root in ("", "/rune", "/rune/", "//rune", "///a//b/./c", "a/b", "./a", ".", "/a/../b"):
        monkeypatch.setenv("RUNE_HOME", root)
        assert link.home(platform) == str(paths.home().root)
    monkeypatch.delenv("RUNE_HOME")
    assert link.home(platform) == str(paths.home().root)


@given(session=st.text(max_size=120))
def test_the_spool_file_is_named_as_the_package_names_it(link, session):
    assert link.safe_name(session) == paths.safe_name(session)


@pytest.mark.parametrize("folder", ["/" + "x" * 83, "/" + "x" * 84, "/" + "x" * 300, "/" + "é" * 44])
def test_the_socket_is_where_the_package_looks_for_it(link, folder):
    assert link.socket_path(folder) == str(paths.Home(Path(folder)).socket)


def test_the_launch_file_is_read_as_setup_writes_it(link, home):
    assert link.launch(str(home.root)) is None
    home.root.mkdir()
    for text, argv in (
        ('{"v":1,"argv":["/venv/bin/python","-m","rune"]}', ["/venv/bin/python", "-m", "rune"]),
        ('{"v":1,"argv":[]}', None), ('{"argv":"rune"}', None), ('{"argv":[1]}', None), ("[]", None),
        ("{", None), ("", None),
    ):  # fmt: skip
        home.launch.write_text(text, "utf-8")
        assert link.launch(str(home.root)) == argv


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(value=json_values)
def test_json_is_read_and_written_as_json_does(link, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert link.dumps(value) == text
    assert link.loads(f" \n{text}\t") == value


@pytest.mark.parametrize("text", ["", "{", "{}{}", "nul", "{'a':1}", '{"a":}', "\ufeff{}", "[" * 100_000])
def test_what_json_refuses_is_refused(link, text):
    with pytest.raises((ValueError, RecursionError)):
        json.loads(text)
    with pytest.raises((ValueError, RecursionError)):
        link.loads(text)


# What is kept


def test_an_event_becomes_one_envelope(home):
    emit(payload(tool_name="Bash", tool_input={"command": "ls"}, extra=[1, 2.5, None, True, "é\ud800"]))
    (event,) = kept(home)
    assert (event.event, event.session, event.project) == ("PostToolUse", "s1", "/project")
    assert event.client == os.getpid()
    assert event.payload["tool_input"] == {"command": "ls"}
    assert event.payload["extra"] == [1, 2.5, None, True, "é?"]
    assert (event.redactions, event.cut) == ({}, 0)
    assert abs(event.at - time.time()) < 60


def test_the_clients_project_wins_over_the_folder_of_the_moment(home):
    emit(payload(), env={"CLAUDE_PROJECT_DIR": "/the/project"})
    assert kept(home)[0].project == "/the/project"


def test_folders_and_files_are_private(home):
    emit(payload())
    assert (home.root.stat().st_mode & 0o777, home.spool.stat().st_mode & 0o777) == (0o700, 0o700)
    assert (home.spool / "s1.jsonl").stat().st_mode & 0o777 == 0o600


def test_secrets_are_counted_and_never_written(home):
    response = {"stdout": f"token {CANARY}", "password": "hunter2"}
    emit(payload(tool_response=response, prompt="DB_PASSWORD=hunter2"))
    assert kept(home)[0].redactions == {"github-token": 1, "password": 2}
    assert not any(secret in (home.spool / "s1.jsonl").read_text("utf-8") for secret in (CANARY, "hunter2"))


def test_rune_own_command_is_no_event_of_the_session(home):
    emit(payload("UserPromptExpansion", command_name="rune:echoes", prompt="/rune:echoes show"))
    assert kept(home) == []
    emit(payload("UserPromptExpansion", command_name="review", prompt="/review"))
    assert len(kept(home)) == 1


def test_sixty_writers_at_once_lose_and_mix_nothing(home):
    text = "word " * 8000
    environment = {"RUNE_HOME": str(home.root)}
    running = [
        subprocess.Popen(command("emit.py"), stdin=subprocess.PIPE, env=environment) for _ in range(60)
    ]
    for number, child in enumerate(running):
        assert child.stdin
        child.stdin.write(payload(number=number, tool_response=text))
        child.stdin.close()
    assert [child.wait(60) for child in running] == [0] * 60
    events = kept(home)
    assert sorted(event.payload["number"] for event in events) == list(range(60))
    assert len({event.id for event in events}) == 60


def test_a_torn_line_of_a_crash_does_not_swallow_the_next(home):
    home.spool.mkdir(parents=True)
    (home.spool / "s1.jsonl").write_bytes(b'{"v":1,"id":"to')
    emit(payload())
    lines = (home.spool / "s1.jsonl").read_bytes().splitlines()
    assert lines[0] == b'{"v":1,"id":"to'
    assert envelope.parse(lines[1]).session == "s1"


# What is cut


def line_of(home: paths.Home) -> str:
    (path,) = home.spool.iterdir()
    raw = path.read_bytes()
    assert len(raw) <= 64 << 10
    path.unlink()
    return raw.decode()


def whole_or_gone(line: str) -> bool:
    return not any(CANARY[at : at + 6] in line for at in range(len(CANARY) - 6))


@pytest.mark.parametrize("before", ["x", " ", "word ", "\n", '"a":"b",', "é"])
def test_no_cut_leaves_half_a_secret(home, link, before):
    window, margin = link.WINDOW // 2, link.MARGIN
    borders = [*(limit // 2 for limit in link.LIMITS), window, window - margin, margin]
    for size in (20_000, 70_000, 300_000):
        texts = []
        for border in borders:
            for shift in (0, 6, 20, len(CANARY)):
                for at in (border - shift, size - border - shift):
                    filler = before * (size // len(before))
                    texts.append(filler[: max(0, at - 1)] + "\n" + CANARY + "\n" + filler[at:])
        for text in texts:
            assert whole_or_gone(link.envelope(payload(tool_response=text))[2].decode())
        emit(payload(tool_response=texts[0]))
        assert whole_or_gone(line_of(home))


@pytest.mark.parametrize("where", [0, 32_700, 28_600, 5_000_000, -32_800, -28_800, -60])
def test_ten_megabytes_are_kept_by_head_and_tail(home, where):
    text = "lorem ipsum " * 870_000
    where %= len(text)
    emit(payload(tool_response={"stdout": f"{text[:where]} {CANARY} {text[where:]}"}))
    line = line_of(home)
    event = envelope.parse(line.encode())
    assert whole_or_gone(line)
    assert event.payload["tool_response"]["stdout"].startswith(("lorem ipsum", " [redacted:github-token]"))
    assert event.payload["tool_response"]["stdout"].endswith(("lorem ipsum ", "m "))
    assert "characters cut]" in line
    assert 10_300_000 < event.cut < 10_500_000


@pytest.mark.parametrize(
    "fields",
    [
        {"tool_response": ["x" * 100] * 5000},
        {"tool_response": {f"key{n}": "value " * 20 for n in range(5000)}},
        {"tool_response": [{"a": [f"text {n} " * 30 for n in range(150)]} for _ in range(150)]},
        {"tool_response": "\U0001f600" * 60_000, "tool_input": {"a": "ü" * 60_000, "b": '"\\\n' * 9000}},
        {"x" * 300_000: 1, **{"y" * 300 + str(n): "z" * 300 for n in range(190)}},
        {"tool_response": [["" for _ in range(200)] for _ in range(200)]},
    ],
    ids=["list", "object", "nested", "wide characters", "long keys", "many empty"],
)
def test_no_shape_of_payload_makes_a_line_too_long(home, fields):
    emit(payload(**fields))
    event = envelope.parse(line_of(home).encode())
    assert (event.event, event.payload["session_id"]) == ("PostToolUse", "s1")
    assert event.cut > 0


def test_a_small_field_is_whole_beside_a_huge_one(home):
    emit(payload(tool_input={"command": "pytest -q"}, tool_response={"stdout": "x " * 500_000}))
    assert kept(home)[0].payload["tool_input"] == {"command": "pytest -q"}


# What fails


@pytest.mark.parametrize(
    "raw",
    [b"no json password=hunter2", b'{"session_id":"s1"', b"[1]", b"\xff\xfe\x00", b'"text"', b"[" * 200_000,
     b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"n":' + b"9" * 5000 + b"}" * 2],
    ids=["text", "torn", "list", "bytes", "string", "deep list", "deep object", "huge number"],
)  # fmt: skip
def test_what_is_no_event_is_kept_as_it_came_without_its_secrets(home, raw):
    emit(raw)
    (event,) = kept(home, "unparsed")
    assert event.payload["unparsed"]
    assert b"hunter2" not in (home.spool / "unparsed.jsonl").read_bytes()


def test_a_payload_that_never_seems_to_end_is_kept_by_head_and_tail(home):
    emit(b'{"session_id":"s1","a":"' + b"lorem ipsum " * 2_900_000 + CANARY.encode() + b' the end"}')
    (event,) = kept(home, "unparsed")
    assert event.payload["unparsed"].startswith('{"session_id":"s1","a":"lorem')
    assert event.payload["unparsed"].endswith('[redacted:github-token] the end"}')


def test_no_input_leaves_nothing(home):
    emit(b"")
    assert not home.root.exists()


def test_a_closed_stdin_and_closed_outputs_are_no_error(home):
    for closed in ("<&-", ">&- 2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *command("emit.py")], input=payload())
        assert done.returncode == 0
    assert len(kept(home)) == 1


@pytest.mark.parametrize("room", [0, 1, 40, 200])
def test_a_full_disk_leaves_whole_lines_only(home, room):
    resource = pytest.importorskip("resource")
    emit(payload())
    before = (home.spool / "s1.jsonl").read_bytes()
    limit = len(before) + room
    emit(payload(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert (home.spool / "s1.jsonl").read_bytes() == before


def test_half_a_pyc_left_by_a_full_disk_stops_no_hook(home, tmp_path):
    for folder in ("hooks", "daemon/rune/redact"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "daemon/rune/__init__.py").write_text("", "utf-8")
    script = [sys.executable, "-S", "-E", str(tmp_path / "hooks" / "emit.py")]
    for _ in range(2):
        assert subprocess.run(script, input=payload(), capture_output=True).stderr == b""
        for pyc in tmp_path.rglob("*.pyc"):
            pyc.write_bytes(pyc.read_bytes()[:-100])
    assert len(kept(home)) == 2


def test_a_home_that_cannot_be_made_is_no_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", "utf-8")
    for root in (blocked, blocked / "below", Path("/proc/rune"), tmp_path / ("x" * 300)):
        emit(payload("SessionStart"), env={"RUNE_HOME": str(root)})


def test_a_folder_that_cannot_be_written_is_no_error(home):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    home.spool.mkdir(parents=True)
    home.spool.chmod(0o500)
    emit(payload())
    home.spool.chmod(0o700)
    assert kept(home) == []


@pytest.mark.parametrize("user", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_no_home_at_all_is_no_error(user):
    nobody = "import pwd, runpy\ndef unknown(uid): raise KeyError(uid)\npwd.getpwuid = unknown\n"
    code = nobody + f"runpy.run_path({str(HOOKS / 'emit.py')!r})"
    script = [sys.executable, "-S", "-E", "-c", code]
    done = subprocess.run(script, input=payload("SessionStart"), capture_output=True, env=user)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_hook_with_exit_0_and_no_word(number):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    child = subprocess.Popen(command("emit.py"), **pipes)
    assert child.stdin
    child.stdin.write(b"x" * 200_000)  # more than a pipe holds: the hook has begun to read
    child.stdin.flush()
    child.send_signal(number)
    out, errors = child.communicate(timeout=60)
    assert (child.returncode, out, errors) == (0, b"", b"")


# The daemon


def announce(home: paths.Home, code: str) -> Path:
    """A launch file whose Python runs ``code`` with the path of a file to write, and that path."""
    home.root.mkdir(exist_ok=True)
    made = home.root / "made"
    argv = [sys.executable, "-c", f"import json, os, sys, time\npath = {str(made)!r}\n{code}"]
    home.launch.write_text(json.dumps({"v": 1, "argv": argv}), "utf-8")
    return made


SAYS = """
parts = [os.getpid(), os.getppid(), os.getsid(0), os.getcwd(), sys.argv[1:], sorted(os.environ)]
parts.append([os.readlink(f"/proc/self/fd/{n}") for n in range(3)] if os.path.exists("/proc/self") else [])
import json
open(path + ".part", "w").write(json.dumps(parts))
os.rename(path + ".part", path)
time.sleep(1.5)
"""


@pytest.mark.parametrize("event", ["SessionStart", "SessionEnd"])
def test_a_starting_or_ending_session_starts_the_daemon_on_its_own(home, event):
    made = announce(home, SAYS)
    environment = {"GITHUB_TOKEN": "x", "CLAUDE_PROJECT_DIR": "/p", "KEEP": "1"}
    begun = time.monotonic()
    emit(payload(event), env=environment)
    until(made.exists, 20)
    waited = time.monotonic() - begun
    pid, _, session, folder, arguments, names, descriptors = json.loads(made.read_text("utf-8"))
    assert arguments == ["daemon", "run"]
    assert (session, folder) == (pid, "/")
    assert {"RUNE_HOME", "KEEP"} <= set(names)
    assert not {"GITHUB_TOKEN", "CLAUDE_PROJECT_DIR"} & set(names)
    assert descriptors in ([], ["/dev/null", *[str(home.logs / "launch.log")] * 2])
    assert waited < 20, "the hook holds no pipe of the daemon, so it was not waited for"
    os.kill(pid, 0)  # it lives on after the hook
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("event", ["PostToolUse", "Stop", "UserPromptSubmit"])
def test_no_other_event_starts_it(home, event):
    made = announce(home, SAYS)
    emit(payload(event))
    time.sleep(0.2)
    assert not made.exists()


@pytest.fixture
def listener(home: paths.Home) -> Iterator[socket.socket]:
    """A daemon that hangs: it listens and never accepts."""
    home.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home.socket))
        server.listen(1)
        yield server


def test_a_daemon_that_hangs_is_not_waited_for_and_not_doubled(home, listener):
    made = announce(home, SAYS)
    for _ in range(6):  # its queue overflows
        emit(payload("SessionStart"))
    time.sleep(0.2)
    assert not made.exists()
    assert len(kept(home)) == 6


def test_the_socket_of_a_dead_daemon_does_not_hide_that_it_is_dead(home, listener):
    listener.close()
    made = announce(home, SAYS.replace("1.5", "0"))
    emit(payload("SessionStart"))
    until(made.exists, 20)


def test_a_launch_file_that_leads_nowhere_is_no_error(home):
    home.root.mkdir()
    home.launch.write_text('{"argv":["/no/such/python"]}', "utf-8")
    emit(payload("SessionStart"))
    assert len(kept(home)) == 1


# The typed command


def typed(arguments: str, *prefix: str) -> dict[str, Any] | None:
    raw = payload("UserPromptExpansion", command_name="rune:echoes", command_args=arguments, cwd=str(ROOT))
    done = subprocess.run([*(prefix or command("echoes.py"))], input=raw, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout) if done.stdout else None


def test_a_typed_command_is_handed_to_rune_unread_and_its_text_shown(home):
    """Rune reads the event itself, from the client's own channel: that is how it knows who typed."""
    announce(home, "print(sys.argv[1:], json.load(sys.stdin)['command_args'])")
    shown = typed("show 'a b' $(touch /tmp/x); it")
    assert shown == {"decision": "block", "reason": "['echoes', 'event'] show 'a b' $(touch /tmp/x); it"}


def test_a_failing_command_shows_what_it_said(home):
    announce(home, "print('so far'); sys.exit('Error: no such entry')")
    assert typed("prune") == {"decision": "block", "reason": "so far\nError: no such entry"}


def test_before_setup_the_person_is_told_what_to_do_and_what_is_captured(home):
    shown = typed("show")
    assert shown
    assert f"pip install --constraint {ROOT}/constraints.txt {ROOT}\n    rune setup" in shown["reason"]
    assert "0 sessions are captured" in shown["reason"]
    emit(payload())
    assert "1 session is captured" in str(typed("show"))


def test_a_command_that_hangs_is_ended_and_said_so(home):
    made = announce(home, "open(path, 'w').write(str(os.getpid())); time.sleep(60)")
    code = f"import sys; sys.path.insert(0, {str(HOOKS)!r}); import echoes; echoes.SECONDS = 1; echoes.main()"
    shown = typed("show", sys.executable, "-S", "-E", "-c", code)
    assert shown
    assert "no answer within 1 seconds" in shown["reason"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(made.read_text("utf-8")), 0)


def test_a_crash_of_the_command_hook_leaves_the_answer_to_the_skill(home):
    home.root.mkdir()
    home.launch.write_text('{"argv":["/no/such/python"]}', "utf-8")
    done = subprocess.run(command("echoes.py"), input=payload(), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def answered() -> dict[str, Any] | None:
    """What the hook says to an AskUserQuestion that was answered."""
    raw = payload("PostToolUse", tool_name="AskUserQuestion")
    done = subprocess.run([*command("echoes.py"), "answered"], input=raw, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout) if done.stdout else None


def test_an_answer_is_handed_to_rune_only_while_a_question_of_its_waits(home):
    made = announce(home, "open(path, 'w').write('ran'); print(json.load(sys.stdin)['tool_name'])")
    assert answered() is None
    assert not made.exists()
    question.write(questions.folder(home), question.Question("7f3a1c", "/project", ("reset",), 1.0))
    said = answered()
    assert said
    assert said["systemMessage"] == "AskUserQuestion"
    assert said["hookSpecificOutput"] == {
        "hookEventName": "PostToolUse",
        "additionalContext": "AskUserQuestion",
    }


def test_an_answer_that_is_no_business_of_runes_goes_by_without_a_word(home):
    question.write(questions.folder(home), question.Question("7f3a1c", "/project", ("reset",), 1.0))
    assert answered() is None, "not set up"
    announce(home, "pass")
    assert answered() is None


# The scripts themselves

SOURCES = [*HOOKS.glob("*.py"), *(ROOT / "daemon/rune/redact").glob("*.py"), ROOT / "daemon/rune/__init__.py"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_hook_is_python_3_9_and_imports_the_standard_library_only(path):
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
    allowed = {*sys.stdlib_module_names, "_link", "rune.redact", "rune.redact.plausible"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.module in allowed or str(node.module).split(".")[0] in allowed


def test_an_ordinary_event_imports_none_of_the_slow_modules(home):
    code = f"import sys; sys.path.insert(0, {str(HOOKS)!r}); import _link; _link.emit(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", code], capture_output=True, text=True, input=payload().decode()
    )
    slow = {"re", "json", "enum", "typing", "pathlib", "subprocess", "socket", "signal", "hashlib"}
    assert not slow & set(done.stdout.split())
    assert len(kept(home)) == 1


def test_the_oldest_python_runs_the_hooks(home):
    found = [shutil.which("python3.9"), *map(str, Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))]
    works = (p for p in found if p and not subprocess.run([p, "-c", ""], capture_output=True).returncode)
    python = next(works, None)
    if python is None:
        pytest.skip("no python3.9 here")
    emit(payload(prompt=f"DB_PASSWORD=hunter2 {CANARY}"), python=python)
    assert kept(home)[0].redactions == {"password": 1, "github-token": 1}
    assert "rune setup" in str(typed("show", *command("echoes.py", python)))


def test_every_event_is_hooked_without_a_shell_and_with_a_limit():
    hooks = json.loads((HOOKS / "hooks.json").read_text("utf-8"))["hooks"]
    groups = [(event, group) for event in hooks for group in hooks[event]]
    entries = [(event, group.get("matcher"), hook) for event, group in groups for hook in group["hooks"]]
    assert {event for event, _, hook in entries if hook["args"][-1].endswith("emit.py")} == set(hooks)
    assert set(hooks) == {
        "SessionStart", "UserPromptSubmit", "UserPromptExpansion", "PostToolUse", "PostToolUseFailure",
        "Stop", "StopFailure", "SubagentStop", "PreCompact", "SessionEnd",
    }  # fmt: skip
    matched = {matcher: (event, hook["args"][2:]) for event, matcher, hook in entries if matcher}
    ours = "${CLAUDE_PLUGIN_ROOT}/hooks/echoes.py"
    assert matched == {
        "^rune:echoes$": ("UserPromptExpansion", [ours]),
        "^AskUserQuestion$": ("PostToolUse", [ours, "answered"]),
    }
    for _, _, hook in entries:
        assert (hook["type"], hook["command"], hook["args"][:2]) == ("command", "python3", ["-S", "-E"])
        assert (ROOT / hook["args"][2].replace("${CLAUDE_PLUGIN_ROOT}/", "")).is_file()
        assert hook["timeout"] <= 15
        assert "async" not in hook, "a session of `claude -p` ends before its asynchronous hooks do"
