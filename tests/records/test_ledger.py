from dataclasses import replace

import pytest

from rune.errors import FormatError, NewerVersion
from rune.records import ledger as records
from rune.records.ledger import Entry, Outcome, State


def test_a_ledger_entry_that_is_written_is_read_back(tmp_path):
    entries = [
        Entry("a", "added", 1.0, {"session": "s"}),
        Entry("a", "scored", 2.5, {"probes": {"trained": None}}),
    ]
    for entry in entries:
        records.record(tmp_path / "ledger.jsonl", entry)
    assert list(records.entries(tmp_path / "ledger.jsonl")) == entries


def test_a_torn_ledger_line_is_passed_over(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(b'{"v":1,"adapter":"a","ent')
    records.record(ledger, Entry("b", "added", 1.0))
    assert [entry.adapter for entry in records.entries(ledger)] == ["b"]


def test_a_ledger_line_of_a_newer_rune_is_refused(tmp_path):
    (tmp_path / "ledger.jsonl").write_text('{"v":2,"adapter":"a","entry":"dreamt","at":1}\n')
    with pytest.raises(NewerVersion, match=r"ledger.jsonl:1: ledger version 2"):
        list(records.entries(tmp_path / "ledger.jsonl"))


@pytest.mark.parametrize(
    "line", ['{"v":1,"entry":"added","at":1}', '{"v":1,"adapter":"a","entry":"added","at":"x"}']
)
def test_a_ledger_line_without_a_field_is_refused_with_its_number(tmp_path, line):
    (tmp_path / "ledger.jsonl").write_text(line + "\n")
    with pytest.raises(FormatError, match=r"ledger.jsonl:1: "):
        list(records.entries(tmp_path / "ledger.jsonl"))


ADDED = Entry("a", "added", 1.0, {"session": "s1", "served": True})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], State("active", 1.0, "s1")),
        ([Entry("a", "archived", 2.0, {"reason": "old"})], State("archived", 2.0, "s1", reason="old")),
        ([Entry("a", "superseded", 2.0, {"by": "b"})], State("superseded", 2.0, "s1", "b")),
        (
            [
                Entry("a", "superseded", 2.0, {"by": "b"}),
                Entry("a", "reactivated", 3.0, {"reason": "b was worse"}),
            ],
            State("active", 3.0, "s1", reason="b was worse"),
        ),
        (
            [Entry("a", "scored", 2.0, {"probes": {"heldout": 0.0}, "served": False})],
            State("unserved", 2.0, "s1", probes={"heldout": 0.0}),
        ),
        (
            [
                Entry("a", "archived", 2.0),
                Entry("a", "scored", 3.0, {"probes": {"heldout": 1.0}, "served": True}),
            ],
            State("archived", 2.0, "s1", probes={"heldout": 1.0}),
        ),
        ([Entry("a", "forgotten", 2.0), Entry("a", "reactivated", 3.0)], State("forgotten", 2.0, "s1")),
        (
            [Entry("a", "forgotten", 2.0), Entry("a", "added", 3.0, {"session": "s1"})],
            State("active", 3.0, "s1"),
        ),
        ([Entry("a", "outcome", 2.0, {"helped": True})], State("active", 1.0, "s1")),
        (
            [Entry("a", "outcome", 2.0, {"session": "s9", "recalled": 1.5, "passed": False, "share": 0.5})],
            State("active", 1.0, "s1", outcomes=(Outcome("s9", 1.5, False, 0.5),)),
        ),
        (
            [Entry("a", "retired", 2.0, {"lessons": [3], "by": "b"})],
            State("active", 1.0, "s1", retired={3: "b"}),
        ),
        ([Entry("x", "refused", 2.0, {"parents": ["a", "b"]})], State("active", 1.0, "s1")),
        ([Entry("a", "dreamt", 2.0)], State("active", 1.0, "s1")),
    ],
)
def test_the_lines_of_an_adapter_add_up_to_its_state(lines, expected):
    assert records.states([ADDED, *lines]) == {"a": expected}


def test_a_lesson_is_true_again_when_nobody_is_in_service_that_knew_better():
    retired = [ADDED, replace(ADDED, adapter="b"), Entry("a", "retired", 2.0, {"lessons": [0], "by": "b"})]
    assert records.states(retired)["a"].retired == {0: "b"}
    for entry in ("forgotten", "archived"):
        assert records.states([*retired, Entry("b", entry, 3.0)])["a"].retired == {}
    archived = Entry("b", "archived", 3.0)
    assert records.states([*retired, archived, Entry("b", "reactivated", 4.0)])["a"].retired == {0: "b"}


def test_who_took_the_place_of_the_adapter_that_knew_better_speaks_for_it():
    made = [replace(ADDED, adapter=name) for name in ("a", "b", "c")]
    retired = [*made, Entry("a", "retired", 2.0, {"lessons": [0], "by": "b"})]
    superseded = [*retired, Entry("b", "superseded", 3.0, {"by": "c"})]
    assert records.states(superseded)["a"].retired == {0: "b"}
    assert records.states([*superseded, Entry("c", "archived", 4.0)])["a"].retired == {}


UNTRUE = [
    *(replace(ADDED, adapter=name, at=at) for name, at in (("a", 1.0), ("b", 2.0), ("c", 3.0))),
    Entry("a", "retired", 4.0, {"lessons": [0, 1], "by": "b"}),
    Entry("a", "superseded", 4.0, {"by": "b", "untrue": True}),
]


def test_an_adapter_of_which_nothing_was_true_is_back_with_its_first_true_lesson():
    assert records.states(UNTRUE)["a"].status == "superseded"
    back = records.states([*UNTRUE, Entry("b", "archived", 5.0)])["a"]
    assert (back.status, back.superseded_by, back.retired) == ("active", "", {})
    again = [*UNTRUE, Entry("b", "archived", 5.0), Entry("b", "reactivated", 6.0)]
    assert records.states(again)["a"].status == "superseded"
    fitter = Entry("a", "superseded", 5.0, {"by": "c"})
    assert records.states([*UNTRUE, fitter, Entry("b", "archived", 6.0)])["a"].status == "superseded"


def test_who_is_back_knows_better_again_than_those_before_it():
    older = [
        replace(ADDED, adapter="z"), Entry("z", "retired", 3.5, {"lessons": [0], "by": "a"}),
        Entry("z", "superseded", 3.5, {"by": "a", "untrue": True}),
    ]  # fmt: skip
    lines = [*UNTRUE[:3], *older, *UNTRUE[3:], Entry("b", "forgotten", 5.0)]
    found = records.states(lines)
    assert [found[name].status for name in "zabc"] == ["superseded", "active", "forgotten", "active"]
    assert found["z"].retired == {0: "a"}


def test_a_score_that_changes_nothing_leaves_the_time_of_the_last_change():
    scored = Entry("a", "scored", 5.0, {"probes": {"heldout": 0.5}, "served": True})
    assert records.states([ADDED, scored])["a"].since == 1.0
    assert records.states([ADDED, replace(scored, detail={"served": False})])["a"].since == 5.0
