"""knowledge.md: blocks of ours and sections of others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import EchoError, NewerVersion
from rune.records import knowledge
from rune.records.knowledge import Block, Knowledge

PATH = ".claude/echoes/workers/knowledge.md"
lines = st.text(max_size=30) | st.sampled_from(
    ["**evidence**: x", "evidence: x", "**summary**: y", "- z", "## w", "```"]
)
blocks = st.builds(
    Block,
    lines.filter(lambda text: bool(text.split())),
    st.dates(),
    st.lists(lines, max_size=5).map(tuple),
    st.lists(lines, max_size=3).map(tuple),
)


@given(st.lists(blocks, max_size=4))
def test_what_is_printed_is_read_again_as_the_same(written: list[Block]) -> None:
    preamble = knowledge.render(knowledge.empty("workers")) + ("\n" if written else "")
    known = Knowledge("workers", tuple(written), preamble)
    text = knowledge.render(known)
    assert knowledge.parse(text, PATH) == known
    assert knowledge.render(knowledge.parse(text, PATH)) == text
    assert known.lines == text.count("\n")


def test_a_block_is_a_heading_its_lines_and_its_evidence() -> None:
    block = Block("flaky tests", date(2026, 2, 14), ("a", "b", "c"), ("`t.py:3` — d",))
    assert knowledge.render(replace(knowledge.empty("workers"), blocks=(block,))) == (
        "<!-- echo-schema: v1 -->\n# Workers Knowledge\n\n"
        "## flaky tests (2026-02-14)\n- a\n- b\n- c\n- **evidence**: `t.py:3` — d\n"
    )


def test_sections_of_others_are_read_and_stay_as_they_are() -> None:
    text = (
        "# Knowledge\n\n## Caching\n\nTwo layers.\n* One is free.\n\n```py\n## no heading\n```\n\n"
        "### [2026-02-11] Pattern: Imports\n- **layer**: traced\n- **evidence**: `a.py:1`\n- Check them."
    )
    known = knowledge.parse(text, PATH)
    assert [(block.topic, block.day) for block in known.blocks] == [
        ("Caching", date.min),
        ("[2026-02-11] Pattern: Imports", date(2026, 2, 11)),
    ]
    assert known.blocks[0].summary == ("Two layers.", "One is free.", "```py", "## no heading", "```")
    assert known.blocks[1].evidence == ("`a.py:1`",)
    assert knowledge.render(known) == text
    changed = replace(known, blocks=(known.blocks[0], replace(known.blocks[1], evidence=())))
    assert knowledge.render(changed).startswith(text[: text.index("### [")])


def test_a_file_of_another_schema_is_not_read() -> None:
    with pytest.raises(NewerVersion, match=r"knowledge.md: echo schema 'v2'"):
        knowledge.parse("<!-- echo-schema: v2 -->\n", PATH)


def test_a_block_without_a_topic_cannot_be_made() -> None:
    with pytest.raises(EchoError, match="topic: expected a few words"):
        Block(" ", date.min, ())
