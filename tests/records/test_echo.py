"""MEMORY.md in every dialect: what is read, what is refused, what stays byte for byte."""

from __future__ import annotations

import contextlib
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import EchoError, NewerVersion
from rune.records import echo
from rune.records.echo import Entry

PATH = ".claude/echoes/reviewer/MEMORY.md"
TIERS = "etched|inscribed|traced|observations?|notes?|consolidated"
HEADING = re.compile(rf"(?im)^#{{2,3}} (?:(?:{TIERS})[ \t]*(?:[—–]|-)|\[\d{{4}}-)")
"""An entry's heading by a rule that owes nothing to the reader."""


def only(text: str) -> Entry:
    [entry] = echo.parse(text, PATH).entries
    assert echo.render(echo.parse(text, PATH)) == text
    return entry


def test_an_empty_memory_has_header_and_title() -> None:
    memory = echo.empty("reviewer")
    assert echo.render(memory) == "<!-- echo-schema: v1 -->\n# Reviewer Memory\n"
    assert echo.parse(echo.render(memory), PATH) == memory
    assert memory.lines == 2


def test_a_new_entry_stands_behind_an_empty_line() -> None:
    memory = echo.Memory("team", "# Team\n", (Entry("etched", "a", date(2026, 1, 1), "b"),) * 2)
    assert re.findall(r"\n\n### ", echo.render(memory)) == ["\n\n### "] * 2
    assert echo.parse(echo.render(memory), "team/MEMORY.md").entries == memory.entries


@pytest.mark.parametrize(
    ("heading", "layer", "title", "days"),
    [
        (
            "## Inscribed — Security review (2026-01-15)",
            "inscribed",
            "Security review",
            ("2026-01-15", "2026-01-15"),
        ),
        ("## Etched – Ghost state (2026-02-05)", "etched", "Ghost state", ("2026-02-05", "2026-02-05")),
        (
            "## Traced - Flaky: tests (x) (2026-02-14)",
            "traced",
            "Flaky: tests (x)",
            ("2026-02-14", "2026-02-14"),
        ),
        ("## observations — Task: a — b (2026-03-11)", "traced", "Task: a — b", ("2026-03-11", "2026-03-11")),
        ("## NOTES — Always use bun (2026-02-11)", "etched", "Always use bun", ("2026-02-11", "2026-02-11")),
        (
            "## Consolidated — Reviews (2026-01-05 to 2026-02-10)",
            "inscribed",
            "Reviews",
            ("2026-01-05", "2026-02-10"),
        ),
        (
            "## Consolidated — Reviews (2026-01 – 2026-03)",
            "inscribed",
            "Reviews",
            ("2026-01-01", "2026-03-01"),
        ),
        (
            "## Consolidated - Reviews (Jan 5, 2026 - 10 Feb 2026)",
            "inscribed",
            "Reviews",
            ("2026-01-05", "2026-02-10"),
        ),
        ("## Inscribed—Tight (updated 2026/01/15)", "inscribed", "Tight", ("2026-01-15", "2026-01-15")),
        ("## Inscribed — No date", "inscribed", "No date", ("0001-01-01", "0001-01-01")),
        (
            "## Etched — Named 2026-02-05 inside",
            "etched",
            "Named 2026-02-05 inside",
            ("2026-02-05", "2026-02-05"),
        ),
        ("### Etched — Deeper (2026-02-05)", "etched", "Deeper", ("2026-02-05", "2026-02-05")),
        ("## Etched: With a colon (2026-02-05)", "etched", "With a colon", ("2026-02-05", "2026-02-05")),
    ],
)
def test_foreign_headings_are_read(heading: str, layer: str, title: str, days: tuple[str, str]) -> None:
    entry = only(f"# Reviewer Echoes\n\n{heading}\n\nA learning.\n")
    assert (entry.layer, entry.title, entry.learning) == (layer, title, "A learning.")
    assert (str(entry.day), str(entry.verified)) == days


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("0.85", 0.85),
        ("85%", 0.85),
        ("8/10", 0.8),
        ("1", 1.0),
        ("`0.7`", 0.7),
        ("HIGH (3 Ashes, all done)", 0.9),
        ("medium", 0.6),
        ("Low — one session", 0.3),
        ("MEDIUM-HIGH", 0.6),
        ("unclear", 0.5),
        ("3 reviews agree", 0.5),
        ("0.9, three reviews", 0.9),
        ("4 reviews: high", 0.9),
        ("", 0.5),
    ],
)
def test_confidence_is_a_number_a_share_or_a_word(said: str, number: float) -> None:
    assert only(f"## Traced — a (2026-01-01)\n**Confidence**: {said}\n\nb\n").confidence == number


