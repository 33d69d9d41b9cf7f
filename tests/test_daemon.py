import contextlib
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import rune
from rune import app, client, redact
from rune.capture import Capture
from rune.config import CaptureConfig, Config, DaemonConfig, ModelConfig
from rune.daemon import Daemon
from rune.errors import ConfigError, DaemonUnavailable
from rune.jobs import Jobs
from rune.library import STAGE, Library
from rune.model_process import ModelProcess
from rune.paths import Echoes
from rune.records import job, message, trajectory, use
from rune.records.message import (
    Distil,
    Done,
    Failed,
    Forget,
    Forgotten,
    Health,
    Ingest,
    Ingested,
    Ready,
    Recall,
    Recalled,
    Status,
    Stop,
)
from rune.testing import FakeSession, until

RUN = (sys.executable, "-P", "-m", "rune.testing", "daemon")
SLOW = ("--steps", "100", "--pause", "0.1")
QUESTION = "Why did pytest fail with TypeError: PORT must be int, not str?"


@pytest.fixture
def settings(home):
    """``settings("[table]\\nkey = value")`` adds to the configuration; time passes quickly in it."""
    home.root.mkdir()

    def add(text: str = "") -> None:
        with home.config.open("a") as file:
            file.write(text + "\n")

    add("[capture]\ngone_seconds = 0.2")
    return add


@pytest.fixture
def processes():
    """Processes that are gone after the test, with all that they have started."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        if one.poll() is None:
            below = psutil.Process(one.pid).children(recursive=True)
            one.kill()
            for worker in below:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
        one.wait()


@pytest.fixture
def start(home, settings, processes):
    """``start("--no-model")`` starts a daemon with a fake worker and waits until it listens."""

    def begin(*options: str, tick: float = 0.1) -> subprocess.Popen[bytes]:
        if "[daemon]" not in home.config.read_text():
            settings(f"[daemon]\ntick_seconds = {tick}")
        processes.append(subprocess.Popen([*RUN, *options]))
        until(lambda: client.running(home.socket))
        return processes[-1]

    return begin


@pytest.fixture
def ask(home):
    """``ask(Status())`` is the daemon's answer."""
    return lambda request, timeout=20.0: client.call(home.socket, request, timeout)


@pytest.fixture
def session(home, project):
    """``session("s1")``: a coding session as the hooks report it."""
    return lambda name="s1", **more: FakeSession(home, project, name, **more)


@pytest.fixture
def library(echoes):
    return Library(echoes, time.time)


@pytest.fixture
def learnt(home, library):
    """``learnt("s1")``: whether the session's adapter is there and its job is over."""

    def look(name: str = "s1") -> bool:
        ours = [card for card in library.cards() if card.session == name]
        return bool(ours) and jobs_of(home)[name].state == "done"

    return look


