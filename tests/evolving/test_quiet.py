from dataclasses import replace

import pytest

from rune import files
from rune.config import EvolutionConfig
from rune.evolving.quiet import Quiet
from rune.jobs import Jobs
from rune.records import registry

CONFIG = EvolutionConfig(quiet_seconds=100.0, same=1.1)


@pytest.fixture
def jobs(home, clock):
    return Jobs(home.jobs, clock)


@pytest.fixture
def quiet(home, jobs, clock, project):
    files.private_folder(home.root)
    registry.add(home.projects, project, clock())
    return Quiet(home, CONFIG, jobs, clock)


def test_nothing_is_queued_before_it_was_quiet_for_a_while(quiet, cluster, jobs, clock, project):
    assert quiet.tick(busy=False) == []
    clock.advance(99)
    assert quiet.tick(busy=True) == []
    clock.advance(99)
    assert quiet.tick(busy=False) == []
    clock.advance(1)
    assert quiet.tick(busy=False) == [str(project)]
    (job,) = jobs.all()
    assert (job.name, job.session, job.project) == ("evolve", "", str(project))
    assert job.key.startswith("evolve:")


def test_while_something_else_is_to_be_done_and_twice_the_same_nothing_is_queued(quiet, cluster, jobs, clock):
    clock.advance(100)
    jobs.enqueue("s1", "/p", "ab" * 32)
    assert quiet.tick(busy=False) == []
    jobs.done(jobs.started(jobs.next(clock())), "")
    assert len(quiet.tick(busy=False)) == 1
    jobs.done(jobs.started(jobs.next(clock())), "")
    assert quiet.tick(busy=False) == []


def test_without_adapters_or_where_it_is_switched_off_nothing_is_queued(quiet, home, jobs, clock, project):
    clock.advance(1000)
    assert quiet.tick(busy=False) == []
    assert quiet.enqueue(str(project / "elsewhere")) is False
    off = Quiet(home, EvolutionConfig(automatic=False), jobs, lambda: 0.0)
    assert off.tick(busy=False) == []


def test_what_other_sessions_ask_of_the_same_is_reason_enough(quiet, teach, lesson, jobs, clock, project):
    own = lesson("gateway port", "8080")
    teach("s1", own)
    teach("s2", replace(own, probes=("Tell me the gateway port again.",)), lesson("sky colour", "a7"))
    clock.advance(100)
    assert quiet.tick(busy=False) == [str(project)]
    assert len(jobs.all()) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"v": 9}', "ledger version 9"),
        ('{"v":1,"adapter":"x","entry":"refused","at":1,"detail":{}}', "ledger.jsonl:1"),
        (
            '{"v":1,"adapter":"x","entry":"refused","at":1,"detail":{"how":"cat","parents":5}}',
            "ledger.jsonl:1",
        ),
    ],
)
def test_a_damaged_ledger_of_one_project_keeps_no_other_waiting(
    quiet, cluster, echoes, clock, caplog, line, said
):
    echoes.ledger.write_text(f"{line}\n")
    clock.advance(100)
    assert quiet.tick(busy=False) == []
    assert said in caplog.text


def test_an_odd_number_in_a_projects_recalls_keeps_no_other_waiting(quiet, cluster, echoes, clock, caplog):
    echoes.recalls.write_text(f'{{"v":1,"at":1,"score":1{"0" * 400},"session":"s","adapter":"a"}}\n')
    clock.advance(100)
    assert quiet.tick(busy=False) == []
    assert "recalls.jsonl:1" in caplog.text


def test_a_card_of_a_level_that_nobody_knows_keeps_no_other_waiting(
    quiet, cluster, library, clock, project, caplog
):
    path = library.folder(cluster[0].id) / "card.json"
    path.chmod(0o600)
    path.write_text(path.read_text().replace('"level": "session"', '"level": "epic"'))
    clock.advance(100)
    assert quiet.tick(busy=False) == [str(project)]
    assert "level: found 'epic'" in caplog.text


def test_what_failed_for_good_waits_for_a_person(quiet, cluster, jobs, clock, project):
    clock.advance(100)
    quiet.tick(busy=False)
    jobs.failed(jobs.started(jobs.next(clock())), "the disk is broken", retry=False)
    assert quiet.tick(busy=False) == []
    assert quiet.enqueue(str(project), again=True) is True
