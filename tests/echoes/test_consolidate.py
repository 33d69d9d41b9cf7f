"""Findings into a memory: known, new, replaced, refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.echoes.consolidate import Consolidated, consolidate
from rune.records import echo
from rune.records.echo import Entry, Memory

TODAY = date(2026, 11, 20)
DAY = date(2026, 11, 1)
KNOWN = Entry(
    "inscribed", "Unused imports", DAY, "Check imports.", ("`src/a.py:1-5` — three found",), confidence=0.7
)


def memory(*entries: Entry) -> Memory:
    return replace(echo.empty("reviewer"), entries=entries)


titles = st.sampled_from(["a", "b", "c", "A.", "d e"])
findings = st.lists(
    st.builds(
        Entry,
        layer=st.sampled_from(["inscribed", "traced", "etched"]),
        title=titles,
        day=st.dates(DAY, TODAY),
        learning=st.sampled_from(["x", "y"]),
        evidence=st.sampled_from([(), ("`a:1` — p",), ("`a:1` — q",), ("CI",)]),
        confidence=st.floats(0, 1),
        verified=st.dates(DAY, date(2027, 1, 1)),
        supersedes=titles | st.just(""),
    ),
    max_size=8,
)


@given(findings, findings, st.booleans())
def test_a_second_run_changes_nothing(old: list[Entry], new: list[Entry], person: bool) -> None:
    before = consolidate(memory(), old, TODAY, person=True).memory
    once = consolidate(before, new, TODAY, person).memory
    assert consolidate(once, new, TODAY, person).memory == once


@given(findings, findings, st.booleans())
def test_nothing_is_lost(old: list[Entry], new: list[Entry], person: bool) -> None:
    before = memory(*old)
    once = consolidate(before, new, TODAY, person)
    said = {(e.title.rstrip(".").lower(), e.learning) for e in (*once.memory.entries, *once.superseded)}
    assert {(e.title.rstrip(".").lower(), e.learning) for e in old} <= said
    known = {e.title.rstrip(".").lower() for e in (*once.memory.entries, *once.superseded)}
    assert {e.title.rstrip(".").lower() for e in new} <= known | {
        r.entry.title.rstrip(".").lower() for r in once.refused
    }
    if not person:
        assert [e for e in once.memory.entries if e.layer == "etched"] == [
            e
            for e in once.memory.entries
            if e.layer == "etched" and (e.title, e.learning) in {(o.title, o.learning) for o in old}
        ]
        assert sum(e.layer == "etched" for e in once.memory.entries) == sum(e.layer == "etched" for e in old)


def test_a_known_finding_confirms_with_the_newer_day_and_the_higher_confidence() -> None:
    later = replace(
        KNOWN,
        title="unused  Imports.",
        evidence=("`src/a.py:1-5` — said otherwise",),
        verified=date(2026, 11, 9),
        confidence=0.5,
    )
    done = consolidate(memory(KNOWN), [later], TODAY)
    assert done == Consolidated(
        memory(replace(KNOWN, verified=date(2026, 11, 9))),
        merged=(replace(KNOWN, verified=date(2026, 11, 9)),),
    )
    surer = consolidate(done.memory, [replace(KNOWN, confidence=0.9)], TODAY)
    assert (surer.merged[0].verified, surer.merged[0].confidence) == (date(2026, 11, 9), 0.9)
    assert surer.merged[0].digest == KNOWN.digest


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Unused exports"},
        {"evidence": ("`src/b.py:1-5` — x",)},
        {"evidence": (*KNOWN.evidence, "CI")},
    ],
)
def test_another_pattern_or_other_evidence_is_a_new_entry(change: dict[str, str]) -> None:
    new = replace(KNOWN, **change)  # type: ignore[arg-type]
    done = consolidate(memory(KNOWN), [new, new], TODAY)
    assert done.memory.entries == (KNOWN, new)
    assert done.added == (new,)


def test_a_finding_may_raise_a_traced_entry_to_inscribed_but_never_to_etched() -> None:
    traced = replace(KNOWN, layer="traced")
    assert consolidate(memory(traced), [KNOWN], TODAY).memory.entries[0].layer == "inscribed"
    assert consolidate(memory(KNOWN), [traced], TODAY).memory.entries[0].layer == "inscribed"
    etched = replace(KNOWN, layer="etched")
    refused = consolidate(memory(KNOWN), [etched], TODAY)
    assert refused.memory == memory(KNOWN)
    assert refused.refused[0].reason == "layer: only a person etches"
    assert consolidate(memory(KNOWN), [etched], TODAY, person=True).memory.entries[0].layer == "etched"
    assert consolidate(memory(etched), [KNOWN], TODAY).memory.entries[0].layer == "etched"


def test_a_finding_without_evidence_is_refused_unless_a_person_etches() -> None:
    bare = replace(KNOWN, evidence=())
    [refused] = consolidate(memory(), [bare], TODAY).refused
    assert refused.reason.startswith("evidence: expected `file:lines` — what was found")
    assert consolidate(memory(), [replace(bare, layer="etched")], TODAY, person=True).added


def test_an_entry_that_supersedes_takes_the_old_one_out() -> None:
    newer = replace(KNOWN, title="Import order", supersedes="Unused Imports", day=TODAY)
    done = consolidate(memory(KNOWN), [newer], TODAY)
    assert (done.memory.entries, done.superseded, done.added) == ((newer,), (KNOWN,), (newer,))


def test_entries_that_replace_each_other_or_their_own_title_settle_in_one_run() -> None:
    again = replace(KNOWN, evidence=("CI",), supersedes=KNOWN.title)
    other = replace(KNOWN, title="Import order", supersedes=KNOWN.title)
    rival = replace(KNOWN, supersedes="Import order")
    for pair, left in (([KNOWN, again], [again]), ([other, rival], None)):
        once = consolidate(memory(), pair, TODAY).memory
        assert once.entries == tuple(left or once.entries)
        assert len(once.entries) == 1
        assert consolidate(once, reversed(pair), TODAY).memory == once


def test_an_older_entry_does_not_take_out_a_newer_one() -> None:
    older = replace(KNOWN, title="Import order", supersedes="Unused imports", day=date(2026, 10, 1))
    assert consolidate(memory(KNOWN), [older], TODAY).memory.entries == (KNOWN, older)


def test_an_etched_entry_is_superseded_by_a_person_alone() -> None:
    etched = replace(KNOWN, layer="etched")
    newer = replace(KNOWN, title="Import order", supersedes="Unused imports", day=TODAY)
    by_agent = consolidate(memory(etched), [newer], TODAY)
    assert by_agent.memory == memory(etched)
    assert by_agent.refused[0].reason == "supersedes: 'Unused imports' is etched, only a person takes it out"
    assert consolidate(memory(etched), [newer], TODAY, person=True).superseded == (etched,)


def test_no_finding_is_verified_in_the_future() -> None:
    eager = replace(KNOWN, verified=date(2030, 1, 1))
    assert consolidate(memory(), [eager], TODAY).added[0].verified == TODAY


def test_new_entries_are_appended_in_the_documented_form_below_an_untouched_file() -> None:
    text = "# X\n\n## Etched - Old (2026-01-01)\nWords.\n"
    finding = echo.parse_findings(
        "## Inscribed — New (2026-11-02)\n- **evidence**: `a.py:1` — b\n\nLearnt.\n", "x"
    )
    done = consolidate(echo.parse(text, "reviewer/MEMORY.md"), finding, TODAY)
    assert echo.render(done.memory) == (
        f"{text}\n### [2026-11-02] Pattern: New\n- **layer**: inscribed\n- **source**: manual\n"
        "- **confidence**: 0.5\n"
        "- **evidence**: `a.py:1` — b\n- **verified**: 2026-11-02\n- **supersedes**: none\n- Learnt.\n"
    )
