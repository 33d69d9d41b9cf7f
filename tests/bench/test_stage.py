"""The stage: recorded sessions through the real hooks into a real daemon, without a model."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rune import arcs, client
from rune.bench import demo, stage
from rune.errors import NotSetUp, RuneError
from rune.paths import Echoes, Home
from rune.records import job as journal
from rune.records import trajectory
from rune.records.job import Job
from rune.records.trajectory import Execution, Generation, Prompt, Reflection
from rune.testing import until

SESSION = demo.DATA / "other_session.jsonl"
RECORDED = Path(__file__).parents[1] / "data" / "transcripts" / "recorded"


@pytest.fixture
def theatre(tmp_path: Path) -> Iterator[stage.Stage]:
    """A stage whose models folder is empty: nothing can be distilled."""
    (tmp_path / "models").mkdir()
    made = stage.Stage(tmp_path / "stage", tmp_path / "models")
    yield made
    made.close()


def test_the_payloads_of_a_transcript_are_those_of_a_live_session(tmp_path: Path) -> None:
    told = list(stage.payloads(SESSION, tmp_path, tmp_path / "told.jsonl"))
    names = [payload["hook_event_name"] for payload in told]
    assert (names[0], names[1]) == ("SessionStart", "UserPromptSubmit")
    assert names[-2:] == ["Stop", "SessionEnd"]
    assert "PostToolUse" in names
    assert {payload["cwd"] for payload in told} == {str(tmp_path)}
    assert len({payload["session_id"] for payload in told}) == 1


def test_a_failed_call_becomes_the_payload_of_a_failure(tmp_path: Path) -> None:
    told = list(stage.payloads(demo.DATA / "session.jsonl", tmp_path, tmp_path / "told.jsonl"))
    failures = [payload for payload in told if payload["hook_event_name"] == "PostToolUseFailure"]
    assert failures
    assert all("Error" in payload["error"] for payload in failures)


def test_every_path_of_the_recorded_folder_is_told_as_the_stages_project(tmp_path: Path) -> None:
    (main,) = RECORDED.glob("*.jsonl")
    told = json.dumps(list(stage.payloads(main, tmp_path, tmp_path / "told.jsonl")))
    assert "/home/dev/shop" not in told
    assert str(tmp_path) in told


def test_a_file_without_a_session_is_refused_by_name(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"type": "summary"}\n')
    with pytest.raises(RuneError, match=r"empty\.jsonl: expected a session of the client"):
        list(stage.payloads(empty, tmp_path, tmp_path / "told.jsonl"))


def closed(path: Path) -> bool:
    """Whether a trajectory is there and closed; one that is being made has no header yet."""
    return path.exists() and path.stat().st_size > 0 and bool(trajectory.read(path).closed)


def test_the_agents_words_fall_between_failure_and_fix_as_when_recorded(theatre: stage.Stage) -> None:
    project = theatre.project("project")
    session = theatre.play(demo.DATA / "session.jsonl", project)
    path = Echoes(project).trajectory(session)
    until(lambda: closed(path))
    found = [arc for arc in arcs.find(trajectory.read(path).events) if arc.solved]
    assert ["cp1252" in found[0].diagnosis[0], "parse_amount" in found[1].diagnosis[0]] == [True, True]


def test_a_home_without_models_says_what_to_run(home: Home) -> None:
    with pytest.raises(NotSetUp, match="rune setup"):
        stage.models_of(home)


def test_a_played_session_is_captured_closed_and_queued_by_the_real_daemon(theatre: stage.Stage) -> None:
    project = theatre.project("shop")
    session = theatre.play(SESSION, project)
    with pytest.raises(RuneError, match="no adapter of session"):
        theatre.wait_for_adapter(project, session, lambda job: None, timeout=3)
    path = Echoes(project).trajectory(session)
    until(lambda: closed(path))
    past = trajectory.read(path)
    assert {type(event) for event in past.events} >= {Prompt, Generation, Execution, Reflection}
    until(lambda: theatre.job(project, session))
    job = theatre.job(project, session)
    assert job is not None
    assert job.waiting or job.state == "started"


def test_waiting_ends_at_once_when_the_job_made_nothing(theatre: stage.Stage) -> None:
    project = theatre.project("shop")
    journal.append(theatre.home.jobs, Job("k", "s1", str(project), "done", 1.0, reason="no lessons"))
    with pytest.raises(RuneError, match="s1 did not become an adapter: no lessons"):
        theatre.wait_for_adapter(project, "s1", lambda job: None)


def test_closing_waits_until_the_daemon_is_gone(theatre: stage.Stage) -> None:
    theatre.start()
    pid = theatre.health().pid
    theatre.close()
    assert not client.running(theatre.home.socket)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_stage_leaves_the_persons_own_home_alone(theatre: stage.Stage, home: Home) -> None:
    theatre.play(SESSION, theatre.project("shop"))
    assert not home.root.exists()


def test_a_daemon_that_a_hook_was_just_starting_does_not_stay(theatre: stage.Stage) -> None:
    theatre.play(SESSION, theatre.project("shop"))
    theatre.close()
    time.sleep(1.0)  # for one that comes late
    mine = [one for one in psutil.process_iter() if theatre.environment["RUNE_HOME"] == _home_of(one)]
    assert mine == []


def _home_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("RUNE_HOME", "") if process.pid != os.getpid() else ""
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
