"""undo is planned like anything else, and is a person's where etched entries are touched."""

from __future__ import annotations

import pytest

from rune.echoes.operations import etch, proposal, reset, undo
from rune.echoes.operations.proposal import Outdated
from rune.echoes.store import NothingToUndo


def test_the_last_change_is_shown_and_taken_back(store, do, remember, entry, contents):
    remember("reviewer", entry("Unused imports"))
    before = contents(store.echoes.project)
    do(lambda change: reset.run(change, ("reviewer",)))
    planned = undo.propose(store)
    assert planned.person == ""
    assert "MEMORY.md gets its bytes of before" in undo.render(planned.report)
    assert "archive/entries" in undo.render(planned.report)
    undo.carry_out(store, planned.code)
    assert contents(store.echoes.project) == before


def test_taking_back_an_etched_entry_is_for_a_person(store, do):
    do(lambda change: etch.write(change, "team", etch.Draft("No tabs: spaces only.")))
    assert undo.propose(store).person == "only a person removes an etched entry"


def test_taking_back_a_reset_is_for_a_person(store, remember, entry):
    remember("reviewer", entry("Unused imports"), entry("No tabs", layer="etched"))
    operation = proposal.Operation("reset reviewer", lambda change: reset.run(change, ("reviewer",)))
    proposal.carry_out(store, operation, proposal.propose(store, operation).code)
    assert undo.propose(store).person == "only a person undoes a reset"


def test_another_change_meanwhile_is_not_taken_back(store, do):
    do(lambda change: etch.write(change, "team", etch.Draft("No tabs: spaces only.")))
    code = undo.propose(store).code
    do(lambda change: etch.write(change, "team", etch.Draft("No spaces: tabs only.")))
    with pytest.raises(Outdated):
        undo.carry_out(store, code)
    assert len(store.read("team").entries) == 2


def test_without_a_change_there_is_nothing_to_undo(store):
    with pytest.raises(NothingToUndo):
        undo.propose(store)