@pytest.mark.parametrize(
    "form",
    ["- **{}**: {}", "**{}**: {}", "**{}:** {}", "* **{}**: {}", "- {}: {}"],
    ids=["bullet", "bold", "colon inside", "star", "plain bullet"],
)
@pytest.mark.parametrize("case", [str.lower, str.title, str.upper], ids=["lower", "title", "upper"])
def test_fields_are_bullets_or_bold_lines_in_any_case(form: str, case: type[str]) -> None:
    fields = {
        "source": "rune:review x",
        "confidence": "0.7",
        "evidence": "`a.py:3` — b",
        "verified": "2026-02-02",
    }
    head = "\n".join(form.format(case(name), value) for name, value in fields.items())
    entry = only(f"## Inscribed — a (2026-01-01)\n{head}\n\n- Learnt.\n- More.\n")
    assert entry == Entry(
        "inscribed",
        "a",
        date(2026, 1, 1),
        "- Learnt.\n- More.",
        ("`a.py:3` — b",),
        "rune:review x",
        0.7,
        date(2026, 2, 2),
    )


def test_inner_headings_numbered_learnings_and_code_belong_to_the_learning() -> None:
    body = (
        "### Key Learnings\n\n1. **Migrations**: make them reversible.\n\n2. **Source**: of truth.\n\n"
        "```markdown\n## Etched — an example (2026-01-01)\n- **layer**: etched\n```\n\n### Notes\n\n- x"
    )
    entry = only(f"## Inscribed — a (2026-01-01)\n\n**Source**: `rune:arc x`\n\n{body}\n")
    assert (entry.source, entry.learning) == ("rune:arc x", body)


def test_a_code_block_that_was_cut_off_does_not_swallow_the_entries_below() -> None:
    text = (
        "## Observations — a (2026-01-01)\n- Context: x\n```python\ndef f():\n\n"
        "## Observations — b (2026-01-02)\n- Context: y\n\n```\nplain\n```\n\n"
        "## Traced — c (2026-01-03)\n\nz\n"
    )
    memory = echo.parse(text, PATH)
    assert [entry.title for entry in memory.entries] == ["a", "b", "c"]
    assert echo.render(memory) == text


def test_the_form_of_the_observation_hook_is_read() -> None:
    entry = only(
        "\n## Observations — Task: echo-reader (2026-03-11)\n- **layer**: observations\n"
        "**Source**: `team/agent`\n- **Confidence**: LOW (auto-generated, unverified)\n"
        "- Task completed: echo-reader\n- Context: Read a\\nb\n"
    )
    assert (entry.layer, entry.source, entry.confidence, entry.label) == (
        "traced",
        "team/agent",
        0.3,
        "Observation",
    )
    assert entry.learning == "- Task completed: echo-reader\n- Context: Read a\\nb"


def test_a_plain_heading_with_a_layer_field_is_an_entry() -> None:
    entry = only(
        "## Seed entry\n- **layer**: notes\n- **source**: `t/s`\n- **confidence**: LOW\n"
        "- **date**: 2025-01-01\n\nx\n"
    )
    assert (entry.layer, entry.title, entry.day, entry.learning) == (
        "etched",
        "Seed entry",
        date(2025, 1, 1),
        "x",
    )


def test_bare_headings_give_a_layer_and_stay_when_an_entry_goes() -> None:
    text = (
        "# Memory\n\n## Etched\n\n### [2026-01-01] Pattern: a\n- one\n\n---\n\n"
        "### [2026-01-02] Pattern: b\n- two\n\n"
        "## Inscribed\n\n### [2026-01-03] c\n- three\n"
    )
    memory = echo.parse(text, PATH)
    assert [(entry.layer, entry.learning) for entry in memory.entries] == [
        ("etched", "one"),
        ("etched", "two"),
        ("inscribed", "three"),
    ]
    left, taken = echo.take_out(memory, {0, 1})
    assert echo.render(left) == "# Memory\n\n## Etched\n\n## Inscribed\n\n### [2026-01-03] c\n- three\n"
    assert echo.parse("".join(map(echo.print_entry, taken)), "x").entries == memory.entries[:2]


def test_a_dated_note_inside_a_foreign_entry_is_text_unless_it_has_fields() -> None:
    text = "## Inscribed — a (2026-01-01)\n\n### [2026-01-02] First try\nIt failed.\n"
    assert only(text).learning == "### [2026-01-02] First try\nIt failed."
    more = f"{text}\n### [2026-01-03] Pattern: b\n- **layer**: traced\n- c\n"
    assert [entry.title for entry in echo.parse(more, PATH).entries] == ["a", "b"]


