"""The benchmark of the text memory: what it makes, counts and measures."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.conftest import SHARED_DATA

from rune.bench import echoes
from rune.records import echo
from rune.records.echo import ROLES


def test_a_made_memory_has_every_entry_once_spread_over_the_roles_and_reads_back() -> None:
    made = echoes.memories(random.Random(1), 103)
    assert [memory.role for memory in made] == list(ROLES)
    assert sorted(len(memory.entries) for memory in made) == [20, 20, 21, 21, 21]
    assert len({entry.digest for memory in made for entry in memory.entries}) == 103
    for memory in made:
        assert echo.parse(echo.render(memory), f"{memory.role}/MEMORY.md").entries == memory.entries


def test_every_step_is_measured_and_the_total_is_their_sum() -> None:
    row = echoes.measured(25, repeats=2)
    steps = [row[f"{name}_ms"] for name in ("load", "score", "prune", "index", "search")]
    assert row["entries"] == 25
    assert all(step > 0 for step in steps)
    assert row["total_ms"] == pytest.approx(sum(steps), abs=0.01)


def test_the_exponent_of_quadratic_growth_is_two() -> None:
    assert echoes.exponent([(10, 1.0), (100, 100.0), (1000, 10_000.0)]) == 2.0


def test_foreign_entries_are_counted_whether_or_not_they_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "echoes" / "someone"
    folder.mkdir(parents=True)
    good = "# Notes\n\n## Observations — Slow start (2026-02-01)\n- **Source**: a.py\n- It is slow.\n"
    bad = "\n### [2026-02-01] Pattern: X\n- **layer**: carved\n- **evidence**: `a.py:1` — x\n- y\n"
    (folder / "MEMORY.md").write_text(good + bad, "utf-8")
    (folder / "README.md").write_text("# Nothing here\n", "utf-8")
    [row] = echoes.foreign(tmp_path)
    assert (row["file"], row["entries"], row["parsed"]) == ("someone/MEMORY.md", 2, 1)
    assert "layer" in row["refused"][0]


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the files of others are not here")
def test_nearly_every_entry_of_files_that_nobody_here_wrote_is_read() -> None:
    rows = echoes.foreign(SHARED_DATA)
    entries, parsed = (sum(row[name] for row in rows) for name in ("entries", "parsed"))
    assert entries > 30
    assert parsed >= 0.95 * entries


def test_without_a_checkout_the_commands_are_left_out_and_it_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(echoes, "ROOT", tmp_path)
    assert "checkout" in echoes.free_commands()["skipped"]
