"""show counts and lists; what cannot be read is named beside the rest."""

from __future__ import annotations

from datetime import date

import pytest

from rune.echoes.operations import show
from rune.echoes.score import Use
from rune.errors import FormatError


def test_an_empty_project_says_how_to_begin(store):
    assert "rune echoes init" in show.render_table(show.table(store))


def test_the_table_counts_layers_lines_and_findings(store, remember, entry):
    remember("reviewer", entry("Postgres only", layer="etched"), entry("Unused imports"), entry("Slow tests"))
    store.echoes.findings("reviewer", "ash").write_text("x", "utf-8")
    [row] = [row for row in show.table(store).roles if row.role == "reviewer"]
    assert row.layers == {"etched": 1, "inscribed": 2, "traced": 0}
    assert row.lines == len(store.echoes.memory("reviewer").read_text("utf-8").splitlines())
    assert (row.findings, row.blocks) == (1, 0)


def test_the_last_changes_are_named_the_newest_first(store):
    for what in ("first", "second"):
        with store.change(what) as change:
            change.write(store.echoes.knowledge("team"), what.encode())
    table = show.table(store)
    assert [change.what for change in table.changes] == ["second", "first"]
    assert show.render_table(table).index("second") < show.render_table(table).index("first")


def test_a_role_of_somebody_elses_is_shown_too(store, remember, entry):
    remember("orchestrator", entry("Unused imports"))
    assert show.roles_of(store.echoes)[-1] == "orchestrator"
    assert [row.title for row in show.role(store, "orchestrator", {}).entries] == ["Unused imports"]


def test_a_role_that_is_not_there_is_named_with_those_that_are(store):
    with pytest.raises(FormatError, match=r"'reviewers' is no role.*planner, workers, reviewer"):
        show.role(store, "reviewers", {})


def test_an_entry_is_shown_with_id_score_use_and_evidence(store, remember, entry):
    remember("reviewer", known := entry("Unused imports"))
    shown = show.role(store, "reviewer", {known.digest: Use(2, 4, date(2026, 11, 1))})
    [row] = shown.entries
    assert (row.id, row.references, row.workflows) == (known.id, 2, 4)
    text = show.render_role(shown)
    for said in (
        known.id,
        f"score {row.score:.2f}",
        "used in 2 of 4 workflows",
        known.evidence[0],
        known.learning,
    ):
        assert said in text


def test_an_entry_that_was_never_used_is_shown_with_the_sessions_that_took_place(store, remember, entry):
    remember("reviewer", entry("Unused imports"))
    assert "used in 0 of 3 workflows" in show.render_role(show.role(store, "reviewer", {}, Use(workflows=3)))


def test_permanent_entries_come_first_and_better_ones_before_worse(store, remember, entry):
    old = date(2026, 1, 1)
    remember("team", entry("Old", verified=old), entry("New"), entry("Kept", layer="etched"))
    assert [row.title for row in show.role(store, "team", {}).entries] == ["Kept", "New", "Old"]


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(store, remember, entry):
    remember("team", entry("Fine"))
    path = store.echoes.memory("team")
    path.write_text(
        path.read_text("utf-8") + "\n### [2026-13-99] Pattern: Broken\n- **layer**: traced\n- x\n", "utf-8"
    )
    shown = show.role(store, "team", {})
    assert [row.title for row in shown.entries] == ["Fine"]
    assert "date" in shown.problems[0]
    assert "Not read" in show.render_role(shown)


def test_a_memory_of_a_newer_schema_is_named(store):
    path = store.echoes.memory("team")
    path.parent.mkdir(parents=True)
    path.write_text("<!-- echo-schema: v9 -->\n# Team Memory\n", "utf-8")
    assert "v9" in show.table(store).problems[0]
