"""Real sessions of the real client, before `rune setup` has run: what the hooks leave in the spool."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psutil
import pytest
from tests.client import story
from tests.client.claude import REPOSITORY, Client
from tests.client.scripted_api import call, say

from rune import files, paths
from rune.records import envelope
from rune.records.envelope import Envelope

pytestmark = pytest.mark.client

STEPS = {"SessionStart", "UserPromptSubmit", "PostToolUse", "PostToolUseFailure", "Stop", "SessionEnd"}


def spooled(client: Client) -> list[Envelope]:
    """Every envelope in the spool, in the order of its file."""
    found = sorted(paths.Home(client.rune_home).spool.glob("*.jsonl"))
    return [envelope.parse(line) for path in found for _, line in files.whole_lines(path)]


def test_a_session_lies_in_the_spool_in_the_order_it_happened(client: Client, project: Path) -> None:
    done = client.run(story.PROMPT, story.fails_and_is_fixed(project), cwd=project)
    assert done.returncode == 0, done.stderr
    kept = [entry for entry in spooled(client) if entry.event in STEPS]
    assert [(entry.event, entry.payload.get("tool_name")) for entry in kept] == [
        ("SessionStart", None),
        ("UserPromptSubmit", None),
        ("PostToolUse", "Write"),
        ("PostToolUseFailure", "Bash"),
        ("PostToolUse", "Edit"),
        ("PostToolUse", "Bash"),
        ("Stop", None),
        ("SessionEnd", None),
    ]
    assert [entry.at for entry in kept] == sorted(entry.at for entry in kept)
    assert {entry.session for entry in kept} == {done.output["session_id"]}


def test_envelopes_carry_what_the_tools_were_given_and_said(client: Client, project: Path) -> None:
    client.run(story.PROMPT, story.fails_and_is_fixed(project), cwd=project)
    by_event = {(entry.event, entry.payload.get("tool_name")): entry.payload for entry in spooled(client)}
    assert by_event["UserPromptSubmit", None]["prompt"] == story.PROMPT
    assert by_event["PostToolUse", "Write"]["tool_input"]["file_path"].endswith("rates.py")
    assert "UnicodeDecodeError" in by_event["PostToolUseFailure", "Bash"]["error"]
    assert story.FIX in by_event["PostToolUse", "Edit"]["tool_input"]["new_string"]
    assert story.TOTAL in json.dumps(by_event["PostToolUse", "Bash"]["tool_response"])
    assert story.FIX in by_event["Stop", None]["last_assistant_message"]


def test_every_envelope_names_the_project_and_the_clients_process(client: Client, project: Path) -> None:
    below = project / "src"
    below.mkdir()
    done = client.run("Say hello.", [[say("Hello.")]], cwd=below)
    kept = spooled(client)
    assert kept
    assert {entry.client for entry in kept} == {done.pid}
    assert {paths.project_root(Path(entry.project)) for entry in kept} == {project}


def test_hooks_say_nothing_to_the_model_before_setup(client: Client, project: Path) -> None:
    done = client.run("Say hello.", [[say("Hello.")]], cwd=project)
    assert done.output["result"] == "Hello."
    assert "hook" not in done.stderr.lower()
    assert "hook additional context" not in str(done.requests[0].body["messages"])


def test_before_setup_nothing_of_rune_outlives_the_client(client: Client, project: Path) -> None:
    client.run("Say hello.", [[say("Hello.")]], cwd=project)
    _, left = psutil.wait_procs(client.processes(), timeout=20)
    assert not left


def test_the_end_is_marked_although_the_client_cuts_a_slow_end_hook_off(
    client: Client, project: Path, tmp_path: Path
) -> None:
    slow = _plugin_that_sleeps_at_the_end(tmp_path / "slow", tmp_path / "traces")
    done = client.run("Say hello.", [[say("Hello.")]], cwd=project, plugins=(REPOSITORY, slow))
    assert "Hook cancelled" in done.stderr
    assert [path.name for path in (tmp_path / "traces").iterdir()] == ["started"]
    assert spooled(client)[-1].event == "SessionEnd"


def test_a_client_that_is_killed_leaves_a_process_id_that_is_gone(client: Client, project: Path) -> None:
    done = client.run("Say hello.", [[call("Bash", command="kill -9 $PPID")]], cwd=project)
    assert done.returncode != 0
    kept = spooled(client)
    assert kept
    assert "SessionEnd" not in {entry.event for entry in kept}
    assert not any(psutil.pid_exists(entry.client) for entry in kept)


def _plugin_that_sleeps_at_the_end(root: Path, traces: Path) -> Path:
    """A plugin whose SessionEnd hook declares a minute and wants half of it."""
    traces.mkdir()
    (root / "hooks").mkdir(parents=True)
    (root / ".claude-plugin").mkdir()
    (root / ".claude-plugin" / "plugin.json").write_text('{"name": "slow", "version": "0.0.1"}', "utf-8")
    (root / "end.py").write_text(
        "import pathlib, sys, time\n"
        "traces = pathlib.Path(sys.argv[1])\n"
        "(traces / 'started').touch()\n"
        "time.sleep(30)\n"
        "(traces / 'finished').touch()\n",
        "utf-8",
    )
    hook = {"type": "command", "command": sys.executable, "timeout": 60,
            "args": ["${CLAUDE_PLUGIN_ROOT}/end.py", str(traces)]}  # fmt: skip
    hooks = {"hooks": {"SessionEnd": [{"hooks": [hook]}]}}
    (root / "hooks" / "hooks.json").write_text(json.dumps(hooks), "utf-8")
    return root
