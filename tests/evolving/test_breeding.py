import time
from dataclasses import dataclass, replace

import pytest

from rune import finding
from rune.config import Config, EvolutionConfig
from rune.errors import AdapterError, WrongBase
from rune.evolution.actions import Consolidate, Forget, Merge, Update
from rune.evolving import breeding, carrying, standing
from rune.evolving.breeding import Bred
from rune.library import STAGE, Library
from rune.ports import Progress
from rune.records import ledger
from rune.testing import FakeDistiller

NOW = 1795176000.0


def bred(nursery, library, action):
    *steps, last = breeding.breed(nursery, library, action)
    assert all(isinstance(step, Progress) for step in steps)
    assert isinstance(last, Bred)
    return last


def bred_while(nursery, library, action, happens, asked=False):
    """Breed; something happens while the child is being learnt, or while its parents are still asked."""
    waiting = [happens]
    for state in breeding.breed(nursery, library, action):
        if waiting and (asked or list(library.root.glob(f"{STAGE}*"))):
            waiting.pop()()
        last = state
    assert not waiting
    assert isinstance(last, Bred)
    return last


def consolidate(cards):
    return Consolidate(tuple(card.id for card in cards), "task", "")


def test_similar_adapters_become_one_a_level_up_and_give_up_their_places(nursery, library, cluster):
    found = bred(nursery(), library, consolidate(cluster))
    (child,) = library.cards()
    assert found.adapter == child.id
    assert (child.level, child.parents) == ("task", tuple(card.id for card in cluster))
    assert child.origins == ("s0", "s1", "s2")
    (told,) = (line.detail for line in ledger.entries(library.ledger) if line.adapter == child.id)
    assert (told["parents"], told["sessions"]) == (list(child.parents), list(child.origins))
    assert len(child.lessons) == 9
    assert child.settings["gate"]["child"] > child.settings["gate"]["best"]
    states = library.states()
    assert {states[card.id].superseded_by for card in cluster} == {child.id}
    assert library.verify(child.id) == child
    assert len(library.cards(include_archived=True)) == 4


def test_a_child_begins_at_its_parents_weights_unless_something_in_them_is_no_longer_true(
    nursery, library, cluster
):
    one, other, younger = cluster
    first = library.get(bred(nursery(), library, consolidate([one, other])).adapter)
    assert first.settings["inherits"] == [one.id, other.id]
    for card in (one, other):
        library.reactivate(card.id)
    library.archive(first.id)
    detail = {"lessons": [0], "by": younger.id}
    ledger.record(library.ledger, ledger.Entry(other.id, "retired", NOW, detail))
    second = library.get(bred(nursery(), library, consolidate([other, younger])).adapter)
    assert second.settings["inherits"] == []


def test_where_no_epochs_are_set_a_child_begins_where_a_session_does(nursery, library, cluster):
    config = Config(evolution=EvolutionConfig(epochs=0))
    found = bred(replace(nursery(), config=config), library, consolidate(cluster))
    assert library.get(found.adapter).settings["inherits"] == []


def test_a_child_that_is_not_fitter_is_refused_written_down_and_leaves_all_as_it_was(
    nursery, library, cluster, echoes
):
    found = bred(nursery(forgetful=True), library, consolidate(cluster))
    assert found.adapter == ""
    assert "refused: fitness" in found.note
    assert library.cards() == cluster
    assert list(library.root.glob(f"{STAGE}*")) == []
    (line,) = [line for line in ledger.entries(library.ledger) if line.entry == "refused"]
    assert (line.detail["how"], set(line.detail["parents"])) == ("learnt", {card.id for card in cluster})
    assert line.detail["interference"] > 0.1
    (next,) = standing.look(echoes, Config().evolution, NOW).actions
    assert set(next.parents) < {card.id for card in cluster}, "a part of them may still become one"


def test_a_child_that_knows_too_little_learns_on_from_where_it_is_before_it_is_given_up(
    nursery, slow, library, cluster
):
    child = library.get(bred(replace(nursery(), distiller=slow), library, consolidate(cluster)).adapter)
    assert child.settings["courses"] == 2
    assert child.settings["inherits"] == [card.id for card in cluster], "not the first course's folder"
    assert child.steps == 4, "those of both courses"
    assert child.settings["gate"]["interference"] == 0.0
    assert not any(line.entry == "refused" for line in ledger.entries(library.ledger))
    assert list(library.root.glob(f"{STAGE}*")) == []


