import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import FormatError, NewerVersion
from rune.records import card
from rune.records.card import Card, Entry, Lesson, Shelf, State

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
texts = st.lists(text, max_size=3).map(tuple)
finite = st.floats(allow_nan=False, allow_infinity=False)
probes = st.dictionaries(text, st.none() | finite, max_size=3)
lessons = st.lists(st.builds(Lesson, text, text, texts, texts, texts, texts), max_size=3).map(tuple)
whole = st.integers(0, 2**40)
cards = st.builds(
    Card, session=text, source_hash=text, events=whole, redactions=st.dictionaries(text, whole), base=text,
    base_hash=text, rank=whole, alpha=finite, targets=texts, steps=whole, seconds=finite, engine=text,
    lessons=lessons, summary=text, probes_before=probes, probes_after=probes, created=finite, peak_mb=finite,
    settings=st.dictionaries(text, text), sha256=st.dictionaries(text, text), bytes=whole, id=text,
)  # fmt: skip


@given(cards)
def test_a_card_that_is_written_is_read_back(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("card") / "card.json"
    path.write_bytes(card.dump(written))
    assert card.read(path) == written


def test_half_a_surrogate_pair_does_not_stop_a_card_from_being_written(tmp_path, make_card):
    (tmp_path / "card.json").write_bytes(card.dump(make_card(summary="cut \ud83d")))
    assert card.read(tmp_path / "card.json").summary == "cut ?"


def test_a_number_that_is_not_finite_is_refused_before_it_is_written(make_card):
    with pytest.raises(FormatError, match="must be finite"):
        card.dump(make_card(seconds=float("nan")))


def test_a_card_of_a_newer_rune_is_refused(tmp_path, make_card):
    raw = json.loads(card.dump(make_card()))
    (tmp_path / "card.json").write_text(json.dumps({**raw, "v": 2, "dreams": 1}))
    with pytest.raises(NewerVersion, match="card version 2; this Rune knows 1: update rune-memory"):
        card.read(tmp_path / "card.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"events": "many"}, "events: found 'many'"),
        ({"redactions": []}, "redactions: found"),
        ({"session": 3}, "session: found 3"),
        ({"lessons": [3]}, "rune distil"),
        ({"lessons": None}, "rune distil"),
        ({"lessons": [{"kind": "fix"}]}, "answer"),
        ({"mood": "good"}, r"unknown fields \['mood'\]"),
    ],
)
def test_a_damaged_card_is_refused_with_the_field_and_the_way_out(tmp_path, make_card, changes, said):
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**json.loads(card.dump(make_card())), **changes}))
    with pytest.raises(FormatError, match=said) as raised:
        card.read(path)
    assert str(path) in str(raised.value)
    assert "rune distil <session>" in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_card_is_refused(tmp_path, content):
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(FormatError, match="expected a card with a version"):
        card.read(tmp_path / "card.json")


def test_a_missing_card_is_a_damaged_one(tmp_path):
    with pytest.raises(FormatError, match="expected a card with a version"):
        card.read(tmp_path / "card.json")


@pytest.mark.parametrize("missing", ["session", "lessons", "targets", "created"])
def test_a_card_without_a_field_is_refused(tmp_path, make_card, missing):
    raw = json.loads(card.dump(make_card()))
    del raw[missing]
    (tmp_path / "card.json").write_text(json.dumps(raw))
    with pytest.raises(FormatError, match=missing):
        card.read(tmp_path / "card.json")


# the ledger


def test_a_ledger_entry_that_is_written_is_read_back(tmp_path):
    entries = [
        Entry("a", "added", 1.0, {"session": "s"}),
        Entry("a", "scored", 2.5, {"probes": {"trained": None}}),
    ]
    for entry in entries:
        card.record(tmp_path / "ledger.jsonl", entry)
    assert list(card.entries(tmp_path / "ledger.jsonl")) == entries


def test_a_torn_ledger_line_is_passed_over(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(b'{"v":1,"adapter":"a","ent')
    card.record(ledger, Entry("b", "added", 1.0))
    assert [entry.adapter for entry in card.entries(ledger)] == ["b"]


def test_a_ledger_line_of_a_newer_rune_is_refused(tmp_path):
    (tmp_path / "ledger.jsonl").write_text('{"v":2,"adapter":"a","entry":"dreamt","at":1}\n')
    with pytest.raises(NewerVersion, match=r"ledger.jsonl:1: ledger version 2"):
        list(card.entries(tmp_path / "ledger.jsonl"))


@pytest.mark.parametrize(
    "line", ['{"v":1,"entry":"added","at":1}', '{"v":1,"adapter":"a","entry":"added","at":"x"}']
)
def test_a_ledger_line_without_a_field_is_refused_with_its_number(tmp_path, line):
    (tmp_path / "ledger.jsonl").write_text(line + "\n")
    with pytest.raises(FormatError, match=r"ledger.jsonl:1: "):
        list(card.entries(tmp_path / "ledger.jsonl"))


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
    ],
)
def test_the_lines_of_an_adapter_add_up_to_its_state(lines, expected):
    assert card.states([ADDED, *lines]) == {"a": expected}


@pytest.mark.parametrize(
    ("before", "after", "better"),
    [
        ({}, {}, True),
        ({"heldout": None}, {"heldout": None}, True),
        ({"trained": 0.0, "heldout": 0.0}, {"trained": 0.0, "heldout": 0.0}, False),
        ({"trained": 0.5, "heldout": 0.5}, {"trained": 0.6, "heldout": 0.4}, False),
        ({"trained": 0.0, "heldout": 0.0}, {"trained": 0.5, "heldout": 0.0}, True),
        ({"unrelated": 0.0}, {"unrelated": 1.0}, True),
        ({"trained": 0.9, "unrelated": 0.0}, {"trained": 0.1, "unrelated": 1.0}, False),
    ],
)
def test_an_adapter_is_better_where_it_answers_more_of_its_own_questions(before, after, better):
    assert card.better_than_base(before, after) is better


def test_a_shelf_sees_what_was_changed_since_it_last_looked(tmp_path, make_card):
    shelf = Shelf(tmp_path, tmp_path / "ledger.jsonl")
    assert (shelf.cards(), shelf.states()) == ({}, {})
    (tmp_path / "a1").mkdir()
    (tmp_path / ".staging-1-0").mkdir()
    (tmp_path / "a1" / "card.json").write_bytes(card.dump(make_card(summary="first")))
    assert shelf.cards()["a1"].summary == "first"
    (tmp_path / "a1" / "card.json").write_bytes(b"damaged")
    assert isinstance(shelf.cards()["a1"], FormatError)
    card.record(tmp_path / "ledger.jsonl", Entry("a1", "archived", 1.0))
    assert shelf.states()["a1"].status == "archived"
    assert Shelf(tmp_path / "nowhere", tmp_path / "nowhere").cards() == {}
