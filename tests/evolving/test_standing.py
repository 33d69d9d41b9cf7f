import json
import math
import time
from dataclasses import replace

import pytest

from rune.config import EvolutionConfig
from rune.evolution.actions import Consolidate, Forget, Update
from rune.evolving import breeding, carrying, examining, standing
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


def test_fitness_can_be_computed_by_hand_from_the_card_and_the_ledger(teach, gates, echoes, write_session):
    """Read as plain JSON, with the formulas of docs/evolution.md written out once more."""
    id = teach("s1", *gates).id
    for session, ok in (("s2", True), ("s3", False)):
        recalled.append(echoes.recalls, Use(NOON + 5, session, id))
        write_session(session, events=(run("x1", 1, False), run("x2", 9, ok)))
    assert standing.settle_outcomes(echoes, CONFIG) == 2
    later = NOON + 60 * 86400
    card = json.loads((echoes.adapters / id / "card.json").read_text("utf-8"))
    lines = [json.loads(line) for line in echoes.ledger.read_text("utf-8").splitlines()]
    outcomes = [line["detail"] for line in lines if (line["adapter"], line["entry"]) == (id, "outcome")]
    assert [one["passed"] for one in outcomes] == [True, False]
    weights = [0.5 ** ((later - one["recalled"]) / (30 * 86400)) * one["share"] for one in outcomes]
    scores, asked = card["probes_after"], min(8, len(card["lessons"]))
    n = asked + sum(weights)
    share = (asked * scores["trained"] + weights[0]) / n
    z = 1.645
    root = math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    passes = (share + z * z / (2 * n) - z * root) / (1 + z * z / n)
    expected = 0.7 * passes + 0.3 * scores["heldout"]
    (found,) = standing.look(echoes, CONFIG, later).standings
    assert found.fitness.phi == pytest.approx(expected, abs=1e-4)
    assert 0.0 < sum(weights) < 2.0


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


def test_a_fitter_adapter_of_the_same_task_takes_the_place_of_the_older_one(teach, gates, library, echoes):
    weak, fit = ({"trained": share, "heldout": share} for share in (0.5, 1.0))
    old, new = teach("s1", *gates, probes_after=weak), teach("s2", *gates, probes_after=fit)
    actions = standing.look(echoes, CONFIG, NOON).actions
    (line,) = carrying.carry(library, actions)
    assert line.startswith(f"superseded {old.id} by {new.id}: same task")
    assert [card.id for card in library.cards()] == [new.id]
    assert library.states()[old.id].superseded_by == new.id
    assert carrying.carry(library, actions) == []
    assert standing.look(echoes, CONFIG, NOON).actions == ()


def test_what_was_untrue_as_a_whole_is_back_when_its_successor_is_put_away(teach, lesson, library, echoes):
    old, new = teach("s1", lesson("gateway port", "8080")), teach("s2", lesson("gateway port", "9090"))
    for _ in range(2):  # first its lesson, then, with nothing left, the whole
        carrying.carry(library, standing.look(echoes, EvolutionConfig(similar=1.0), NOON).actions)
    assert [card.id for card in library.cards()] == [new.id]
    assert library.states()[old.id].status == "superseded"
    library.archive(new.id)
    assert [card.lessons for card in library.cards()] == [old.lessons]
    assert standing.look(echoes, EvolutionConfig(similar=1.0), NOON).actions == ()


@pytest.fixture
def ports(teach, lesson):
    """Three sessions, in each of which the gateway listens on another port; nothing else is the same."""

    def make(*numbers):
        return [
            teach(f"s{n}", lesson("gateway port", n), lesson(f"{n} only", f"x{n}")) for n in map(str, numbers)
        ]

    return make


QUIET = EvolutionConfig(similar=1.0)


def told(library):
    """The ports that are told."""
    lessons = [lesson for card in library.cards() for lesson in card.lessons]
    return [lesson.keys[0] for lesson in lessons if lesson.answer.startswith("The gateway port")]


def test_who_knew_better_than_an_adapter_that_is_gone_knows_better_than_what_that_one_had_retired(
    ports, library
):
    _, middle = ports(80, 8080)
    carrying.retire(library, QUIET)
    ports(9090)
    carrying.retire(library, QUIET)
    assert told(library) == ["9090"]
    library.archive(middle.id)
    assert told(library) == ["80", "9090"], "the middle one has no say any more"
    assert carrying.retire(library, replace(QUIET, automatic=False)) == []
    assert len(carrying.retire(library, QUIET)) == 1
    assert told(library) == ["9090"]
    assert standing.retirements(library, QUIET) == []


def test_what_is_learnt_while_an_adapter_is_away_is_known_better_when_it_is_back(ports, library):
    (old,) = ports(80)
    library.archive(old.id)
    ports(8080)
    carrying.retire(library, QUIET)
    library.reactivate(old.id)
    assert len(carrying.retire(library, QUIET)) == 1
    assert told(library) == ["8080"]