def test_windows_lines_a_byte_order_mark_and_a_torn_end_stay_as_they_are() -> None:
    text = (
        "\ufeff<!-- echo-schema: v1 -->\r\n# X\r\n\r\n"
        "## Traced - a (2026-01-01)\r\n- **source**: s\r\n\r\nb\r\nc"
    )
    entry = only(text)
    assert (entry.source, entry.learning) == ("s", "b\nc")
    memory = echo.parse(text, PATH)
    more = echo.Memory("x", memory.preamble, (*memory.entries, Entry("etched", "d", date(2026, 1, 1), "e")))
    assert echo.render(more).startswith(f"{text}\n\n### [2026-01-01] Pattern: d\n")
    assert len(echo.parse(echo.render(more), PATH).entries) == 2


@pytest.mark.parametrize(
    ("text", "evidence", "learning"),
    [
        ("- **Evidence**:\n  - `a.py:1` — one\n  - `b.py:2` — two\n- Use a join.\n",
         ("`a.py:1` — one", "`b.py:2` — two"), "Use a join."),
        ("**Evidence**:\n- `a.py:1` — one\n  and more\n- `b.py:2` — two\n\nUse a join.\n",
         ("`a.py:1` — one and more", "`b.py:2` — two"), "Use a join."),
        ("  - **Evidence**: `a.py:1` — one\n  - **Source**: rune:work\n  - Use a join.\n  - Or a view.\n",
         ("`a.py:1` — one",), "- Use a join.\n- Or a view."),
        ("<!-- id: 5 -->\n**Source**: rune:work\n**Evidence**: `a.py:1` — one\n\nUse a join.\n",
         ("`a.py:1` — one",), "<!-- id: 5 -->\n\nUse a join."),
    ],
    ids=["bullets below a bullet", "bullets that go on", "indented bullets", "a comment first"],
)  # fmt: skip
def test_fields_end_where_the_learning_begins(text: str, evidence: tuple[str, ...], learning: str) -> None:
    text = f"## Inscribed — Joins (2026-01-10)\n{text}"
    read = echo.parse(text, "reviewer/MEMORY.md")
    assert [(entry.evidence, entry.learning) for entry in read.entries] == [(evidence, learning)]
    assert echo.render(read) == text


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## Inscribed — Closed (2026-01-10) ##", "Closed"),
        ("## Inscribed \u2212 Minus (2026-01-10)", "Minus"),
        ("### [2026-01-10] Pattern: Prefer C ##", "Prefer C ##"),
    ],
)
def test_a_heading_of_others_may_be_closed_by_marks(heading: str, title: str) -> None:
    assert [entry.title for entry in echo.parse(f"{heading}\nX\n", "x/MEMORY.md").entries] == [title]


def test_evidence_is_listed_below_its_name_too() -> None:
    text = "## Traced — a (2026-01-01)\n\n**Evidence**:\n- `a.py:1` — x\n- `b.py:2` — y\n\nLearnt.\n"
    assert only(text).evidence == ("`a.py:1` — x", "`b.py:2` — y")
    indented = "### [2026-01-01] Pattern: a\n- **evidence**:\n  - `a.py:1`\n  - `b.py:2`\n- Learnt.\n"
    assert (only(indented).evidence, only(indented).learning) == (("`a.py:1`", "`b.py:2`"), "Learnt.")


@pytest.mark.parametrize(
    ("line", "field", "number", "expected"),
    [
        ("- **layer**: carved", "layer", 5, "etched | inscribed | traced"),
        ("- **confidence**: sure", "confidence", 5, "0.0 to 1.0, or HIGH, MEDIUM, LOW"),
        ("- **confidence**: 1.5", "confidence", 5, "0.0 to 1.0, or HIGH, MEDIUM, LOW"),
        ("- **verified**: yesterday", "verified", 5, "a day as YYYY-MM-DD"),
        ("- **verified**: 2026-02-30", "verified", 5, "a day as YYYY-MM-DD"),
        ("### [2026-13-45] Pattern: b", "date", 5, "a day as YYYY-MM-DD"),
        ("### [2026-01-01] ", "title", 5, "a short description after the date"),
        ("## Etched — b (2026-02-31)", "date", 5, "a day as YYYY-MM-DD"),
    ],
)
def test_a_bad_field_names_file_line_field_and_what_was_expected(
    line: str, field: str, number: int, expected: str
) -> None:
    text = f"<!-- echo-schema: v1 -->\n# X\n\n### [2026-01-01] Pattern: a\n{line}\n- b\n"
    with pytest.raises(EchoError) as caught:
        echo.parse(text, PATH)
    error = caught.value
    assert (error.field, error.line, error.expected, error.path) == (field, number, expected, PATH)
    assert str(error).startswith(f"{PATH}:{number}: {field}: expected {expected}, found ")


