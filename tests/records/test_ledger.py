from dataclasses import asdict, replace

import pytest

from rune import files
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


@pytest.mark.parametrize(
    ("entry", "detail"),
    [
        ("added", {"sessions": None}),
        ("retired", {"lessons": ["x"], "by": "b"}),
        ("retired", {"lessons": None}),
        ("scored", {"probes": None}),
        ("scored", {"probes": {"heldout": "high"}}),
        ("outcome", {"passed": True, "recalled": None}),
        ("outcome", {"passed": True, "share": "much"}),
        ("added", {"sessions": "s1"}),
        ("retired", {"lessons": "12", "by": "b"}),
        ("refused", {}),
        ("refused", {"parents": ["a", "b"]}),
        ("refused", {"how": "learnt"}),
        ("refused", {"how": "learnt", "parents": 5}),
        ("refused", {"how": "learnt", "parents": "ab"}),
        ("refused", {"how": "learnt", "parents": None}),
        ("refused", {"how": "learnt", "parents": [["a"]]}),
        ("refused", {"how": 3, "parents": ["a"]}),
        ("scored", {"probes": {"trained": 1.5}}),
        ("scored", {"probes": {"related": -0.1}}),
        ("scored", {"probes": {"heldout": float("nan")}}),
        ("scored", {"probes": {"neutral_kl": float("inf")}}),
        ("scored", {"probes": {"heldout": "0.5"}}),
        ("scored", {"probes": {"heldout": True}}),
        ("scored", {"probes": [["trained", 0.5]]}),
        ("added", {"probes_after": {"heldout": 2}}),
        ("added", {"served": "no"}),
        ("retired", {"lessons": [-1], "by": "b"}),
        ("retired", {"lessons": [0.9], "by": "b"}),
        ("retired", {"lessons": [True], "by": "b"}),
        ("retired", {"lessons": [0], "by": 5}),
        ("outcome", {"passed": True, "share": -3}),
        ("outcome", {"passed": True, "share": 50}),
        ("outcome", {"passed": True, "recalled": float("-inf")}),
        ("outcome", {"passed": True, "recalled": 10**400}),
        ("archived", {"hand": "false"}),
        ("archived", {"reason": ["a"]}),
        ("superseded", {"by": None}),
    ],
)
def test_a_detail_of_another_shape_is_refused_with_its_number_and_not_written(tmp_path, entry, detail):
    path, line = tmp_path / "ledger.jsonl", Entry("a", entry, 2.0, detail)
    records.record(path, Entry("a", "added", 1.0))
    with pytest.raises(FormatError, match="is not written"):
        records.record(path, line)
    assert len(list(records.entries(path))) == 1
    files.append(path, {"v": 1, **asdict(line)})
    with pytest.raises(FormatError, match=r"ledger.jsonl:2: "):
        list(records.entries(path))


@pytest.mark.parametrize("at", [float("nan"), 10**400, "5", True, None])
def test_a_line_of_no_time_is_refused(tmp_path, at):
    files.append(tmp_path / "ledger.jsonl", {"v": 1, "adapter": "a", "entry": "dreamt", "at": at})
    with pytest.raises(FormatError, match=r"ledger.jsonl:1: "):
        list(records.entries(tmp_path / "ledger.jsonl"))


@pytest.mark.parametrize(
    ("entry", "detail"),
    [
        ("scored", {"probes": {"trained": 0, "heldout": 1, "neutral_kl": 3.5, "related": None}}),
        ("outcome", {"passed": True, "share": 0, "recalled": 5}),
        ("retired", {"lessons": [0, 99], "by": "b"}),
        ("dreamt", {"share": 50, "hand": "perhaps"}),
        ("added", {"mood": [float("nan")]}),
    ],
)
def test_the_ends_of_what_may_be_and_what_nobody_reads_are_taken(tmp_path, entry, detail):
    records.record(tmp_path / "ledger.jsonl", Entry("a", entry, 2.0, detail))
    assert [line.entry for line in records.entries(tmp_path / "ledger.jsonl")] == [entry]


@pytest.mark.parametrize("detail", [{"how": "cat", "parents": []}, {"how": "cat", "parents": ["a"], "x": 1}])
def test_a_refusal_is_read_whatever_else_it_says(tmp_path, detail):
    records.record(tmp_path / "ledger.jsonl", Entry("a", "refused", 2.0, detail))
    (line,) = records.entries(tmp_path / "ledger.jsonl")
    assert records.refused(line.detail) == ("cat", frozenset(detail["parents"]))


