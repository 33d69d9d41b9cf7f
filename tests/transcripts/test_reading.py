"""Past sessions from the client's transcripts: every trap that real ones held."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rune import events, transcripts
from rune.records.trajectory import Compaction, Event, Execution, Generation, Prompt, Reflection
from rune.transcripts import Session

DATA = Path(__file__).parents[1] / "data" / "transcripts"
RECORDED = "11111111-2222-4333-8444-555555555555"


def nothing(text: str) -> tuple[str, dict[str, int]]:
    return text, {}


def of(session: Session, kind: type[Event]) -> list[Any]:
    return [event for event in session.events if isinstance(event, kind)]


@pytest.fixture
def traps() -> Session:
    (session,) = transcripts.read(DATA / "traps.jsonl", nothing)
    return session


def test_only_what_a_person_typed_is_a_prompt(traps: Session) -> None:
    assert [e.text for e in of(traps, Prompt)] == [
        "Fix the price.", "Edit it, but REDACTED stays.", "A line without its id.",
        "And another at the same instant.",
    ]  # fmt: skip


def test_two_objects_on_one_line_are_both_read(traps: Session) -> None:
    assert next(e.command for e in of(traps, Execution)) == "pytest -q 2>&1 | tail -3"


def test_a_failure_hidden_by_a_pipe_is_found_in_its_text(traps: Session) -> None:
    assert [(e.text, e.ok) for e in of(traps, Execution)] == [
        ("1 failed, 3 passed", False), ("4 passed", True), ("Exit code 1", False),
        ("API Error: 529 overloaded", False),
    ]  # fmt: skip


def test_a_refused_edit_is_neither_made_nor_failed(traps: Session) -> None:
    (edit,) = of(traps, Generation)
    assert (edit.id, edit.path, edit.before, edit.text) == ("t-u-10", "price.py", "floor", "round")


def test_the_agents_words_and_its_thought_after_a_failure_are_reflections(traps: Session) -> None:
    assert [(e.text, e.agent) for e in of(traps, Reflection)] == [
        ("I run the tests.", ""), ("The rounding goes the wrong way.", ""), ("The subagent speaks.", "a7"),
        ("Prices round now.", ""),
    ]  # fmt: skip
    assert traps.agents == ("a7",)


def test_a_compaction_is_one_event_and_its_summary_none(traps: Session) -> None:
    assert [e.text for e in of(traps, Compaction)] == ["auto"]


def test_ids_come_from_the_lines_and_are_unique(traps: Session) -> None:
    ids = [event.id for event in traps.events]
    assert len(set(ids)) == len(ids)
    assert {"t-u-1", "t-u-2", "t-u-3", "t-u-14", "t-u-14.1"} <= set(ids)
    assert all(one.startswith("t-") and "REDACTED" not in one for one in ids)


def test_a_damaged_line_is_reported_and_a_torn_last_one_waits(traps: Session) -> None:
    (problem,) = traps.problems
    assert "traps.jsonl:17" in problem


def test_the_chain_is_found_in_spite_of_everything(traps: Session) -> None:
    (chain,) = events.fix_chains(traps.events)
    assert (traps.events[chain.edit].id, chain.family) == ("t-u-10", "pytest")


def test_lines_of_one_instant_keep_their_order(log: Any) -> None:
    for word in "zyxwv":
        log.write({**log.line("assistant", [{"type": "text", "text": word}]), "uuid": word,
                   "timestamp": "2026-03-01T10:00:00.000Z"})  # fmt: skip
    (session,) = transcripts.read(log.path, nothing)
    assert [e.text for e in of(session, Reflection)] == list("zyxwv")


def test_a_session_saved_several_times_is_one_session(log: Any, past: Path) -> None:
    log.asks("One.")
    (past / "copy.jsonl").write_bytes(log.path.read_bytes())
    log.says("Two.")
    (session,) = transcripts.read(past, nothing)
    assert [e.text for e in session.events if isinstance(e, Prompt | Reflection)] == ["One.", "Two."]


def test_a_file_that_goes_on_with_another_session_holds_both(
    log: Any, make_log: Callable[..., Any]
) -> None:
    log.asks("One.")
    make_log(log.path, log.cwd, "s2").asks("Two.")
    assert [(s.session, len(s.events)) for s in transcripts.read(log.path, nothing)] == [("s1", 1), ("s2", 1)]


def test_subagents_beside_a_session_belong_to_it() -> None:
    (session,) = transcripts.read(DATA / "recorded", nothing)
    assert session.agents == ("general-purpose",)
    assert "It doubles its argument." in [e.text for e in of(session, Reflection)]


def test_other_jsonl_files_hold_no_session(tmp_path: Path, write_session: Callable[..., Path]) -> None:
    assert transcripts.read(write_session(), nothing) == []
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\n[]\n\n{}")
    assert transcripts.read(tmp_path / "x.jsonl", nothing) == []


def test_long_texts_are_cut_after_secrets_are_out(log: Any, canary: events.Redactor) -> None:
    log.runs("make", "a" * 3990 + "CANARY" + "b" * 90_000)
    (session,) = transcripts.read(log.path, canary)
    (ran,) = of(session, Execution)
    assert len(ran.text) == events.TEXT_LIMIT
    assert "CAN" not in ran.text
    assert session.redactions == {"canary": 1}


def test_a_large_transcript_is_read_without_keeping_it(log: Any) -> None:
    log.asks("Read a lot.")
    with log.path.open("a", encoding="utf-8") as file:
        for _ in range(300):
            file.write(json.dumps({"type": "progress", "data": "x" * 100_000}) + "\n")
    tracemalloc.start()
    transcripts.read(log.path, nothing)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert log.path.stat().st_size > 30_000_000
    assert peak < 3_000_000


def test_words_between_tool_calls_are_read_with_the_ids_of_an_import() -> None:
    words = transcripts.reflections_from_transcript(DATA / "recorded" / f"{RECORDED}.jsonl")
    (session,) = transcripts.read(DATA / "recorded", nothing)
    assert {e.id: e.text for e in words} == {e.id: e.text for e in of(session, Reflection)}
    assert "The failure is because int() refuses the decimal point." in [e.text for e in words]


def test_a_transcript_that_is_gone_holds_no_words(tmp_path: Path) -> None:
    assert transcripts.reflections_from_transcript(tmp_path / "gone.jsonl") == []


def test_the_clients_folder_follows_its_own_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    assert transcripts.default_folder() == tmp_path / "projects"
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    assert transcripts.default_folder() == Path.home() / ".claude" / "projects"


@pytest.mark.parametrize(
    ("folder", "share"), [("entireio__cli", 0.8), ("PackmindHub__context-evaluator", 0.5)]
)
def test_real_sessions_are_read_whole_and_their_chains_agree(
    shared_data: Path, folder: str, share: float
) -> None:
    """Someone else's reading of the same sessions lies beside them.

    It counts edits that failed as edits, and in the second folder it takes three green runs for failures,
    because their logs quote "Task 2 failed": less agreement is right there. It knows nothing
    of a project's scripts, and takes a commit without its hooks for a proof that they pass.
    """
    theirs: dict[str, int] = {}
    for name in ("trajectories.train.jsonl.gz", "trajectories.dev.jsonl.gz"):
        with gzip.open(shared_data / name, "rt", encoding="utf-8") as lines:
            for raw in (json.loads(line) for line in lines if '"format": "claude_code"' in line):
                theirs[raw["session_id"]] = sum(c["how"] == "code_fix" for c in raw["fix_chains"])
    sessions = transcripts.read(shared_data / "claude_code" / folder, nothing)
    assert len(sessions) == len(list((shared_data / "claude_code" / folder).glob("*.jsonl")))
    assert not any(session.problems for session in sessions)
    ours = {session.session: len(events.fix_chains(session.events)) for session in sessions}
    expected = sum(theirs[name] for name in ours)
    assert sum(min(ours[name], theirs[name]) for name in ours) >= share * expected
    assert sum(ours.values()) <= 1.3 * expected