def workers(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def jobs_of(home) -> dict[str, job.Job]:
    return {one.session: one for one in job.read(home.jobs).jobs.values()}


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


# the main job


def test_a_session_that_ends_becomes_an_adapter_by_itself(start, session, library, ask, echoes, learnt):
    start()
    session().work()
    session().end()
    until(learnt)
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert isinstance(found, Recalled)
    assert "int" in found.answer
    assert found.adapter == library.cards()[0].id
    assert found.evidence


def test_what_hooks_wrote_while_no_daemon_ran_is_taken_in_at_the_next_start(start, session, library):
    for name in ("s1", "s2"):
        session(name).work(name.upper())
        session(name).end()
    start()
    until(lambda: len(library.cards()) == 2)
    assert {card.session for card in library.cards()} == {"s1", "s2"}


def test_a_session_whose_client_was_killed_becomes_an_adapter(start, session, library, learnt):
    start()
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    session(client=process.pid).work()
    process.kill()
    until(learnt)
    process.wait()
    assert trajectory.read(library.echoes.trajectory("s1")).closed == "client gone"


def test_a_note_becomes_a_lesson_of_its_session(start, session, library, ask, echoes, learnt):
    start()
    session().work()
    until(lambda: ask(Status()).open_sessions)
    said = "The gateway listens on port 8443 only."
    made = ask(Ingest(said, str(echoes.project), "decision", tags=("gateway",)))
    assert isinstance(made, Ingested)
    assert (made.session, made.duplicate) == ("s1", False)
    assert ask(Ingest(said, str(echoes.project))).duplicate
    session().end()
    until(learnt)
    assert said in [lesson.answer for lesson in library.cards()[0].lessons if lesson.kind == "decision"]


def test_a_resumed_session_gets_a_new_adapter_in_the_place_of_the_old_one(start, session, library, learnt):
    start()
    session().work()
    session().end()
    until(learnt)
    (first,) = library.cards()
    session().work("HOST")
    session().end()
    until(lambda: first.id not in [card.id for card in library.cards()])  # both are there for a moment
    (second,) = library.cards()
    assert second.session == "s1"
    assert len(library.cards(include_archived=True)) == 2


# one daemon


def test_ten_starts_at_once_give_one_daemon_and_no_orphan(settings, home, processes, ask):
    settings("[daemon]\ntick_seconds = 0.1")
    processes += [subprocess.Popen(RUN) for _ in range(10)]
    until(lambda: sum(one.poll() is None for one in processes) == 1)
    (alive,) = (one for one in processes if one.poll() is None)
    assert {one.returncode for one in processes if one is not alive} == {0}
    until(lambda: client.running(home.socket))
    assert ask(Status()).pid == alive.pid
    assert workers(alive) == []


def test_ten_clients_that_need_a_daemon_at_once_start_one(settings, home, ask):
    settings("[daemon]\ntick_seconds = 0.1")
    code = (
        "import sys; from rune import client, paths; from rune.records.message import Status\n"
        "path = paths.home().socket; client.ensure(path, sys.argv[1:])\n"
        "print(client.call(path, Status(), 10).pid)"
    )
    argv = [sys.executable, "-c", code, *RUN]
    asked = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(10)]
    pids = {one.communicate()[0].strip() for one in asked}
    assert {one.returncode for one in asked} == {0}
    (pid,) = pids
    daemon = psutil.Process(int(pid))
    try:
        assert daemon.ppid() != os.getpid(), "it outlives who started it"
        until(lambda: [one.pid for one in psutil.process_iter() if at_home(one, home)] == [daemon.pid])
    finally:
        ask(Stop())
    until(lambda: gone(daemon))


def at_home(process: psutil.Process, home) -> bool:
    try:
        return "rune.testing" in process.cmdline() and process.environ().get("RUNE_HOME") == str(home.root)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def test_a_daemon_finds_its_way_over_the_socket_of_a_dead_one(start, home, ask):
    first = start()
    first.kill()
    first.wait()
    assert home.socket.exists()
    assert not client.running(home.socket)
    second = start()
    assert ask(Status()).pid == second.pid


