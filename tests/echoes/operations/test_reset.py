"""reset empties a role; its archive keeps everything, and undo brings it back."""

from __future__ import annotations

from rune.echoes.operations import reset
from rune.records import echo


def everything(change):
    return reset.run(change, ("reviewer",))


def test_entries_go_to_the_archive_and_the_memory_is_empty(store, do, remember, entry, titles):
    remember("reviewer", entry("Postgres only", layer="etched"), entry("Unused imports"))
    done = do(everything, backups=True)
    assert store.echoes.memory("reviewer").read_text("utf-8") == echo.render(echo.empty("reviewer"))
    assert titles(store.echoes.project, "reviewer") == ["Postgres only", "Unused imports"]
    assert done.roles[0].etched == ("Postgres only",)
    assert "etched: Postgres only" in reset.render(done)


def test_knowledge_and_findings_are_kept_under_names_of_their_own(store, do, remember, entry):
    remember("reviewer", entry("Unused imports"))
    for text in ("first", "second"):
        store.echoes.knowledge("reviewer").write_text(text, "utf-8")
        store.echoes.findings("reviewer", "ash").write_text(text, "utf-8")
        do(everything)
    kept = {path.name: path.read_text("utf-8") for path in store.echoes.archive("reviewer").glob("[ka]*")}
    assert kept == {
        f"knowledge-{store.today}.md": "first",
        f"knowledge-{store.today}-2.md": "second",
        f"ash-findings-{store.today}.md": "first",
        f"ash-findings-{store.today}-2.md": "second",
    }
    assert not store.echoes.knowledge("reviewer").exists()


def test_undo_brings_back_every_byte(store, do, remember, entry, contents):
    remember("reviewer", entry("Postgres only", layer="etched"), entry("Unused imports"))
    store.echoes.knowledge("reviewer").write_text("## Topic\n", "utf-8")
    before = contents(store.echoes.project)
    do(everything)
    store.undo()
    assert contents(store.echoes.project) == before


def test_where_nothing_is_held_there_is_nothing_to_reset(plan):
    planned = plan(everything)
    assert planned.code == ""
    assert "nothing to reset" in reset.render(planned.report)


def test_a_memory_that_cannot_be_read_whole_is_kept_as_a_copy(store, do, remember, entry):
    remember("reviewer", entry("Fine"))
    path = store.echoes.memory("reviewer")
    path.write_text(
        path.read_text("utf-8") + "\n### [2026-13-99] Pattern: Broken\n- **layer**: traced\n- x\n", "utf-8"
    )
    before = path.read_bytes()
    do(everything, backups=True)
    assert (store.echoes.archive("reviewer") / f"MEMORY-{store.today}.md").read_bytes() == before
    assert store.read("reviewer").entries == ()
