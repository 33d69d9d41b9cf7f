"""Retrieval over a real index; only the embedder is a small one of words."""

import json
import time
from datetime import date

import pytest

from rune.finding import Finder
from rune.index import Index
from rune.library import Library
from rune.records import remembrance
from rune.records.card import Lesson
from rune.testing import FakeEmbedder

QUESTION = "Why does the invoice test fail with the ledger?"


@pytest.fixture
def finder(home):
    index = Index(home.index, FakeEmbedder())
    yield Finder(index, 0.35)
    index.close()


@pytest.fixture
def add(echoes, make_card, fill_stage):
    """``add("s2", lesson, ...)`` makes an adapter of a session of that name."""
    library = Library(echoes, time.time)

    def add(session, *lessons):
        with library.staging() as stage:
            fill_stage(stage, session.encode())
            return library.add(stage, make_card(session=session, source_hash=session, lessons=lessons))

    return add


def lesson(number):
    answer = f"The invoice test fails with the currency of ledger number {number}."
    return Lesson("said", answer, (f"Why does the invoice test fail with ledger {number}?",), ())


def test_a_text_that_is_close_is_found_behind_any_number_of_lessons(finder, add, echoes, project):
    for one in range(3):
        add(f"s{one}", *(lesson(20 * one + number) for number in range(20)))
    told = remembrance.Remembrance(
        "Invoice totals", "test-failures", ("invoice",), date(2026, 11, 1),
        "The invoice test fails when the ledger is rounded half up.", "Rounding.", "Use ROUND_HALF_EVEN.",
        "high", "human",
    )  # fmt: skip
    path = echoes.solutions / told.category / f"{remembrance.slug(told.title)}.md"
    path.parent.mkdir(parents=True)
    path.write_text(remembrance.render(told))
    found = finder.find(str(project), QUESTION, 1)
    assert len(found.hits) == 63
    (text,) = found.texts
    assert finder.floor <= text.score < found.hits[40].score


@pytest.mark.parametrize(("limit", "many"), [(-1, 1), (0, 1), (1, 1), (2, 2), (10**30, 3)])
def test_a_limit_below_one_is_one(finder, add, project, limit, many):
    for one in range(3):
        add(f"s{one}", lesson(one))
    found = finder.find(str(project), QUESTION, limit)
    assert len(found.matches) == many
    assert found.card.session == found.matches[0].session


def test_one_damaged_card_does_not_take_the_others_along(finder, add, project, echoes, caplog):
    whole, damaged = add("s1", lesson(1)), add("s2", lesson(2))
    path = echoes.adapters / damaged.id / "card.json"
    raw = json.loads(path.read_bytes())
    del raw["lessons"][0]["questions"]
    path.chmod(0o600)
    path.write_text(json.dumps(raw))
    assert [match.adapter for match in finder.find(str(project), QUESTION).matches] == [whole.id]
    assert "lessons[0].questions: found None" in caplog.text