def test_what_the_daemon_makes_is_for_its_owners_eyes_only(start, home):
    start()
    assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.socket.parent.stat().st_mode) == 0o700
    for folder in (home.run, home.spool, home.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((home.run / "daemon.lock").stat().st_mode) == 0o600


# leaving


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(start, home, session, learnt, number):
    process = start()
    session().work()
    session().end()
    until(learnt)
    below = workers(process)
    assert below
    process.send_signal(number)
    assert process.wait(10) == 0
    assert not home.socket.exists()
    assert all(gone(one) for one in below)


def test_stop_is_answered_and_then_done(start, home, ask):
    process = start()
    assert ask(Stop()) == Done(note="leaving")
    assert process.wait(10) == 0
    with pytest.raises(DaemonUnavailable, match="rune daemon start"):
        ask(Status())


def test_leaving_in_the_middle_of_a_job_costs_no_attempt_and_the_next_daemon_does_it(
    start, session, home, library, ask, learnt
):
    process = start(*SLOW)
    session().work()
    session().end()
    until(lambda: "step" in ask(Status()).job)
    below = workers(process)
    process.terminate()
    assert process.wait(10) == 0
    assert all(gone(one) for one in below)
    waiting = jobs_of(home)["s1"]
    assert (waiting.state, waiting.attempt) == ("postponed", 0)
    assert library.cards() == []
    start()
    until(learnt)
    assert jobs_of(home)["s1"].attempt == 1


def test_leaving_begins_no_job(start, session, home):
    """The last round takes the events in; the distillation is for the next daemon."""
    process = start(*SLOW, tick=60.0)
    session().work()
    until(lambda: not client.running(home.socket) or jobs_known(home, session))
    process.terminate()
    assert process.wait(10) == 0
    assert jobs_of(home)["s1"].state in ("queued", "postponed")


def jobs_known(home, session) -> bool:
    """End the session and leave at once, so that both come in the same round."""
    session().end()
    client.call(home.socket, Stop(), 10)
    return True


def test_it_leaves_after_a_long_idleness(start, settings, home, session, library):
    settings("[daemon]\ntick_seconds = 0.1\nidle_exit_seconds = 1.0")
    process = start()
    assert process.wait(20) == 0
    session().work()
    process = start()
    time.sleep(1.5)
    assert process.poll() is None, "a session is open"
    session().end()
    assert process.wait(20) == 0
    assert library.cards()


def test_an_idle_worker_gives_its_memory_back_and_comes_again(start, settings, session, learnt, ask, echoes):
    settings("[daemon]\ntick_seconds = 0.1\nworker_idle_seconds = 0.5")
    start("--load", "0.8")
    session().work()
    session().end()
    until(learnt)
    until(lambda: ask(Status()).worker == "absent")
    assert ask(Status()).worker_rss_mb == 0.0
    time.sleep(0.6)
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert isinstance(found, Recalled)


# kill -9


def test_kill_9_of_the_daemon_takes_the_worker_along_and_the_next_daemon_finishes(
    start, session, library, ask, learnt
):
    process = start(*SLOW)
    session().work()
    session().end()
    until(lambda: "step" in ask(Status()).job)
    below = workers(process)
    assert below
    process.kill()
    process.wait()
    until(lambda: all(gone(one) for one in below))
    assert library.cards() == []
    start()
    until(learnt)
    assert len(library.cards(include_archived=True)) == 1
    assert list(library.root.glob(f"{STAGE}*")) == []


def test_kill_9_of_the_worker_in_the_middle_of_a_job_gives_one_adapter_all_the_same(
    start, session, home, library, ask, learnt
):
    process = start("--steps", "20", "--pause", "0.05")
    session().work()
    session().end()
    until(lambda: "step" in ask(Status()).job)
    (worker,) = workers(process)
    worker.kill()
    until(learnt)
    assert len(library.cards(include_archived=True)) == 1
    assert (jobs_of(home)["s1"].state, jobs_of(home)["s1"].attempt) == ("done", 2)
    assert process.poll() is None


def test_kill_9_of_the_daemon_at_any_moment_loses_no_session_and_makes_no_second_adapter(
    start, session, home, library
):
    names = [f"s{number}" for number in range(4)]
    for name in names:
        session(name).work(name.upper())
        session(name).end()
    dice = random.Random(20261120)
    for _ in range(5):
        process = start("--steps", "4", "--pause", "0.02")
        time.sleep(dice.uniform(0.0, 0.9))
        process.kill()
        process.wait()
    start()
    until(lambda: home.jobs.exists() and {one.state for one in jobs_of(home).values()} == {"done"})
    assert sorted(jobs_of(home)) == names
    cards = library.cards(include_archived=True)
    assert sorted(card.session for card in cards) == names
    assert [library.verify(card.id) for card in cards] == cards
    assert list(library.root.glob(f"{STAGE}*")) == []


# requests


def test_status_says_how_everybody_is(start, session, ask):
    process = start(*SLOW)
    health = ask(Status())
    assert isinstance(health, Health)
    assert (health.pid, health.version, health.worker) == (process.pid, rune.__version__, "absent")
    assert (health.job, health.queued, health.open_sessions, health.last_error) == ("", 0, 0, "")
    assert 0 < health.rss_mb < 300
    session().work()
    until(lambda: ask(Status()).open_sessions == 1)
    session().end()
    until(lambda: "step" in ask(Status()).job)
    health = ask(Status())
    assert health.job.startswith("distil s1: step ")
    assert health.worker == "ready"
    assert health.worker_rss_mb > 1


def test_learning_apart_leaves_the_worker_free_and_goes_when_it_is_done(
    start, settings, session, ask, echoes, learnt, tmp_path
):
    settings('[daemon]\ntick_seconds = 0.1\nlearner = "apart"')
    hold = tmp_path / "hold"
    hold.touch()
    process = start("--hold", str(hold))
    session().work()
    session().end()
    until(lambda: ask(Status()).learner_rss_mb > 1)
    health = ask(Status())
    assert health.worker == "absent", "learning takes no worker"
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert isinstance(found, Recalled)
    assert ask(Status()).job, "the answer came in the middle of a step"
    hold.unlink()
    until(learnt)
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert "int" in found.answer, "the worker finds what the learner made"
    until(lambda: not ask(Status()).learner_rss_mb)
    until(lambda: len(workers(process)) == 1)


def test_a_learner_that_is_killed_costs_no_session(start, settings, session, library, ask, learnt):
    settings('[daemon]\ntick_seconds = 0.1\nlearner = "apart"')
    process = start("--steps", "20", "--pause", "0.2")
    session().work()
    session().end()
    until(lambda: "step" in ask(Status()).job)
    workers(process)[0].kill()
    until(learnt, 60)
    assert len(library.cards()) == 1


@pytest.mark.parametrize(
    ("learner", "device", "driver", "apart"),
    [
        ("auto", "cpu", True, True),
        ("auto", "auto", False, True),
        ("auto", "auto", True, False),
        ("auto", "cuda", False, False),
        ("apart", "cuda", True, True),
        ("within", "cpu", False, False),
    ],
)
def test_learning_is_apart_on_a_cpu_unless_the_configuration_says_otherwise(
    learner, device, driver, apart, tmp_path
):
    where = tmp_path if driver else tmp_path / "none"
    settings = Config(daemon=DaemonConfig(learner=learner), model=ModelConfig(device=device))
    assert app.learns_apart(settings, where) is apart


def test_a_place_to_learn_that_nobody_knows_is_refused():
    with pytest.raises(ConfigError, match="auto, apart or within, found 'gpu'"):
        app.learns_apart(Config(daemon=DaemonConfig(learner="gpu")))


def test_before_anything_is_remembered_recall_says_so(start, session, ask, echoes):
    start()
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, found.abstained.split(";")[0]) == ("", "nothing is remembered in this project yet")
    session().work()
    until(lambda: ask(Status()).open_sessions)
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert "1 session(s) still open" in found.abstained
    assert ask(Status()).worker == "absent", "nobody loads a model for nothing"


