import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import FormatError, NewerVersion
from rune.records import card
from rune.records import ledger as records
from rune.records.card import Card, Lesson, Shelf
from rune.records.ledger import Entry, State

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
texts = st.lists(text, max_size=3).map(tuple)
finite = st.floats(allow_nan=False, allow_infinity=False)
probes = st.dictionaries(text, st.none() | finite, max_size=3)
asked = st.lists(text, min_size=1, max_size=3).map(tuple)
lessons = st.lists(st.builds(Lesson, text, text, asked, texts, texts, texts), max_size=3).map(tuple)
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


@pytest.mark.parametrize("scores", [{"heldout": 1.5}, {"trained": -0.5}])
def test_a_score_that_is_no_share_is_refused_before_it_is_written(make_card, scores):
    with pytest.raises(FormatError, match="expected a share from 0 to 1"):
        card.dump(make_card(probes_after=scores))
    assert card.dump(make_card(probes_after={"neutral_kl": 1.5}))


def test_a_card_of_a_newer_rune_is_refused(tmp_path, make_card):
    raw = json.loads(card.dump(make_card()))
    (tmp_path / "card.json").write_text(json.dumps({**raw, "v": 3, "dreams": 1}))
    with pytest.raises(NewerVersion, match="card version 3; this Rune knows 2: update rune-memory"):
        card.read(tmp_path / "card.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"events": "many"}, "events: found 'many'"),
        ({"redactions": []}, "redactions: found"),
        ({"session": 3}, "session: found 3"),
        ({"targets": "q_proj"}, "targets: found 'q_proj'"),
        ({"probes_after": {"trained": "high"}}, "probes_after: found {'trained': 'high'}"),
        ({"sha256": {"adapter_config.json": None}}, "sha256: found"),
        ({"lessons": [3]}, "rune distil"),
        ({"lessons": None}, "rune distil"),
        ({"lessons": [{"kind": "fix"}]}, "answer"),
        ({"level": "epic"}, "level: found 'epic'"),
        ({"probes_after": {"trained": 1.5}}, "probes_after: found {'trained': 1.5}"),
        ({"probes_before": {"unrelated": -1}}, "probes_before: found"),
        ({"bytes": -5}, "bytes: found -5"),
        ({"rank": 8.5}, "rank: found 8.5"),
        ({"created": 10**400}, "created: found|expected a card"),
        ({"created": True}, "created: found True"),
        ({"level": ""}, "level: found ''"),
        ({"level": ["task"]}, "level: found"),
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


def test_every_level_can_be_read(tmp_path, make_card):
    for level in card.LEVELS:
        (tmp_path / "card.json").write_bytes(card.dump(make_card(level=level)))
        assert card.read(tmp_path / "card.json").level == level


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": 3}, "kind: found 3"),
        ({"answer": None}, "answer: found None"),
        ({"questions": "Why?"}, r"questions: found 'Why\?'"),
        ({"questions": []}, r"questions: found \[\]"),
        ({"questions": None}, "questions: found None"),
        ({"probes": [1]}, r"probes: found \[1\]"),
        ({"evidence": {}}, r"evidence: found \{\}"),
        ({"keys": [None]}, r"keys: found \[None\]"),
        ({"at": "soon"}, "at: found 'soon'"),
    ],
)
def test_a_damaged_lesson_is_refused_with_its_place_and_field(tmp_path, make_card, changes, said):
    path = tmp_path / "card.json"
    raw = json.loads(card.dump(make_card()))
    raw["lessons"].append({**raw["lessons"][0], **changes})
    path.write_text(json.dumps(raw))
    with pytest.raises(FormatError, match=rf"card.json: lessons\[1\]\.{said}; delete its folder"):
        card.read(path)


def test_a_lesson_may_leave_out_all_but_what_it_tells_and_is_asked_by(tmp_path, make_card):
    lesson = {"kind": "fix", "answer": "The currency comes first.", "questions": ["Why?"], "at": 3}
    raw = {**json.loads(card.dump(make_card())), "lessons": [lesson]}
    (tmp_path / "card.json").write_text(json.dumps(raw))
    read = card.read(tmp_path / "card.json").lessons
    assert read == (Lesson("fix", "The currency comes first.", ("Why?",), (), at=3.0),)
    del raw["lessons"][0]["questions"]
    (tmp_path / "card.json").write_text(json.dumps(raw))
    with pytest.raises(FormatError, match=r"lessons\[0\]\.questions: found None"):
        card.read(tmp_path / "card.json")


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


