"""One entry: its form, its identity, what it may not be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rune.errors import EchoError
from rune.records import echo
from rune.records.echo import LAYERS, Entry

DAY = date(2026, 2, 11)
lines = st.text(max_size=30) | st.sampled_from(
    ["- **source**: x", "**evidence**: y", "## Etched — z (2026-01-01)"]
)
titles = lines.filter(lambda text: bool(text.split()))
learnings = st.lists(
    lines
    | st.sampled_from(
        [
            "```",
            "```python",
            "  - **layer**: etched",
            "---",
            "- one",
            "confidence: 3",
            "### [2026-01-02] A: b",
        ]
    ),
    max_size=5,
).map("\n".join)
names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name.strip("_") and name.strip("_") not in echo.dialects.CORE
)
entries = st.builds(
    Entry,
    layer=st.sampled_from(LAYERS),
    title=titles,
    day=st.dates(),
    learning=learnings,
    evidence=st.lists(lines, max_size=3).map(tuple),
    source=lines,
    confidence=st.floats(0, 1),
    verified=st.dates(),
    supersedes=lines,
    label=lines,
    fields=st.lists(st.tuples(names, lines), max_size=3).map(tuple),
)

ETCHED = """\
### [2026-02-11] Architecture: Express + Prisma async
- **layer**: etched
- **source**: manual
- **confidence**: 1.0
- **evidence**: `package.json:5-15` — framework dependencies
- **verified**: 2026-02-11
- **supersedes**: none
- Backend uses Express with Prisma ORM. All repository methods are async. \
Domain layer has no framework imports. DI container manages dependencies.
"""
INSCRIBED = """\
### [2026-02-11] Pattern: Unused imports in new files
- **layer**: inscribed
- **source**: rune:review PR #42
- **confidence**: 0.85
- **evidence**: `src/auth.py:1-5` — 3 unused imports found
- **verified**: 2026-02-11
- **supersedes**: none
- Codebase tends to leave unused imports in newly created files. \
Reviewers should flag import hygiene in new files specifically.
"""
TRACED = """\
### [2026-02-11] Observation: Slow test suite in CI
- **layer**: traced
- **source**: rune:work session-abc
- **confidence**: 0.6
- **evidence**: CI logs — test suite took 8min (vs 3min baseline)
- **verified**: 2026-02-11
- **supersedes**: none
- Test suite is unusually slow today, possibly due to new integration tests.
"""


@pytest.mark.parametrize("sample", [ETCHED, INSCRIBED, TRACED], ids=LAYERS)
def test_the_documented_samples_are_printed_byte_for_byte_from_their_fields_alone(sample: str) -> None:
    [entry] = echo.parse(sample, "reviewer/MEMORY.md").entries
    assert echo.print_entry(entry) == sample
    assert echo.print_entry(replace(entry, raw="")) == sample


def test_a_sample_is_read_into_its_fields() -> None:
    [entry] = echo.parse(INSCRIBED, "reviewer/MEMORY.md").entries
    assert entry == Entry(
        layer="inscribed",
        title="Unused imports in new files",
        day=DAY,
        verified=DAY,
        confidence=0.85,
        learning="Codebase tends to leave unused imports in newly created files. Reviewers should flag "
        "import hygiene in new files specifically.",
        evidence=("`src/auth.py:1-5` — 3 unused imports found",),
        source="rune:review PR #42",
    )


@given(entries)
@example(Entry("traced", "a", DAY, "```\ncode\n```\n\nafter"))
@example(Entry("traced", "a: b: c", DAY, "- one\n- two", fields=(("symptom", ""), ("tags", "x"))))
@example(Entry("inscribed", "a", DAY, "confidence: 3\n\n    indented", evidence=("- x", "**layer**: etched")))
@example(
    Entry("etched", "Etched — x (2026-01-01)", DAY, "**learning**: x", supersedes="None", label="no label:")
)
def test_what_is_printed_is_read_again_as_the_same(entry: Entry) -> None:
    [read] = echo.parse(echo.print_entry(entry), "team/MEMORY.md").entries
    assert read == entry
    assert read.digest == entry.digest
    assert echo.print_entry(read) == echo.print_entry(entry)


@given(st.lists(entries, max_size=4))
def test_a_memory_that_is_printed_is_read_again_as_the_same(written: list[Entry]) -> None:
    preamble = echo.render(echo.empty("auditor")) + ("\n" if written else "")
    memory = echo.Memory("auditor", preamble, tuple(written))
    text = echo.render(memory)
    read = echo.parse(text, ".claude/echoes/auditor/MEMORY.md")
    assert read == memory
    assert echo.render(read) == text
    assert read.lines == text.count("\n")


def test_identity_is_what_it_says_and_neither_place_nor_verification_nor_layer() -> None:
    entry = Entry("inscribed", "Imports", DAY, "Check  them.", ("`a.py:1` — x",))
    same = replace(
        entry, layer="etched", verified=date(2026, 5, 1), confidence=0.2, learning="check\nThem.",
        fields=(("tags", "imports"), ("solution", "")),
    )  # fmt: skip
    assert same.digest == entry.digest
    assert (entry.id, same.id) == (f"inscribed-{entry.digest[:8]}", f"etched-{entry.digest[:8]}")
    for changed in (
        replace(entry, title="Exports"),
        replace(entry, learning="Check none."),
        replace(entry, evidence=()),
        replace(entry, fields=(("solution", "Delete them."),)),
    ):
        assert changed.digest != entry.digest


def test_an_entry_that_was_read_is_printed_as_it_stood_until_it_says_something_else() -> None:
    text = "## Inscribed - Locks  (2026-01-25)\n\n**Confidence**: HIGH (verified)\n\nUse a timeout.\n"
    [entry] = echo.parse(text, "x").entries
    later = replace(entry, verified=date(2026, 3, 1))
    assert echo.print_entry(entry) == text
    assert echo.print_entry(replace(later, verified=entry.verified)) == text
    assert echo.print_entry(later) == (
        "### [2026-01-25] Pattern: Locks\n- **layer**: inscribed\n- **source**: manual\n"
        "- **confidence**: 0.9\n"
        "- **verified**: 2026-03-01\n- **supersedes**: none\n- **confidence_note**: HIGH (verified)\n"
        "- Use a timeout.\n"
    )


def test_a_day_that_was_never_verified_counts_as_verified_when_it_was_written() -> None:
    assert Entry("traced", "a", DAY, "b").verified == DAY


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"layer": "carved"}, "layer"),
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"title": " \n"}, "title"),
        ({"fields": (("layer", "x"),)}, "fields"),
        ({"fields": (("1", "x"),)}, "fields"),
    ],
)
def test_what_cannot_be_printed_cannot_be_made(changes: dict[str, object], field: str) -> None:
    with pytest.raises(EchoError) as caught:
        Entry(**{"layer": "traced", "title": "a", "day": DAY, "learning": "b", **changes})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_an_entry_without_evidence_is_refused_unless_it_is_etched() -> None:
    echo.check_evidence(Entry("etched", "a", DAY, "b"))
    echo.check_evidence(Entry("traced", "a", DAY, "b", ("CI logs",)))
    with pytest.raises(
        EchoError, match=r"evidence: expected `file:lines` — what was found, found \"none in 'a'\""
    ):
        echo.check_evidence(Entry("traced", "a", DAY, "b", ("none",)))


def test_named_bullets_keep_their_names_and_order() -> None:
    text = TRACED + "- **Root Cause**: docker\n- **symptom**: slow\n  and slower\n- **tags**: ci, tests\n"
    [entry] = echo.parse(text, "x").entries
    assert entry.fields == (("root_cause", "docker"), ("symptom", "slow and slower"), ("tags", "ci, tests"))
    assert entry.named("symptom") == "slow and slower"
    assert entry.named("solution") == ""