def test_over_the_budget_goes_who_knew_better_and_not_what_it_knew(teach, lesson, library, echoes):
    unfit = {"trained": 0.3, "heldout": 0.1}
    teach("s1", lesson("gateway port", "8080"))
    new = teach("s2", lesson("gateway port", "9090"), lesson("sky colour", "a7"), probes_after=unfit)
    for _ in range(2):
        carrying.carry(library, standing.look(echoes, QUIET, NOON).actions)
    small = replace(QUIET, budget_mb=new.bytes / 2e6)
    for _ in range(2):
        carrying.carry(library, standing.look(echoes, small, NOON).actions)
    assert library.cards() == []
    assert library.states()[new.id].status == "archived"


def test_what_a_person_puts_back_stays_until_a_later_session_says_otherwise(teach, lesson, library, echoes):
    old = teach("s1", lesson("gateway port", "8080"))
    teach("s2", lesson("gateway port", "9090"))
    for _ in range(2):
        carrying.carry(library, standing.look(echoes, QUIET, NOON).actions)
    assert told(library) == ["9090"]
    library.reactivate(old.id)
    assert told(library) == ["8080", "9090"]
    assert carrying.carry(library, standing.look(echoes, QUIET, NOON).actions) == []
    later = replace(lesson("gateway port", "7070"), at=time.time() + 60)
    teach("s3", later)
    assert len(carrying.retire(library, QUIET)) == 2
    assert told(library) == ["7070"]


@pytest.mark.parametrize("what", ["lesson", "whole", "archive"])
def test_a_plan_that_was_made_before_a_person_spoke_is_not_carried_out(
    teach, lesson, gates, library, echoes, what
):
    old = teach("s1", lesson("gateway port", "8080"), lesson("sky colour", "a7"))
    new = teach("s2", lesson("gateway port", "9090"))
    planned = {
        "lesson": list(standing.look(echoes, QUIET, NOON).actions),
        "whole": [Update(old.id, new.id, (), "fitter")],
        "archive": [Forget(old.id, "unfit")],
    }[what]
    before, other = carrying.carry(library, planned), teach("s3", *gates[:2])
    assert len(before) == 1
    library.reactivate(old.id)
    if what != "lesson":
        library.reactivate(old.id)
    assert carrying.carry(library, planned) == []
    assert "8080" in told(library)
    assert len(carrying.carry(library, [Forget(other.id, "unfit")])) == 1, "others are no matter of that"


def test_nothing_is_retired_by_what_a_person_has_put_away_since_that_was_planned(ports, library, echoes):
    _, new = ports(80, 8080)
    planned = standing.look(echoes, QUIET, NOON).actions
    library.archive(new.id)
    assert carrying.carry(library, planned) == []
    library.reactivate(new.id)
    assert len(carrying.carry(library, planned)) == 1


def test_a_person_has_the_last_word_in_a_session_that_is_learnt_again_and_in_a_child(
    teach, lesson, gates, library, nursery
):
    port = replace(lesson("gateway port", "8080"), at=5.0)
    first = teach("s1", port, *gates[:3])
    other = teach("s2", *gates[3:6])
    teach("s3", replace(lesson("gateway port", "9090"), at=6.0), lesson("sky colour", "a7"))
    assert len(carrying.retire(library, QUIET)) == 1
    library.reactivate(first.id)
    again = teach("s1", port, *gates[:4], created=time.time())
    assert library.states()[first.id].superseded_by == again.id
    assert carrying.retire(library, QUIET) == []
    action = Consolidate((again.id, other.id), "task", "")
    *_, bred = breeding.breed(nursery(), library, action)
    assert "8080" in [lesson.keys[0] for lesson in library.get(bred.adapter).lessons]
    assert carrying.retire(library, QUIET) == []
    teach("s4", replace(lesson("gateway port", "7070"), at=time.time() + 60))
    carrying.retire(library, QUIET)
    assert told(library) == ["7070"]


def test_a_bad_score_takes_nothing_out_of_service_that_a_person_has_put_back(teach, lesson, library):
    bad = {"trained": 0.0, "heldout": 0.0}
    useless = teach("s1", lesson("gateway port", "8080"), probes_after=bad)
    assert library.states()[useless.id].status == "unserved"
    library.reactivate(useless.id)
    library.score(useless.id, {**bad, "related": 0.5})
    assert library.states()[useless.id].status == "active"
    assert library.states()[useless.id].probes == {**bad, "related": 0.5}
    heir = teach("s1", lesson("gateway port", "8080"), lesson("sky colour", "a7"), created=time.time())
    library.score(heir.id, bad)
    assert library.states()[heir.id].status == "active"
    stranger = teach("s2", lesson("rain", "wet"))
    library.score(stranger.id, bad)
    assert library.states()[stranger.id].status == "unserved"


