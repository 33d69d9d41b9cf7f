"""etch writes, raises and removes permanent entries; secrets in them are taken out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rune.echoes.operations import etch
from rune.echoes.operations.etch import Draft
from rune.errors import FormatError

SECRET = "ghp_" + "Zq7Wn3Xk9Rt2Lm5Vb8Cy4Hd6Jf1Ps0Ga"


@pytest.mark.parametrize(
    ("text", "title", "learning"),
    [
        ("Postgres only: we use Postgres 16.", "Postgres only", "we use Postgres 16."),
        ("Use Postgres 16.", "Use Postgres 16", "Use Postgres 16."),
        ("No tabs!  Spaces   only.", "No tabs", "No tabs! Spaces only."),
        (f"{'long ' * 40}: x", ("long " * 20).strip(), f"{'long ' * 39}long : x"),
        ("see http://a.b:80/c", "see http://a.b:80/c", "see http://a.b:80/c"),
    ],
)
def test_title_and_learning_are_told_apart(text, title, learning):
    assert etch.split(text) == (title, learning)


def test_an_entry_is_etched_today_by_hand_and_needs_no_evidence(store, do):
    done = do(lambda change: etch.write(change, "workers", Draft("Postgres only: we use Postgres 16.")))
    [known] = store.read("workers").entries
    assert (known.layer, known.title, known.source, known.day) == (
        "etched",
        "Postgres only",
        "manual",
        store.today,
    )
    assert (done.how, done.entry.id) == ("new", known.id)
    assert known.id in etch.render(done)


def test_what_a_promotion_needs_is_kept_as_bullets(store, do):
    draft = Draft("Postgres only: we use Postgres 16.", fields=(("symptom", "It is slow"), ("tags", "a, b")))
    do(lambda change: etch.write(change, "workers", draft))
    [known] = store.read("workers").entries
    assert (known.named("symptom"), known.named("tags")) == ("It is slow", "a, b")


def test_nothing_said_is_nothing_etched(plan):
    with pytest.raises(FormatError, match="learning: expected `Title: the learning"):
        plan(lambda change: etch.write(change, "workers", Draft("  ")))


def test_a_secret_is_replaced_before_anything_is_written(store, do):
    done = do(lambda change: etch.write(change, "workers", Draft(f"Token: use {SECRET} for now.")))
    assert SECRET not in store.echoes.memory("workers").read_text("utf-8")
    assert done.redacted
    assert "taken out before writing" in etch.render(done)


def test_what_is_superseded_leaves_for_the_archive_even_if_it_was_etched(store, do, remember, entry, titles):
    remember("workers", entry("Mongo only", layer="etched"))
    draft = Draft("Postgres only: we use Postgres 16.", supersedes="Mongo only")
    done = do(lambda change: etch.write(change, "workers", draft))
    assert [known.title for known in store.read("workers").entries] == ["Postgres only"]
    assert sorted(titles(store.echoes.project, "workers")) == ["Mongo only", "Postgres only"]
    assert "Mongo only" in etch.render(done)


def test_what_is_known_is_confirmed(store, do, plan):
    def again(change):
        return etch.write(change, "workers", Draft("Postgres only: we use Postgres 16."))

    do(again)
    assert plan(again).report.how == "confirmed"
    assert plan(again).code == "", "the same day there is nothing to do"


def test_two_decisions_under_one_heading_are_no_duplicates(store, do):
    for learning in ("use version 16.", "never fall back to SQLite."):
        assert do(lambda change, it=learning: etch.write(change, "workers", Draft(f"DB: {it}"))).how == "new"
    assert [known.learning for known in store.read("workers").entries] == [
        "use version 16.", "never fall back to SQLite."
    ]  # fmt: skip


def test_what_supersedes_nothing_says_so(do):
    done = do(lambda change: etch.write(change, "workers", Draft("DB: use 17.", supersedes="DB of old")))
    assert "supersedes nothing: workers has no other entry 'DB of old'" in etch.render(done)


def test_an_entry_that_stands_twice_is_raised_and_taken_out_as_one(store, do, remember, entry, titles):
    known = entry("Unused imports")
    remember("reviewer", known, entry("Slow tests"), replace(known, confidence=0.3))
    done = do(lambda change: etch.raise_to_etched(change, known.id))
    assert [e.layer for e in store.read("reviewer").entries] == ["etched", "inscribed", "etched"]
    do(lambda change: etch.remove(change, done.entry.id))
    assert [e.title for e in store.read("reviewer").entries] == ["Slow tests"]
    assert sorted(titles(store.echoes.project, "reviewer")) == ["Slow tests", *["Unused imports"] * 2]


def test_an_entry_that_is_there_is_raised_by_its_id(store, do, remember, entry):
    remember("reviewer", known := entry("Unused imports"), entry("Slow tests"))
    done = do(lambda change: etch.raise_to_etched(change, known.id))
    assert [e.layer for e in store.read("reviewer").entries] == ["etched", "inscribed"]
    assert done.entry.digest == known.digest
    with pytest.raises(FormatError, match="etched already"):
        do(lambda change: etch.raise_to_etched(change, known.digest[:8]))


def test_an_etched_entry_is_taken_out_into_the_archive(store, do, remember, entry, titles):
    remember("reviewer", known := entry("Postgres only", layer="etched"), entry("Slow tests"))
    do(lambda change: etch.remove(change, known.id))
    assert [e.title for e in store.read("reviewer").entries] == ["Slow tests"]
    assert sorted(titles(store.echoes.project, "reviewer")) == ["Postgres only", "Slow tests"]


def test_only_etched_entries_are_taken_out_this_way(plan, remember, entry):
    remember("reviewer", known := entry("Slow tests"))
    with pytest.raises(FormatError, match="is not etched"):
        plan(lambda change: etch.remove(change, known.id))
