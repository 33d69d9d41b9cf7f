import re

import pytest

from rune.evolution import subject


def about(text, value="80"):
    return subject.find(text, re.search(re.escape(value), text))


@pytest.mark.parametrize(
    "text",
    [
        "The port of the gateway is 80.",
        "The gateway's port is 80 now.",
        "The gateway port: 80",
        "The gateway listens on port 80.",
        "The gateway listens on 80.",
        "Our gateway is now reachable on port 80.",
        "As of today the gateway has moved to port 80.",
        "We've moved the gateway to port 80.",
        "80 is the gateway port.",
    ],
)
def test_one_subject_in_many_words(text):
    assert about(text).words == ("gateway", "port", subject.VALUE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The mailer of the gateway listens on 80.", "gateway mailer port"),
        ("The gateway of the mailer listens on 80.", "mailer gateway port"),
        ("Requests from x to y use port 80.", "requests from x to y use port"),
        ("The gateway port is 80 in CI.", "gateway port in ci"),
        ("The minimum of the maximum pool size is 80.", "maximum pool size minimum"),
    ],
)
def test_order_and_prepositions_belong_to_it(text, words):
    assert " ".join(word for word in about(text).words if word != subject.VALUE) == words


def test_a_service_is_left_out_where_it_follows_a_name():
    assert (about("The gateway service listens on 80.").aside, about("The server port is 80.").aside) == (
        ("service",),
        (),
    )


@pytest.mark.parametrize(
    ("text", "noun", "measure"),
    [
        ("The port of the gateway is 80.", "port", False),
        ("The flag to skip hooks is 80.", "flag", False),
        ("The gateway timeout is 80 seconds.", "timeout", True),
        ("`retries` defaults to 80.", "default", False),
    ],
)
def test_what_the_value_is_and_what_it_counts_in(text, noun, measure):
    assert (about(text).noun, bool(about(text).measure)) == (noun, measure)
