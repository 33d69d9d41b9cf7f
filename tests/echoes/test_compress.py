"""Blocks of knowledge: three to five lines, grouped by topic, with all evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rune.echoes import compress
from rune.records import knowledge
from rune.records.echo import Entry
from rune.records.knowledge import Block, Knowledge

DAY = date(2026, 2, 11)
words = st.lists(
    st.sampled_from(["auth", "cache", "token", "query", "index", "worker", "test", "flaky", "import"]),
    min_size=1,
    max_size=4,
).map(" ".join)
evidence = st.lists(
    st.sampled_from([f"`src/{n}.py:{n}` — seen" for n in range(9)] + ["CI logs"]), max_size=3
).map(tuple)
entries = st.builds(
    Entry, st.just("traced"), words, st.dates(), st.text(max_size=60), evidence, confidence=st.floats(0, 1)
)
blocks = st.builds(Block, words, st.dates(), st.lists(words, min_size=1, max_size=9).map(tuple), evidence)


def entry(title: str, learning: str = "One. Two. Three.", *cited: str, days: int = 0) -> Entry:
    return Entry(
        "traced", title, DAY + timedelta(days), learning, cited, source="rune:work s1", confidence=0.6
    )


def known(*found: Block) -> Knowledge:
    return replace(knowledge.empty("workers"), blocks=found)


@given(st.lists(entries, min_size=1, max_size=20))
def test_a_block_has_three_to_five_lines_and_all_evidence(found: list[Entry]) -> None:
    block = compress.block(found)
    assert 3 <= len(block.summary) <= 5
    assert set(block.evidence) == {line for e in found for line in e.evidence}
    assert block.day == max(e.verified for e in found)
    assert all(e.title in " ".join(block.summary) for e in found[:5]) or len(found) > 5


@given(st.lists(entries, max_size=30))
def test_groups_hold_each_entry_once(found: list[Entry]) -> None:
    grouped = compress.groups(found)
    assert sorted(map(repr, (e for group in grouped for e in group))) == sorted(map(repr, found))
    assert all(0 < len(group) <= 10 for group in grouped)


@given(st.lists(blocks, max_size=30), st.sampled_from([0, 20, 300]))
def test_compressing_knowledge_keeps_the_evidence_and_ends(found: list[Block], limit: int) -> None:
    before = known(*found)
    done = compress.compress(before, limit)
    assert {line for b in done.knowledge.blocks for line in b.evidence} == {
        line for b in found for line in b.evidence
    }
    assert done.lines_after == done.knowledge.lines <= done.lines_before
    if before.lines <= limit:
        assert done.knowledge == before
    assert compress.compress(done.knowledge, limit).knowledge == done.knowledge


def test_entries_on_one_file_or_two_common_words_or_a_tag_are_one_topic() -> None:
    found = [
        entry("Slow login", "x", "`src/auth.py:3` — a"),
        entry("Flaky websocket test"),
        entry("Empty password", "x", "`src/auth.py:90`"),
        entry("Websocket test hangs"),
        replace(entry("Docker"), fields=(("tags", "ci, infra"),)),
        replace(entry("Runners"), fields=(("tags", "[infra]"),)),
        entry("Alone"),
    ]
    assert [[e.title for e in group] for group in compress.groups(found)] == [
        ["Slow login", "Empty password"],
        ["Flaky websocket test", "Websocket test hangs"],
        ["Docker", "Runners"],
        ["Alone"],
    ]


def test_a_block_is_named_after_the_words_its_entries_share_and_says_the_best_first() -> None:
    found = [
        replace(entry("Flaky test of websockets", "- It races.\n- Wait for the event."), confidence=0.9),
        entry("Flaky test of caches", "Clocks differ. Use a monotonic one.", days=3),
    ]
    assert compress.block(found) == Block(
        "flaky test",
        DAY + timedelta(3),
        (
            "Flaky test of websockets: It races.",
            "Flaky test of caches: Clocks differ.",
            "Wait for the event.",
        ),
    )


def test_a_single_entry_without_words_still_makes_three_lines() -> None:
    assert compress.block([entry("Alone", "")]).summary == (
        "Alone",
        "From rune:work s1",
        "Seen 2026-02-11 to 2026-02-11, confidence up to 0.6",
    )


def test_more_than_five_entries_share_the_last_line() -> None:
    block = compress.block([entry(f"Topic {n}", f"Says {n}.") for n in range(7)])
    assert block.summary[:2] == ("Topic 0: Says 0.", "Topic 1: Says 1.")
    assert block.summary[4] == "Also: Topic 4; Topic 5; Topic 6"


def test_knowledge_over_its_limit_is_grouped_and_the_saving_is_told() -> None:
    found = [
        Block(
            f"cache expiry {n}",
            DAY + timedelta(n),
            ("It expires early.", f"Case {n} of many, told at length.", "Mind the clock."),
            (f"`src/cache.py:{n}` — seen",),
        )
        for n in range(80)
    ]
    before = known(*found)
    assert before.lines > 300
    done = compress.compress(before)
    assert done.lines_after <= 300
    assert done.knowledge.blocks[0].topic == "cache expiry"
    assert all(len(block.summary) <= 5 for block in done.knowledge.blocks)
    assert 0.2 < done.saving < 1
    assert done.words_after < done.words_before


def test_knowledge_within_its_limit_is_left_alone() -> None:
    text = "# K\n\n## a\n" + "- line\n" * 200
    before = knowledge.parse(text, "workers/knowledge.md")
    done = compress.compress(before)
    assert knowledge.render(done.knowledge) == text
    assert done.saving == 0.0
