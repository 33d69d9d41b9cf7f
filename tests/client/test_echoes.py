"""`/rune:echoes` in the real client: free where the hook answers, a skill where it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.client.claude import REPOSITORY, Client
from tests.client.scripted_api import say

pytestmark = pytest.mark.client


def test_echoes_show_is_printed_without_a_turn_a_token_or_a_request(client: Client, project: Path) -> None:
    done = client.run("/rune:echoes show", [[say("The model was asked.")]], cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.output["num_turns"] == 0
    assert done.output["usage"]["input_tokens"] == done.output["usage"]["output_tokens"] == 0
    assert done.requests == []
    assert "sessions" in done.output["result"].lower()


def test_without_the_hook_the_skill_tells_the_model_which_command_to_run(
    client: Client, project: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    for part in (".claude-plugin", "plugin/skills"):
        shutil.copytree(REPOSITORY / part, bare / part)
    done = client.run("/rune:echoes show", [[say("Shown.")]], cwd=project, plugins=(bare,))
    assert done.output["result"] == "Shown."
    assert "rune echoes show" in str(done.requests[0].body["messages"])
