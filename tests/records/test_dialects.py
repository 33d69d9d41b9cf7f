"""Where entries begin and end, and which lines are fields."""

from __future__ import annotations

import pytest

from rune.records import dialects


@pytest.mark.parametrize(
    ("line", "dated", "found"),
    [
        ("- **root_cause**: docker", True, ("root_cause", "docker")),
        ("- **Root Cause:** docker", False, ("root_cause", "docker")),
        ("**Last verified**: 2026-02-01", False, ("verified", "2026-02-01")),
        ("- **anything**: x", True, ("anything", "x")),
        ("- **anything**: x", False, None),
        ("**anything**: x", True, None),
        ("- **Token bucket vs sliding window**: simpler", True, None),
        ("- source: here", True, ("source", "here")),
        ("- Confidence:", True, ("confidence", "")),
        ("Source: here", True, None),
        ("  - **source**: here", True, None),
        ("1. **Source**: of truth", False, None),
    ],
)
def test_a_field_is_a_known_name_or_in_the_dated_form_any_lower_case_bullet(
    line: str, dated: bool, found: tuple[str, str] | None
) -> None:
    assert dialects.field(line, dated) == found


def test_a_file_is_cut_into_pieces_that_are_all_of_it() -> None:
    text = "# A\n\n## Etched — b (2026-01-01)\n\nc\n\n---\n\n## Other\nd\n\n### [2026-01-02] E: f\n- g"
    reading = dialects.read(text)
    assert reading.preamble == "# A\n\n"
    assert [passage.line for passage in reading.passages] == [3, 12]
    assert [passage.tail for passage in reading.passages] == ["---\n\n## Other\nd\n\n", ""]
    assert reading.preamble + "".join(passage.raw + passage.tail for passage in reading.passages) == text


def test_a_field_knows_its_lines() -> None:
    [passage] = dialects.read(
        "\n### [2026-01-02] E: f\n- **evidence**: a\n  b\n- **source**: c\n- g\n"
    ).passages
    assert passage.fields == (("evidence", "a b", 3, 2), ("source", "c", 5, 1))


def test_a_repeated_field_is_text_but_evidence_may_repeat() -> None:
    [passage] = dialects.read(
        "## Traced — a (2026-01-01)\n**Source**: x\n**Evidence**: e1\n**Evidence**: e2\n**Source**: y\n"
    ).passages
    assert [found.value for found in passage.fields] == ["x", "e1", "e2"]
    assert passage.body == "**Source**: y"


def test_lines_below_the_first_text_are_fields_only_where_they_cannot_be_prose() -> None:
    [passage] = dialects.read(
        "## Traced — a (2026-01-01)\nText.\n**Source**: of truth\n**Evidence**: `a.py:1`\n"
        "### Inner\n**Evidence**: no\n"
    ).passages
    assert [found.value for found in passage.fields] == ["`a.py:1`"]
    assert passage.body == "Text.\n**Source**: of truth\n### Inner\n**Evidence**: no"


def test_entries_in_closed_markdown_blocks_are_examples() -> None:
    shown = "```markdown\n## Etched — a (2026-01-01)\nx\n```\n"
    text = f"Intro\n\n{shown}\n```python\n## Etched — b (2026-01-01)\n```\n"
    assert [passage.heading.title for passage in dialects.read(text).passages] == ["b (2026-01-01)"]
    assert list(dialects.examples(text)) == [(3, "## Etched — a (2026-01-01)\nx\n")]
