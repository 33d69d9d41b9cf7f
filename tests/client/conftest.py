"""Fixtures of the real client: installed once per machine, a fresh home for every test."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client import story
from tests.client.claude import REPOSITORY, Client, ClientUnavailable, install

from rune import paths
from rune.records import launch
from rune.records.launch import Launch


@pytest.fixture(scope="session")
def claude_cli() -> Path:
    """The pinned client; the tests are skipped with the reason where it cannot be had, and fail under CI."""
    cache = Path(os.environ.get("RUNE_TEST_CACHE") or REPOSITORY / ".cache") / "claude-code"
    try:
        return install(cache)
    except ClientUnavailable as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def client(claude_cli: Path, tmp_path: Path) -> Iterator[Client]:
    """A client with its own HOME and RUNE_HOME; what it leaves running is ended."""
    made = Client(claude_cli, tmp_path / "user", tmp_path / "rune")
    made.home.mkdir()
    made.rune_home.mkdir(mode=0o700)
    yield made
    made.stop()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project that the story plays in."""
    return story.prepare(tmp_path / "project")


@pytest.fixture
def launched(client: Client) -> Client:
    """The client on a machine where hooks and the MCP entry know how to start Rune's own Python."""
    launch.write(paths.Home(client.rune_home).launch, Launch((sys.executable, "-m", "rune")))
    return client


@pytest.fixture
def set_up(launched: Client, request: pytest.FixtureRequest) -> Client:
    """The client on a machine where `rune setup` has run: a launch file, and each model linked."""
    given = os.environ.get("RUNE_TEST_MODELS")
    models = Path(given) if given else request.getfixturevalue("models")
    home = paths.Home(launched.rune_home)
    home.models.mkdir()
    for model in models.resolve().iterdir():
        (home.models / model.name).symlink_to(model)
    return launched
