import json
import random
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import rune
from rune import jobs as jobs_module
from rune.errors import NewerVersion
from rune.jobs import MAX_ATTEMPTS, Jobs
from rune.library import STAGE, Library
from rune.records import job as records
from rune.records.job import Job

HASH = "ab" * 32


@pytest.fixture
def jobs(home, clock):
    return Jobs(home.jobs, clock)


@pytest.fixture
def restart(home, clock):
    """``restart()``: the journal as the next process sees it."""
    return lambda: Jobs(home.jobs, clock)


def begin(jobs: Jobs, clock) -> Job:
    found = jobs.next(clock())
    assert found is not None
    return jobs.started(found)


def state(jobs: Jobs, session: str = "s1") -> Job:
    (found,) = (job for job in records.read(jobs.path).jobs.values() if job.session == session)
    return found


# the queue


def test_first_come_first_served_one_at_a_time(jobs, clock):
    for session in ("s1", "s2", "s3"):
        assert jobs.enqueue(session, "/p", HASH)
    order = []
    while (job := jobs.next(clock())) is not None:
        running = jobs.started(job)
        assert jobs.next(clock()) is None
        jobs.done(running, f"adapter-of-{job.session}")
        order.append(job.session)
    assert order == ["s1", "s2", "s3"]
    assert state(jobs).made == "adapter-of-s1"


def test_the_same_content_is_wanted_once(jobs, clock, restart):
    assert jobs.enqueue("s1", "/p", HASH)
    assert not jobs.enqueue("s1", "/p", HASH)
    job = begin(jobs, clock)
    assert not jobs.enqueue("s1", "/p", HASH)
    jobs.postponed(job, "no memory", 60)
    assert not jobs.enqueue("s1", "/p", HASH)
    clock.advance(60)
    jobs.done(begin(jobs, clock), "a1")
    assert not restart().enqueue("s1", "/p", HASH)
    assert jobs.enqueue("s1", "/p", "cd" * 32)