@pytest.fixture
def remembered(start, session, learnt):
    """A project with an adapter; no daemon runs."""
    process = start()
    session().work()
    session().end()
    until(learnt)
    process.terminate()
    process.wait()


def test_before_setup_recall_names_the_way_out_and_gives_evidence_by_words(remembered, start, ask, echoes):
    start("--no-model")
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert isinstance(found, Recalled)
    assert found.answer == ""
    assert "rune setup" in found.abstained
    assert found.session == "s1"
    assert found.evidence
    assert ask(Status()).worker.startswith("broken: no base model")


def test_while_the_model_loads_recall_says_so_and_gives_evidence_by_words(
    remembered, start, settings, ask, echoes
):
    settings("[recall]\nload_wait_seconds = 0.2")
    start("--load", "600")
    found = ask(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, bool(found.evidence)) == ("", True)
    assert "still loading" in found.abstained


def test_a_recall_is_answered_while_a_session_is_distilled(remembered, start, session, ask, echoes):
    start(*SLOW)
    session("s2").work("HOST")
    session("s2").end()
    until(lambda: "step" in ask(Status()).job)
    assert ask(Recall(QUESTION, str(echoes.project))).answer
    assert ask(Status()).job.startswith("distil s2")


def test_a_session_can_be_forgotten_for_good(remembered, start, home, ask, echoes, library):
    start()
    assert ask(Recall(QUESTION, str(echoes.project))).answer
    gone = ask(Forget("s1", str(echoes.project)))
    assert isinstance(gone, Forgotten)
    assert any(line.startswith("adapter") for line in gone.removed)
    assert library.cards(include_archived=True) == []
    assert not echoes.trajectory("s1").exists()
    assert not (home.spool / "s1.jsonl").exists()
    assert "nothing is remembered" in ask(Recall(QUESTION, str(echoes.project))).abstained
    failed = ask(Forget("s1", str(echoes.project)))
    assert isinstance(failed, Failed)
    assert "found no trajectory or adapter of 's1'" in failed.message


