"""Pruning: the rules at their limits, the quotas, and what holds for every memory."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes import prune
from rune.echoes.score import Use
from rune.records import echo, knowledge
from rune.records.echo import Entry, Memory

TODAY = date(2026, 11, 20)


def entry(layer: str, title: str, days: int = 0, learning: str = "Learnt.") -> Entry:
    evidence = () if layer == "etched" else (f"`src/{title}.py:1` — seen",)
    return Entry(layer, title, TODAY - timedelta(days), learning, evidence)


def memory(*entries: Entry) -> Memory:
    """A memory as it comes from disk."""
    fresh = echo.empty("workers")
    return echo.parse(echo.render(Memory(fresh.role, fresh.preamble, entries)), "workers/MEMORY.md")


def titles(entries: tuple[Entry, ...]) -> list[str]:
    return [found.title for found in entries]


specs = st.tuples(
    st.sampled_from(["etched", "inscribed", "inscribed", "traced", "traced"]),
    st.integers(0, 12),
    st.integers(-5, 200),
    st.integers(1, 30),
)
memories = st.lists(specs, max_size=30).map(
    lambda found: memory(
        *(entry(layer, f"t{n}", days, "\n".join(["line"] * lines)) for layer, n, days, lines in found)
    )
)
used = st.dictionaries(
    st.integers(0, 12), st.builds(Use, st.integers(0, 9), st.integers(0, 9), st.none() | st.dates())
)


@given(memories, used, st.sampled_from([10, 60, 150]))
def test_pruning_keeps_its_promises(before: Memory, by_title: dict[int, Use], limit: int) -> None:
    uses = {
        found.digest: use for found in before.entries for n, use in by_title.items() if found.title == f"t{n}"
    }
    plan = prune.plan(before, uses, TODAY, limit)
    done = prune.apply(before, plan)
    left = echo.parse(echo.render(done.memory), "workers/MEMORY.md")
    assert left.entries == done.memory.entries == plan.keep
    assert Counter((*left.entries, *done.archived)) == Counter(before.entries), "an entry was lost or doubled"
    assert [e for e in left.entries if e.layer == "etched"] == [
        e for e in before.entries if e.layer == "etched"
    ]
    assert left.lines == plan.lines_after <= max(limit, plan.lines_before)
    assert left.lines <= limit or all(e.layer == "etched" for e in left.entries)
    if before.lines <= limit:
        assert plan.empty
        assert echo.render(done.memory) == echo.render(before)
    assert plan.reasons.keys() == {e.id for e in done.archived}
    merged = [e for merge in plan.compress for e in merge.entries]
    assert all(e.layer == "traced" for e in merged)
    assert {line for e in merged for line in e.evidence} == {line for b in done.blocks for line in b.evidence}
    assert all(3 <= len(block.summary) <= 5 for block in done.blocks)
    assert prune.plan(done.memory, uses, TODAY, limit).empty, "a second run must find nothing to do"
    assert echo.render(left).startswith(echo.render(echo.empty("workers")))


@pytest.mark.parametrize(
    ("layer", "days", "use", "goes"),
    [
        ("inscribed", 90, Use(), False),  # score 0.28, but 90 days are not more than 90
        ("inscribed", 91, Use(), True),
        ("inscribed", 91, Use(1, 100), True),  # 0.283
        ("inscribed", 91, Use(1, 10), False),  # 0.31
        ("inscribed", 200, Use(1, 100, TODAY - timedelta(91)), True),
        ("inscribed", 200, Use(1, 100, TODAY - timedelta(90)), False),
        ("inscribed", 91, Use(1, 100, TODAY - timedelta(300)), True),  # verified after it was referenced
        ("traced", 30, Use(), False),  # 0.12, but 30 days are not more than 30
        ("traced", 31, Use(), True),
        ("traced", 31, Use(1, 4), True),  # 0.195
        ("traced", 31, Use(4, 15), False),  # 0.2 is not below 0.2
        ("traced", 31, Use(1, 100, TODAY), True),  # the rule of the traced asks for age alone
        ("traced", -400, Use(), False),
        ("etched", 9999, Use(), False),
    ],
)
def test_the_rules_of_the_layers_hold_at_their_limits(layer: str, days: int, use: Use, goes: bool) -> None:
    assert prune.faded(entry(layer, "a", days), use, TODAY) is goes


def test_a_memory_of_150_lines_is_left_alone_and_one_of_151_is_not() -> None:
    stale = entry("traced", "old", 99)
    for lines, leaves in ((150, False), (151, True)):
        filler = lines - memory(stale, entry("etched", "a")).lines
        full = memory(stale, entry("etched", "a", learning="\n".join(["x"] * (filler + 1))))
        assert full.lines == lines
        assert prune.plan(full, {}, TODAY).empty is not leaves


def test_the_rules_come_first_and_the_quotas_only_where_they_do_not_suffice() -> None:
    fresh = [entry("inscribed", f"f{n}", n) for n in range(10)]
    stale = [entry("inscribed", "stale", 91), entry("traced", "gone", 31)]
    full = memory(*stale, *fresh)
    plan = prune.plan(full, {}, TODAY, full.lines - 9)
    assert titles(plan.archive) == ["stale", "gone"]
    assert plan.reasons[plan.archive[0].id] == "score 0.28 below 0.3, over 90 days old"
    assert plan.reasons[plan.archive[1].id] == "score 0.12 below 0.2, over 30 days old"


def test_then_the_lowest_fifth_of_the_inscribed_goes_and_then_the_middle_of_the_traced() -> None:
    inscribed = [entry("inscribed", f"i{n}", n) for n in range(10)]
    traced = [entry("traced", f"t{n}", n) for n in range(10)]
    full = memory(*inscribed, *traced)
    first = prune.plan(full, {}, TODAY, full.lines - 1)
    assert (titles(first.archive), first.compress) == (["i8", "i9"], ())
    assert first.reasons[first.archive[1].id] == "score 0.55, among the lowest 20 % of the inscribed"
    second = prune.plan(full, {}, TODAY, full.lines - 2 * 9 - 1)
    assert titles(second.archive) == ["i8", "i9"]
    assert sorted(e.title for merge in second.compress for e in merge.entries) == ["t4", "t5", "t6"]
    assert set(second.reasons.values()) > {"score 0.37, among the middle 30 % of the traced"}
    third = prune.plan(full, {}, TODAY, full.lines - 5 * 9 - 1)
    assert titles(third.archive) == ["i6", "i7", "i8", "i9"]


def test_what_was_referenced_often_outlives_what_was_not() -> None:
    full = memory(*(entry("inscribed", f"i{n}", 10) for n in range(5)))
    uses = {full.entries[n].digest: Use(5, 5, TODAY) for n in (0, 1, 3, 4)}
    assert titles(prune.plan(full, uses, TODAY, full.lines - 1).archive) == ["i2"]


def test_two_entries_of_the_same_words_are_two_entries() -> None:
    twice = memory(*[entry("inscribed", "same", 5)] * 2)
    done = prune.apply(twice, prune.plan(twice, {}, TODAY, twice.lines - 1))
    assert (len(done.memory.entries), len(done.archived)) == (1, 1)


def test_a_foreign_memory_is_pruned_without_touching_what_stays() -> None:
    text = "# Echoes\n\n" + "".join(
        f"## Traced — t{n} (2026-0{n}-01)\n\n**Source**: s\n\nWords {n}.\n\n---\n\n" for n in range(1, 7)
    )
    full = echo.parse(text, "workers/MEMORY.md")
    done = prune.apply(full, prune.plan(full, {}, date(2026, 5, 31), 30))
    assert echo.render(done.memory) == "# Echoes\n\n" + text[text.index("## Traced — t5") :]
    assert "".join(map(echo.print_entry, done.archived)) == text[10 : text.index("## Traced — t5")]


def test_blocks_can_be_written_to_knowledge() -> None:
    full = memory(*(entry("traced", f"t{n}", n) for n in range(12)))
    done = prune.apply(full, prune.plan(full, {}, TODAY, 60))
    known = knowledge.Knowledge("workers", done.blocks, knowledge.empty("workers").preamble + "\n")
    assert knowledge.parse(knowledge.render(known), "workers/knowledge.md") == known


def test_a_plan_is_not_applied_to_another_memory() -> None:
    full = memory(entry("traced", "a", 50), entry("traced", "b", 50))
    plan = prune.plan(full, {}, TODAY, 10)
    with pytest.raises(ValueError, match="the memory of workers changed after it was planned; plan again"):
        prune.apply(memory(entry("traced", "c")), plan)
