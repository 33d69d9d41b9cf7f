"""A remembrance: its nine fields, its round trip, its reference."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rune.errors import EchoError
from rune.records import remembrance
from rune.records.remembrance import CATEGORIES, REQUIRED, Reference, Remembrance

DAY = datetime.date(2026, 2, 12)
SAMPLE = Remembrance(
    title="N+1 queries in the user list",
    category="performance",
    tags=("n-plus-one", "eager-loading"),
    date=DAY,
    symptom="User list endpoint takes 5+ seconds",
    root_cause="N+1 query pattern in user.posts association",
    solution_summary="Added includes(:posts) to User.list scope",
    confidence="high",
    verified_by="human",
    echo_ref=remembrance.refer(".claude/echoes/reviewer/MEMORY.md", "etched-a1b2c3d4", "0f" * 32),
)
text = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    ["---", "a\n---\nb", "2026-01-01", "yes", "# x"]
)
said = text.filter(lambda value: bool(value.strip()))
documents = st.builds(
    Remembrance,
    title=said,
    category=st.sampled_from(CATEGORIES),
    tags=st.lists(text, max_size=3).map(tuple),
    date=st.dates(),
    symptom=said,
    root_cause=said,
    solution_summary=said,
    confidence=st.sampled_from(["high", "medium"]),
    verified_by=st.sampled_from(["human", "agent"]),
    echo_ref=text,
    requires_human_approval=st.booleans(),
    extra=st.dictionaries(
        st.sampled_from(["affected_files", "superseded_by"]), text | st.lists(text, max_size=2)
    ),
    body=text,
)


@given(documents)
@example(replace(SAMPLE, symptom="a\n---\nb", body="---\nx\n---"))
def test_what_is_printed_is_read_again_as_the_same(document: Remembrance) -> None:
    assert remembrance.parse(remembrance.render(document), "x.md") == document


def test_a_document_tells_symptom_cause_and_solution_and_where_it_came_from() -> None:
    printed = remembrance.render(remembrance.document(SAMPLE))
    front, body = printed.removeprefix("---\n").split("\n---\n", 1)
    assert [line.split(":")[0] for line in front.splitlines() if not line.startswith("-")] == [
        "title",
        "category",
        "tags",
        "date",
        "symptom",
        "root_cause",
        "solution_summary",
        "echo_ref",
        "confidence",
        "verified_by",
        "requires_human_approval",
    ]
    assert "date: 2026-02-12\n" in front + "\n"
    assert [line for line in body.splitlines() if line.startswith("#")] == [
        "# N+1 queries in the user list",
        "## Symptom",
        "## Root Cause",
        "## Solution",
        "## References",
    ]


def test_the_schema_of_the_original_specification_is_read(shared_data: Path) -> None:
    path = shared_data / "echoes" / "vinhnxv__rune-plugin" / "spec" / "references" / "remembrance-schema.md"
    block = path.read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    read = remembrance.parse(block, path)
    assert (read.category, read.tags) == ("architecture", ("n-plus-one", "eager-loading", "activerecord"))
    assert remembrance.reference(read.echo_ref).entry == "etched-004"


@pytest.mark.parametrize("name", REQUIRED)
def test_each_required_field_is_missed_by_name(name: str) -> None:
    front = remembrance.render(SAMPLE).splitlines(keepends=True)
    start = next(n for n, line in enumerate(front) if line.startswith(f"{name}:"))
    end = next(n for n in range(start + 1, len(front)) if not front[n].startswith("- "))
    with pytest.raises(EchoError, match=rf"docs/x.md:1: {name}: expected a required field, found 'nothing'"):
        remembrance.parse("".join([*front[:start], *front[end:]]), "docs/x.md")


@pytest.mark.parametrize(
    ("line", "field", "number"),
    [
        ("category: databases", "category", 3),
        ("confidence: low", "confidence", 3),
        ("verified_by: me", "verified_by", 3),
        ("date: soon", "date", 3),
        ("tags: one", "tags", 3),
        ("title: 5", "title", 3),
        ("symptom: [a]", "symptom", 3),
        ("requires_human_approval: maybe", "requires_human_approval", 3),
        ("echo_ref: 5", "echo_ref", 3),
        ("x: [", "front matter", 3),
    ],
)
def test_a_bad_field_names_file_and_line(line: str, field: str, number: int) -> None:
    good = remembrance.render(SAMPLE).splitlines(keepends=True)
    name = line.split(":")[0]
    start = next((n for n, old in enumerate(good) if old.startswith(f"{name}:")), 0)
    end = next((n for n in range(start + 1, len(good)) if not good[n].startswith("- ")), 0)
    rest = [*good[1:start], *good[end:]] if start else good[1:]
    with pytest.raises(EchoError) as caught:
        remembrance.parse("".join(["---\n", "# a comment\n", line + "\n", *rest]), "docs/x.md")
    assert caught.value.field == field
    if field != "front matter":
        assert str(caught.value).startswith(f"docs/x.md:{number}: {field}: expected ")


@pytest.mark.parametrize("content", ["", "# only text\n", "---\n---\n", "---\n- a\n---\n", "---\ntitle: x\n"])
def test_a_file_without_front_matter_is_refused(content: str) -> None:
    with pytest.raises(EchoError, match=r"docs/x.md:1: front matter: expected YAML between two lines of ---"):
        remembrance.parse(content, "docs/x.md")


def test_windows_lines_and_times_are_read() -> None:
    printed = (
        remembrance.render(SAMPLE)
        .replace("date: 2026-02-12", "date: 2026-02-12 10:30:00")
        .replace("\n", "\r\n")
    )
    assert remembrance.parse("\ufeff" + printed, "x.md") == SAMPLE


def test_a_reference_names_echo_entry_and_hash() -> None:
    assert remembrance.reference(SAMPLE.echo_ref) == Reference(
        ".claude/echoes/reviewer/MEMORY.md", "etched-a1b2c3d4", "0f" * 32
    )
    with pytest.raises(EchoError, match=r"echo_ref: expected \{echo path\}#\{entry id\}@sha256"):
        remembrance.reference("echoes/x#etched-1@sha256:abc")


@pytest.mark.parametrize(
    ("title", "name"), [("Ünïcode & more", "unicode-more"), ("???", "untitled"), ("a" * 99, "a" * 80)]
)
def test_a_slug_is_a_safe_file_name(title: str, name: str) -> None:
    assert remembrance.slug(title) == name
