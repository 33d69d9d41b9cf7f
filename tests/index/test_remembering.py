"""A whole daemon whose search data lie on a real Chroma server: remembers, forgets, does without it."""

import subprocess
import sys
import time

import psutil
import pytest
from tests.conftest import end

from rune import client, worker
from rune.config import IndexConfig
from rune.index import server_of
from rune.library import Library
from rune.records.message import Distil, Done, Failed, Forget, Forgotten, Recall, Recalled, Status
from rune.testing import FakeSession, parts, until

QUESTION = "Why did pytest fail with TypeError: PORT must be int, not str?"


@pytest.fixture
def daemon(home, chroma):
    """The real daemon with a fake model and the real index; its worker stays with it."""
    home.root.mkdir()
    home.config.write_text(f'[daemon]\ntick_seconds = 0.1\n[index]\nurl = "{chroma.url}"\n')
    process = subprocess.Popen([sys.executable, "-P", "-m", "rune.testing", "daemon"])
    yield process
    end(process)


@pytest.fixture
def ask(home):
    return lambda request: client.call(home.socket, request, 120.0)


def test_a_server_is_used_done_without_and_forgotten_on(daemon, chroma, home, project, echoes, ask):
    until(lambda: client.running(home.socket), 180)
    for name, about in (("s1", "PORT"), ("s2", "HOST")):
        session = FakeSession(home, project, name)
        session.work(about)
        session.end()
    until(lambda: len(Library(echoes, time.time).cards()) == 2, 180)
    found = ask(Recall(QUESTION, str(project)))
    assert isinstance(found, Recalled)
    assert (found.session, bool(found.answer)) == ("s1", True)
    collection = server_of(home, IndexConfig(chroma.url)).collection(str(project))
    both = chroma.held()[collection]
    assert len(both) > 2

    chroma.stop()
    without = ask(Recall(QUESTION, str(project)))
    assert (without.answer, without.session) == ("", "s1"), "words still find the evidence"
    assert f"the Chroma server {chroma.url} cannot be used" in without.abstained
    refused = ask(Forget("s1", str(project)))
    assert isinstance(refused, Failed)
    assert refused.error == "IndexUnavailable"
    assert echoes.trajectory("s1").exists(), "nothing is forgotten by halves"

    chroma.start()
    assert ask(Recall(QUESTION, str(project))).answer == found.answer
    assert sorted(chroma.held()[collection]) == sorted(both)
    assert isinstance(ask(Forget("s1", str(project))), Forgotten)
    left = chroma.held()[collection]
    assert 0 < len(left) < len(both)
    assert set(left) < set(both)
    assert ask(Recall(QUESTION, str(project))).session != "s1"
    assert b"PORT must be int" not in chroma.bytes()


def test_a_session_is_learnt_while_the_server_is_away(home, echoes, write_session):
    home.root.mkdir()
    home.config.write_text('[index]\nurl = "http://127.0.0.1:1"\n')
    write_session()
    (*_, done) = worker.distil(parts(home), Distil("s1", str(echoes.project)))
    assert isinstance(done, Done)
    assert Library(echoes, time.time).get(done.adapter).session == "s1"


def test_forgetting_without_a_worker_deletes_the_collection(daemon, chroma, home, project, echoes, ask):
    until(lambda: client.running(home.socket), 180)
    session = FakeSession(home, project, "s1")
    session.work()
    session.end()
    until(lambda: Library(echoes, time.time).cards(), 180)
    assert ask(Recall(QUESTION, str(project))).answer
    for one in psutil.Process(daemon.pid).children(recursive=True):
        one.kill()
    until(lambda: ask(Status()).worker != "ready", 180)
    assert isinstance(ask(Forget("s1", str(project))), Forgotten)
    assert chroma.held() == {}