def test_a_session_that_is_being_distilled_cannot_be_forgotten_and_its_neighbours_can(
    remembered, start, session, ask, echoes
):
    start(*SLOW)
    session("s12").work("HOST")
    session("s12").end()
    until(lambda: "step" in ask(Status()).job)
    assert ask(Forget("s12", str(echoes.project))).error == "Busy"
    assert isinstance(ask(Forget("s1", str(echoes.project))), Forgotten)


def test_a_trajectory_can_be_distilled_on_request(start, write_session, ask, echoes, learnt):
    write_session("imported")
    start()
    assert ask(Distil("imported", str(echoes.project))) == Done(note="queued")
    until(lambda: learnt("imported"))
    assert ask(Distil("imported", str(echoes.project))) == Done(note="known already")
    failed = ask(Distil("unheard of", str(echoes.project)))
    assert isinstance(failed, Failed)
    assert failed.error == "FormatError"


def test_what_is_no_request_is_answered_with_what_was_expected(start, home, ask):
    start()
    assert "Ready is no request" in ask(Ready(1.0, "base")).message  # type: ignore[arg-type]
    newer = b'{"v":9,"type":"Status"}\n'
    for line, expected in ((b"nonsense\n", "expected a message"), (newer, "rune daemon stop")):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(home.socket))
            link.sendall(line)
            answer = message.decode(link.makefile("rb").readline())
        assert isinstance(answer, Failed)
        assert expected in answer.message
    assert isinstance(ask(Status()), Health)


def test_looking_whether_it_runs_costs_no_file_descriptor(start, home, ask):
    process = psutil.Process(start().pid)
    before = process.num_fds()
    for _ in range(30):
        assert client.running(home.socket)
    ask(Status())
    until(lambda: process.num_fds() <= before + 1)


# trouble


def test_a_distillation_that_does_not_fit_is_put_off_with_its_reason(start, session, home, ask, library):
    start("--no-memory")
    session().work()
    session().end()
    until(lambda: ask(Status()).last_error)
    assert "does not fit into memory" in ask(Status()).last_error
    until(lambda: jobs_of(home)["s1"].state == "postponed")
    waiting = jobs_of(home)["s1"]
    assert waiting.not_before > time.time() + 500
    assert waiting.attempt == 0
    assert library.cards() == []


def test_before_setup_sessions_are_kept_for_later(start, session, home, library, ask):
    process = start("--no-model")
    session().work()
    session().end()
    until(lambda: home.jobs.exists() and jobs_of(home)["s1"].state == "postponed")
    assert "rune setup" in jobs_of(home)["s1"].reason
    assert jobs_of(home)["s1"].attempt == 0
    assert isinstance(ask(Status()), Health)
    process.terminate()
    process.wait()


async def test_a_trajectory_that_vanished_does_not_keep_other_sessions_from_their_jobs(home, session, echoes):
    class Careless(Capture):
        """Somebody deletes a trajectory just when its session ends."""

        def drain(self):
            closed = super().drain()
            echoes.trajectory("s1").unlink(missing_ok=True)
            return closed

    for name in ("s1", "s2"):
        session(name).work()
        session(name).end()
    capture = Careless(home, CaptureConfig(), time.time, redact.redact, lambda path: [])
    jobs = Jobs(home.jobs, time.time)
    worker = ModelProcess((sys.executable, "-c", ""), home.logs / "worker.log")
    daemon = Daemon(home, Config(), capture, jobs, worker)
    daemon._leaving = True  # takes in, begins nothing
    await daemon.tick()
    assert list(jobs_of(home)) == ["s2"]
    assert "session s1" in daemon.last_error
    await daemon.tick()


