"""The whole of Rune in the real client: what one session found out, the next one gets back out of weights."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from tests.client import story
from tests.client.claude import RECALL, Client
from tests.client.scripted_api import call, say

from rune import paths
from rune.records import card
from rune.records.card import Card

pytestmark = [pytest.mark.client, pytest.mark.model]

DISTILLED_WITHIN = 900
"""Seconds for closing, loading and distilling on a machine that does other things, too."""


def wait_for_adapter(project: Path, client: Client) -> Card:
    """The first adapter that appears; nobody asks for it, the client has long exited."""
    deadline = time.monotonic() + DISTILLED_WITHIN
    while time.monotonic() < deadline:
        for path in paths.Echoes(project).adapters.glob("*/card.json"):
            return card.read(path)
        time.sleep(1)
    pytest.fail(f"no adapter after {DISTILLED_WITHIN} s\n{_state(project, client)}")


def _state(project: Path, client: Client) -> str:
    """What a person would look at: what runs, what is on disk, the ends of the logs."""
    home = paths.Home(client.rune_home)
    running = [" ".join(process.cmdline()) for process in client.processes()]
    roots = (home.spool, home.run, paths.Echoes(project).root)
    disk = [str(path) for root in roots for path in root.rglob("*")]
    logs = [f"{path.name}: {path.read_text('utf-8', 'replace')[-3000:]}" for path in home.logs.glob("*")]
    return "\n".join(["running:", *running, "on disk:", *disk, "logs:", *logs])


def test_what_one_session_found_out_the_next_gets_back_out_of_weights(set_up: Client, project: Path) -> None:
    quick = "[daemon]\nlearner_nice = 0\n[model]\nthreads = 2\n"  # other tests want the machine, too
    paths.Home(set_up.rune_home).config.write_text(quick, "utf-8")
    first = set_up.run(story.PROMPT, story.fails_and_is_fixed(project), cwd=project)
    assert first.returncode == 0, first.stderr
    made = wait_for_adapter(project, set_up)
    assert made.session == first.output["session_id"]
    assert story.QUESTION not in {question for lesson in made.lessons for question in lesson.questions}

    ask = [[call("WaitForMcpServers")], [call(RECALL, query=story.QUESTION)], [say("As I remember it.")]]
    second = set_up.run("rates.py fails again, do you know why?", ask, cwd=project)
    assert RECALL in second.requests[-1].tools, second.tool_results()
    recalled = json.loads(second.tool_results()[-1])
    assert story.FIX in recalled["answer"], recalled
    assert (recalled["session"], recalled["adapter"]) == (made.session, made.id)
