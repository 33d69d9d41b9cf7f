"""Importing: once, again, after a kill, into the right project, never over a live capture."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rune import transcripts
from rune.errors import RuneError
from rune.events import Redactor
from rune.paths import Echoes
from rune.records import trajectory
from rune.records.trajectory import Generation, Prompt
from rune.transcripts import ImportReport, importing


def nothing(text: str) -> tuple[str, dict[str, int]]:
    return text, {}


def bring(*places: Path, **options: Any) -> ImportReport:
    return transcripts.import_all(places, **{"redact": nothing, **options})


def test_a_session_becomes_a_closed_trajectory_of_its_project(log: Any, past: Path, echoes: Echoes) -> None:
    log.story()
    (done,) = bring(past).sessions
    assert (done.state, done.added, done.failures, done.fix_chains) == ("new", 6, 1, 1)
    assert done.events == {"prompt": 1, "execution": 2, "reflection": 2, "generation": 1}
    assert done.path == echoes.trajectory("s1")
    written = trajectory.read(done.path)
    assert (written.source, written.closed, len(written.events)) == ("import", "import", 6)
    assert written.project == str(log.cwd)
    assert (echoes.root / ".gitignore").read_text() == "*\n"


def test_a_session_of_a_subfolder_goes_to_the_projects_root(log: Any, past: Path, echoes: Echoes) -> None:
    log.cwd = log.cwd / "src"
    log.cwd.mkdir()
    log.story()
    (done,) = bring(past).sessions
    assert done.path == echoes.trajectory("s1")
    (edit,) = [e for e in trajectory.read(done.path).events if isinstance(e, Generation)]
    assert edit.path == "src/price.py"


def test_importing_twice_writes_nothing_new(log: Any, past: Path, echoes: Echoes) -> None:
    log.story()
    bring(past)
    before = echoes.trajectory("s1").read_bytes()
    (done,) = bring(past).sessions
    assert (done.state, done.added, done.fix_chains) == ("unchanged", 0, 1)
    assert echoes.trajectory("s1").read_bytes() == before


def test_of_a_session_that_grew_only_the_new_events_are_written(
    log: Any, past: Path, echoes: Echoes, canary: Redactor
) -> None:
    log.story()
    bring(past)
    before = echoes.trajectory("s1").read_bytes()
    log.says("One more thing: CANARY.")
    (done,) = bring(past, redact=canary).sessions
    assert (done.state, done.added, done.redactions) == ("grown", 1, {"canary": 1})
    after = echoes.trajectory("s1").read_bytes()
    assert after.startswith(before)
    written = trajectory.read(echoes.trajectory("s1"))
    assert (len(written.events), written.closed) == (7, "import")


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.99])
def test_an_import_that_was_killed_is_completed(log: Any, past: Path, echoes: Echoes, kept: float) -> None:
    log.story()
    bring(past)
    path = echoes.trajectory("s1")
    whole, data = trajectory.read(path), path.read_bytes()
    path.write_bytes(data[: max(int(len(data) * kept), data.index(b"\n") + 1)])
    bring(past)
    assert trajectory.read(path) == whole


def test_a_dry_run_counts_the_same_and_writes_nothing(log: Any, past: Path, echoes: Echoes) -> None:
    log.story()
    (past / "copy.jsonl").write_bytes(log.path.read_bytes())
    dry = bring(past, dry_run=True)
    assert not echoes.root.exists()
    wet = bring(past)
    assert dry.sessions == wet.sessions
    assert (dry.dry_run, wet.dry_run) == (True, False)
    assert (wet.sessions[0].state, wet.sessions[0].added) == ("new", 6)


def test_a_live_session_is_left_alone(
    log: Any, past: Path, echoes: Echoes, write_session: Callable[..., Path]
) -> None:
    log.story()
    before = write_session("s1", closed=False).read_bytes()
    (done,) = bring(past).sessions
    assert (done.state, done.why, done.added) == ("left", "captured live and still running", 0)
    assert echoes.trajectory("s1").read_bytes() == before


def test_an_imported_session_that_goes_on_live_is_left_alone(log: Any, past: Path, echoes: Echoes) -> None:
    log.story()
    bring(past)
    trajectory.append(echoes.trajectory("s1"), [Prompt("1795178599-42", 1795178599.0, "Go on.")])
    log.says("Going on.")
    (done,) = bring(past).sessions
    assert (done.state, done.added) == ("left", 0)


def test_a_trajectory_of_a_newer_rune_is_left_and_the_others_are_imported(
    log: Any, past: Path, echoes: Echoes, make_log: Callable[..., Any]
) -> None:
    log.story()
    make_log(past / "s2.jsonl", log.cwd, "s2").story()
    echoes.trajectories.mkdir(parents=True)
    echoes.trajectory("s1").write_text('{"v": 99, "kind": "header"}\n')
    states = {done.session: done.state for done in bring(past).sessions}
    assert states == {"s1": "left", "s2": "new"}


def test_a_session_of_a_folder_that_is_gone_goes_where_it_is_told(
    tmp_path: Path, project: Path, make_log: Callable[..., Any]
) -> None:
    log = make_log(tmp_path / "claude" / "s1.jsonl", tmp_path / "gone")
    log.story()
    (left,) = bring(log.path).sessions
    assert (left.state, left.added) == ("left", 0)
    assert str(tmp_path / "gone") in left.why
    (done,) = bring(log.path, here=project).sessions
    assert (done.state, done.path) == ("new", Echoes(project).trajectory("s1"))
    (edit,) = [e for e in trajectory.read(done.path).events if isinstance(e, Generation)]
    assert edit.path == "price.py"


def test_a_given_project_takes_every_session(log: Any, past: Path, tmp_path: Path) -> None:
    log.story()
    other = tmp_path / "other"
    (done,) = bring(past, project=other).sessions
    assert done.path == Echoes(other).trajectory("s1")


def test_no_secret_reaches_the_disk(
    log: Any, past: Path, echoes: Echoes, canary: Redactor
) -> None:
    log.asks("Use CANARY.")
    log.runs("echo CANARY", "CANARY")
    log.says("It is CANARY.")
    log.edits("a-CANARY.py", "CANARY", "x CANARY")
    (done,) = bring(past, redact=canary).sessions
    assert b"CANARY" not in b"".join(p.read_bytes() for p in echoes.root.rglob("*") if p.is_file())
    assert trajectory.read(done.path).redactions == {"canary": 7} == done.redactions


def test_progress_is_told_and_ends_at_the_whole(
    past: Path, log: Any, make_log: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "STRIDE", 500)
    log.story()
    make_log(past / "s2.jsonl", log.cwd, "s2").story()
    told: list[tuple[int, int, str]] = []
    report = bring(past, report=lambda *progress: told.append(progress))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert {total for _, total, _ in told} == {report.bytes}
    assert told[-1][0] == report.bytes
    assert {name for _, _, name in told} == {"s1", "s2"}
    assert len(told) > 4


def test_a_limit_takes_the_newest(past: Path, log: Any, make_log: Callable[..., Any]) -> None:
    for age, name in enumerate(("new", "old", "older")):
        other = make_log(past / f"{name}.jsonl", log.cwd, name)
        other.story()
        os.utime(other.path, (1e9 - age, 1e9 - age))
    assert [done.session for done in bring(past, limit=1).sessions] == ["new"]


def test_a_place_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuneError, match=r"gone\.jsonl: expected a transcript"):
        bring(tmp_path / "gone.jsonl")