def test_outcomes_are_the_same_whenever_they_are_settled(
    teach, gates, lesson, library, echoes, write_session
):
    one, other = teach("s1", *gates), teach("s3", lesson("mailer port", "25"))
    recalled.append(echoes.recalls, Use(NOON + 5, "s2", one.id))
    write_session("s2", events=(run("x1", 1, False), run("x2", 9, False)))
    assert standing.settle_outcomes(echoes, CONFIG) == 1
    recalled.append(echoes.recalls, Use(NOON + 7, "s2", other.id))
    echoes.trajectory("s2").unlink()
    write_session("s2", events=(run("x1", 1, False), run("x2", 9, False), run("x3", 20, True)))
    seen = standing.look(echoes, CONFIG, NOON).standings[0].fitness
    assert standing.settle_outcomes(echoes, CONFIG) == 2
    assert standing.standings(library, CONFIG, NOON)[0].fitness == seen
    found = [library.states()[card.id].outcomes for card in (one, other)]
    assert found == [(Outcome("s2", NOON + at, True, 0.25),) for at in (5, 7)]
    assert standing.settle_outcomes(echoes, CONFIG) == 0
    echoes.trajectory("s2").unlink()
    assert standing.settle_outcomes(echoes, CONFIG) == 0, "what is gone says nothing else"


def test_an_action_is_left_out_when_who_knew_better_was_forgotten_since(
    ports, teach, gates, library, echoes, caplog
):
    _, new = ports(80, 8080)
    unfit = teach("s3", *gates[:2])
    actions = [*standing.look(echoes, QUIET, NOON).actions, Forget(unfit.id, "unfit")]
    library.remove(new.id)
    (line,) = carrying.carry(library, actions)
    assert line.startswith(f"archived {unfit.id}")
    assert f"left out: no adapter '{new.id}'" in caplog.text
    assert told(library) == ["80"]


def test_nobody_gives_up_its_place_to_a_fitter_one_that_has_left_service(ports, library):
    old, new = ports(80, 8080)
    library.archive(new.id)
    assert carrying.carry(library, [Update(old.id, new.id, (), "fitter")]) == []
    assert [card.id for card in library.cards()] == [old.id]


def test_an_unfit_adapter_is_put_away_and_can_be_put_back(teach, gates, library, echoes):
    card = teach("s1", *gates, probes_after={"trained": 0.0, "heldout": 0.05})
    later = time.time() + 90 * 86400
    actions = standing.look(echoes, CONFIG, later).actions
    assert carrying.describe(actions[0]).startswith(f"archive     {card.id}: fitness")
    carrying.carry(library, actions)
    assert library.cards() == []
    assert library.verify(card.id) == card
    assert not library.states()[card.id].hand
    library.reactivate(card.id)
    assert library.cards() == [card]


def test_a_plan_that_is_carried_out_twice_is_carried_out_once(teach, gates, library, echoes):
    teach("s1", *gates, probes_after={"trained": 0.0, "heldout": 0.05})
    actions = standing.look(echoes, CONFIG, time.time() + 90 * 86400).actions
    assert len(carrying.carry(library, actions)) == 1
    assert carrying.carry(library, actions) == []


def test_a_long_answer_to_what_other_sessions_ask_is_read_to_its_end(teach, lesson, library):
    own = lesson("gateway port", "8080")
    own = replace(own, answer=f"Of all {'very ' * examining.TOKENS}long stories: {own.answer}")
    card = teach("s1", own, lesson("sky colour", "a7"))
    teach("s2", replace(own, probes=("Tell me the gateway port again.",)))
    found = standing.standings(library, CONFIG, NOON)
    assert card.id in done(examining.relate(FakeBreeder(), library, found, BASE_HASH))
    assert library.states()[card.id].probes["related"] == 1.0


def test_no_more_adapters_are_looked_through_than_are_asked(teach, lesson, library, monkeypatch):
    own = lesson("gateway port", "8080")
    for n in range(4):
        teach(f"s{n}", replace(own, probes=(f"Tell me the gateway port once more, {n}.",)))
    looked = []
    monkeypatch.setattr(type(library), "verify", lambda self, id: looked.append(id) or self.get(id))
    found = standing.standings(library, CONFIG, NOON)
    assert len(done(examining.relate(FakeBreeder(), library, found, BASE_HASH, most=2))) == 2
    assert len(looked) == 2


def test_of_an_adapter_that_was_forgotten_nothing_is_written_any_more(
    teach, gates, library, echoes, write_session
):
    one = teach("s1", *gates)
    recalled.append(echoes.recalls, Use(NOON + 5, "s2", one.id))
    write_session("s2", events=(run("x1", 1, False), run("x2", 9, True)))
    library.remove(one.id)
    assert standing.settle_outcomes(echoes, CONFIG) == 0


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
