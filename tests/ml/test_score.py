from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from rune import probing
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
    after = score.score(engine, engine.adapter(made.folder), taught)
    assert (after["trained"], after["heldout"]) == (1.0, 1.0)
    assert after["unrelated"] is not None
    before = score.score(engine, None, taught)
    assert (before["trained"], before["heldout"]) == (0.0, 0.0)


def test_half_right_is_a_half(tiny, lessons, quick, tmp_path):
    *_, made = gradient.GradientDistiller(tiny, quick).distil(lessons[:1], tmp_path)
    engine = Engine(tiny)
    assert score.score(engine, engine.adapter(made.folder), lessons)["trained"] == 0.5


def test_where_nothing_can_be_asked_there_is_no_share(tiny, lessons):
    mute = [replace(lesson, keys=()) for lesson in lessons]
    shares = score.score(Engine(tiny), None, mute)
    assert (shares["trained"], shares["heldout"]) == (None, None)
    assert shares["unrelated"] == 0.0
    no_probes = [replace(lesson, probes=()) for lesson in lessons]
    assert score.score(Engine(tiny), None, no_probes)["heldout"] is None


def test_no_more_than_eight_questions_of_a_kind_are_asked(lessons):
    kinds = Counter(probe.kind for probe in score.probes(lessons * 20))
    assert kinds == {"trained": 8, "heldout": 8, "composed": 4, "unrelated": len(probing.UNRELATED)}


def test_a_composed_question_asks_for_two_facts_at_once(lessons):
    one, other = lessons[:2]
    (composed,) = [probe for probe in score.probes([one, other]) if probe.kind == "composed"]
    assert one.probes[0] in composed.question
    assert other.probes[0] in composed.question
    assert composed.keys == (one.keys[0], other.keys[0])


@pytest.mark.model
def test_the_real_base_knows_what_is_unrelated(real):
    assert score.score(Engine(real), None, [])["unrelated"] == 1.0
