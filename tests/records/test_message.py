import json
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import FormatError, NewerVersion
from rune.records import message
from rune.records.message import Failed, Ingest, Recall, Recalled, Status

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(str, st.text(max_size=20))
messages = st.one_of(*(st.from_type(cls) for cls in typing.get_args(message.Message)))


@given(messages)
def test_every_message_survives_the_way_through_a_socket(sent):
    line = message.encode(sent)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert message.decode(line) == sent


def test_what_a_message_need_not_say_has_a_default():
    assert message.decode(b'{"v":1,"type":"Recall","query":"q","project":"/p"}') == Recall("q", "/p")


def test_a_whole_number_is_welcome_where_a_number_is_expected():
    found = message.decode(b'{"v":1,"type":"Recalled","answer":"a","abstained":"","score":1}')
    assert isinstance(found, Recalled)
    assert isinstance(found.score, float)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "Dream"}, "expected one of Recall"),
        ({"type": ["Recall"]}, "expected one of Recall"),
        ({"type": "Recall", "query": "q"}, "project"),
        ({"type": "Recall", "query": 3, "project": "/p"}, "Recall.query: expected str, found 3"),
        ({"type": "Recall", "query": "q", "project": "/p", "mood": 1}, r"Recall: unknown fields \['mood'\]"),
        ({"type": "Recalled", "answer": "", "abstained": "", "evidence": "all"}, "expected a list"),
        (
            {"type": "Recalled", "answer": "", "abstained": "", "evidence": [3]},
            "Evidence: expected an object, found 3",
        ),
        (
            {"type": "Ingest", "content": "c", "project": "/p", "tags": [1]},
            "Ingest.tags: expected str, found 1",
        ),
        ({}, "expected a message with v and type"),
    ],
)
def test_what_is_no_message_is_refused_with_the_field(said, why):
    with pytest.raises(FormatError, match=why):
        message.decode(json.dumps({"v": 1, **said}).encode())


def test_half_a_surrogate_pair_is_replaced_whoever_sends_it_but_not_in_the_name_of_a_folder():
    line = rb'{"v":1,"type":"Recall","query":"cut \ud83d, whole \ud83d\ude00","project":"/caf\udce9"}'
    assert message.decode(line) == Recall("cut ?, whole \U0001f600", "/caf\udce9")
    note = Ingest("a\ud83d", "/p", evidence="b\ud83d", tags=("c\ud83d", "d"))
    assert (note.content, note.evidence, note.tags) == ("a?", "b?", ("c?", "d"))


@pytest.mark.parametrize("line", [b"", b"hello", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100_000])
def test_a_line_that_is_no_object_is_refused(line):
    with pytest.raises(FormatError, match="expected a message with v and type"):
        message.decode(line)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_the_other_side_has_to_speak_the_same_version(version):
    with pytest.raises(NewerVersion, match="rune daemon stop"):
        message.decode(json.dumps({"v": version, "type": "Status"}).encode())


def test_messages_without_fields_exist():
    assert message.decode(message.encode(Status())) == Status()
    assert message.decode(message.encode(Failed("E", "m", True))) == Failed("E", "m", True)
