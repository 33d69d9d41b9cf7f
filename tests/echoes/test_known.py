"""What recall and teaching are given of the text memory."""

from __future__ import annotations

from rune.echoes import known


def test_what_leads_out_of_the_project_is_no_memory_of_it(store, remember, entry, tmp_path):
    remember("reviewer", entry("Unused imports"))
    for role, name in (("team", "MEMORY.md"), ("auditor", "knowledge.md")):
        outside = tmp_path / name
        outside.write_text("## Traced - Not ours (2026-01-01)\n- **evidence**: `a:1`\n- x\n", "utf-8")
        store.echoes.role(role).mkdir()
        (store.echoes.role(role) / name).symlink_to(outside)
    found = known.read(store.echoes)
    assert [one.title for _, one in found.entries] == ["Unused imports"]
    assert [text.kind for text in found.texts] == ["echo"]
