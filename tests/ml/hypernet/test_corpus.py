"""The generator of sessions: by number, apart from what is held out, and answered by its own text alone."""

from __future__ import annotations

import random

from rune.ml.hypernet.corpus import leaks, vocabulary
from rune.ml.hypernet.corpus.sessions import HELD_OUT, Asked, Generator, Level, Session
from rune.ml.hypernet.corpus.templates import KINDS
from rune.ml.hypernet.recipe import EXAMINED, FEW, LONG, ORDER, RECIPES

MADE = Generator(vocabulary.split(vocabulary.coined(1500)))


def test_a_number_gives_the_same_session_whatever_was_made_before():
    one = MADE.session(41, FEW)
    MADE.session(3, LONG)
    assert MADE.session(41, FEW) == one != MADE.session(42, FEW)
    assert Generator(MADE.vocabularies, seed=8).session(41, FEW) != one


def test_every_answer_stands_in_the_text_and_only_there():
    for number in range(300):
        session = MADE.session(number, LONG)
        assert session.asked
        for asked in session.asked:
            assert asked.answer in session.text
            assert asked.answer not in asked.question


def test_near_duplicates_share_a_word_with_what_is_asked():
    level = Level(facts=(1, 1), near=1)
    told = [MADE.session(number, level) for number in range(60)]
    two = [session for session in told if session.text.count("\n")]
    assert two
    for session in two:
        [asked] = session.asked
        tail = next(word for word in sorted(session.words) if f" {word}" in asked.question)
        assert session.text.count(tail) >= 2 or any(session.text.count(w) >= 2 for w in session.words)


def test_what_came_before_is_not_the_answer():
    moved = Level(kinds=("moved",))
    for number in range(50):
        session = MADE.session(number, moved)
        others = session.words & set(MADE.vocabularies.training.values) - {session.asked[0].answer}
        assert others, "the old value stands there, too"


def test_what_changed_is_told_twice_and_the_later_one_is_asked():
    for number in range(50):
        session = MADE.session(number, ORDER)
        [asked] = session.asked
        first, second = (step for step in session.text.splitlines() if asked.about in step)
        assert asked.answer in second
        assert asked.answer not in first


def test_training_and_held_out_share_neither_word_nor_form_nor_text():
    ours = [MADE.session(number, LONG) for number in range(300)]
    theirs = [MADE.session(number, LONG, HELD_OUT) for number in range(300)]
    assert leaks.between(ours, theirs).none


def test_a_leak_is_found():
    ours = MADE.session(1, FEW)
    assert not leaks.between([ours], [ours]).none
    copied = Session(f"1. {ours.text.upper()}", (Asked("word", "?", "x", "y"),), frozenset(), frozenset())
    assert leaks.between([ours], [copied]).sessions == (0 if ours.text[:1].isdigit() else 1)
    assert leaks.between([ours], [MADE.session(1, FEW, HELD_OUT)]).none


def test_words_keep_their_set_whatever_the_others_are():
    words = vocabulary.coined(800)
    random.Random(1).shuffle(words)
    some, all_of_them = vocabulary.split(words[:400]), vocabulary.split(words)
    assert set(some.training.keys) <= set(all_of_them.training.keys)
    assert set(some.held_out.values) <= set(all_of_them.held_out.values)


def test_recipes_get_harder_and_every_kind_is_examined():
    for recipe in RECIPES.values():
        ends = [stage.until for stage in recipe.stages]
        assert ends == sorted(ends)
        assert recipe.stage(0) is recipe.stages[0]
        assert recipe.stage(recipe.contexts) is recipe.stages[-1]
    assert {kind for level in EXAMINED.values() for kind in level.kinds} == set(KINDS)
