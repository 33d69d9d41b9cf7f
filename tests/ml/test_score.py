from __future__ import annotations

from dataclasses import replace

import pytest

from rune.ml import gradient, score
from rune.ml.engine import Engine


@pytest.mark.parametrize(
    ("answer", "keys", "right"),
    [
        ("Run `make check`.", ("make check",), True),
        ("run MAKE CHECK", ("`make check`",), True),
        ("Run it.", ("make check",), False),
        ("Use EUR in invoice.py.", ("EUR", "invoice.py"), True),
        ("Use EUR.", ("EUR", "invoice.py"), False),
        ("Anything.", (), False),
    ],
)
def test_an_answer_is_right_when_it_holds_every_key(answer, keys, right):
    assert score.holds(answer, keys) is right


def test_the_shares_are_of_trained_held_out_and_unrelated_questions(tiny, lessons, quick, tmp_path):
    *_, made = gradient.GradientDistiller(tiny, quick).distil(lessons, tmp_path)
    engine = Engine(tiny)
    taught = [replace(lesson, probes=lesson.questions[1:]) for lesson in lessons]
    after = score.score(engine, engine.adapter(made.folder), taught, 12, 40)
    assert (after["trained"], after["heldout"]) == (1.0, 1.0)
    assert after["unrelated"] is not None
    before = score.score(engine, None, taught, 12, 40)
    assert (before["trained"], before["heldout"]) == (0.0, 0.0)


def test_half_right_is_a_half(tiny, lessons, quick, tmp_path):
    *_, made = gradient.GradientDistiller(tiny, quick).distil(lessons[:1], tmp_path)
    engine = Engine(tiny)
    assert score.score(engine, engine.adapter(made.folder), lessons, 12, 40)["trained"] == 0.5


def test_where_nothing_can_be_asked_there_is_no_share(tiny, lessons):
    mute = [replace(lesson, keys=()) for lesson in lessons]
    shares = score.score(Engine(tiny), None, mute, 12, 4)
    assert (shares["trained"], shares["heldout"]) == (None, None)
    assert shares["unrelated"] == 0.0
    no_probes = [replace(lesson, probes=()) for lesson in lessons]
    assert score.score(Engine(tiny), None, no_probes, 12, 4)["heldout"] is None


def test_no_more_questions_than_the_limit_are_asked(tiny, lessons):
    class Counting(Engine):
        asked = 0

        def answers(self, questions, adapter, max_tokens):
            self.asked += len(questions)
            return super().answers(questions, adapter, max_tokens)

    engine = Counting(tiny)
    score.score(engine, None, lessons * 20, 18, 1)
    assert engine.asked == 18 + 18 + len(score.UNRELATED)


@pytest.mark.model
def test_the_real_base_knows_what_is_unrelated(real):
    assert score.score(Engine(real), None, [], 12, 24) == {"trained": None, "heldout": None, "unrelated": 1.0}
