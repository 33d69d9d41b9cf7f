from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.ml.serve.text import Stream


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def decode(self, ids, skip_special_tokens):
        return bytes(ids).decode("utf-8", "replace")


def pieces(data: bytes, *stop: str) -> tuple[list[str], Stream]:
    stream = Stream(Bytes(), stop)
    found = [stream.push(byte) for byte in data]
    return [*found, stream.finish()], stream


@given(st.text(max_size=30))
def test_pieces_together_are_the_whole_text_and_each_is_whole_characters(text):
    found, _ = pieces(text.encode())
    assert "".join(found) == text
    assert all("\ufffd" not in piece for piece in found) or "\ufffd" in text


@given(st.text("ab<>/", max_size=20), st.lists(st.text("ab<>/", min_size=1, max_size=4), max_size=3))
def test_nothing_of_a_stop_string_is_ever_shown_and_all_before_it_is(text, stop):
    found, stream = pieces(text.encode(), *stop)
    # the text ends with the first character that completes a stop string
    ends = [n for n in range(len(text) + 1) if any(text[:n].endswith(mark) for mark in stop)]
    whole = text[: ends[0]] if ends else text
    cuts = [whole.find(mark) for mark in stop if mark in whole]
    assert "".join(found) == (whole[: min(cuts)] if cuts else text)
    assert stream.stopped == bool(ends)


def test_a_stop_string_over_the_borders_of_tokens_is_held_back():
    found, stream = pieces(b"yes</stop>no", "</stop>")
    assert found == ["y", "e", "s", *[""] * 10]
    assert stream.stopped


def test_what_only_looked_like_a_stop_string_comes_at_once_when_it_turns_out():
    assert pieces(b"a</b", "</stop>")[0] == ["a", "", "", "</b", ""]


def test_bytes_that_never_become_a_character_do_not_hold_the_rest_for_ever():
    found, _ = pieces(b"\xff" * 20 + b"a")
    assert "".join(found).endswith("a")
    assert any(found[:12])


@pytest.mark.model
def test_the_real_tokenizers_pieces_are_the_whole_text(real):
    text = "Ein schöner Tag 🙂 für naïve Übungen: 日本語, ok.\n\tx = 1"
    stream = Stream(real.tokenizer, ())
    ids = real.tokenizer.encode(text, add_special_tokens=False)
    found = [*map(stream.push, ids), stream.finish()]
    assert "".join(found) == text
    assert not any("\ufffd" in piece for piece in found)
