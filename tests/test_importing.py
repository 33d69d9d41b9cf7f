"""``rune import``: past sessions in, projects known, jobs queued; with a real daemon and without a model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rune import client, importing
from rune.errors import RuneError
from rune.paths import Echoes, Home
from rune.records import job as journal
from rune.records import registry, trajectory
from rune.records.message import Distil, Stop

RECORDED = Path(__file__).parent / "data" / "transcripts" / "recorded"
SESSION = "11111111-2222-4333-8444-555555555555"
TRAPS = RECORDED.parent / "traps.jsonl"


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """A folder as the client keeps it: one session with a subagent."""
    return Path(shutil.copytree(RECORDED, tmp_path / "claude" / "-home-dev-shop"))


@pytest.fixture
def daemon(home: Home) -> Iterator[Home]:
    """A home whose daemon, should one be started, is sent away afterwards."""
    yield home
    if client.running(home.socket):
        client.call(home.socket, Stop(), 10)


def rune(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rune", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def jobs(home: Home) -> list[tuple[str, str]]:
    return [(job.session, job.project) for job in journal.read(home.jobs).jobs.values()]


def lost(past: Path) -> Path:
    """Another session in the same folder, its lines damaged in every way seen in the wild."""
    return Path(shutil.copy(TRAPS, past / "traps.jsonl"))


# run


def test_an_import_writes_trajectories_and_makes_their_project_known(
    home: Home, past: Path, project: Path
) -> None:
    report = importing.run(home, [past], project)
    (done,) = report.sessions
    assert (done.session, done.state, done.project) == (SESSION, "new", str(project))
    assert len(trajectory.read(Echoes(project).trajectory(SESSION)).events) == sum(done.events.values())
    assert registry.projects(home.projects) == (project,)


def test_a_project_is_known_once_however_often_it_is_imported_into(
    home: Home, past: Path, project: Path
) -> None:
    importing.run(home, [past], project)
    before = home.projects.read_bytes()
    (done,) = importing.run(home, [past], project).sessions
    assert done.state == "unchanged"
    assert home.projects.read_bytes() == before


def test_a_subfolder_that_is_named_stands_for_its_project(home: Home, past: Path, project: Path) -> None:
    (project / "src").mkdir()
    (done,) = importing.run(home, [past], project / "src").sessions
    assert done.project == str(project)


def test_a_dry_run_writes_nothing_at_all(home: Home, past: Path, project: Path) -> None:
    report = importing.run(home, [past], project, dry_run=True)
    assert report.sessions[0].added > 0
    assert not home.root.exists()
    assert not Echoes(project).root.exists()


def test_named_transcripts_of_a_folder_that_is_gone_go_to_the_current_project(
    home: Home, past: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    (done,) = importing.run(home, [past]).sessions
    assert (done.state, done.project) == ("new", str(project))


def test_the_clients_own_folder_is_the_default_and_sessions_of_gone_folders_are_left(
    home: Home, past: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    shutil.move(past.parent, past.parent.with_name("projects"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(past.parent.parent))
    (done,) = importing.run(home, []).sessions
    assert (done.state, done.added) == ("left", 0)
    assert "/home/dev/shop" in done.why
    assert registry.projects(home.projects) == ()


def test_a_folder_without_transcripts_is_an_error_that_says_what_was_expected(
    home: Home, tmp_path: Path
) -> None:
    with pytest.raises(RuneError, match=r"expected transcripts \(\*\.jsonl\), found none"):
        importing.run(home, [tmp_path])


@pytest.mark.parametrize("content", [b"", b"a note\n", b'{"a":1}\n', b"\x00\xff\n"])
def test_a_file_that_is_no_transcript_is_an_error_that_names_it(
    home: Home, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "notes.jsonl").write_bytes(content)
    with pytest.raises(RuneError, match=r"notes\.jsonl: expected sessions of Claude Code, found none in 1"):
        importing.run(home, [tmp_path / "notes.jsonl"])


def test_off_the_terminal_progress_is_a_line_per_session_on_standard_error(
    home: Home, past: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    importing.run(home, [past], project)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"read {SESSION}\n"


# render, to_json


def test_the_table_shows_what_is_new_or_left_and_the_totals_show_everything(
    home: Home, past: Path, project: Path
) -> None:
    importing.run(home, [past], project)
    lost(past)
    report = importing.run(home, [past], project)
    header, row, empty, totals, *rest = importing.render(report).splitlines()
    assert header.split() == list(importing.HEADER)
    assert row.split()[1] == "new"
    assert SESSION not in row
    assert empty == ""
    assert totals.startswith("2 session(s), 3 file(s), ")
    assert totals.endswith(": 1 unchanged, 1 new")
    assert " events written, " in rest[0]
    assert all(line.startswith("damaged: ") for line in rest[1:])
    assert len(rest) == 1 + len(report.problems) > 1


def test_json_holds_the_whole_report(home: Home, past: Path, project: Path) -> None:
    report = importing.run(home, [past], project)
    said = json.loads(importing.to_json(report))
    assert said["sessions"][0]["path"] == str(Echoes(project).trajectory(SESSION))
    assert said["sessions"][0]["fix_chains"] == report.sessions[0].fix_chains


# enqueue


def test_unchanged_sessions_are_asked_for_too(home: Home, past: Path, project: Path) -> None:
    importing.run(home, [past], project)
    lost(past)
    report = importing.run(home, [past], project)
    asked: list[Distil] = []
    queued = importing.enqueue(home, report, lambda one: asked.append(one) or "known already")
    assert {one.session for one in asked} == {done.session for done in report.sessions}
    assert (queued.queued, queued.known) == (0, 2)


def test_sessions_that_were_left_are_not_asked_for(
    home: Home, past: Path, project: Path
) -> None:
    lost(past)
    Echoes(project).trajectories.mkdir(parents=True)
    Echoes(project).trajectory(SESSION).write_text('{"v": 99, "kind": "header"}\n')
    report = importing.run(home, [past], project)
    asked: list[str] = []
    importing.enqueue(home, report, lambda one: asked.append(one.session) or "queued")
    assert SESSION not in asked
    assert len(asked) == 1


def test_without_a_model_the_queue_keeps_and_the_person_is_told(
    home: Home, past: Path, project: Path
) -> None:
    report = importing.run(home, [past], project)
    queued = importing.enqueue(home, report, lambda one: "queued")
    assert "rune setup" in queued.no_model
    assert importing.render_queued(queued).startswith("1 session(s) queued for distillation; they wait")


# the command, with a real daemon


def test_the_command_queues_what_it_imported_and_nothing_twice(
    daemon: Home, past: Path, project: Path
) -> None:
    first = rune("import", past, "--project", project, cwd=project)
    assert first.returncode == 0, first.stderr
    assert SESSION in first.stdout
    assert "1 session(s) queued for distillation" in first.stderr
    assert jobs(daemon) == [(SESSION, str(project))]
    again = rune("import", past, "--project", project, cwd=project)
    assert "0 session(s) queued for distillation, 1 known already" in again.stderr
    assert jobs(daemon) == [(SESSION, str(project))]


def test_what_a_cut_off_queueing_left_out_is_queued_by_the_next_import(
    daemon: Home, past: Path, project: Path
) -> None:
    only = rune("import", past, "--project", project, "--no-distil", "--json", cwd=project)
    assert json.loads(only.stdout)["sessions"][0]["state"] == "new"
    assert not client.running(daemon.socket)
    assert jobs(daemon) == []
    rune("import", past, "--project", project, cwd=project)
    assert jobs(daemon) == [(SESSION, str(project))]


def test_a_session_that_grew_is_queued_again(daemon: Home, past: Path, project: Path) -> None:
    rune("import", past, "--project", project, cwd=project)
    path = past / f"{SESSION}.jsonl"
    line = json.loads(next(raw for raw in path.read_text().splitlines() if '"type": "user"' in raw))
    line |= {"uuid": "later", "timestamp": "2026-11-21T09:00:00.000Z"}
    line["message"] = {"role": "user", "content": "And now print it in EUR, please."}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    grown = rune("import", past, "--project", project, cwd=project)
    assert "1 session(s) queued for distillation" in grown.stderr
    assert len(jobs(daemon)) == 2


def test_a_dry_run_of_the_command_starts_no_daemon(daemon: Home, past: Path, project: Path) -> None:
    said = rune("import", past, "--project", project, "--dry-run", cwd=project)
    assert "events would be written" in said.stdout
    assert not client.running(daemon.socket)
    assert not daemon.root.exists()
