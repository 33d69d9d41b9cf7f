"""`/rune:echoes` in the real client: free where the hook answers, a skill where it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.client.claude import REPOSITORY, Client
from tests.client.scripted_api import say

pytestmark = pytest.mark.client


def shown_for_free(client: Client, project: Path) -> str:
    """What `/rune:echoes show` prints, after making sure that it cost no turn, no token and no request."""
    done = client.run("/rune:echoes show", [[say("The model was asked.")]], cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.output["num_turns"] == 0
    assert done.output["usage"]["input_tokens"] == done.output["usage"]["output_tokens"] == 0
    assert done.requests == []
    return str(done.output["result"])


def test_echoes_show_tells_what_was_captured_and_asks_no_model(launched: Client, project: Path) -> None:
    text = shown_for_free(launched, project)
    assert "sessions" in text.lower()
    assert str(project) in text


def test_before_setup_echoes_show_tells_what_to_run_without_asking_the_model(
    client: Client, project: Path
) -> None:
    assert "rune setup" in shown_for_free(client, project)


def test_without_the_hook_the_skill_tells_the_model_which_command_to_run(
    client: Client, project: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    for part in (".claude-plugin", "plugin/skills"):
        shutil.copytree(REPOSITORY / part, bare / part)
    done = client.run("/rune:echoes show", [[say("Shown.")]], cwd=project, plugins=(bare,))
    assert done.output["result"] == "Shown."
    assert "rune echoes show" in str(done.requests[0].body["messages"])
