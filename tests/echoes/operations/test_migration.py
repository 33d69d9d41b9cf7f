"""migrate renames on metadata lines of every role, archives aside, and has nothing to do the second time."""

from __future__ import annotations

from rune.echoes.operations import migration
from rune.echoes.store import Change, Store
from rune.paths import Echoes
from rune.records import echo


def test_old_names_go_from_sources_and_stay_in_learnings(store, do, remember, entry):
    remember("reviewer", entry("Ask", source="rune:review by lore-seeker", learning="Ask lore-seeker."))
    done = do(migration.run, backups=True)
    text = store.echoes.memory("reviewer").read_text("utf-8")
    assert "practice-seeker" in text
    assert "- Ask lore-seeker." in text
    assert [(file.path, len(file.changes)) for file in done.files] == [
        (".claude/echoes/reviewer/MEMORY.md", 1)
    ]
    said = migration.render(done)
    assert "- - **source**: rune:review by lore-seeker" in said
    assert "+ - **source**: rune:review by practice-seeker" in said


def test_the_second_run_changes_nothing(plan, do, remember, entry):
    remember("reviewer", entry("Ask", source="lore-seeker"))
    do(migration.run)
    planned = plan(migration.run)
    assert (planned.code, planned.report.files) == ("", ())
    assert "0 change(s)" in migration.render(planned.report)


def test_archives_findings_and_sessions(store, plan, remember, entry):
    """Findings are migrated, archives and what is no memory are not."""
    remember("reviewer", entry("Ask", source="lore-seeker"))
    text = store.echoes.memory("reviewer").read_text("utf-8")
    for name in ("reviewer/archive/MEMORY-2026-01-01.md", "trajectories/x.md", "reviewer/ash-findings.md"):
        path = store.echoes.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    found = {file.path.removeprefix(".claude/echoes/") for file in plan(migration.run).report.files}
    assert found == {"reviewer/MEMORY.md", "reviewer/ash-findings.md"}


def test_what_is_no_text_is_named(store, plan):
    store.echoes.role("team").mkdir(parents=True)
    store.echoes.memory("team").write_bytes(b"\xff\xfe")
    report = plan(migration.run).report
    assert "expected UTF-8" in report.problems[0]
    assert "left as it is" in migration.render(report)


def test_a_file_of_another_schema_or_behind_a_link_out_of_the_project_is_left_alone(
    store, plan, remember, entry, tmp_path
):
    remember("reviewer", entry("Ask", source="lore-seeker"))
    ours = store.echoes.memory("reviewer").read_text("utf-8")
    for role in ("team", "planner"):
        store.echoes.role(role).mkdir()
    store.echoes.memory("team").write_text(ours.replace("schema: v1", "schema: v9"), "utf-8")
    (tmp_path / "outside.md").write_text(ours, "utf-8")
    store.echoes.memory("planner").symlink_to(tmp_path / "outside.md")
    report = plan(migration.run).report
    assert [file.path for file in report.files] == [".claude/echoes/reviewer/MEMORY.md"]
    assert ["leads out" in report.problems[0], "'v9'" in report.problems[1]] == [True, True]


def test_a_project_in_a_folder_called_archive_is_migrated(tmp_path, entry):
    store = Store(Echoes(tmp_path / "archive"), lambda: 1795176000.0)
    path = store.echoes.memory("reviewer")
    path.parent.mkdir(parents=True)
    path.write_text(echo.print_entry(entry("Ask", source="lore-seeker")), "utf-8")
    assert len(migration.run(Change(store.echoes, store.today)).files) == 1


def test_a_project_without_echoes_has_nothing_to_migrate(plan):
    assert plan(migration.run).report == migration.Migration((), 0)