async def test_a_session_whose_job_has_just_been_taken_is_under_way(home, session, echoes):
    session("s1").work()
    session("s1").end()
    capture = Capture(home, CaptureConfig(), time.time, redact.redact, lambda path: [])
    worker = ModelProcess((sys.executable, "-c", ""), home.logs / "worker.log")
    daemon = Daemon(home, Config(), capture, Jobs(home.jobs, time.time), worker)
    await daemon.tick()
    answer = await daemon.answer(Forget("s1", str(echoes.project)))
    daemon._working.cancel()
    assert isinstance(answer, Failed)
    assert (answer.error, echoes.trajectory("s1").exists()) == ("Busy", True)


def test_the_log_says_what_happened_and_nothing_of_what_was_said(start, session, home, library, learnt):
    start()
    session().prompt("The launch code is swordfish.")
    session().work()
    session().end()
    until(learnt)
    log = home.logs / "daemon.log"
    until(lambda: f"distil s1: {library.cards()[0].id}" in log.read_text())
    assert "session s1 is over (SessionEnd)" in log.read_text()
    logs: list[Path] = [path for path in home.logs.iterdir() if path.is_file()]
    assert not any("swordfish" in path.read_text() for path in logs)


def test_two_projects_keep_to_themselves(start, session, ask, home, tmp_path, library):
    (tmp_path / "other" / ".git").mkdir(parents=True)
    start()
    session("s1").work()
    session("s1").end()
    FakeSession(home, tmp_path / "other", "s2").work("HOST")
    FakeSession(home, tmp_path / "other", "s2").end()
    other = Library(Echoes(tmp_path / "other"), time.time)
    until(lambda: library.cards() and other.cards())
    assert [card.session for card in library.cards()] == ["s1"]
    assert [card.session for card in other.cards()] == ["s2"]
    found = ask(Recall("HOST must be int, not str", str(library.echoes.project)))
    assert found.session in ("", "s1")


# the text memory


def test_the_text_memory_fills_itself_for_the_next_session(start, session, ask, echoes, project, home):
    start("--no-model")
    (project / ".claude/echoes/reviewer").mkdir(parents=True)
    findings = project / ".claude/echoes/reviewer/ash-findings.md"
    findings.write_text(
        "### [2026-11-01] Pattern: Unused imports\n- **layer**: inscribed\n- **source**: rune:review s1\n"
        "- **confidence**: 0.8\n- **evidence**: `a.py:1` — three\n- **verified**: 2026-11-01\n"
        "- **supersedes**: none\n- New files leave imports unused.\n"
    )
    other = session("s2")
    other.prompt("Work on something else.")
    session().work()
    session().end()
    until(lambda: jobs_known_of(home))
    time.sleep(0.5)
    assert findings.exists(), "another session is at work"
    other.end()
    until(lambda: not findings.exists())
    assert "PORT must be int" in echoes.memory("workers").read_text()
    assert "Unused imports" in echoes.memory("reviewer").read_text()
    session("s3").prompt("Go on.")
    until(lambda: ask(Status()).open_sessions)
    found = ask(Recall("PORT must be int TypeError", str(project), client=1))
    assert [piece.kind for piece in found.evidence] == ["echo"]
    assert [one.workflow for one in use.read(echoes.uses) if one.echoes] == ["s3"]
    took_place = [one.workflow for one in use.read(echoes.uses) if not one.echoes]
    assert sorted(took_place) == ["s1", "s2"], "each session that ended, once"


def jobs_known_of(home) -> bool:
    return home.jobs.exists() and "s1" in jobs_of(home)


def test_in_a_quiet_hour_similar_adapters_become_one_by_themselves(start, settings, session, library):
    settings("[evolution]\nquiet_seconds = 0.5\nsimilar = 0.05\nsame = 1.1")
    start()
    for name, about in (("s1", "PORT"), ("s2", "HOST")):
        one = session(name)
        one.work(about)
        one.end()
    until(lambda: [card.level for card in library.cards()] == ["task"])
    (child,) = library.cards()
    assert set(child.origins) == {"s1", "s2"}
