import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.errors import FormatError, NewerVersion
from rune.records import envelope
from rune.records.envelope import Envelope

WHOLE = {
    "v": 1, "id": "17-42", "at": 1795176000.25, "event": "PostToolUse", "session": "s1", "project": "/abs",
    "client": 4711, "redactions": {"jwt": 1}, "cut": 12, "payload": {"tool_name": "Bash"},
}  # fmt: skip
text = st.text(max_size=20)


def line(**changes) -> bytes:
    return json.dumps({**WHOLE, **changes}).encode() + b"\n"


def test_a_line_of_a_hook_becomes_an_envelope():
    assert envelope.parse(line()) == Envelope(
        "17-42", 1795176000.25, "PostToolUse", "s1", "/abs", {"tool_name": "Bash"}, 4711, {"jwt": 1}, 12
    )


@given(
    text,
    text,
    text,
    st.dictionaries(text, st.recursive(text | st.integers() | st.none(), st.lists, max_leaves=5)),
)
def test_whatever_a_payload_holds_comes_through(event, session, project, payload):
    found = envelope.parse(line(event=event, session=session, project=project, payload=payload))
    assert (found.event, found.session, found.project, found.payload) == (event, session, project, payload)


@pytest.mark.parametrize("missing", ["client", "redactions", "cut"])
def test_what_a_hook_need_not_say_has_a_default(missing):
    whole = {key: value for key, value in WHOLE.items() if key != missing}
    assert not getattr(envelope.parse(json.dumps(whole).encode()), missing)


@pytest.mark.parametrize("missing", ["v", "id", "at", "event", "session", "project", "payload"])
def test_an_envelope_without_a_field_is_refused(missing):
    whole = {key: value for key, value in WHOLE.items() if key != missing}
    with pytest.raises(FormatError, match=missing):
        envelope.parse(json.dumps(whole).encode())


@pytest.mark.parametrize("torn", [b"", b'{"v": 1, "id"', b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_envelope_is_refused_and_shown(torn):
    with pytest.raises(FormatError, match="expected a spool envelope"):
        envelope.parse(torn)


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "noon"},
        {"at": 10**400},
        {"at": float("nan")},
        {"client": float("inf")},
        {"payload": 3},
        {"client": "me"},
        {"redactions": "two"},
    ],
)
def test_a_field_of_another_type_is_refused(wrong):
    with pytest.raises(FormatError, match="wrong one"):
        envelope.parse(line(**wrong))


def test_an_envelope_of_a_newer_plugin_is_refused():
    with pytest.raises(NewerVersion, match=r"version 2; this Rune knows 1: update rune-memory"):
        envelope.parse(line(v=2))
