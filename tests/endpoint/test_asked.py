import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rune.endpoint import asked
from rune.endpoint.problems import Problem
from rune.records.tokens import Turn
from rune.serving.types import Sampling

HELLO = [{"role": "user", "content": "Hello"}]


def chat(**more):
    return asked.chat({"model": "rune", "messages": HELLO, **more}, 64)


def refused(**more) -> Problem:
    with pytest.raises(Problem) as found:
        chat(**more)
    assert found.value.status == 400
    return found.value


def test_what_is_left_out_has_a_default():
    found = chat()
    assert found.turns == (Turn("user", "Hello"),)
    assert found.sampling == Sampling(64)
    assert (found.stream, found.usage, found.user) == (False, False, "")


def test_every_parameter_of_sampling_arrives():
    found = chat(temperature=0.5, top_p=0.9, seed=-3, stop=["a", "b", "a"], max_tokens=5, user="me")
    assert found.sampling == Sampling(5, 0.5, 0.9, -3, ("a", "b"))
    assert found.user == "me"
    assert chat(stop="\n").sampling.stop == ("\n",)
    assert chat(max_completion_tokens=7).sampling.max_tokens == 7
    assert chat(max_completion_tokens=7, max_tokens=7).sampling.max_tokens == 7


def test_no_share_of_the_tokens_is_the_likeliest_token():
    assert chat(temperature=1.0, top_p=0).sampling == Sampling(64, 0.0, 1.0)


def test_null_asks_for_nothing():
    names = ("temperature", "top_p", "seed", "stop", "max_tokens", "tools", "n", "stream_options", "stream")
    assert chat(**dict.fromkeys(names)) == chat()


def test_what_only_describes_the_request_and_what_asks_for_nothing_is_no_error():
    assert chat(user="me", metadata={"a": "b"}, store=False, service_tier="auto").sampling == Sampling(64)
    assert chat(n=1, tools=[], tool_choice="none", logprobs=False, frequency_penalty=0.0, logit_bias={},
                response_format={"type": "text"}) == chat()  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2), ("n", True), ("tools", [{"type": "function"}]), ("tool_choice", "required"),
        ("logprobs", True), ("top_logprobs", 3), ("response_format", {"type": "json_object"}),
        ("frequency_penalty", 0.5), ("presence_penalty", -1), ("logit_bias", {"1": 5}),
        ("functions", [{}]), ("modalities", ["audio"]),
    ],
)  # fmt: skip
def test_what_would_change_the_answer_and_is_not_there_is_refused_by_name(name, value):
    problem = refused(**{name: value})
    assert (problem.param, problem.code) == (name, "unsupported_value")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 2.1), ("temperature", -0.1), ("temperature", "hot"), ("temperature", True),
        ("temperature", math.nan), ("top_p", 1.5), ("seed", 1.5), ("seed", 2**63), ("seed", "x"),
        ("max_tokens", 0), ("max_tokens", -1), ("max_tokens", 2.0), ("max_tokens", True),
        ("max_completion_tokens", 0), ("stop", 3), ("stop", [""]), ("stop", ["x"] * 17), ("stop", "x" * 257),
        ("stop", [3]), ("stream", "yes"), ("stream_options", {"include_usage": True}), ("stream_options", 3),
        ("model", ""), ("model", 3), ("messages", []), ("messages", "hello"), ("messages", [{}] * 1001),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_by_name(name, value):
    assert refused(**{name: value}).param == name


def test_two_limits_that_differ_are_refused():
    assert refused(max_tokens=1, max_completion_tokens=2).param == "max_tokens"


def test_a_parameter_that_nobody_knows_is_refused():
    problem = refused(temprature=0.5)
    assert (problem.param, problem.code) == ("temprature", "unknown_parameter")


def test_counts_end_a_stream_where_they_are_asked_for():
    assert chat(stream=True, stream_options={"include_usage": True}).usage
    assert not chat(stream=True, stream_options={"include_usage": False}).usage
    assert refused(stream=True, stream_options={"speed": 1}).code == "unknown_parameter"


def test_content_comes_as_text_or_in_parts_of_text():
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    found = chat(messages=[{"role": "developer", "content": "Be short."}, {"role": "user", "content": parts}])
    assert found.turns == (Turn("system", "Be short."), Turn("user", "Hello"))


@pytest.mark.parametrize(
    ("message", "where"),
    [
        ("Hello", "messages[0]"),
        ({"role": "tool", "content": "x"}, "messages[0].role"),
        ({"role": ["user"], "content": "x"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": []}, "messages[0].content"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text", "text": 3}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
        ({"role": "assistant", "content": "x", "tool_calls": [{}]}, "messages[0].tool_calls"),
    ],
)
def test_a_message_that_is_no_text_is_refused_with_its_place(message, where):
    assert refused(messages=[message]).param == where


def test_an_adapter_is_looked_for_by_what_the_person_said_last():
    turns = [*HELLO, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "Why?"},
             {"role": "system", "content": "Be short."}]  # fmt: skip
    assert chat(messages=turns).query == "Why?"
    assert chat(messages=[{"role": "user", "content": "x" * 9000 + "end"}]).query.endswith("end")
    assert asked.completion({"model": "m", "prompt": "Once"}, 9).query == "Once"


def test_a_completion_takes_one_text():
    assert (
        asked.completion({"model": "m", "prompt": ["Once"], "echo": False, "best_of": 1}, 9).prompt == "Once"
    )
    for prompt in ([], "", ["a", "b"], [1, 2], [[1]], None, 3):
        with pytest.raises(Problem) as found:
            asked.completion({"model": "m", "prompt": prompt}, 9)
        assert found.value.param == "prompt"
    with pytest.raises(Problem, match="messages"):
        asked.completion({"model": "m", "prompt": "a", "messages": HELLO}, 9)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
NAMES = sorted({*asked.READ, *asked.NEUTRAL, *asked.UNREAD, "messages", "max_completion_tokens", "prompt"})


@given(JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=8))
def test_whatever_is_sent_is_understood_or_refused(raw):
    for read in (asked.chat, asked.completion):
        found = understood(read, raw)
        if isinstance(found, Problem):
            assert found.status == 400
            assert len(str(found)) < 1000
        else:
            assert found.sampling.max_tokens > 0


def understood(read, raw):
    try:
        return read(raw, 9)
    except Problem as problem:
        return problem