@pytest.mark.parametrize("config", [EvolutionConfig(courses=1), EvolutionConfig(epochs=0)])
def test_how_often_a_child_is_taught_is_a_setting(nursery, slow, library, cluster, config):
    made = replace(nursery(), distiller=slow, config=Config(evolution=config))
    assert "refused" in bred(made, library, consolidate(cluster)).note


def test_a_child_that_is_given_up_was_taught_as_often_as_is_set_and_is_refused_once(
    nursery, library, cluster
):
    made = replace(nursery(forgetful=True), config=Config(evolution=EvolutionConfig(courses=3)))
    *steps, last = breeding.breed(made, library, consolidate(cluster))
    assert "refused" in last.note
    assert sum(step.loss == 1.0 for step in steps) == 3, "a first step of each course"
    assert sum(line.entry == "refused" for line in ledger.entries(library.ledger)) == 1


def test_a_child_of_a_parent_that_has_left_meanwhile_does_not_learn_on(nursery, slow, library, cluster):
    made, steps = replace(nursery(), distiller=slow), 0
    for state in breeding.breed(made, library, consolidate(cluster)):
        if isinstance(state, Progress) and state.loss == 1.0:
            steps += 1
            library.archive(cluster[0].id)
        last = state
    assert (steps, "has left service" in last.note) == (1, True)


def test_the_same_parents_are_brought_together_once_in_any_order(nursery, library, cluster):
    first = bred(nursery(), library, consolidate(cluster))
    for card in cluster:
        library.reactivate(card.id)
    again = bred(nursery(), library, consolidate(cluster[::-1]))
    assert (again.adapter, again.note) == (first.adapter, "these parents were brought together before")
    assert len(library.cards(include_archived=True)) == 4


def test_parents_that_have_a_child_get_no_other_one_made_in_another_way(nursery, library, cluster, echoes):
    pair = tuple(card.id for card in cluster[:2])
    first = bred(nursery(), library, Merge(pair, "cat", "task", ""))
    for id in pair:
        library.reactivate(id)
    again = bred(nursery(), library, Consolidate(pair, "task", ""))
    assert (again.adapter, again.note) == (first.adapter, "these parents were brought together before")
    library.archive(first.adapter)
    planned = standing.look(echoes, EvolutionConfig(merge="ties"), NOW).actions
    assert all(set(getattr(action, "parents", ())) != set(pair) for action in planned)


def test_a_child_is_found_by_the_task_of_every_parent(nursery, library, teach, gates):
    tasks = ("Make the gate open faster.", "Count who comes through the gate.", "Paint the gate.")
    some = [
        teach(f"s{n}", *gates[3 * n : 3 * n + 3], summary=f"{task} {gates[3 * n].questions[0]}")
        for n, task in enumerate(tasks)
    ]
    child = library.get(bred(nursery(), library, consolidate(some)).adapter)
    found = {one.id.rpartition(":")[2]: one.text for one in finding.documents(child)}
    assert {name: text for name, text in found.items() if not name.isdigit()} == {
        "summary": tasks[0], "summary1": tasks[1], "summary2": tasks[2]
    }  # fmt: skip


def test_what_has_left_service_since_it_was_planned_is_not_brought_together(nursery, library, cluster):
    library.archive(cluster[0].id)
    assert "a parent has left service" in bred(nursery(), library, consolidate(cluster)).note
    assert library.cards() == cluster[1:]


def test_what_would_lose_a_true_answer_is_not_brought_together(nursery, library, teach, gates, lesson):
    some = [teach(f"s{n}", *gates[3 * n : 3 * n + 3], lesson("the crash", f"fix{n}.py")) for n in range(2)]
    assert "would be lost" in bred(nursery(), library, consolidate(some)).note
    assert library.cards() == some


def test_a_merged_child_passes_the_same_gate(nursery, library, cluster):
    action = Merge(tuple(card.id for card in cluster[:2]), "cat", "task", "")
    found = bred(nursery(), library, action)
    child = library.get(found.adapter)
    assert child.engine == "merge:cat"
    assert child.probes_after == {"trained": 1.0, "heldout": 1.0}
    assert library.cards() == [cluster[2], child]


