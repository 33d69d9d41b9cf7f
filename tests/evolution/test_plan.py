from dataclasses import replace

import pytest

from rune.config import EvolutionConfig
from rune.evolution.actions import Consolidate, Forget, Merge, Update
from rune.evolution.plan import fingerprint, plan
from rune.records.card import Lesson
from rune.records.ledger import State

NOON = 1795176000.0
DAY = 86400.0
CONFIG = EvolutionConfig(similar=0.3)


def planned(*standings, refused=frozenset(), **config):
    return plan(standings, replace(CONFIG, **config), NOON, refused)


@pytest.fixture
def gates(lesson):
    """Lessons on the gate: ``gates(4)`` are so many, each with its own last word."""
    return lambda count, first=0: [
        lesson(f"gate server listener part {n}", f"gate{n}.py") for n in range(first, first + count)
    ]


# nothing


def test_where_all_is_well_nothing_is_planned(standing, lesson):
    assert planned() == []
    assert planned(standing("a", lesson("port", "8080")), standing("b", lesson("colour", "blue"))) == []


# update


def test_a_lesson_that_a_younger_session_contradicts_is_retired_and_the_rest_stays(standing, lesson):
    old = standing("a", lesson("gateway port", "8080"), lesson("gateway host", "alpha"), days_ago=9)
    new = standing("b", lesson("gateway port", "9090"))
    (action,) = planned(old, new, similar=1.0)
    assert (action.old, action.by, action.lessons) == ("a", "b", (0,))
    assert action.because == "a younger session says otherwise", "it is kept when a session is forgotten"


def test_what_was_retired_is_not_planned_again(standing, lesson):
    lessons = lesson("gateway port", "8080"), lesson("gateway host", "alpha")
    old = standing("a", *lessons, days_ago=9, state=State(retired={0: "b"}))
    assert planned(old, standing("b", lesson("gateway port", "9090")), similar=1.0) == []


def test_what_two_sessions_agree_on_and_what_is_history_is_not_retired(standing, lesson):
    same = [standing(id, lesson("gateway port", "8080"), days_ago=9 - n) for n, id in enumerate("ab")]
    history = [
        standing(id, lesson("gateway crash", fix, "repair"), days_ago=9 - n)
        for n, (id, fix) in enumerate(zip("cd", ("restart", "reboot"), strict=True))
    ]
    assert [a for a in planned(*same, *history, similar=1.0, same=1.1) if isinstance(a, Update)] == []


def test_an_adapter_of_which_nothing_is_true_any_more_gives_up_its_place(standing, lesson):
    old = standing("a", lesson("gateway port", "8080"), days_ago=9, state=State(retired={0: "b"}))
    (action,) = planned(old, standing("b", lesson("gateway port", "9090")))
    assert (action.old, action.by, action.lessons, action.untrue) == ("a", "b", (), True)


def test_a_fitter_successor_of_the_same_task_supersedes(standing, gates):
    old, new = standing("a", *gates(4), phi=0.4, days_ago=9), standing("b", *gates(4), phi=0.6)
    (action,) = planned(old, new)
    assert action == Update("a", "b", (), "same task (1.00 alike), fitness 0.60 against 0.40")


@pytest.mark.parametrize(("before", "after"), [(0.6, 0.4), (0.5, 0.5), (None, 0.9), (0.4, None)])
def test_a_successor_that_is_not_known_to_be_fitter_supersedes_nobody(standing, gates, before, after):
    pair = standing("a", *gates(4), phi=before, days_ago=9), standing("b", *gates(4), phi=after)
    assert [action for action in planned(*pair) if isinstance(action, Update)] == []


def test_a_successor_spares_what_a_person_has_put_back_since_it_was_made_and_nothing_else(standing, gates):
    old, new = standing("a", *gates(4), phi=0.4, days_ago=9), standing("b", *gates(4), phi=0.6, days_ago=3)
    automatic = replace(old, state=State(since=NOON))
    assert [action.by for action in planned(automatic, new) if isinstance(action, Update)] == ["b"]
    by_hand = replace(old, state=State(since=NOON, word=NOON - 86400))
    back = replace(new, state=State(since=NOON))
    assert [action for action in planned(by_hand, back) if isinstance(action, Update)] == []
    (action,) = planned(by_hand, standing("c", *gates(4), phi=0.7))
    assert (action.old, action.by, action.lessons) == ("a", "c", ())


