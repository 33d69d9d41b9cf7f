import time
from dataclasses import replace

from rune.config import EvolutionConfig
from rune.evolving import carrying, examining, standing
from rune.records import recalled
from rune.records.ledger import Outcome
from rune.records.recalled import Use
from rune.records.trajectory import Execution
from rune.testing import BASE_HASH, FakeBreeder
from rune.units import done

CONFIG = EvolutionConfig()
NOON = 1795176000.0


def run(id, at, ok):
    return Execution(id, NOON + at, "Bash", "pytest -q", "", ok)


def test_what_came_of_a_recall_is_written_down_once_the_session_is_over(
    teach, gates, library, echoes, write_session
):
    card = teach("s1", *gates)
    recalled.append(echoes.recalls, Use(NOON + 5, "s2", card.id))
    write_session("s2", closed=False, events=(run("x1", 1, False), run("x2", 9, True)))
    assert standing.settle_outcomes(echoes, CONFIG) == 0
    echoes.trajectory("s2").unlink()
    write_session("s2", events=(run("x1", 1, False), run("x2", 9, True)))
    before = standing.standings(library, CONFIG, NOON)[0].fitness
    seen = standing.look(echoes, CONFIG, NOON).standings[0].fitness
    assert library.states()[card.id].outcomes == (), "who only looks writes nothing"
    assert standing.settle_outcomes(echoes, CONFIG) == 1
    assert standing.look(echoes, CONFIG, NOON).standings[0].fitness == seen
    assert standing.settle_outcomes(echoes, CONFIG) == 0
    assert library.states()[card.id].outcomes == (Outcome("s2", NOON + 5, True),)
    after = standing.standings(library, CONFIG, NOON)[0].fitness
    assert after.phi > before.phi
    assert after.outcomes == 1


def test_fitness_is_the_same_when_it_is_computed_anew_from_the_files(teach, gates, library, echoes):
    teach("s1", *gates)
    one = standing.standings(library, CONFIG, NOON)
    assert standing.standings(type(library)(echoes, time.time), CONFIG, NOON) == one


def test_a_damaged_trajectory_and_an_adapter_that_is_gone_are_passed_over(
    teach, gates, echoes, write_session
):
    card = teach("s1", *gates)
    for session, adapter in (("s2", card.id), ("s3", "f" * 16), ("s4", card.id)):
        recalled.append(echoes.recalls, Use(NOON + 5, session, adapter))
    write_session("s2").write_text('{"v": 9}\n')
    write_session("s3", events=(run("x1", 1, False), run("x2", 9, True)))
    assert standing.settle_outcomes(echoes, CONFIG) == 0


def test_an_adapter_counts_as_used_from_when_it_was_last_asked_or_put_back(teach, gates, library, echoes):
    card = teach("s1", *gates)
    recalled.append(echoes.recalls, Use(time.time() + 500, "s2", card.id))
    assert standing.standings(library, CONFIG, NOON)[0].used > time.time() + 400


def test_a_lesson_that_is_no_longer_true_is_retired_and_not_found_any_more(teach, lesson, library, echoes):
    old = teach("s1", lesson("gateway port", "8080"), lesson("gateway host", "alpha"))
    new = teach("s2", lesson("gateway port", "9090"))
    actions = standing.look(echoes, EvolutionConfig(similar=1.0), NOON).actions
    (line,) = carrying.carry(library, actions)
    assert f"retired 1 lesson(s) of {old.id}" in line
    assert carrying.carry(library, actions) == []
    assert [card.lessons for card in library.cards()] == [old.lessons[1:], new.lessons]
    assert library.get(old.id).lessons == old.lessons
    assert standing.look(echoes, EvolutionConfig(similar=1.0), NOON).actions == ()


def test_what_was_untrue_as_a_whole_is_back_when_its_successor_is_put_away(teach, lesson, library, echoes):
    old, new = teach("s1", lesson("gateway port", "8080")), teach("s2", lesson("gateway port", "9090"))
    for _ in range(2):  # first its lesson, then, with nothing left, the whole
        carrying.carry(library, standing.look(echoes, EvolutionConfig(similar=1.0), NOON).actions)
    assert [card.id for card in library.cards()] == [new.id]
    assert library.states()[old.id].status == "superseded"
    library.archive(new.id)
    assert [card.lessons for card in library.cards()] == [old.lessons]
    assert standing.look(echoes, EvolutionConfig(similar=1.0), NOON).actions == ()


def test_an_unfit_adapter_is_put_away_and_can_be_put_back(teach, gates, library, echoes):
    card = teach("s1", *gates, probes_after={"trained": 0.0, "heldout": 0.05})
    later = time.time() + 90 * 86400
    actions = standing.look(echoes, CONFIG, later).actions
    assert carrying.describe(actions[0]).startswith(f"archive     {card.id}: fitness")
    carrying.carry(library, actions)
    assert library.cards() == []
    assert library.verify(card.id) == card
    library.reactivate(card.id)
    assert library.cards() == [card]


def test_a_plan_that_is_carried_out_twice_is_carried_out_once(teach, gates, library, echoes):
    teach("s1", *gates, probes_after={"trained": 0.0, "heldout": 0.05})
    actions = standing.look(echoes, CONFIG, time.time() + 90 * 86400).actions
    assert len(carrying.carry(library, actions)) == 1
    assert carrying.carry(library, actions) == []


def test_what_other_sessions_ask_of_the_same_is_scored_once_and_is_generalization(teach, lesson, library):
    own, theirs = lesson("gateway port", "8080"), lesson("gateway port", "8080")
    theirs = replace(theirs, probes=("Tell me the gateway port again.",))
    card, other = teach("s1", own, lesson("sky colour", "a7")), teach("s2", theirs)
    found = standing.standings(library, CONFIG, NOON)
    assert done(examining.relate(FakeBreeder(), library, found, "ee" * 32)) == [], "of another base"
    assert set(done(examining.relate(FakeBreeder(), library, found, BASE_HASH))) == {card.id, other.id}
    probes = library.states()[card.id].probes
    assert probes == {**card.probes_after, "related": 1.0}
    again = standing.standings(library, CONFIG, NOON)
    assert again[0].fitness.generalization == (0.5 + 1.0) / 2
    assert done(examining.relate(FakeBreeder(), library, again, BASE_HASH)) == []
