"""A code stands for exactly what was shown; etched entries are a person's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rune.echoes.operations import proposal
from rune.echoes.operations.proposal import Operation, Outdated
from rune.records import echo


def adds(entry):
    def make(change):
        memory = change.memory("reviewer")
        change.save(replace(memory, entries=(*memory.entries, entry)))

    return make


def removes(change):
    change.save(echo.empty("reviewer"))


def test_a_plan_writes_nothing(store, plan, entry, contents):
    before = contents(store.echoes.project)
    assert plan(adds(entry("Unused imports"))).code
    assert contents(store.echoes.project) == before


def test_what_changes_nothing_has_no_code(plan, remember, entry):
    remember("reviewer", entry("Unused imports"))
    assert plan(lambda change: change.memory("reviewer")).code == ""


def test_what_was_confirmed_is_done_and_named(store, remember, entry):
    remember("reviewer", entry("Unused imports"))
    operation = Operation("try", removes, backups=True)
    done = proposal.carry_out(store, operation, proposal.propose(store, operation).code)
    assert done.changed == (".claude/echoes/reviewer/MEMORY.md",)
    assert [path.rpartition("/")[2] for path in done.backups] == [f"MEMORY-{store.today}.md"]
    assert store.read("reviewer").entries == ()


def test_a_state_that_changed_since_is_not_confirmed(store, remember, entry, contents):
    remember("reviewer", entry("Unused imports"))
    operation = Operation("try", removes, backups=True)
    code = proposal.propose(store, operation).code
    remember("reviewer", entry("Unused imports"), entry("Slow tests"))
    before = contents(store.echoes.project)
    with pytest.raises(Outdated, match=f"{code} is not the code of this plan"):
        proposal.carry_out(store, operation, code)
    assert contents(store.echoes.project) == before


def test_a_code_of_a_plan_that_has_nothing_left_to_do_says_so(store, remember, entry):
    remember("reviewer", entry("Unused imports"))
    operation = Operation("try", removes)
    code = proposal.propose(store, operation).code
    proposal.carry_out(store, operation, code)
    with pytest.raises(Outdated, match="nothing to do by now"):
        proposal.carry_out(store, operation, code)


@pytest.mark.parametrize(("layer", "why"), [("etched", "only a person etches"), ("inscribed", "")])
def test_adding_an_etched_entry_is_for_a_person(plan, entry, layer, why):
    assert plan(adds(entry("Postgres only", layer=layer))).person == why


@pytest.mark.parametrize(
    ("layer", "why"), [("etched", "only a person removes an etched entry"), ("traced", "")]
)
def test_removing_an_etched_entry_is_for_a_person(plan, remember, entry, layer, why):
    remember("reviewer", entry("Postgres only", layer=layer))
    assert plan(removes).person == why


def test_verifying_an_etched_entry_again_is_for_anybody(plan, remember, entry, store):
    remember("reviewer", etched := entry("Postgres only", layer="etched"))

    def verifies(change):
        change.save(replace(change.memory("reviewer"), entries=(replace(etched, verified=store.today),)))

    assert plan(verifies).person == ""


def test_what_is_for_a_person_whatever_it_touches_stays_so(plan, entry):
    assert plan(adds(entry("x")), person="only a person resets").person == "only a person resets"
