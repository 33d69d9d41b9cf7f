"""The plugin as the real client sees it: valid, installable from the repository, cheap while nobody asks."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.client.claude import RECALL, REPOSITORY, Client
from tests.client.scripted_api import call, say

import rune
from rune import paths

ALWAYS_ON_TOKENS = 150
"""What the plugin may add to every session before anybody asks it anything."""


def manifest(name: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads((REPOSITORY / ".claude-plugin" / name).read_text("utf-8"))
    return loaded


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """The committed state of the repository, as somebody who adds it as a marketplace gets it."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout: there is no committed state to install from")
    copy = tmp_path / "released"
    copy.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", copy], input=archive.stdout, check=True)
    return copy


def test_manifest_and_package_have_one_version() -> None:
    assert manifest("plugin.json")["version"] == rune.__version__


def test_the_manifest_leaves_hooks_to_discovery() -> None:
    assert "hooks" not in manifest("plugin.json"), "naming hooks/hooks.json again is an error in the client"


def test_no_skill_hands_typed_arguments_to_a_shell() -> None:
    for path in sorted((REPOSITORY / "plugin" / "skills").glob("*/SKILL.md")):
        assert "!`" not in path.read_text("utf-8"), f"{path}: a shell block would run what a person typed"


@pytest.mark.client
@pytest.mark.parametrize("what", [".", ".claude-plugin/plugin.json", ".claude-plugin/marketplace.json"])
def test_the_client_accepts_the_manifests_strictly(client: Client, what: str) -> None:
    assert "Validation passed" in client.command("plugin", "validate", "--strict", what, cwd=REPOSITORY)


@pytest.mark.client
def test_installed_from_the_repository_it_captures_a_session(
    client: Client, released: Path, project: Path
) -> None:
    client.command("plugin", "marketplace", "add", str(released), cwd=project)
    client.command("plugin", "install", f"rune@{manifest('marketplace.json')['name']}", cwd=project)
    done = client.run("Say hello.", [[say("Hello.")]], cwd=project, plugins=())
    assert done.output["result"] == "Hello."
    session = done.output["session_id"]
    assert list(paths.Home(client.rune_home).spool.glob(f"*{session}*"))


@pytest.mark.client
def test_the_plugin_costs_few_tokens_while_nobody_asks(
    client: Client, released: Path, project: Path, record_property: Callable[[str, object], None]
) -> None:
    client.command("plugin", "marketplace", "add", str(released), cwd=project)
    client.command("plugin", "install", f"rune@{manifest('marketplace.json')['name']}", cwd=project)
    details = client.command("plugin", "details", "rune", cwd=project)
    found = re.search(r"[Aa]lways[- ]on:?\D*([\d,]+)", details)
    assert found, details
    tokens = int(found[1].replace(",", ""))
    record_property("always_on_tokens", tokens)
    assert tokens <= ALWAYS_ON_TOKENS, details


@pytest.mark.client
def test_before_setup_the_recall_tool_tells_the_model_what_the_person_must_do(
    client: Client, project: Path
) -> None:
    ask = [[call("WaitForMcpServers")], [call(RECALL, query="Why did it fail?")], [say("I see.")]]
    done = client.run("Do you know why it failed?", ask, cwd=project)
    assert RECALL in done.requests[-1].tools, done.stderr
    assert "rune setup" in done.tool_results()[-1]