def test_what_a_person_has_put_back_is_retired_by_what_happened_after_it_alone(standing, lesson):
    lessons = lesson("gateway port", "8080"), lesson("mailer port", "25")
    old = standing("a", *lessons, days_ago=9, state=State(kept={0: NOON - 3 * DAY}))
    before = standing("b", lesson("gateway port", "9090"), lesson("mailer port", "2525"), days_ago=5)
    (action,) = planned(old, before, similar=1.0)
    assert (action.old, action.by, action.lessons) == ("a", "b", (1,))
    child = replace(before, card=replace(before.card, id="c", created=NOON))  # made later, of what was before
    dated = tuple(replace(one, at=NOON - 5 * DAY) for one in child.card.lessons)
    (action,) = planned(old, replace(child, card=replace(child.card, lessons=dated)), similar=1.0)
    assert (action.by, action.lessons) == ("c", (1,))
    after = standing("d", lesson("gateway port", "7070"), days_ago=1)
    found = {(action.old, action.by): action.lessons for action in planned(old, before, after, similar=1.0)}
    assert found == {("a", "b"): (1,), ("a", "d"): (0,), ("b", "d"): (0,)}


def test_what_a_person_has_put_back_is_known_by_what_it_says_in_a_child_and_a_newer_adapter(standing, lesson):
    told, moment = replace(lesson("gateway port", "8080"), at=NOON - 9 * DAY), NOON - 3 * DAY
    old = standing("a", told, days_ago=9, state=State("superseded", word=moment, kept={0: moment}))
    before = standing("b", lesson("gateway port", "9090"), days_ago=5)
    after = standing("d", lesson("gateway port", "7070"), days_ago=1)
    more = (lesson("mailer port", "25"), replace(told, answer=told.answer.upper()))
    newer = standing("c", *more, days_ago=2, session="s-a")
    child = standing("c", *more, days_ago=2, session="task-1", sessions=("s-x", "s-a"))
    for heir in (newer, child):
        assert planned(old, before, heir, similar=1.0) == []
        found = {(one.old, one.lessons, one.word) for one in planned(old, heir, after, similar=1.0)}
        assert found == {("c", (1,), moment)}
    strangers = [standing("c", *more, days_ago=2), standing("c", *more, days_ago=10, session="s-a")]
    for other in strangers:
        assert [one.lessons for one in planned(old, replace(before, used=0.0), other, similar=1.0)] == [(1,)]
    put_away = replace(old, state=replace(old.state, status="archived", hand=True))
    assert [one.lessons for one in planned(put_away, before, newer, similar=1.0)] == [(1,)]


def test_to_be_learnt_again_is_no_news_of_what_a_person_has_put_back(standing, lesson):
    moment = NOON - 3 * DAY
    old = standing(
        "a", lesson("gateway port", "8080"), days_ago=9, state=State(word=moment, kept={0: moment})
    )
    better = lesson("gateway port", "9090")
    first = standing("b", better, days_ago=5, state=State("superseded"), session="s-b")
    again = standing("c", better, lesson("mailer port", "25"), days_ago=1, session="s-b")
    assert planned(old, first, again, similar=1.0) == []
    assert [one.lessons for one in planned(old, again, similar=1.0)] == [(0,)]


# forget


def test_the_unfit_and_idle_is_put_away(standing, lesson):
    unfit = standing("a", lesson("port", "8080"), phi=0.1, days_ago=70)
    assert planned(unfit) == [Forget("a", "fitness 0.10, below 0.20, and idle 70 days")]
    assert planned(replace(unfit, used=NOON)) == []
    assert planned(standing("b", lesson("port", "8080"), phi=None, days_ago=700)) == []


def test_over_the_budget_the_least_fit_go_first_and_what_was_never_measured_goes_last(standing, lesson):
    fits = {"a": 0.5, "b": 0.3, "c": None, "d": 0.4}
    some = [standing(id, lesson(f"thing {id * 4}", id), phi=phi) for id, phi in fits.items()]
    assert [action.id for action in planned(*some, budget_mb=12)] == ["b", "d"]
    assert [action.id for action in planned(*some, budget_mb=0)] == ["b", "d", "a", "c"]
    assert planned(*some, budget_mb=20) == []


def test_what_a_person_has_put_back_is_not_put_away_by_itself_nor_what_came_of_it(standing, lesson):
    back = State(word=NOON - 80 * DAY)
    unfit = standing("a", lesson("port", "8080"), phi=0.1, days_ago=70, state=back)
    assert planned(unfit) == []
    assert planned(unfit, budget_mb=0) == []
    other = standing("b", lesson("colour", "blue"), phi=0.9)
    assert [action.id for action in planned(unfit, other, budget_mb=6)] == ["b"]
    heir = standing("c", lesson("port", "8080"), phi=0.1, days_ago=65, session="s-a")
    gone = replace(unfit, state=replace(back, status="superseded"))
    assert planned(gone, heir) == []
    assert [action.id for action in planned(heir)] == ["c"]


def test_of_what_is_put_away_no_lesson_is_retired_as_well(standing, lesson):
    old = standing("a", lesson("gateway port", "8080"), lesson("door", "a1"), phi=0.1, days_ago=70)
    new = standing("b", lesson("gateway port", "9090"))
    assert [type(action) for action in planned(old, new, similar=1.0)] == [Forget]


