"""A completion counts as a recall does: written down, tied to its session, judged, and in the fitness."""

import asyncio
import json
import time

import httpx
import pytest
import pytest_asyncio

from rune import forget
from rune.config import EvolutionConfig
from rune.evolving import standing
from rune.library import Library
from rune.paths import Home
from rune.records import recalled
from rune.testing import BASE, FakeSession

pytestmark = pytest.mark.asyncio(loop_scope="session")
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"
CONFIG = EvolutionConfig()


@pytest_asyncio.fixture(loop_scope="session")
async def http(served, echoes):
    """A client with the key of the project."""
    headers = {"Authorization": f"Bearer {served.key(echoes.project)}"}
    async with httpx.AsyncClient(base_url=served.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def ask(http):
    """``ask("rune", session="s2")`` is what the answer to one chat says of itself."""

    async def post(model="rune", session="", content=QUESTION, **more):
        body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
        answer = await http.post("/chat/completions", json=body, headers={"X-Rune-Session": session})
        assert answer.status_code == 200, answer.text
        lines = answer.text.splitlines() if more.get("stream") else [f"data: {answer.text}"]
        return json.loads(lines[0].removeprefix("data: "))["x_rune"]

    return post


@pytest.fixture
def session(served, project):
    """``session("s2")`` is at work in the project; the daemon's capture has seen it."""

    begun = []

    def begin(name):
        begun.append(name)
        made = FakeSession(Home(served.keys.parent), project, name)
        made.prompt("Mend the invoice.")
        served.capture.drain()
        return made

    yield begin
    for name in begun:
        served.capture.forget(name)


def uses(echoes):
    return [(use.session, use.adapter, use.answered) for use in recalled.read(echoes.recalls)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_completion_in_the_only_open_session_is_a_use_of_its_adapter(
    ask, session, card, echoes, stream
):
    session("s2")
    before = time.time()
    told = await ask(stream=stream)
    assert (told["adapter"], told["asked_in"]) == (card.id, "s2")
    (use,) = recalled.read(echoes.recalls)
    assert (use.session, use.adapter, use.answered) == ("s2", card.id, True)
    assert use.score == told["relevance"] >= 0.35
    assert before <= use.at <= time.time()


async def test_an_adapter_asked_by_its_id_is_used_too_and_the_base_is_not(ask, session, card, echoes):
    session("s2")
    await ask(card.id)
    assert uses(echoes) == [("s2", card.id, True)]
    assert (await ask(BASE))["asked_in"] is None
    assert (await ask(content="Tell me about zebras"))["adapter"] is None
    assert len(uses(echoes)) == 1


async def test_of_several_open_sessions_the_named_one_counts_and_none_is_guessed(ask, session, card, echoes):
    session("s2")
    session("s3")
    for named, counted in (("s2", "s2"), ("s3", "s3"), ("", None), ("s4", None), ("../s2", None)):
        assert (await ask(session=named))["asked_in"] == counted
    assert [session for session, *_ in uses(echoes)] == ["s2", "s3", "", "", ""]


async def test_a_named_session_that_is_not_open_is_not_replaced_by_the_one_that_is(
    ask, session, card, echoes
):
    session("s2")
    assert (await ask(session="s1"))["asked_in"] is None
    assert uses(echoes) == [("", card.id, True)]


async def test_nothing_of_the_request_is_written_down_but_which_adapter_answered_when_and_how_near(
    ask, session, card, echoes
):
    session("s2")
    await ask(session="the password is hunter2", user="somebody")
    (line,) = echoes.recalls.read_text().splitlines()
    assert set(json.loads(line)) == {"v", "at", "session", "adapter", "score", "answered"}
    assert [word for word in ("invoice", "EUR", "hunter2", "somebody") if word in line] == []


async def test_an_answer_that_was_broken_off_counts_for_nothing(served, http, session, card, echoes):
    session("s2")
    body = {"model": card.id, "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    async with http.stream("POST", "/chat/completions", json=body) as answer:
        await anext(answer.aiter_lines())
    async with asyncio.timeout(20):
        while (await served.local.stats()).running:
            await asyncio.sleep(0.01)
    assert uses(echoes) == []


async def test_a_count_that_cannot_be_written_keeps_nobody_from_the_answer(
    ask, session, card, echoes, caplog
):
    session("s2")
    echoes.recalls.mkdir()
    assert (await ask())["adapter"] == card.id
    assert "could not be counted" in caplog.text


async def test_what_failed_and_passes_after_a_completion_is_in_the_fitness_of_its_adapter(
    served, ask, session, card, home, echoes, project
):
    library = Library(echoes, time.time)
    before = standing.standings(library, CONFIG, time.time())[0].fitness
    work = session("s2")
    work.fail("pytest tests/test_invoice.py", "AssertionError")
    await ask()
    work.run("pytest tests/test_invoice.py", "1 passed")
    served.capture.drain()
    assert standing.settle_outcomes(echoes, CONFIG) == 0, "the session is still open"
    work.end()
    served.capture.drain()
    assert standing.settle_outcomes(echoes, CONFIG) == 1
    (outcome,) = library.states()[card.id].outcomes
    assert (outcome.session, outcome.passed, outcome.share) == ("s2", True, 1.0)
    after = standing.standings(library, CONFIG, time.time())[0].fitness
    assert (after.outcomes, after.trials) == (1, before.trials + 1)
    assert after.pass_rate > before.pass_rate
    forget.session(home, "s2", project)
    assert uses(echoes) == []


async def test_asked_in_no_known_session_an_adapter_is_used_but_not_judged(
    served, ask, session, card, echoes
):
    works = [session("s2"), session("s3")]
    for work in works:
        work.fail("pytest tests/test_invoice.py", "AssertionError")
    await ask()
    for work in works:
        work.run("pytest tests/test_invoice.py", "1 passed")
        work.end()
    served.capture.drain()
    assert standing.settle_outcomes(echoes, CONFIG) == 0
    assert Library(echoes, time.time).states()[card.id].outcomes == ()
    (one,) = standing.standings(Library(echoes, time.time), CONFIG, time.time())
    assert one.used == next(recalled.read(echoes.recalls)).at
