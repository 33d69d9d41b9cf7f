import dataclasses
import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune import paths
from rune.errors import FormatError, NewerVersion
from rune.records import trajectory
from rune.records.trajectory import (
    KINDS,
    Compaction,
    Execution,
    Generation,
    Note,
    Prompt,
    Reflection,
    SessionEnd,
)

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
at = st.floats(0, 4e9, allow_nan=False)
name = st.text("abcdef0123456789-", min_size=1, max_size=12)
events = st.one_of(
    st.builds(Prompt, name, at, text),
    st.builds(Generation, name, at, text, text, text, text),
    st.builds(Execution, name, at, text, text, text, st.booleans()),
    st.builds(Reflection, name, at, text, text),
    st.builds(Compaction, name, at, text),
    st.builds(Note, name, at, text, text, text, st.lists(text, max_size=3).map(tuple)),
    st.builds(SessionEnd, name, at, text),
)


@pytest.fixture
def path(echoes: paths.Echoes):
    return echoes.trajectory("s1")


def header(path, at=1.0):
    trajectory.start(path, "s1", "/abs", "live", at)


def write_raw(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@given(
    st.lists(events, max_size=8, unique_by=lambda event: event.id),
    st.dictionaries(name, st.integers(1, 9), max_size=3),
)
def test_what_is_written_is_read_back_in_the_order_of_time(tmp_path_factory, written, redactions):
    path = tmp_path_factory.mktemp("trajectory") / "s1.jsonl"
    trajectory.start(path, "s1", "/abs", "import", 2.5)
    trajectory.append(path, written, redactions)
    found = trajectory.read(path)
    assert found.events == tuple(sorted(written, key=lambda event: (event.at, event.id)))
    assert (found.session, found.project, found.source, found.started) == ("s1", "/abs", "import", 2.5)
    assert found.redactions == redactions
    assert found.closed == ""


@given(events, at, name)
def test_the_content_hash_is_of_what_happened_not_of_when_or_how_it_was_written_down(event, later, other):
    moved = dataclasses.replace(event, at=later, id=other)
    one, two = (trajectory.Trajectory("s", "/p", "live", 0.0, (e,)) for e in (event, moved))
    assert one.content_hash == two.content_hash


def test_the_content_hash_changes_with_the_content_but_not_with_the_sessions_end():
    said = Prompt("e1", 1.0, "fix it")
    hashes = [
        trajectory.Trajectory("s", "/p", "live", 0.0, happened).content_hash
        for happened in (
            (said,),
            (dataclasses.replace(said, text="mend it"),),
            (said, SessionEnd("e2", 2.0, "clear")),
        )
    ]
    assert hashes[0] != hashes[1]
    assert hashes[0] == hashes[2]


def test_an_event_that_is_written_twice_is_read_once(path):
    header(path)
    event = Prompt("e1", 1.0, "once")
    trajectory.append(path, [event])
    trajectory.append(path, [event])
    assert trajectory.read(path).events == (event,)


def test_a_session_is_over_until_something_new_happens_in_it(path):
    header(path)
    trajectory.append(path, [Prompt("e1", 1.0, "one")])
    trajectory.close(path, "SessionEnd", 2.0, 1)
    assert trajectory.read(path).closed == "SessionEnd"
    trajectory.append(path, [Prompt("e1", 1.0, "one")])
    assert trajectory.read(path).closed == "SessionEnd"
    trajectory.append(path, [Prompt("e2", 3.0, "resumed")])
    assert trajectory.read(path).closed == ""
    trajectory.close(path, "silence", 4.0, 2)
    assert trajectory.read(path).closed == "silence"


def test_starting_again_leaves_the_header_as_it_is(path):
    header(path, 1.0)
    header(path, 2.0)
    assert trajectory.read(path).started == 1.0


def test_redactions_of_all_batches_are_added_up(path):
    header(path)
    trajectory.append(path, [], {"password": 1})
    trajectory.append(path, [], {"password": 2, "jwt": 1})
    assert trajectory.read(path).redactions == {"password": 3, "jwt": 1}


def test_a_trajectory_is_for_its_owners_eyes_only(path):
    header(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_torn_last_line_waits_and_does_not_hide_the_rest(path):
    header(path)
    trajectory.append(path, [Prompt("e1", 1.0, "kept"), Prompt("e2", 2.0, "torn in the middle of its text")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [event.id for event in trajectory.read(path).events] == ["e1"]
    trajectory.append(path, [Prompt("e2", 2.0, "torn in the middle of its text")])
    assert [event.id for event in trajectory.read(path).events] == ["e1", "e2"]


def test_cut_anywhere_a_trajectory_can_be_read_or_has_no_header(path, events):
    header(path)
    trajectory.append(path, events)
    trajectory.close(path, "SessionEnd", 9.0, len(events))
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    for end in range(start, len(whole), 7):
        path.write_bytes(whole[:end])
        found = trajectory.read(path).events
        assert found == tuple(events)[: len(found)]
    path.write_bytes(whole[: start - 1])
    with pytest.raises(FormatError, match="expected a header line"):
        trajectory.read(path)


def test_a_line_of_a_newer_rune_is_refused_and_the_file_stays_as_it_is(path):
    header(path)
    with path.open("a") as file:
        file.write('{"v": 2, "kind": "dream", "id": "e1"}\n')
    before = path.read_bytes()
    with pytest.raises(NewerVersion, match=r"s1.jsonl:2: trajectory version 2.*update rune-memory"):
        trajectory.read(path)
    assert path.read_bytes() == before


PROMPT = {"v": 1, "kind": "prompt", "id": "e1", "at": 1.0, "text": "x"}
HEADER = {"v": 1, "kind": "header", "session": "s", "project": "/p", "source": "live", "started": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({**PROMPT, "kind": "dream"}, "expected one of prompt, generation"),
        ({**PROMPT, "kind": None}, "expected one of prompt, generation"),
        ({**PROMPT, "at": "noon"}, "prompt.at: found 'noon'"),
        ({**PROMPT, "text": None}, "prompt.text: found None"),
        ({**PROMPT, "mood": "good"}, r"unknown fields \['mood'\]"),
        ({"v": 1, "kind": "prompt", "id": "e1", "at": 1.0}, "prompt.text is missing"),
        ({"v": 1, "kind": "note", "id": "e1", "at": 1.0, "text": "x", "tags": "a"}, "note.tags: found 'a'"),
        ({"v": 1, "kind": "redactions", "counts": {"jwt": "many"}}, "redactions.counts"),
        ({"v": 1, "kind": "redactions"}, "redactions.counts"),
    ],
)
def test_a_damaged_line_is_refused_with_file_line_and_field(path, line, said):
    write_raw(path, HEADER, line)
    with pytest.raises(FormatError, match=said) as raised:
        trajectory.read(path)
    assert f"{path}:2" in str(raised.value)


@pytest.mark.parametrize("broken", [{"started": "noon"}, {"session": None}, {"project": 3}])
def test_a_damaged_header_is_refused(path, broken):
    write_raw(path, {**HEADER, **broken})
    with pytest.raises(FormatError, match=rf"{path}:1: header.{next(iter(broken))}"):
        trajectory.read(path)


def test_every_kind_of_event_says_what_it_is_called():
    made = {kind: cls(**{f.name: None for f in dataclasses.fields(cls)}) for kind, cls in KINDS.items()}
    assert {kind: trajectory.kind_of(event) for kind, event in made.items()} == {kind: kind for kind in KINDS}