ADDED = Entry("a", "added", 1.0, {"session": "s1", "served": True})


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], State("active", 1.0, "s1")),
        (
            [Entry("a", "archived", 2.0, {"reason": "old"})],
            State("archived", 2.0, "s1", reason="old", hand=True),
        ),
        (
            [Entry("a", "archived", 2.0, {"reason": "idle", "hand": False})],
            State("archived", 2.0, "s1", reason="idle"),
        ),
        ([Entry("a", "superseded", 2.0, {"by": "b"})], State("superseded", 2.0, "s1", "b")),
        (
            [
                Entry("a", "superseded", 2.0, {"by": "b"}),
                Entry("a", "reactivated", 3.0, {"reason": "b was worse"}),
            ],
            State("active", 3.0, "s1", reason="b was worse", word=3.0),
        ),
        (
            [Entry("a", "superseded", 2.0, {"by": "b"}), Entry("a", "reactivated", 3.0, {"hand": False})],
            State("active", 3.0, "s1"),
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
            State("archived", 2.0, "s1", probes={"heldout": 1.0}, hand=True),
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
            [Entry("a", "outcome", 2.0, {"session": "s9", "recalled": 1.5, "passed": True})] * 2,
            State("active", 1.0, "s1", outcomes=(Outcome("s9", 1.5, True),)),
        ),
        (
            [
                Entry("a", "outcome", 2.0, {"session": "s9", "recalled": 1.5, "passed": False}),
                Entry("a", "outcome", 3.0, {"session": "s9", "recalled": 1.5, "passed": True, "share": 0.5}),
            ],
            State("active", 1.0, "s1", outcomes=(Outcome("s9", 1.5, True, 0.5),)),
        ),
        (
            [
                Entry("a", "scored", 2.0, {"probes": {}, "served": False}),
                Entry("a", "reactivated", 3.0),
                Entry("a", "scored", 4.0, {"probes": {"heldout": 0.0}, "served": False}),
            ],
            State("active", 3.0, "s1", word=3.0, probes={"heldout": 0.0}),
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


def test_what_evolution_itself_puts_away_goes_on_knowing_better_until_a_person_archives_it():
    lines = [ADDED, replace(ADDED, adapter="b"), Entry("a", "retired", 2.0, {"lessons": [0], "by": "b"})]
    for away in (Entry("b", "archived", 3.0, {"hand": False}), Entry("b", "scored", 3.0, {"served": False})):
        assert records.states([*lines, away])["a"].retired == {0: "b"}
        assert records.states([*lines, away, Entry("b", "archived", 4.0)])["a"].retired == {}


def test_who_took_the_place_of_the_adapter_that_knew_better_speaks_for_it():
    made = [replace(ADDED, adapter=name) for name in ("a", "b", "c")]
    retired = [*made, Entry("a", "retired", 2.0, {"lessons": [0], "by": "b"})]
    superseded = [*retired, Entry("b", "superseded", 3.0, {"by": "c"})]
    assert records.states(superseded)["a"].retired == {0: "b"}
    assert records.states([*superseded, Entry("c", "archived", 4.0)])["a"].retired == {}


UNTRUE = [
    *(Entry(name, "added", float(n), {"session": f"s-{name}"}) for n, name in enumerate("abc", 1)),
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
        Entry("z", "added", 1.0), Entry("z", "retired", 3.5, {"lessons": [0], "by": "a"}),
        Entry("z", "superseded", 3.5, {"by": "a", "untrue": True}),
    ]  # fmt: skip
    lines = [*UNTRUE[:3], *older, *UNTRUE[3:], Entry("b", "forgotten", 5.0)]
    found = records.states(lines)
    assert [found[name].status for name in "zabc"] == ["superseded", "active", "forgotten", "active"]
    assert found["z"].retired == {0: "a"}


def test_who_knew_better_is_looked_at_in_the_order_in_which_one_hangs_on_the_other():
    """z is retired by a and c, a by b; b goes, so that a is back and goes on knowing better than z."""
    found = records.states([
        Entry("z", "added", 1.0), Entry("a", "added", 2.0),
        Entry("z", "retired", 2.1, {"lessons": [0], "by": "a"}),
        Entry("b", "added", 3.0), Entry("a", "retired", 3.1, {"lessons": [0], "by": "b"}),
        Entry("a", "superseded", 3.2, {"by": "b", "untrue": True}),
        Entry("c", "added", 4.0), Entry("z", "retired", 4.1, {"lessons": [1], "by": "c"}),
        Entry("z", "superseded", 4.2, {"by": "c", "untrue": True}), Entry("b", "archived", 5.0),
    ])  # fmt: skip
    assert (found["z"].status, found["z"].retired) == ("superseded", {0: "a", 1: "c"})
    assert (found["a"].status, found["a"].retired) == ("active", {})


def test_of_two_that_each_know_better_than_the_other_one_is_back():
    made = [Entry(name, "added", 1.0) for name in "ab"]
    for one, other in ("ab", "ba"):
        made.append(Entry(one, "retired", 2.0, {"lessons": [0], "by": other}))
        made.append(Entry(one, "superseded", 3.0, {"by": other, "untrue": True}))
    assert [state.status for state in records.states(made).values()] == ["active", "superseded"]


def test_a_chain_of_a_thousand_is_worked_out_from_its_young_end():
    lines = []
    for n in range(1000):
        lines.append(Entry(f"{n}", "added", n, {"session": f"s{n}"}))
        lines.append(Entry(f"{n - 1}", "retired", n, {"lessons": [0], "by": f"{n}"}))
        lines.append(Entry(f"{n - 1}", "superseded", n, {"by": f"{n}", "untrue": True}))
    assert [id for id, state in records.states(lines[3:]).items() if state.status == "active"] == ["999"]
    gone = records.states([*lines[3:], Entry("999", "archived", 1000.0)])
    assert [id for id, state in gone.items() if state.status == "active"] == ["998"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], "superseded"),
        ([Entry("a2", "superseded", 5.5, {"by": "child"})], "superseded"),
        ([Entry("a2", "superseded", 5.5, {"by": "child"}), Entry("child", "archived", 6.0)], "active"),
        ([Entry("a2", "archived", 6.0)], "active"),
    ],
    ids=["serves", "serves in its child", "child archived", "archived"],
)
def test_who_is_back_gives_way_to_a_newer_one_of_its_own_session(more, expected):
    later = Entry("a2", "added", 4.5, {"session": "s-a"}), Entry("child", "added", 4.6, {"session": "task-1"})
    found = records.states([*UNTRUE, *later, Entry("b", "archived", 5.0), *more])["a"]
    assert found.status == expected
    assert found.superseded_by == ("a2" if expected == "superseded" else "")