# consolidate


def test_a_cluster_of_similar_adapters_is_brought_together_a_level_up(standing, gates, lesson):
    some = [standing(id, *gates(4, n), days_ago=9 - n) for n, id in enumerate("abc")]
    (action,) = planned(*some, standing("d", lesson("colour of the sky", "blue")), same=1.1)
    assert isinstance(action, Consolidate)
    assert (action.parents, action.level) == (("a", "b", "c"), "task")
    tasks = [replace(one, card=replace(one.card, level="task")) for one in some]
    assert planned(*tasks, same=1.1)[0].level == "project"
    projects = [replace(one, card=replace(one.card, level="project")) for one in some]
    assert planned(*projects, same=1.1) == []


def test_a_cluster_takes_no_more_lessons_than_fit_and_none_of_another_base(standing, gates):
    some = [standing(id, *gates(4, 4 * n), days_ago=9 - n) for n, id in enumerate("abc")]
    assert [a.parents for a in planned(*some, similar=0.1, max_lessons=8)] == [("a", "b")]
    foreign = replace(some[0], card=replace(some[0].card, base_hash="ee" * 32))
    assert [a.parents for a in planned(foreign, *some[1:], similar=0.1)] == [("b", "c")]


@pytest.mark.parametrize("merge", ["none", "cat"])
def test_adapters_that_answer_a_question_differently_are_not_brought_together(standing, gates, merge):
    """Both may be true: two ways to mend one error."""
    some = [standing(id, *gates(4, n), days_ago=9 - n) for n, id in enumerate("abc")]
    mend = [Lesson("repair", f"Restart the {what} service.", ("What mends it?",), ()) for what in ("a", "b")]
    both = [
        replace(one, card=replace(one.card, lessons=(*one.card.lessons, more)))
        for one, more in zip(some, mend, strict=False)
    ]
    ways = {"same": 1.1, "merge": merge}
    assert [action.parents for action in planned(*both, **ways)] == []
    assert [action.parents for action in planned(*both, some[2], **ways)] in ([("a", "c")], [("b", "c")])
    agreeing = [replace(one, card=replace(one.card, lessons=both[0].card.lessons)) for one in both]
    assert [action.parents for action in planned(*agreeing, **ways)] == [("a", "b")]
    counts = [
        replace(one, card=replace(one.card, lessons=(*one.card.lessons[:-1], replace(more, kind="count"))))
        for one, more in zip(both, mend, strict=True)
    ]
    assert [action.parents for action in planned(*counts, **ways)] == [("a", "b")], "the last run counts"


def test_what_was_tried_with_these_parents_and_refused_is_not_tried_again(standing, gates):
    some = [standing(id, *gates(4, n), days_ago=9 - n) for n, id in enumerate("ab")]
    refused = frozenset({("learnt", frozenset({"a", "b"}))})
    assert planned(*some, same=1.1, refused=refused) == []
    third = standing("c", *gates(4, 2))
    assert planned(*some, third, same=1.1, refused=refused) != []


# merge


def test_merging_is_off_until_it_is_switched_on_and_takes_pairs_that_cannot_be_learnt_again(standing, gates):
    some = [standing(id, *gates(6, n), days_ago=9 - n) for n, id in enumerate("ab")]
    assert planned(*some, same=1.1, max_lessons=6) == []
    (action,) = planned(*some, same=1.1, max_lessons=6, merge="cat")
    assert isinstance(action, Merge)
    assert (action.parents, action.how, action.level) == (("a", "b"), "cat", "task")
    refused = frozenset({("cat", frozenset({"a", "b"}))})
    assert planned(*some, same=1.1, max_lessons=6, merge="cat", refused=refused) == []


# the whole


def test_an_adapter_is_in_one_action_at_most_and_the_order_of_the_cards_is_of_no_matter(standing, gates):
    some = [standing(id, *gates(5, n), phi=0.1 * n, days_ago=80 - n) for n, id in enumerate("abcdef")]
    actions = planned(*some, merge="cat")
    named = [
        id
        for action in actions
        for id in getattr(action, "parents", None) or (getattr(action, "id", "") or action.old,)
    ]
    assert len(named) == len(set(named))
    assert fingerprint(planned(*reversed(some), merge="cat")) == fingerprint(actions)


def test_what_is_out_of_service_is_left_alone(standing, gates):
    away = [standing(id, *gates(4), phi=0.0, days_ago=99, state=State("archived")) for id in "ab"]
    assert planned(*away) == []


def test_the_fingerprint_is_of_what_is_done_and_not_of_the_words(standing, lesson):
    one, other = Forget("a", "because"), Forget("a", "therefore")
    assert fingerprint([one]) == fingerprint([other]) != fingerprint([Forget("b", "because")])