@pytest.mark.parametrize(
    ("before", "after", "better"),
    [
        ({}, {}, True),
        ({"heldout": None}, {"heldout": None}, True),
        ({"trained": 0.0, "heldout": 0.0}, {"trained": 0.0, "heldout": 0.0}, False),
        ({"trained": 0.5, "heldout": 0.5}, {"trained": 0.6, "heldout": 0.4}, False),
        ({"trained": 0.0, "heldout": 0.0}, {"trained": 0.5, "heldout": 0.0}, False),
        ({"trained": 0.0, "heldout": 0.5}, {"trained": 1.0, "heldout": 0.25}, False),
        ({"trained": 0.9, "heldout": 0.0}, {"trained": 0.5, "heldout": 0.1}, True),
        ({"trained": 0.0, "heldout": None}, {"trained": 0.5, "heldout": None}, True),
        ({"unrelated": 0.0}, {"unrelated": 1.0}, True),
        ({"trained": 0.9, "unrelated": 0.0}, {"trained": 0.1, "unrelated": 1.0}, False),
        ({"trained": 0.5, "neutral_kl": 0.0}, {"trained": 0.5, "neutral_kl": 3.0}, False),
    ],
)
def test_an_adapter_is_better_where_it_answers_more_in_wordings_never_trained(before, after, better):
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
    records.record(tmp_path / "ledger.jsonl", Entry("a1", "archived", 1.0))
    assert shelf.states()["a1"].status == "archived"
    assert Shelf(tmp_path / "nowhere", tmp_path / "nowhere").cards() == {}


def test_a_card_of_version_one_is_read_as_that_of_one_session(tmp_path, make_card):
    raw = json.loads(card.dump(make_card()))
    for name in ("level", "parents", "sessions"):
        del raw[name]
    (tmp_path / "card.json").write_text(json.dumps({**raw, "v": 1}))
    read = card.read(tmp_path / "card.json")
    assert (read.level, read.parents, read.origins) == ("session", (), ("s1",))


def test_a_retired_lesson_is_no_living_one_and_its_literals_are_outdated(make_card):
    old = Lesson("said", "The gate listens on 8080.", ("Where?",), (), (), ("8080",))
    kept = Lesson("said", "The gate is in gate.py.", ("File?",), (), (), ("gate.py",))
    made, state = make_card(lessons=(old, kept)), State(retired={0: "b"})
    assert card.living(made, state).lessons == (kept,)
    assert card.outdated(made, state) == ("8080",)
    assert card.outdated(made, State(retired={0: "b", 1: "b", 9: "b"})) == ("8080", "gate.py")
    assert (card.living(made, State()), card.outdated(made, State())) == (made, ())


@pytest.mark.parametrize(
    ("answer", "outdated"),
    [
        ("The proxy listens on port 8080.", ("80",)),
        ("The proxy is version 1.80.", ("80",)),
        ("The proxy listens on port 80.", ()),
        ("Ask http://localhost:80, it answers.", ()),
    ],
)
def test_a_literal_is_kept_alive_where_it_stands_by_itself_alone(make_card, answer, outdated):
    old = Lesson("said", "The gate listens on 80.", ("Where?",), (), (), ("80",))
    made = make_card(lessons=(old, Lesson("said", answer, ("Proxy?",), ())))
    assert card.outdated(made, State(retired={0: "b"})) == outdated


def test_what_is_retired_leaves_the_summary_and_is_not_kept_alive_by_the_order_of_steps(make_card):
    old = Lesson("command", "Run `make lint`.", ("How do I lint?",), (), (), ("make lint",))
    order = "First run `make lint`, then run `make a`, and last commit."
    steps = Lesson("steps", order, ("In which order?",), (), (), ("run `make lint`",))
    made = make_card(lessons=(old, steps), summary="Tidy it. How do I lint?; In which order?\nPaint it.")
    state = State(retired={0: "b"})
    assert card.outdated(made, state) == ("make lint",)
    assert card.living(made, state).summary == "Tidy it.\nPaint it."