def test_a_survey_reads_the_good_entries_beside_the_bad() -> None:
    text = (
        "## Etched — a (2026-01-01)\n\nx\n\n## Traced — b (2026-01-99)\n\ny\n\n"
        "## Carved — c (2026-01-01)\n\nz\n\n"
        "## Inscribed — d (2026-01-02)\n**Confidence**: 7\n\nz\n"
    )
    found = echo.survey(text, "f.md")
    assert [entry.title for entry in found.entries] == ["a"]
    assert [
        (refusal.line, refusal.reason.split(",")[0].removeprefix(f"f.md:{refusal.line}: "))
        for refusal in found.refusals
    ] == [
        (5, "date: expected a day as YYYY-MM-DD"),
        (9, "layer: expected one of consolidated"),
        (14, "confidence: expected 0.0 to 1.0"),
    ]


def test_an_entry_without_a_day_in_its_heading_takes_one_from_its_fields() -> None:
    text = "## Inscribed — Limits of 2026-99\n**Source**: `rune:devise 20260112-limits`\n\nx\n"
    assert only(text).day == date(2026, 1, 12)


def test_a_heading_of_an_unknown_layer_is_text_of_the_file() -> None:
    text = "## Etched — a (2026-01-01)\n\nx\n\n## Carved — c (2026-01-01)\n\nz\n"
    assert only(text).learning == "x"


@pytest.mark.parametrize("version", ["v2", "v1.1", "0", "next"])
def test_a_file_of_another_schema_is_not_read(version: str) -> None:
    text = f"<!-- echo-schema: {version} -->\n# X\n\n## Etched — a (2026-01-01)\n\nx\n"
    for read in (echo.parse, echo.survey):
        with pytest.raises(NewerVersion, match=rf"MEMORY.md: echo schema '{version}'; this Rune knows v1"):
            read(text, PATH)


def test_a_header_that_an_entry_quotes_is_no_header() -> None:
    assert only("## Etched — a (2026-01-01)\n\n<!-- echo-schema: v9 -->\n").layer == "etched"


def test_a_role_is_the_folder_of_its_file() -> None:
    assert echo.parse("", PATH).role == "reviewer"
    assert echo.parse_findings("## Etched — a (2026-01-01)\n", "workers/ash-findings.md")[0].title == "a"


@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "## Etched — a (2026-01-01)\n",
                "### [2026-01-02] Pattern: b\n",
                "- **layer**: traced\n",
                "---\n",
                "```\n",
                "```md\n",
                "## Inscribed\n",
                "# X\n",
                "text\n",
                "\n",
                "\r\n",
                "  - **evidence**: x\n",
                "**Evidence**:\n",
                "- y\n",
                "## Z\n",
            ]
        ),
        max_size=14,
    ).map("".join)
)
def test_whatever_is_read_is_printed_unchanged(text: str) -> None:
    with contextlib.suppress(EchoError):
        assert echo.render(echo.parse(text, PATH)) == text


@given(
    st.lists(st.sampled_from(["etched", "section", "rule", "plain"]), max_size=6), st.sets(st.integers(0, 5))
)
def test_what_is_taken_out_and_what_is_left_are_all_there_was(kinds: list[str], gone: set[int]) -> None:
    tails = {"etched": "", "section": "## Inscribed\n\n", "rule": "---\n\n", "plain": "## Other\n\ntext\n\n"}
    text = "# X\n\n" + "".join(
        f"### [2026-01-0{n + 1}] Pattern: t{n}\n- l{n}\n\n{tails[kind]}" for n, kind in enumerate(kinds)
    )
    memory = echo.parse(text, PATH)
    gone &= set(range(len(kinds)))
    left, taken = echo.take_out(memory, gone)
    again = echo.parse(echo.render(left), PATH).entries
    assert again == left.entries
    assert sorted([*again, *taken], key=lambda e: e.title) == list(memory.entries)
    apart = echo.parse("\n".join(map(echo.print_entry, taken)), "archive/MEMORY.md").entries
    assert apart == taken


def test_every_foreign_file_is_read_and_printed_unchanged(shared_data: Path) -> None:
    expected = parsed = 0
    for path in sorted((shared_data / "echoes").rglob("MEMORY.md")):
        text = path.read_bytes().decode()
        found = echo.survey(text, path)
        assert echo.render(echo.parse(text, path)) == text
        assert not found.refusals
        assert all(entry.title and entry.learning and entry.day.year == 2026 for entry in found.entries)
        expected += len(HEADING.findall(text))
        parsed += len(found.entries)
    assert expected >= 34
    assert parsed == expected


def test_the_examples_of_the_original_specification_are_read(shared_data: Path) -> None:
    folder = shared_data / "echoes" / "vinhnxv__rune-plugin" / "spec" / "references"
    path = folder / "entry-examples.md"
    found = echo.examples(path.read_text("utf-8"), path)
    assert [entry.layer for entry in found.entries] == ["etched", "etched", "inscribed", "traced", "traced"]
    assert not found.refusals
    assert not echo.parse(path.read_text("utf-8"), path).entries