def test_a_retired_lesson_is_not_taught_again(nursery, library, cluster):
    entry = ledger.Entry(cluster[0].id, "retired", NOW, {"lessons": [0], "by": cluster[1].id})
    ledger.record(library.ledger, entry)
    child = library.get(bred(nursery(), library, consolidate(cluster)).adapter)
    assert cluster[0].lessons[0] not in child.lessons
    assert len(child.lessons) == 8


def test_adapters_of_another_base_are_not_brought_together(nursery, library, teach, gates):
    some = [teach(f"s{n}", *gates, base_hash="ee" * 32) for n in range(2)]
    with pytest.raises(WrongBase):
        list(breeding.breed(nursery(), library, consolidate(some)))


def test_a_child_without_its_parents_archived_is_finished_at_the_next_start(nursery, library, cluster):
    child = bred(nursery(), library, consolidate(cluster)).adapter
    lines = [line for line in ledger.entries(library.ledger) if line.entry != "superseded"]
    library.ledger.unlink()
    for line in lines:  # as a crash right after the rename leaves it
        ledger.record(library.ledger, line)
    assert len(library.cards()) == 4
    assert len(carrying.finish(library)) == 3
    assert [card.id for card in library.cards()] == [child]
    assert carrying.finish(library) == []


def test_a_parent_that_a_person_puts_back_stays(nursery, library, cluster, echoes):
    child = bred(nursery(), library, consolidate(cluster)).adapter
    library.reactivate(cluster[0].id, "by hand")
    assert carrying.finish(library) == []
    actions = standing.look(echoes, Config().evolution, NOW).actions
    assert carrying.carry(library, actions) == []
    assert {card.id for card in library.cards()} == {child, cluster[0].id}


def test_where_merging_is_switched_on_both_children_are_made_and_the_fitter_serves(nursery, library, cluster):
    made = nursery(forgetful=True)
    both = replace(made, config=Config(evolution=EvolutionConfig(merge="cat")))
    child = library.get(bred(both, library, consolidate(cluster)).adapter)
    assert child.engine == "merge:cat"
    (line,) = [line for line in ledger.entries(library.ledger) if line.entry == "refused"]
    assert line.detail["how"] == "learnt"
    assert list(library.root.glob(f"{STAGE}*")) == []
    assert library.cards() == [child]


@pytest.mark.parametrize("slip", [0, 1], ids=["learnt as well", "learnt worse"])
def test_of_two_children_that_pass_the_fitter_serves(nursery, library, cluster, slip):
    @dataclass(frozen=True, slots=True)
    class Slipping(FakeDistiller):
        def distil(self, lessons, into, heritage=None, passages=()):
            yield from FakeDistiller.distil(self, lessons[slip:], into, heritage)

    loose = Config(evolution=EvolutionConfig(merge="cat", interference=0.5, courses=1))
    both = replace(nursery(), config=loose, distiller=Slipping(steps=2))
    child = library.get(bred(both, library, consolidate(cluster)).adapter)
    assert child.engine == ("merge:cat" if slip else "gradient")
    assert not any(line.entry == "refused" for line in ledger.entries(library.ledger)), "both have passed"


def test_a_child_says_how_it_was_made_and_on_which_layers(nursery, library, cluster):
    @dataclass(frozen=True, slots=True)
    class Generating(FakeDistiller):
        def distil(self, lessons, into, heritage=None, passages=()):
            *steps, made = FakeDistiller.distil(self, lessons, into, heritage)
            yield from steps
            yield replace(made, engine="hypernet", settings={**made.settings, "targets": ["down_proj"]})

    made = replace(nursery(), distiller=Generating(steps=2))
    child = library.get(bred(made, library, consolidate(cluster)).adapter)
    assert (child.engine, child.targets) == ("hypernet", ("down_proj",))