RETIRED = [ADDED, replace(ADDED, adapter="b"), Entry("a", "retired", 2.0, {"lessons": [0], "by": "b"})]


@pytest.mark.parametrize(
    ("before", "detail", "kept"),
    [
        ([], {}, {0: 4.0}),
        ([Entry("a", "superseded", 3.0, {"by": "b", "untrue": True})], {"hand": True}, {0: 4.0}),
        ([Entry("a", "superseded", 3.0, {"by": "b"})], {}, {}),
        ([Entry("a", "archived", 3.0)], {}, {}),
        ([Entry("a", "superseded", 3.0, {"by": "b", "untrue": True})], {"hand": False}, {}),
    ],
    ids=["in service", "all untrue", "superseded", "archived", "by evolution"],
)
def test_who_is_put_back_by_hand_tells_what_was_retired_unless_something_else_had_taken_it(
    before, detail, kept
):
    back = Entry("a", "reactivated", 4.0, detail)
    found = records.states([*RETIRED, *before, back])["a"]
    assert (found.status, found.kept, found.retired) == ("active", kept, {} if kept else {0: "b"})
    again = Entry("a", "retired", 5.0, {"lessons": [0], "by": "b"})
    assert records.states([*RETIRED, *before, back, again])["a"].retired == {0: "b"}


def test_the_sessions_of_one_that_was_made_of_several_are_in_its_line():
    several = replace(ADDED, detail={"session": "task-1", "sessions": ["s1", "s2"]})
    assert records.states([several])["a"].origins == ("s1", "s2")
    assert records.states([ADDED])["a"].origins == ("s1",)


def test_a_score_that_changes_nothing_leaves_the_time_of_the_last_change():
    scored = Entry("a", "scored", 5.0, {"probes": {"heldout": 0.5}, "served": True})
    assert records.states([ADDED, scored])["a"].since == 1.0
    assert records.states([ADDED, replace(scored, detail={"served": False})])["a"].since == 5.0
