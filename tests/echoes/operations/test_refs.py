"""An entry is found by id, digest, echo_ref or title; never by where it stands."""

from __future__ import annotations

import pytest

from rune.echoes.operations import refs
from rune.errors import FormatError


def test_every_way_of_naming_an_entry_leads_to_it(plan, remember, entry):
    remember("team", entry("Slow tests"))
    remember("reviewer", known := entry("Unused imports"))
    ways = (
        known.id, known.id.upper(), known.digest[:8], known.digest, "unused imports", f"reviewer/{known.id}",
        f"echoes/reviewer/MEMORY.md#{known.id}@sha256:{known.digest}",
        f".claude/echoes/reviewer/MEMORY.md#{known.id}",
    )  # fmt: skip
    for way in ways:
        assert plan(lambda change, way=way: refs.find(change, way)).report == refs.Found("reviewer", known)


def test_an_id_of_another_layer_is_another_entry(plan, remember, entry):
    remember("reviewer", known := entry("Unused imports"))
    with pytest.raises(FormatError, match="there is no entry"):
        plan(lambda change: refs.find(change, f"etched-{known.digest[:8]}"))


def test_what_may_be_two_is_asked_back(plan, remember, entry):
    remember("reviewer", entry("Unused imports"))
    remember("team", entry("Unused imports"))
    with pytest.raises(FormatError, match=r"may be any of .*reviewer/.*team/.*say which"):
        plan(lambda change: refs.find(change, "Unused imports"))
    assert plan(lambda change: refs.find(change, "team/Unused imports")).report.role == "team"


def test_a_memory_that_cannot_be_read_is_named_where_nothing_is_found(plan, store, remember, entry):
    remember("reviewer", entry("Unused imports"))
    store.echoes.role("team").mkdir(parents=True)
    store.echoes.memory("team").write_text("<!-- echo-schema: v9 -->\n", "utf-8")
    with pytest.raises(FormatError, match=r"there is no entry 'x'.*not read: .*v9"):
        plan(lambda change: refs.find(change, "x"))
    assert plan(lambda change: refs.find(change, "Unused imports")).report.role == "reviewer"