def test_what_was_done_can_be_wanted_again_on_purpose(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    assert not jobs.enqueue("s1", "/p", HASH, again=True)
    jobs.done(begin(jobs, clock), "a1")
    assert jobs.enqueue("s1", "/p", HASH, again=True)
    job = begin(jobs, clock)
    assert (job.attempt, job.made) == (1, "")


def test_a_job_says_what_it_makes_and_for_whom(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    job = jobs.next(clock())
    assert (job.key, job.session, job.project) == ("distil:s1:" + "ab" * 8, "s1", "/p")


def test_done_may_say_that_there_was_nothing_to_learn(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.done(begin(jobs, clock), "", "no lesson in it")
    assert (state(jobs).made, state(jobs).reason) == ("", "no lesson in it")
    assert jobs.summary().last_error is None


def test_an_empty_journal_has_nothing_to_do(jobs, clock):
    assert jobs.next(clock()) is None
    assert jobs.summary().queued == 0
    assert not jobs.path.exists()


# postponed and failed


def test_a_postponed_job_waits_its_time_while_others_go_ahead(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.enqueue("s2", "/p", HASH)
    jobs.postponed(begin(jobs, clock), "not enough memory: 3 MB are missing", 600)
    assert state(jobs).reason == "not enough memory: 3 MB are missing"
    assert jobs.next(clock()).session == "s2"
    jobs.done(begin(jobs, clock), "a2")
    assert jobs.next(clock()) is None
    clock.advance(600)
    assert jobs.next(clock()).session == "s1"


def test_putting_off_costs_no_attempt(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    for _ in range(2 * MAX_ATTEMPTS):
        jobs.postponed(begin(jobs, clock), "no memory", 1)
        clock.advance(1)
    assert (state(jobs).state, state(jobs).attempt) == ("postponed", 0)


def test_a_job_that_fails_is_tried_three_times_and_others_go_first(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.enqueue("s2", "/p", HASH)
    jobs.failed(begin(jobs, clock), "loss is not finite")
    assert state(jobs).reason == "loss is not finite (attempt 1 of 3)"
    assert jobs.next(clock()).session == "s2"
    jobs.done(begin(jobs, clock), "a2")
    jobs.failed(begin(jobs, clock), "loss is not finite")
    jobs.failed(begin(jobs, clock), "loss is not finite")
    assert jobs.next(clock()) is None
    assert state(jobs).state == "failed"
    assert state(jobs).reason.startswith(
        "loss is not finite; given up after 3 attempts: try again with `rune distil s1`"
    )


def test_a_failure_that_no_attempt_can_mend_is_final(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.failed(begin(jobs, clock), "the trajectory is damaged", retry=False)
    assert (state(jobs).state, state(jobs).reason) == ("failed", "the trajectory is damaged")


def test_a_failed_job_can_be_wanted_again_and_has_its_attempts_anew(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.failed(begin(jobs, clock), "bad luck", retry=False)
    assert jobs.enqueue("s1", "/p", HASH)
    assert begin(jobs, clock).attempt == 1


# crashes


def test_a_job_whose_process_died_counts_an_attempt_and_waits_again(jobs, clock, restart):
    jobs.enqueue("s1", "/p", HASH)
    begin(jobs, clock)
    after = restart()
    assert after.next(clock()).session == "s1"
    assert state(after).attempt == 1
    assert "the process died while at it (attempt 1 of 3)" in state(after).reason


def test_after_three_crashes_a_job_is_failed_and_says_so(jobs, clock, restart):
    jobs.enqueue("s1", "/p", HASH)
    jobs.enqueue("s2", "/p", HASH)
    for _ in range(MAX_ATTEMPTS):
        process = restart()
        while (job := process.next(clock())).session != "s1":
            process.done(process.started(job), "a2")
        process.started(job)
    last = restart()
    assert last.next(clock()) is None
    assert (state(last).state, state(last, "s2").state) == ("failed", "done")
    assert "the process died while at it; given up after 3 attempts" in state(last).reason


def test_asking_and_looking_does_not_disturb_a_job_that_another_process_does(jobs, clock, restart):
    jobs.enqueue("s1", "/p", HASH)
    begin(jobs, clock)
    onlooker = restart()
    assert onlooker.summary().running.session == "s1"
    assert onlooker.enqueue("s2", "/p", HASH)
    assert state(jobs).state == "started"
    assert jobs.next(clock()) is None


# forgetting


def test_a_forgotten_session_is_not_in_the_journal_any_more(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.enqueue("s1", "/elsewhere", "cd" * 32)
    jobs.enqueue("s2", "/p", HASH)
    assert jobs.forget("s1", "/p") == [records.key("s1", HASH)]
    assert HASH[:16] + '","session":"s1"' not in jobs.path.read_text()
    assert [job.project for job in records.read(jobs.path).jobs.values()] == ["/elsewhere", "/p"]
    assert jobs.forget("s1", "/p") == []


def test_what_a_forgotten_job_reports_afterwards_is_not_written_down(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    job = begin(jobs, clock)
    jobs.forget("s1", "/p")
    jobs.done(job, "a1")
    jobs.failed(job, "too late")
    jobs.postponed(job, "too late", 1)
    assert records.read(jobs.path).jobs == {}
    assert jobs.next(clock()) is None


# the file


def test_the_summary_counts_and_names_the_latest_trouble(jobs, clock):
    for session in ("s1", "s2", "s3", "s4", "s5"):
        jobs.enqueue(session, "/p", HASH)
    jobs.done(begin(jobs, clock), "a1")
    clock.advance(1)
    jobs.failed(begin(jobs, clock), "damaged", retry=False)
    clock.advance(1)
    jobs.postponed(begin(jobs, clock), "no memory", 60)
    running = begin(jobs, clock)
    found = jobs.summary()
    assert (found.queued, found.postponed, found.done, found.failed) == (1, 1, 1, 1)
    assert found.running == running
    assert (found.last_error.session, found.last_error.reason) == ("s3", "no memory")


def test_the_journal_is_for_its_owners_eyes_only(jobs):
    jobs.enqueue("s1", "/p", HASH)
    assert stat.S_IMODE(jobs.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(jobs.path.parent.stat().st_mode) == 0o700


def test_every_line_says_everything_about_its_job(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    jobs.postponed(begin(jobs, clock), "no memory", 60)
    last = json.loads(jobs.path.read_text().splitlines()[-1])
    assert last == {
        "v": 1, "job": "distil:s1:" + "ab" * 8, "session": "s1", "project": "/p", "state": "postponed",
        "at": clock(), "attempt": 0, "reason": "no memory", "not_before": clock() + 60, "made": "",
    }  # fmt: skip


def test_cut_anywhere_the_journal_knows_every_job_whose_line_is_whole(jobs, clock, restart):
    for number in range(4):
        jobs.enqueue(f"s{number}", "/p", HASH)
    jobs.done(begin(jobs, clock), "a0")
    begin(jobs, clock)
    whole = jobs.path.read_bytes()
    for end in range(0, len(whole), 11):
        jobs.path.write_bytes(whole[:end])
        enqueued = min(4, whole[:end].count(b"\n"))
        assert len(records.read(jobs.path).jobs) == enqueued
        after = restart()
        after.enqueue("s9", "/p", HASH)
        assert len(records.read(jobs.path).jobs) == enqueued + 1
        while (job := after.next(clock())) is not None:
            after.done(after.started(job), "a")
        assert {job.state for job in records.read(jobs.path).jobs.values()} == {"done"}


@pytest.mark.parametrize("line", ['{"v":1,"job":"distil:x:y"}', '{"v":1,"job":3}', "nonsense"])
def test_a_damaged_line_is_named_and_passed_over(jobs, clock, caplog, line):
    jobs.enqueue("s1", "/p", HASH)
    with jobs.path.open("a") as file:
        file.write(line + "\n")
    assert jobs.next(clock()).session == "s1"
    assert f"{jobs.path}:2" in caplog.text


def test_a_line_of_a_newer_rune_is_refused_and_the_journal_stays_as_it_is(jobs, clock):
    jobs.enqueue("s1", "/p", HASH)
    job = jobs.next(clock())
    with jobs.path.open("a") as file:
        file.write('{"v":2,"job":"dream:s1"}\n')
    before = jobs.path.read_bytes()
    for write in (
        lambda: jobs.enqueue("s2", "/p", HASH),
        lambda: jobs.next(clock()),
        lambda: jobs.started(job),
        lambda: jobs.forget("s1", "/p"),
        jobs.summary,
    ):
        with pytest.raises(NewerVersion, match=r"jobs\.jsonl:2: job version 2"):
            write()
    assert jobs.path.read_bytes() == before


def test_a_long_journal_is_rewritten_and_says_the_same(jobs, clock, monkeypatch, restart):
    monkeypatch.setattr(jobs_module, "COMPACT_AFTER", 20)
    jobs.enqueue("waiting", "/p", HASH)
    jobs.postponed(begin(jobs, clock), "later", 1e6)
    jobs.enqueue("also waiting", "/p", HASH)
    jobs.postponed(begin(jobs, clock), "later", 1e6)
    for number in range(40):
        jobs.enqueue(f"s{number}", "/p", HASH)
        jobs.done(begin(jobs, clock), f"a{number}")
    journal = records.read(jobs.path)
    assert journal.lines <= len(journal.jobs) + 20
    assert len(journal.jobs) == 42
    assert not restart().enqueue("s0", "/p", HASH)
    clock.advance(1e6)
    assert [begin(jobs, clock).session, restart().next(clock()).session] == ["waiting", "also waiting"]


def test_many_processes_may_enqueue_at_once(jobs, home):
    script = (
        "import sys, time, pathlib; from rune.jobs import Jobs\n"
        "jobs = Jobs(pathlib.Path(sys.argv[1]), time.time)\n"
        "print(sum(jobs.enqueue(f's{n}', '/p', 'ab' * 32) for n in range(20)))"
    )
    asked = [
        subprocess.Popen([sys.executable, "-c", script, str(home.jobs)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert sum(int(process.communicate()[0]) for process in asked) == 20
    assert jobs.summary().queued == 20


# kill -9

WORKER = """
import os, random, signal, sys, time
from pathlib import Path
from rune.jobs import Jobs
from rune.library import Library
from rune.paths import Echoes, Home
from rune.records import card, trajectory

home, echoes = Home(Path(sys.argv[1])), Echoes(Path(sys.argv[2]))
package, fatal = sys.argv[3], int(sys.argv[4])
steps = 0

def lines(frame, event, arg):
    global steps
    steps += event == "line"
    if steps == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return lines

def calls(frame, event, arg):
    return lines if frame.f_code.co_filename.startswith((package, "<string>")) else None

def distil(job):
    past = trajectory.read(echoes.trajectory(job.session))
    if made := library.for_source(past.content_hash, "base"):
        return made
    with library.staging() as stage:
        (stage / "adapter_config.json").write_text("{}")
        (stage / "adapter_model.safetensors").write_bytes(os.urandom(4096))  # never the same twice
        return library.add(stage, card.Card(
            past.session, past.content_hash, len(past.events), {}, "base", "base", 8, 16.0, (), 1, 1, "test",
            (), past.session, {}, {}, time.time()))

def main():
    for path in sorted(echoes.trajectories.iterdir()):
        past = trajectory.read(path)
        if past.closed:
            jobs.enqueue(past.session, str(echoes.project), past.content_hash)
    library.recover()
    while (job := jobs.next(time.time())) is not None:
        job = jobs.started(job)
        jobs.done(job, distil(job).id)

jobs, library = Jobs(home.jobs, time.time), Library(echoes, time.time)
sys.settrace(calls)
main()
sys.settrace(None)
print(steps)
"""


def test_kill_9_at_any_moment_loses_no_session_and_makes_no_second_adapter(
    home, echoes, clock, write_session, events
):
    """A worker is killed before the n-th line it runs, n drawn anew each time, until one gets through."""
    sessions = {f"s{number:02}" for number in range(20)}
    for session in sessions:
        write_session(session, events=(*events, type(events[0])(session, clock(), session)))
    dice, kills, died_at_work = random.Random(20261120), 0, 0
    package = str(Path(rune.__file__).parent)
    for fatal in [dice.randrange(20, 40_000) for _ in range(40)] + [0]:
        argv = [sys.executable, "-c", WORKER, str(home.root), str(echoes.project), package, str(fatal)]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        kills += done.returncode != 0
        died_at_work += records.summary(records.read(home.jobs).jobs).running is not None
        assert_whole(echoes, clock)
    assert kills > 10
    assert died_at_work > 3
    journal = records.read(home.jobs).jobs.values()
    assert {job.session for job in journal} == sessions
    assert len(journal) == len(sessions)
    library = Library(echoes, clock)
    made = {card.session: card.id for card in library.cards()}
    for job in journal:
        if job.state == "done":
            assert made[job.session] == job.made
        else:
            assert job.state == "failed"
            assert "the process died while at it; given up after 3 attempts" in job.reason
    assert len(made) >= len(sessions) - died_at_work // MAX_ATTEMPTS
    assert not list(library.root.glob(f"{STAGE}*"))


def assert_whole(echoes, clock) -> None:
    """At no moment is there half an adapter, or a second one of a session."""
    library = Library(echoes, clock)
    cards = library.cards(include_archived=True)
    assert library.problems() == []
    assert [library.verify(card.id) for card in cards] == cards
    assert len({card.session for card in cards}) == len(cards)


def test_a_job_that_another_process_started_is_judged_by_who_asks_not_by_time(jobs, clock, restart):
    jobs.enqueue("s1", "/p", HASH)
    begin(jobs, clock)
    clock.advance(1e7)
    assert jobs.next(clock()) is None
    assert restart().next(clock()) is not None


def test_an_evolution_that_was_done_and_is_wanted_still_is_due_again_after_a_day(jobs, clock):
    jobs.enqueue_evolution("/p", "51a20958")
    jobs.done(jobs.started(jobs.next(clock())), "")
    clock.advance(86399)
    assert jobs.enqueue_evolution("/p", "51a20958") is False
    clock.advance(1)
    assert [jobs.enqueue_evolution("/p", "51a20958") for _ in range(2)] == [True, False]


def test_an_evolution_is_named_by_its_plan_and_gives_its_own_way_out(jobs, clock):
    assert [jobs.enqueue_evolution("/p", "51a20958") for _ in range(2)] == [True, False]
    for _ in range(3):
        jobs.failed(jobs.started(jobs.next(clock())), "no memory")
    (job,) = jobs.all()
    assert (job.name, job.state) == ("evolve", "failed")
    assert job.reason.endswith("try again with `rune adapters evolve --apply`")
    assert jobs.enqueue_evolution("/p", "51a20958") is False
    assert jobs.enqueue_evolution("/p", "51a20958", again=True) is True