@pytest.mark.parametrize("asked", [False, True], ids=["learnt", "asked"])
@pytest.mark.parametrize("forgetful", [False, True], ids=["passes", "refused"])
@pytest.mark.parametrize("what", ["put away", "idle", "gone", "learnt again", "untrue"])
def test_what_becomes_of_a_parent_meanwhile_keeps_its_child_from_being_published(
    nursery, library, cluster, echoes, gates, teach, what, forgetful, asked
):
    parent, other, third = cluster
    meanwhile = Library(echoes, time.time)
    happens = {
        "put away": lambda: meanwhile.archive(parent.id, "I do not want it"),
        "idle": lambda: meanwhile.archive(parent.id, hand=False),
        "gone": lambda: meanwhile.remove(parent.id),
        "learnt again": lambda: teach("s0", *gates[:2]),
        "untrue": lambda: ledger.record(
            library.ledger, ledger.Entry(parent.id, "retired", NOW, {"lessons": [0], "by": third.id})
        ),
    }
    found = bred_while(nursery(forgetful), library, consolidate(cluster), happens[what], asked)
    assert (found.adapter, f"{parent.id} has" in found.note or "changed" in found.note) == ("", True)
    assert [card for card in library.cards(include_archived=True) if card.parents] == []
    assert list(library.root.glob(f"{STAGE}*")) == []
    assert not any(line.entry == "refused" for line in ledger.entries(library.ledger)), (
        "it may be tried again"
    )
    assert carrying.finish(library) == []
    state, states = library.states()[parent.id], library.states()
    assert (state.status, state.hand, state.reason) == {
        "put away": ("archived", True, "I do not want it"), "idle": ("archived", False, ""),
        "gone": ("forgotten", False, ""), "learnt again": ("superseded", False, ""),
        "untrue": ("active", False, ""),
    }[what]  # fmt: skip
    assert [states[card.id].status for card in (other, third)] == ["active", "active"]


def test_what_was_kept_from_being_published_is_made_when_its_parents_serve_again(nursery, library, cluster):
    action = consolidate(cluster)
    first = bred_while(nursery(), library, action, lambda: library.archive(cluster[0].id))
    library.reactivate(cluster[0].id)
    child = bred(nursery(), library, action).adapter
    assert (first.adapter, [card.id for card in library.cards()]) == ("", [child])


def test_what_else_goes_wrong_is_no_matter_of_the_parents(nursery, library, cluster):
    def damaged():
        path = library.folder(cluster[0].id) / "adapter_model.safetensors"
        path.parent.chmod(0o700)
        path.unlink()

    with pytest.raises(AdapterError, match="adapter_model"):
        bred_while(nursery(), library, consolidate(cluster), damaged, asked=True)
    assert library.cards() == cluster


@pytest.mark.parametrize("what", ["asked", "another one put away", "there and back"])
def test_what_does_not_change_what_parents_tell_keeps_no_child_back(
    nursery, library, cluster, teach, lesson, what
):
    another = teach("s9", lesson("weather in Oslo", "wet"))
    outcome = {"session": "s5", "recalled": 3.0, "passed": True}

    def there_and_back():
        library.archive(cluster[0].id)
        library.reactivate(cluster[0].id)

    happens = {
        "asked": lambda: ledger.record(library.ledger, ledger.Entry(cluster[0].id, "outcome", NOW, outcome)),
        "another one put away": lambda: library.archive(another.id),
        "there and back": there_and_back,
    }
    child = bred_while(nursery(), library, consolidate(cluster), happens[what]).adapter
    assert {library.states()[card.id].superseded_by for card in cluster} == {child}


@pytest.mark.parametrize("by", ["archived", "gone"])
def test_of_a_parent_that_goes_while_a_plan_is_carried_out_a_person_has_the_last_word(library, cluster, by):
    one = cluster[0]
    planned = [Forget(one.id, "idle"), Update(one.id, cluster[1].id, (), "fitter")]
    (library.archive if by == "archived" else library.remove)(one.id)
    before = library.states()[one.id]
    assert carrying.carry(library, planned) == []
    assert library.states()[one.id] == before


def test_a_child_without_its_line_that_is_no_better_than_the_base_takes_nobodys_place(
    library, cluster, teach
):
    """Killed between its rename and its line, it was not to be served."""
    before = library.ledger.read_bytes()
    parents = tuple(card.id for card in cluster)
    useless = {"probes_after": {"trained": 1.0, "heldout": 0.0}, "created": time.time()}
    child = teach("task-1", *cluster[0].lessons, level="task", parents=parents, sessions=("s0",), **useless)
    library.ledger.write_bytes(before)
    assert library.cards() == cluster
    assert carrying.finish(library) == []
    assert library.states()[child.id].status == "unserved"
    assert library.cards() == cluster
