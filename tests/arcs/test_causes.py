"""Sentences that stand as a cause, and those that do not."""

from __future__ import annotations

import pytest

from rune.arcs import causes


@pytest.mark.parametrize(
    "sentence",
    [
        "The KeyError on port is not caused by the `settings.toml` file.",
        "The cache is not the problem.",
        "The cache isn't the root cause of the KeyError.",
        "The problem is not the cache.",
        "It's not related to the fixture.",
        "The KeyError doesn't come from the loader.",
        "That has nothing to do with the port.",
        "This failure is pre-existing and unrelated to my change.",
        "The migration can be ruled out.",
        "The stale lock was a red herring.",
    ],
)
def test_a_denial_is_no_cause(sentence):
    assert causes.denies(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The KeyError is caused by `conf.py`, not by the cache.",
        "The problem is not the cache but the typo in `conf.py`.",
        "It is not caused by the cache; the KeyError comes from a typo.",
        "It is not the cache: it fails because `port` is never set.",
        "The test fails because `port` is not set in the fixture.",
        "The issue is that the port isn't read from `settings.toml`.",
        "The problem is not having a default for `port`.",
        "The hook failed due to pre-existing lint errors in `App.tsx`.",
        "The parser does not handle an empty line.",
    ],
)
def test_a_cause_may_hold_a_negation(sentence):
    assert not causes.denies(sentence)


@pytest.mark.parametrize(
    ("sentence", "does"),
    [
        ("That wasn't it.", True), ("No, that isn't the problem.", True), ("Hmm, this did not help.", True),
        ("My theory was wrong.", True), ("Wrong guess.", True), ("That had no effect.", True),
        ("The same error persists.", True),
        ("That is the problem.", False), ("It wasn't set in the fixture.", False),
        ("This did two things.", False), ("The theory is that the cache is stale.", False),
    ],
)  # fmt: skip
def test_what_refutes_what_was_said_before(sentence, does):
    assert causes.refutes(sentence) is does
    assert causes.standing(["The cache is stale.", sentence]) == (
        [] if does else ["The cache is stale.", sentence]
    )


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("This failure is pre-existing and unrelated to my change; I leave it.", True),
        ("It also fails on main, so it is not from my change.", True),
        ("I'll leave that alone. The rest is done.", True),
        ("The failure is out of scope here.", True),
        ("The KeyError is unrelated to the cache.", False),
        ("This failure is pre-existing, but let me fix it anyway.", False),
        ("I'll leave the default as 80 and read the port.", False),
        ("The test fails because the port is missing.", False),
    ],
)
def test_a_failure_that_the_agent_leaves_alone(text, does):
    assert causes.leaves(text) is does
