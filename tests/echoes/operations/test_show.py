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
    assert shown.problems[0].count(str(path)) == 1
    assert "MEMORY.md:13: date: expected" in shown.problems[0]
    assert "Not read" in show.render_role(shown)


def test_what_is_no_text_or_no_file_of_the_project_is_named(store, remember, entry, tmp_path):
    remember("team", entry("Fine"))
    path = store.echoes.memory("team")
    path.write_bytes(path.read_bytes() + b"\n\xff\n")
    (store.echoes.role("reviewer") / "MEMORY.md").mkdir(parents=True)
    outside = tmp_path / "outside.md"
    outside.write_text("### [2026-01-01] Pattern: Not ours\n- x\n", "utf-8")
    store.echoes.role("auditor").mkdir()
    store.echoes.memory("auditor").symlink_to(outside)
    named = show.table(store).problems
    assert "MEMORY.md: Is a directory" in named[0]
    assert "leads out of the project" in named[1]
    assert "team/MEMORY.md: expected UTF-8" in named[2]
    assert [row.title for row in show.role(store, "team", {}).entries] == ["Fine"]
    assert show.role(store, "auditor", {}).entries == ()


def test_findings_that_wait_say_what_for(store):
    for role, agent in (("team", "ash"), ("team", "lead"), ("reviewer", "ash")):
        path = store.echoes.findings(role, agent)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("### [2026-02-31] Pattern: X\n- **evidence**: `a:1`\n- x\n", "utf-8")
    named = show.table(store).problems
    assert [problem.partition("-findings.md: ")[2].partition(":")[0] for problem in named] == [
        "line 1", "expected the lead, found 'ash'", "line 1"
    ]  # fmt: skip
    assert all(problem.endswith("; it waits until that is mended") for problem in named)


def test_lines_are_counted_as_pruning_counts_them(store, remember, entry):
    remember("team", entry("Odd\u2028line", learning="a\x0cb\u2028c"))
    assert show.role(store, "team", {}).lines == store.read("team").lines


def test_what_a_promotion_needs_is_shown(store, remember, entry):
    remember("team", entry("Slow", fields=(("symptom", "takes 5 s"), ("tags", ""))))
    text = show.render_role(show.role(store, "team", {}))
    assert "  symptom: takes 5 s\n" in text
    assert "tags" not in text


def test_a_memory_of_a_newer_schema_is_named(store):
    path = store.echoes.memory("team")
    path.parent.mkdir(parents=True)
    path.write_text("<!-- echo-schema: v9 -->\n# Team Memory\n", "utf-8")
    assert "v9" in show.table(store).problems[0]
