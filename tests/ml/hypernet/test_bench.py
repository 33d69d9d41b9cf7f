"""The benchmark of the hypernetwork, on the tiny base where that will do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.ml.hypernet.conftest import small_shape

from rune.bench.hypernet import arms, modalities, numerics, real, run, speed
from rune.config import DistilConfig
from rune.ml.engine import Engine
from rune.ml.hypernet.corpus import vocabulary
from rune.ml.hypernet.corpus.sessions import Generator
from rune.ml.hypernet.network import Hypernetwork
from rune.ml.hypernet.recipe import FEW, LONG

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # PEFT asks
MADE = Generator(vocabulary.split(vocabulary.coined(1500)))


@pytest.fixture
def tools(tiny) -> arms.Tools:
    torch.manual_seed(1)
    network = numerics.disturbed(Hypernetwork(small_shape(tiny, chunk=64)))
    quick = DistilConfig(max_epochs=1, least_steps=0)
    return arms.Tools(tiny, Engine(tiny), network, quick)


def test_numerics_are_those_of_the_plain_twin_and_of_peft(tiny, tiny_folder: Path):
    found = numerics.measured(tiny, tiny_folder, far=0.3)
    assert found["chunks"] > 1
    assert found["naive_max_abs_diff"] <= 1e-6
    assert found["lora_effect_max_abs"] >= 0.1
    assert found["export_max_abs_diff"] <= 1e-4


def test_every_arm_answers_every_question(tools):
    some = arms.sessions(MADE, FEW, 4)
    marks = {**arms.cheap(tools, some), **arms.trained(tools, some[:1])}
    asked = sum(len(session.asked) for session in some)
    assert {arm: len(found) for arm, found in marks.items()} == {
        "base": asked, "zeroed": asked, "wrong": asked, "in_context": asked, "text_rag": asked,
        "hypernet": asked, **dict.fromkeys(arms.STEPPED, len(some[0].asked)),
    }  # fmt: skip
    assert marks["zeroed"] == marks["base"]
    assert sum(row["questions"] for row in run.by_kind(some, marks["hypernet"])) == asked


def test_more_chunks_are_smaller_ones_and_the_shape_stays(tools):
    before = tools.network.shape
    rows = arms.by_chunks(tools, arms.sessions(MADE, FEW, 2))
    assert len({row["chunks"] for row in rows}) > 1
    assert tools.network.shape is before


def test_lessons_of_a_session_do_not_use_the_form_of_its_probes():
    for session in arms.sessions(MADE, FEW, 20):
        for lesson in arms.lessons(session):
            assert not set(lesson.questions) & set(lesson.probes)


def test_retrieval_takes_the_step_with_most_common_words():
    lines = ["1. The vault key is maple.", "2. The deploy port is harbor."]
    assert max(lines, key=lambda line: arms.common(line, "What is the deploy port?")) == lines[1]


def test_a_recorded_session_becomes_pieces_that_say_their_answers():
    made = real.pieces(speed.session())
    assert made
    for piece in made:
        assert 1 <= len(piece.asked) <= real.TOGETHER
        assert all(asked.answer in piece.text for asked in piece.asked)


def test_a_session_that_is_measured_with_is_not_trained(monkeypatch):
    from rune.bench import sessions
    from rune.errors import RuneError

    past = speed.session()
    monkeypatch.setattr(sessions, "load", lambda _: sessions.Corpus((past,), (past,)))
    with pytest.raises(RuneError, match="held-out"):
        real.training(Path())
    monkeypatch.setattr(sessions, "load", lambda _: sessions.Corpus((past,), ()))
    assert real.training(Path()) == real.pieces(past)


def test_the_same_knowledge_is_told_in_five_ways(tools):
    some = arms.sessions(MADE, LONG, 12)
    for session in some:
        ways = modalities.told(session)
        for name, way in ways.items():
            assert all(asked.answer in way.text for asked in way.asked), name
            assert way.asked == session.asked or name == "no_failures"
        assert "fail" not in ways["no_failures"].text.lower()
        assert "\n" not in ways["document"].text
    figures = run.told(tools, some[:2])
    assert set(figures) == {f"recall_{name}" for name in modalities.told(some[0])} | {"shuffled_recall"}


def test_shuffled_steps_keep_their_numbers():
    session = MADE.session(5, LONG)
    other = modalities.shuffled(session, 1)
    assert other.text != session.text
    assert sorted(other.text.splitlines()) == sorted(session.text.splitlines())
