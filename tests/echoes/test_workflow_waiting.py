"""Which closed sessions wait for the text memory, and until when."""

from __future__ import annotations

import shutil

import pytest

from rune.gather import GATHERING, Gatherer
from rune.gather.gatherer import BATCH, PATIENCE
from rune.jobs import Jobs
from rune.paths import Echoes
from rune.records import gathered, trajectory
from rune.testing import FakeSession


@pytest.fixture
def problems():
    return []


@pytest.fixture
def gatherer(home, clock):
    return Gatherer(home, clock, lambda pid, seen: None)


@pytest.fixture
def run(gatherer, problems):
    return lambda: gatherer.run(lambda project, error: problems.append(str(error)))


@pytest.fixture
def close(write_session, gatherer, echoes):
    """``close("s1")``: a session ends and waits."""

    def end(name="s1", **given):
        content = trajectory.read(write_session(name, **given)).content_hash
        gatherer.add(echoes.project, name, content)
        return content

    return end


def taken(echoes):
    return [one.session for one in gathered.read(echoes.gathered)]


def test_a_closed_session_is_taken_in_once(run, close, echoes):
    close()
    assert len(run()) == 1
    close()
    assert run() == []
    assert taken(echoes) == ["s1"]
    assert echoes.memory("workers").is_file()


def test_while_another_session_is_at_work_it_waits_for_another_try(run, close, home, project, clock, echoes):
    close()
    busy = FakeSession(home, project, "s2", clock=clock)
    busy.prompt("Go on.")
    assert run() == []
    assert taken(echoes) == []
    busy.stop("Done.")
    assert run() == [], "not every other second"
    assert taken(echoes) == []
    clock.advance(PATIENCE)
    assert len(run()) == 1


def test_what_waits_is_found_again_after_a_restart(run, gatherer, write_session, home, clock, echoes):
    """The journal of jobs names every closed session."""
    jobs = Jobs(home.jobs, clock)
    for name in ("s1", "s2"):
        content = trajectory.read(write_session(name)).content_hash
        jobs.enqueue(name, str(echoes.project), content)
    gatherer.resume(jobs.all())
    run()
    assert sorted(taken(echoes)) == ["s1", "s2"]
    gatherer.resume(jobs.all())
    assert run() == []


def test_an_import_is_taken_in_as_one(run, gatherer, write_session, clock, echoes):
    for name in ("s1", "s2", "s3"):
        content = trajectory.read(write_session(name)).content_hash
        gatherer.add(echoes.project, name, content, GATHERING)
        assert run() == []
        clock.advance(1)
    clock.advance(GATHERING)
    assert len(run()) == 1
    assert len(taken(echoes)) == 3


def test_of_years_of_sessions_only_the_newest_are_read(run, close, echoes):
    for number in range(BATCH + 3):
        close(f"s{number:02}", at=1795176000.0 + number)
    (done,) = run()
    assert sum(done.added.values()) <= 10
    lines = list(gathered.read(echoes.gathered))
    assert len(lines) == BATCH + 3
    assert {one.session for one in lines[-3:]} == {"s00", "s01", "s02"}, "left for good"


def test_findings_are_taken_in_although_the_session_itself_had_nothing_new(run, close, echoes, entry, store):
    from rune.echoes import findings

    close()
    run()
    findings.record(store, "reviewer", "ash", [entry("Unused imports")])
    close()
    assert len(run()) == 1
    assert findings.pending(echoes) == []


def test_a_session_that_goes_on_or_is_forgotten_is_not_taken_in(run, close, gatherer, echoes):
    close("s1", closed=False)
    close("s2")
    gatherer.forget(echoes.project, "s2")
    assert run() == []
    assert taken(echoes) == []


def test_a_project_that_is_gone_is_no_problem(run, close, problems, project):
    close()
    shutil.rmtree(project)
    assert run() == []
    assert problems == []


def test_a_record_of_a_newer_rune_is_left_alone_and_named(run, close, problems, echoes):
    echoes.gathered.parent.mkdir(parents=True, exist_ok=True)
    echoes.gathered.write_text('{"v":2}\n')
    close()
    assert run() == []
    assert "update rune-memory" in problems[0]
    assert not echoes.memory("workers").exists()


def test_projects_do_not_wait_for_each_other(run, gatherer, close, home, project, clock, tmp_path, echoes):
    other = tmp_path / "other"
    (other / ".git").mkdir(parents=True)
    FakeSession(home, other, "s9", clock=clock).prompt("At work here.")
    path = Echoes(other).trajectory("s8")
    trajectory.start(path, "s8", str(other), "live", clock())
    trajectory.close(path, "SessionEnd", clock(), 0)
    gatherer.add(other, "s8", "00")
    close()
    assert len(run()) == 1
    assert taken(echoes) == ["s1"]
