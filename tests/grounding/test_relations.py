"""Whether two things have changed places between a sentence and what is said of them."""

from __future__ import annotations

import time

import pytest

from rune.grounding.relations import turned
from rune.literal import literals


def changed(sentence, *texts):
    return turned(sentence, literals(sentence), texts)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Copy `a.toml` to `b.toml`.", "Copy `b.toml` to `a.toml`."),
        ("Replace `a.b` with `c.d`.", "Replace `c.d` with `a.b`."),
        ("Raised the limit from 3 to 5.", "Raised the limit from 5 to 3."),
        ("`foo` calls `bar`.", "`bar` calls `foo`."),
        ("Move src/a.py to lib/a.py.", "Move lib/a.py to src/a.py."),
        ("Staging uses port 81 and production port 82.", "Staging uses port 82 and production port 81."),
        ("Use `uv` instead of `pip`.", "Use `pip` instead of `uv`."),
        ("Run `make a` before `make b`.", "Run `make b` before `make a`."),
        ("Run `make a` before `make b`.", "Run `make a` after `make b`."),
        ("Seed the users before the orders.", "Seed the orders before the users."),
        ("Before the deploy, stop the worker.", "After the deploy, stop the worker."),
    ],
)
def test_what_changed_places_is_turned(sentence, text):
    assert changed(sentence, text)
    assert not changed(sentence, sentence)
    assert not changed(sentence, text, sentence)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("`a.py` and `b.py` fail.", "`b.py` and `a.py` fail."),
        ("The modules are `a`, `b` and `c`.", "The modules are `c`, `a` and `b`."),
        ("`bar` is called by `foo`.", "`foo` calls `bar`."),
        ("Production uses port 82 and staging port 81.", "Staging uses port 81 and production port 82."),
        ("Use `uv` instead of `pip`.", "Instead of `pip` use `uv`."),
        ("In `c.py`, replace `a` with `b`.", "Replace `a` with `b` in `c.py`."),
        ("Run `make a` before `make b`.", "Run `make b` after `make a`."),
        ("Stop the worker before the deploy.", "Before the deploy, stop the worker."),
        ("The mailer comes after the gateway.", "The gateway comes before the mailer."),
        ("Edit `a.py` and run `make b`.", "Run `make b` and edit `a.py`."),
        ("Rename `a` to `b`.", "It has `b`.\nIt has `a`."),
        ("", ""),
    ],
)
def test_the_same_told_in_another_order_is_not(sentence, text):
    assert not changed(sentence, text)


@pytest.mark.parametrize("mark", ["1, ", "`a` to ", "before ", "a.b ", "`", ". "])
def test_what_repeats_itself_is_soon_read(mark):
    began = time.process_time()
    changed("It is " + mark * 4000, "It is " + mark * 4000)
    assert time.process_time() - began < 2.0
