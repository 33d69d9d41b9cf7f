"""Renames: on metadata lines, of whole words, all at once, and only once."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes import migrate
from rune.echoes.migrate import RENAMES, Change

TEXT = """\
<!-- echo-schema: v1 -->
# Planner Memory about lore-seeker

### [2026-02-11] Pattern: lore-seeker finds papers
- **layer**: inscribed
- **source**: rune:plan lore-seeker and Lore Keeper
- **evidence**: `agents/echo-detector.md:3` — lore-seekers and my-lore-seeker
  go on with orphan-finder
- **supersedes**: lore-seeker
- Ask lore-seeker first.

## Inscribed — realm-analyst (2026-02-12)

**Source**: `rune:plan realm-analyst`

Source: realm-analyst
"""


def test_only_source_and_evidence_are_renamed_and_every_change_is_told() -> None:
    done = migrate.migrate(TEXT)
    assert done.changes == (
        Change(
            6,
            "- **source**: rune:plan lore-seeker and Lore Keeper",
            "- **source**: rune:plan practice-seeker and Knowledge Keeper",
        ),
        Change(
            7,
            "- **evidence**: `agents/echo-detector.md:3` — lore-seekers and my-lore-seeker",
            "- **evidence**: `agents/mimic-detector.md:3` — lore-seekers and my-lore-seeker",
        ),
        Change(8, "  go on with orphan-finder", "  go on with wraith-finder"),
        Change(14, "**Source**: `rune:plan realm-analyst`", "**Source**: `rune:plan repo-surveyor`"),
    )
    changed = {change.line for change in done.changes}
    before, after = TEXT.split("\n"), done.text.split("\n")
    assert [n for n, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]] == sorted(
        changed
    )


def test_a_second_run_changes_nothing() -> None:
    once = migrate.migrate(TEXT)
    assert migrate.migrate(once.text) == migrate.Migrated(once.text, ())


@given(
    st.lists(
        st.sampled_from([*RENAMES["1.5.0"], *RENAMES["1.5.0"].values(), "-", " ", "x", "`", "/"]), max_size=9
    )
)
def test_no_line_whatever_it_says_changes_twice(parts: list[str]) -> None:
    once = migrate.migrate(f"### [2026-02-11] A: b\n- **source**: {''.join(parts)}\n")
    assert migrate.migrate(once.text).changes == ()


def test_no_new_name_is_an_old_one_of_its_version_or_one_before() -> None:
    versions = [tuple(map(int, version.split("."))) for version in RENAMES]
    assert versions == sorted(versions)
    olds = accumulate((frozenset(names) for names in RENAMES.values()), frozenset.union)
    assert all(old.isdisjoint(names.values()) for old, names in zip(olds, RENAMES.values(), strict=True))


def test_names_are_replaced_at_the_same_time_the_longest_first() -> None:
    names = {"a": "b", "b": "a", "a b": "c"}
    assert migrate.rename("a, b, a b, ab, a-b", names) == "b, a, c, ab, a-b"
    assert migrate.rename("a", {}) == "a"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_evidence_of_knowledge_is_renamed_and_line_ends_stay(end: str) -> None:
    done = migrate.migrate(
        f"## topic (2026-02-11)\r\n- lore-seeker{end or chr(10)}- **evidence**: lore-seeker{end}"
    )
    assert (
        done.text
        == f"## topic (2026-02-11)\r\n- lore-seeker{end or chr(10)}- **evidence**: practice-seeker{end}"
    )
    assert [change.after for change in done.changes] == ["- **evidence**: practice-seeker"]
