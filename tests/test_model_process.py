import asyncio
import os
import signal
import sys
import time

import psutil
import pytest

from rune import app, config, model_process
from rune.model_process import ModelProcess
from rune.records.message import Distil, Done, Failed, Recall, Recalled

FAKE = (sys.executable, "-P", "-m", "rune.testing", "worker")
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"


@pytest.fixture
async def worker(home):
    """``worker("--load", "1")``: the daemon's end of a fake worker, which is ended after the test."""
    made: list[ModelProcess] = []

    def make(*options: str, argv: tuple[str, ...] = FAKE) -> ModelProcess:
        made.append(ModelProcess((*argv, *options), home.logs / "worker.log"))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


def says(code: str) -> tuple[str, ...]:
    """A process that is no worker."""
    return (sys.executable, "-c", code)


def children() -> list[psutil.Process]:
    """The workers of this test: those of the session's fixtures have other homes."""
    home = os.environ["RUNE_HOME"]
    found = [c for c in psutil.Process().children() if "rune.testing" in c.cmdline()]
    return [c for c in found if c.environ().get("RUNE_HOME") == home]


async def test_a_worker_is_started_by_whoever_asks_first(worker, write_session, echoes):
    write_session()
    one = worker()
    assert (one.state, one.rss_mb, one.busy) == ("absent", 0.0, False)
    steps = []
    done = await one.ask(Distil("s1", str(echoes.project)), steps.append)
    assert isinstance(done, Done)
    assert [step.step for step in steps] == [1, 2, 3]
    assert (one.state, one.busy) == ("ready", False)
    assert one.rss_mb > 1
    found = await one.ask(Recall(QUESTION, str(echoes.project)))
    assert isinstance(found, Recalled)
    assert found.adapter == done.adapter


async def test_two_who_ask_at_once_start_one_worker(worker):
    one = worker()
    assert await asyncio.gather(*(one.wait_ready(20) for _ in range(5))) == [True] * 5
    assert len(children()) == 1


async def test_answers_find_who_asked_for_them(worker, write_session, echoes):
    write_session()
    one = worker("--steps", "10", "--pause", "0.02")
    job = asyncio.create_task(one.ask(Distil("s1", str(echoes.project))))
    found = await asyncio.gather(*(one.ask(Recall(f"{n}", str(echoes.project))) for n in range(5)))
    assert all(isinstance(answer, Recalled) for answer in found)
    assert not job.done()
    assert isinstance(await job, Done)


async def test_while_the_model_loads_a_wait_ends_in_time_and_the_worker_stays(worker):
    one = worker("--load", "1.5")
    assert not await one.wait_ready(0.2)
    assert one.state == "loading"
    assert await one.wait_ready(20)
    assert len(children()) == 1


async def test_before_setup_the_worker_is_broken_with_the_way_out_and_not_tried_at_once(worker):
    one = worker("--no-model")
    assert not await one.wait_ready(20)
    assert "rune setup" in one.problem
    assert one.state == f"broken: {one.problem}"
    answer = await one.ask(Recall("x", "/p"))
    assert isinstance(answer, Failed)
    assert (answer.retry, answer.message) == (True, one.problem)
    assert children() == []


async def test_a_broken_worker_is_tried_again_after_a_while(worker, monkeypatch):
    monkeypatch.setattr(model_process, "RETRY_SECONDS", 0.0)
    one = worker("--no-model")
    assert not await one.wait_ready(20)
    one.argv = FAKE
    assert await one.wait_ready(20)
    assert one.problem == ""


async def test_a_worker_that_is_killed_in_the_middle_answers_failed_and_the_next_one_works(
    worker, write_session, echoes
):
    write_session()
    one = worker("--steps", "100", "--pause", "0.05")
    begun = asyncio.Event()
    job = asyncio.create_task(one.ask(Distil("s1", str(echoes.project)), lambda step: begun.set()))
    await asyncio.wait_for(begun.wait(), 20)
    os.kill(children()[0].pid, signal.SIGKILL)
    answer = await asyncio.wait_for(job, 20)
    assert isinstance(answer, Failed)
    assert (answer.error, answer.retry) == ("WorkerGone", True)
    assert one.state == "absent"
    one.argv = FAKE
    assert isinstance(await one.ask(Distil("s1", str(echoes.project))), Done)


async def test_a_worker_that_dies_while_it_loads_is_broken_and_the_log_is_named(worker, home):
    one = worker(argv=says("import sys; sys.exit('no such library')"))
    assert not await one.wait_ready(20)
    assert "ended with exit status 1 while it loaded" in one.problem
    assert "no such library" in (home.logs / "worker.log").read_text()


@pytest.mark.parametrize("noise", ["print('hello')", "print('0 {}')", "print('x' * 2**25)"])
async def test_a_worker_that_talks_nonsense_is_ended(worker, noise):
    one = worker(argv=says(f"import time; {noise}; import sys; sys.stdout.flush(); time.sleep(600)"))
    assert not await one.wait_ready(20)
    assert one.state.startswith("broken")


async def test_stopping_ends_the_worker_and_leaves_no_problem(worker):
    one = worker()
    await one.wait_ready(20)
    await one.stop()
    assert (one.state, children()) == ("absent", [])
    await one.stop()
    assert await one.wait_ready(20)


async def test_a_worker_that_is_stopped_while_it_loads_is_not_called_broken(worker):
    one = worker("--load", "600")
    await one.start()
    await one.stop()
    assert one.state == "absent"


async def test_a_worker_that_does_not_listen_is_ended_by_force(worker):
    one = worker(argv=says("import time; time.sleep(600)"))
    await one.start()
    pid = one._process.pid
    await one.stop(patience=0.1)
    assert not psutil.pid_exists(pid)


async def test_starting_counts_as_use_so_that_nobody_ends_it_for_idleness_while_it_loads(worker):
    one = worker("--load", "600")
    one.used = time.monotonic() - 1e6
    await one.start()
    assert time.monotonic() - one.used < 60


async def test_a_long_log_is_put_aside(worker, home, monkeypatch):
    monkeypatch.setattr(model_process, "LOG_LIMIT", 10)
    home.logs.mkdir(parents=True)
    (home.logs / "worker.log").write_text("a long story\n")
    assert await worker().wait_ready(20)
    assert (home.logs / "worker.old.log").read_text() == "a long story\n"


async def test_a_model_process_is_told_how_its_threads_wait_unless_the_person_has(home):
    settings = config.ModelConfig(threads=3)
    told = app.threading(settings, {**os.environ, "GOMP_SPINCOUNT": "7"})
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")
    code = f"import os, sys; sys.stderr.write(repr([os.environ.get(n) for n in {names}]))"
    one = ModelProcess(says(code), home.logs / "worker.log", environment=told)
    await one.wait_ready(20)
    threads = os.environ.get("OMP_NUM_THREADS", "3")
    assert (home.logs / "worker.log").read_text() == repr(["PASSIVE", "7", threads])
