"""prune moves what is stale to the archive and to knowledge.md, and says why."""

from __future__ import annotations

from datetime import date

import pytest

from rune.echoes import prune as policy
from rune.echoes.operations import pruning
from rune.records import knowledge

OLD = date(2026, 1, 1)


@pytest.fixture
def full(remember, entry):
    """A reviewer over its limit: one etched, many stale, some fresh traced ones."""
    stale = [entry(f"Stale {n}", verified=OLD, day=OLD, confidence=0.5) for n in range(12)]
    fresh = [entry(f"Seen {n}", layer="traced", learning="Slow.\nVery slow.") for n in range(8)]
    remember("reviewer", entry("Postgres only", layer="etched"), *stale, *fresh)


@pytest.mark.usefixtures("full")
def test_what_is_stale_leaves_with_its_reason_and_nothing_is_lost(store, do, titles):
    before = set(titles(store.echoes.project, "reviewer"))
    done = do(lambda change: pruning.run(change, ("reviewer",), {}), backups=True)
    [role] = done.roles
    assert role.lines_before > policy.LIMIT >= role.lines_after
    assert store.read("reviewer").lines == role.lines_after
    assert set(titles(store.echoes.project, "reviewer")) == before
    assert all(leaving.reason for leaving in role.leaving)
    assert "score" in pruning.render(done)


@pytest.mark.usefixtures("full")
def test_etched_entries_stay(store, do):
    do(lambda change: pruning.run(change, ("reviewer",), {}))
    assert "Postgres only" in [entry.title for entry in store.read("reviewer").entries]


def test_what_is_compressed_goes_to_knowledge_with_its_evidence(store, do, remember, entry):
    fresh = [
        entry(f"Seen {n}", layer="traced", day=date(2026, 11, 19), verified=date(2026, 11, 19))
        for n in range(20)
    ]
    remember("reviewer", *fresh)
    done = do(lambda change: pruning.run(change, ("reviewer",), {}))
    path = store.echoes.knowledge("reviewer")
    kept = {
        item for block in knowledge.parse(path.read_text("utf-8"), path).blocks for item in block.evidence
    }
    compressed = {leaving.id for leaving in done.roles[0].leaving if leaving.where.startswith("knowledge")}
    assert compressed
    assert {item for e in fresh if e.id in compressed for item in e.evidence} <= kept
    assert "knowledge" in pruning.render(done)


def test_a_role_within_its_limit_is_left_alone(plan, remember, entry):
    remember("team", entry("Unused imports"))
    planned = plan(lambda change: pruning.run(change, ("team",), {}))
    assert (planned.code, planned.report.within) == ("", ("team",))
    assert "nothing leaves: team" in pruning.render(planned.report)


@pytest.mark.usefixtures("full")
def test_a_role_that_cannot_be_read_is_named_and_does_not_stop_the_others(store, do):
    path = store.echoes.memory("team")
    path.parent.mkdir(parents=True)
    path.write_text("<!-- echo-schema: v9 -->\n# Team\n", "utf-8")
    done = do(lambda change: pruning.run(change, ("team", "reviewer"), {}))
    assert "v9" in done.problems[0]
    assert [role.role for role in done.roles] == ["reviewer"]
    assert path.read_text("utf-8") == "<!-- echo-schema: v9 -->\n# Team\n"


def test_a_memory_of_etched_entries_alone_may_stay_over_the_limit_and_that_is_said(plan, remember, entry):
    lines = "\n".join(f"Rule {n}." for n in range(160))
    remember("team", entry("Rules", layer="etched", learning=lines), entry("Seen", verified=OLD, day=OLD))
    planned = plan(lambda change: pruning.run(change, ("team",), {}))
    assert [leaving.title for leaving in planned.report.roles[0].leaving] == ["Seen"]
    assert "still over" in pruning.render(planned.report)


def test_a_memory_of_etched_entries_alone_is_not_said_to_be_within_the_limit(plan, remember, entry):
    lines = "\n".join(f"Rule {n}." for n in range(160))
    remember("team", entry("Rules", layer="etched", learning=lines))
    planned = plan(lambda change: pruning.run(change, ("team",), {}))
    assert planned.code == ""
    assert pruning.render(planned.report).splitlines() == [
        "team: 170 lines of at most 150",
        "  still over: what is left is etched, and only a person removes that",
    ]


@pytest.mark.usefixtures("full")
def test_knowledge_that_is_no_text_is_named_and_its_bytes_stay(store, plan):
    store.echoes.knowledge("reviewer").write_bytes(b"## Topic (2026-01-01)\n- caf\xe9\n")
    planned = plan(lambda change: pruning.run(change, ("reviewer",), {}))
    assert planned.code == ""
    assert "knowledge.md: expected UTF-8, found another byte at 27" in planned.report.problems[0]
