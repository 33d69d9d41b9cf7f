"""The bench of distillation: training and serving with fakes, cut off and gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rune.bench.distil import calibrate, first, growth, naive, served, train
from rune.bench.distil.probes import Probe
from rune.bench.distil.scene import Scene
from rune.bench.distil.work import Work
from rune.config import RecallConfig
from rune.errors import OutOfMemory, RuneError
from rune.records.trajectory import Event, Execution, Prompt, Reflection, Trajectory
from rune.testing import FakeDistiller, FakeGenerator, parts

ABOUT = ("invoice", "parser", "printer")


def told(about: str) -> tuple[Event, ...]:
    run = f"pytest tests/test_{about}.py"
    return (
        Prompt("e1", 1.0, f"Make the {about} work."),
        Execution("e2", 2.0, "Bash", run, f"TypeError: {about} must be int, not str", False),
        Reflection("e3", 3.0, f"The {about} test failed because `{about}_total` was passed as a string."),
        Execution("e4", 4.0, "Bash", run, "1 passed", True),
    )


def probe(session: str, about: str) -> Probe:
    question = f"Why did the {about} test fail?"
    return Probe(session, "fact", question, (f"{about}_total",), "", "cause", True, ("e3",))


@pytest.fixture
def scene(tmp_path) -> Scene:
    pasts = [Trajectory(f"s-{about}", "/elsewhere", "import", 0.0, told(about)) for about in ABOUT]
    probes = tuple(probe(past.session, about) for past, about in zip(pasts[:2], ABOUT, strict=False))
    probed, others = tuple(pasts[:2]), tuple(pasts[2:])
    return Scene(Work(tmp_path / "work"), "development", probed, others, tuple(pasts), probes)


def test_every_session_becomes_an_adapter_of_one_project(scene, home):
    train.run(scene, parts(home))
    cards = scene.library.cards()
    assert {card.session for card in cards} == {f"s-{about}" for about in ABOUT}
    row = scene.work.get("train", "s-invoice")
    assert row["served"]
    assert row["lessons"] == len(scene.card("s-invoice").lessons)
    assert row["adapter"] == scene.card("s-invoice").id
    assert (row["steps"], row["probes_after"]["trained"]) == (3, 1.0)


def test_what_another_process_has_begun_is_left_to_it(scene, home):
    other = Work(scene.work.folder)
    with other.claimed("train", "s-parser") as theirs:
        assert theirs
        train.run(scene, parts(home))
        assert scene.work.get("train", "s-parser") is None
    assert {card.session for card in scene.library.cards()} == {"s-invoice", "s-printer"}
    train.run(scene, parts(home))
    assert scene.work.get("train", "s-parser") is not None


class Failing(FakeDistiller):
    """Fits once."""

    def distil(self, lessons, into, heritage=None, passages=()):
        if "parser" in lessons[0].answer + lessons[0].questions[0]:
            raise OutOfMemory("cut off")
        yield from super().distil(lessons, into, heritage)


def test_training_goes_on_where_it_was_cut_off(scene, home):
    with pytest.raises(OutOfMemory):
        train.run(scene, parts(home, Failing()))
    assert [past.session for past, _ in scene.trained()] == ["s-invoice"]
    before = scene.work.path("train", "s-invoice").stat().st_mtime_ns
    train.run(scene, parts(home))
    assert len(scene.trained()) == 2
    assert scene.work.path("train", "s-invoice").stat().st_mtime_ns == before


def test_an_adapter_whose_row_was_lost_is_not_made_twice(scene, home):
    train.run(scene, parts(home))
    scene.work.path("train", "s-parser").unlink()
    train.run(scene, parts(home))
    assert scene.work.get("train", "s-parser")["lessons"] > 0
    assert len(scene.library.cards(include_archived=True)) == 3


def test_a_session_that_is_not_trained_yet_has_no_card(scene):
    with pytest.raises(RuneError, match="s-invoice is not trained yet"):
        scene.card("s-invoice")


def test_the_first_session_is_asked_alone_and_at_the_end(scene, home):
    made = parts(home)
    train.run(scene, made)
    served.run(scene, made)
    alone, end = (scene.work.get("first", name) for name in ("alone", "end"))
    assert (alone["adapters"], end["adapters"]) == (1, 3)
    assert set(first.unchanged(alone, end).values()) == {1.0}
    assert [session for session, _ in end["recalled"]] == ["s-invoice"]


def test_recalls_of_the_first_session_are_compared_under_the_same_thresholds(scene, home):
    made = parts(home)
    train.run(scene, made)
    before = first.beside(scene, made)
    assert all(answer for _, answer in before["recalled"])
    made.recaller.config = replace(made.recaller.config, near=2.0)
    after = first.beside(scene, made)
    assert [answer for _, answer in after["recalled"]] == [""] * len(before["recalled"])
    assert after["recalled"] == after["recalled_alone"]
    assert first.unchanged(None, after)["session_one_recalled_unchanged"] == 1.0
    assert first.beside(scene, made) == after


@pytest.mark.parametrize("stage", [served.run, naive.run])
def test_no_stage_begins_before_every_session_is_learnt(scene, home, stage):
    made = parts(home)
    train.run(scene, made)
    scene.work.path("train", "s-printer").unlink()
    with pytest.raises(RuneError, match="1 sessions are not learnt yet: end the stage train first"):
        stage(scene, made)


def test_recall_finds_the_session_and_abstains_on_what_none_is_about(scene, home):
    made = parts(home)
    train.run(scene, made)
    served.run(scene, made)
    answers = [answer for row in scene.work.all("served") for answer in row["answers"]]
    assert len(answers) == 2 + 30
    assert [answer["found"] for answer in answers[:2]] == ["s-invoice", "s-parser"]
    assert served.summary(answers)["served_recall"] == 1.0
    assert served.summary(answers)["abstain_unrelated"] > 0.5
    assert all(answer["result_tokens"] > answer["evidence_tokens"] for answer in answers)


def test_what_was_served_with_other_thresholds_is_asked_again(scene, home):
    made = parts(home)
    train.run(scene, made)
    served.run(scene, made)
    made.recaller.config = replace(made.recaller.config, near=2.0)
    served.run(scene, made)
    answers = [answer for row in scene.work.all("served") for answer in row["answers"]]
    assert not any(answer["answer"] for answer in answers)


class Likely(FakeGenerator):
    """What calibration needs of an engine beside answers."""

    def adapter(self, folder):
        return folder

    def answers(self, questions, adapter, max_tokens):
        return [self.answer(question, adapter, max_tokens) for question in questions]

    def logprobs(self, question, answer, adapter):
        return [-0.1, -0.3] if adapter else [-2.0]

    def sureness(self, question, answer, adapter):
        return 0.25


def test_calibration_keeps_what_every_threshold_would_be_held_against(scene, home, monkeypatch):
    made, asked = parts(home), served.with_unrelated(scene.probes, "development")[:4]
    monkeypatch.setattr(calibrate, "questions", lambda _: asked)
    train.run(scene, made)
    made.recaller.generator = engine = Likely()
    floor = made.recaller.floor
    calibrate.run(scene, made, engine)
    assert made.recaller.floor == floor
    first, second, *foreign = scene.work.get("calibrate", "000")["answers"]
    assert [one["found"] for one in (first, second)] == ["s-invoice", "s-parser"]
    assert first["true"]
    assert first["right"] == first["given"] == [True] * len(calibrate.SUPPORTS)
    assert (first["sure"], first["ratio"]) == (0.25, pytest.approx(1.8))
    assert first["near"] > max(one["near"] for one in foreign)
    assert not any(any(one["right"]) for one in foreign)
    assert all(first["again"]["right"])
    assert first["again"]["question"] != first["question"]
    result = calibrate.result(scene, RecallConfig())
    assert result["summary"]["now_answered"] == 0  # nobody is sure enough
    assert result["summary"]["best_coverage"] == 1.0


def test_answers_of_fewer_adapters_are_asked_again(scene, home):
    made = parts(home)
    train.run(scene, made)
    served.run(scene, made)
    row = scene.work.get("served", "000")
    some: Sequence[served.Question] = served.questions(scene)[: served.CHUNK]
    assert served.same(some, row["adapters"], row)
    assert not served.same(some, row["adapters"][1:], row)
    assert not served.same(some[1:], row["adapters"], row)


def test_growth_trains_shares_of_the_joined_lessons(scene, home, monkeypatch):
    monkeypatch.setattr(growth, "SIZES", (2, 4))
    growth.run(scene, parts(home, FakeDistiller(2)))
    rows = scene.work.all("growth")
    assert [(row["lessons"], row["steps"]) for row in rows] == [(2, 2), (4, 2)]
    pool = growth.joined(scene.development)
    assert len({lesson.answer for lesson in pool}) == len(pool) >= 4
    assert growth.joined(scene.development) == pool


def test_our_own_way_is_timed_without_being_published(scene, home, tmp_path):
    made = parts(home)
    train.run(scene, made)
    before = scene.library.cards()
    done, seconds = naive.retrained(made, before[0].lessons, tmp_path / "again")
    assert (done.steps, scene.library.cards()) == (3, before)
    assert seconds >= 0
    assert not (tmp_path / "again").exists()


def test_the_sessions_of_the_naive_way_are_drawn_among_those_with_adapters(scene, home):
    train.run(scene, parts(home))
    assert {past.session for past, _ in naive.drawn(scene)} == {"s-invoice", "s-parser"}
    assert naive.drawn(scene) == naive.drawn(scene)
