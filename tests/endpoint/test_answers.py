import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from rune.endpoint import answers
from rune.endpoint.answers import Form
from rune.endpoint.routing import Route
from rune.serving.types import Part, TokenEvent

ROUTE = Route("ab" * 8, Part("ab" * 8, "/somewhere"), 0.71)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT, TEXT))
def test_an_event_is_one_line_and_an_empty_one_whatever_it_says(data):
    said = answers.event(data)
    assert said.startswith(b"data: ")
    assert said.endswith(b"\n\n")
    assert b"\n" not in said[:-2]
    assert b"\r" not in said
    assert json.loads(said.removeprefix(b"data: ")) == data


@given(st.lists(TEXT, min_size=1), st.booleans())
def test_the_pieces_of_a_stream_are_the_answer(texts, chat):
    form = Form("id", 1, "rune", ROUTE, chat, usage=True)
    pieces = [form.first(), *(form.piece(TokenEvent("r", text)) for text in texts)]
    pieces.append(form.piece(TokenEvent("r", "", 3, 5, "stop")))
    said = [p["choices"][0]["delta"].get("content", "") if chat else p["choices"][0]["text"] for p in pieces]
    assert "".join(said) == "".join(texts)
    assert [p["choices"][0]["finish_reason"] for p in pieces] == [None] * (len(pieces) - 1) + ["stop"]
    assert {(p["id"], p["model"], p["usage"]) for p in pieces} == {("id", "rune", None)}


def test_the_counts_come_last_and_only_where_they_are_wanted():
    last = TokenEvent("r", "", 3, 5, "length")
    total = Form("id", 1, "rune", ROUTE, True, usage=True).total(last)
    assert (total["choices"], total["usage"]["total_tokens"]) == ([], 8)
    assert "usage" not in Form("id", 1, "rune", ROUTE, True).piece(last)


def test_what_answered_is_said_in_the_body_and_in_the_headers():
    whole = Form("id", 1, "rune", ROUTE, True).whole("Hi", TokenEvent("r", "", 1, 2, "stop"))
    told = {"model": "ab" * 8, "adapter": "ab" * 8, "relevance": 0.71, "why": "", "asked_in": None}
    assert whole["x_rune"] == told
    in_s2 = Form("id", 1, "rune", ROUTE, True, session="s2")
    assert in_s2.first()["x_rune"] == told | {"asked_in": "s2"}
    assert ROUTE.headers == {
        "X-Rune-Model": "ab" * 8,
        "X-Rune-Adapter": "ab" * 8,
        "X-Rune-Relevance": "0.7100",
    }
    assert Route("base", why="far").headers == {"X-Rune-Model": "base", "X-Rune-Adapter": "none"}
    assert orjson.dumps(whole)


def test_the_models_are_rune_the_base_and_each_adapter(make_card):
    card = make_card(id="ab" * 8)
    found = answers.models("base", [card])
    assert [model["id"] for model in found] == ["rune", "base", "ab" * 8]
    assert found[2]["x_rune"]["session"] == "s1"
    assert {model["object"] for model in found} == {"model"}
