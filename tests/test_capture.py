import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rune
from rune import redact
from rune.capture import GRACE, Capture, Closed, Session, client_alive, over
from rune.config import CaptureConfig
from rune.jobs import Jobs
from rune.paths import Echoes
from rune.records import registry, trajectory
from rune.records.trajectory import Execution, Generation, Note, Prompt, Reflection, SessionEnd
from rune.testing import FakeSession
from rune.transcripts import reflections_from_transcript

TOKEN = "ghp_" + "9rT2kLmQ8vXz4bNc7wYp1sDf5gHj3aEu6oZi"[:36]


@pytest.fixture
def start(home, clock):
    """``start()``: the capture of a daemon that has just begun."""

    def begin(spoken=lambda path: []) -> Capture:
        capture = Capture(home, CaptureConfig(), clock, redact.redact, spoken)
        capture.resume()
        return capture

    return begin


@pytest.fixture
def capture(start):
    return start()


@pytest.fixture
def session(home, project, clock):
    """``session(id, client=0, folder=project)``: a coding session as the hooks report it."""

    def begin(name: str = "s1", client: int = 0, folder: Path = project) -> FakeSession:
        return FakeSession(home, folder, name, client, clock)

    return begin


@pytest.fixture
def client():
    """A process that stands for the coding client."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def kinds(echoes: Echoes, name: str = "s1") -> list[str]:
    return [trajectory.kind_of(event) for event in trajectory.read(echoes.trajectory(name)).events]


WORK = ["prompt", "generation", "execution", "generation", "execution", "reflection"]


# draining


def test_what_hooks_wrote_becomes_the_trajectory_of_the_session(capture, session, echoes):
    session().work()
    assert capture.drain() == []
    past = trajectory.read(echoes.trajectory("s1"))
    assert (past.session, past.project, past.source) == ("s1", str(echoes.project), "live")
    assert kinds(echoes) == WORK
    prompt, wrote, failed, edited, passed, said = past.events
    assert isinstance(prompt, Prompt)
    assert isinstance(wrote, Generation)
    assert wrote.path == "server.py"
    assert isinstance(failed, Execution)
    assert not failed.ok
    assert "TypeError" in failed.text
    assert isinstance(edited, Generation)
    assert edited.before
    assert isinstance(passed, Execution)
    assert passed.ok
    assert isinstance(said, Reflection)
    assert not past.closed


def test_draining_twice_takes_nothing_twice(capture, start, session, echoes):
    session().work()
    capture.drain()
    before = echoes.trajectory("s1").read_bytes()
    capture.drain()
    start().drain()
    assert echoes.trajectory("s1").read_bytes() == before


def test_a_torn_last_line_waits_for_its_other_half(capture, session, home, echoes):
    session().prompt("Make it fast.")
    session().prompt("And small.")
    spool = home.spool / "s1.jsonl"
    whole = spool.read_bytes()
    for cut in (1, 40, len(whole) // 2, len(whole) - 1):
        spool.write_bytes(whole[:cut])
        capture.drain()
    assert kinds(echoes) == ["prompt"]
    spool.write_bytes(whole)
    capture.drain()
    assert kinds(echoes) == ["prompt", "prompt"]


def test_a_line_that_is_no_envelope_is_passed_over_and_not_quoted_in_the_log(
    capture, session, home, echoes, caplog
):
    session().prompt("Make it fast.")
    with (home.spool / "s1.jsonl").open("ab") as spool:
        spool.write(b'{"password": "hunter2hunter2"}\n[]\nnonsense\n')
    session().prompt("And small.")
    capture.drain()
    assert kinds(echoes) == ["prompt", "prompt"]
    assert "hunter2" not in caplog.text
    assert caplog.text.count("passed over") == 3
    capture.drain()
    assert caplog.text.count("passed over") == 3


def test_lines_of_a_newer_plugin_wait_and_those_before_them_do_not(capture, session, home, echoes):
    session().prompt("Make it fast.")
    newer = {"v": 99, "id": "x", "event": "Telepathy"}
    with (home.spool / "s1.jsonl").open("a") as spool:
        spool.write(json.dumps(newer) + "\n")
    session().prompt("And small.")
    capture.drain()
    assert kinds(echoes) == ["prompt"]
    assert len((home.spool / "s1.jsonl").read_bytes().splitlines()) == 3


def test_one_damaged_trajectory_does_not_keep_the_other_sessions_waiting(capture, session, echoes, caplog):
    echoes.trajectories.mkdir(parents=True)
    echoes.trajectory("s1").write_text('{"v":1,"kind":"prophecy"}\n')
    for name in ("s1", "s2"):
        session(name).work()
    capture.drain()
    capture.drain()
    assert kinds(echoes, "s2") == WORK
    assert caplog.text.count("s1.jsonl stays in the spool") == 1


def test_two_sessions_at_once_in_one_project_do_not_mix(capture, session, echoes):
    one, two = session("s1"), session("s2")
    for number in range(12):
        (one if number % 2 else two).prompt(f"Question {number} of {'one' if number % 2 else 'two'}.")
        if number % 3 == 0:
            capture.drain()
    capture.drain()
    for name, word in (("s1", "one"), ("s2", "two")):
        texts = [event.text for event in trajectory.read(echoes.trajectory(name)).events]
        assert len(texts) == 6
        assert all(word in text for text in texts)


def test_worktrees_and_subfolders_of_a_repository_lead_to_one_project(capture, session, tmp_path):
    def git(*arguments: str, at: Path) -> None:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        subprocess.run(["git", *who, *arguments], cwd=at, check=True, capture_output=True)

    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root, tree = tmp_path / "repository", tmp_path / "tree"
    root.mkdir()
    git("init", "-q", at=root)
    git("commit", "-q", "--allow-empty", "-m", "begin", at=root)
    git("worktree", "add", "-q", str(tree), at=root)
    (root / "src" / "deep").mkdir(parents=True)
    for name, folder in (("s1", root), ("s2", root / "src" / "deep"), ("s3", tree)):
        session(name, folder=folder).work()
    capture.drain()
    assert [kinds(Echoes(root), name) for name in ("s1", "s2", "s3")] == [WORK] * 3
    assert not (tree / ".claude").exists()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True)
    assert status.stdout == ""


def test_the_projects_that_were_captured_are_known_once_each(capture, session, home, project, tmp_path):
    (tmp_path / "other" / ".git").mkdir(parents=True)
    for name, folder in (("s1", project), ("s2", project), ("s3", tmp_path / "other")):
        session(name, folder=folder).work()
    capture.drain()
    assert registry.projects(home.projects) == (project, tmp_path / "other")


def test_the_agents_words_between_tool_calls_come_from_the_clients_transcript(
    start, session, echoes, tmp_path
):
    said = [
        {"type": "assistant", "uuid": f"u{n}", "timestamp": f"2026-11-20T12:00:0{n}.000Z", "sessionId": "s1",
         "message": {"role": "assistant", "content": [{"type": "text", "text": text}]}}
        for n, text in enumerate(("The clock is read twice.", "Both must come from one place.", "Done."))
    ]  # fmt: skip
    transcript = tmp_path / "transcript.jsonl"
    transcript.write_text("".join(json.dumps(line) + "\n" for line in said))
    capture = start(reflections_from_transcript)
    one = session()
    one.prompt("Why is it slow?")
    one.tell("Stop", last_assistant_message="Done.", transcript_path=str(transcript))
    capture.drain()
    one.tell("SessionEnd", reason="other", transcript_path=str(transcript))
    capture.drain()
    start(reflections_from_transcript).drain()
    texts = [e.text for e in trajectory.read(echoes.trajectory("s1")).events if isinstance(e, Reflection)]
    assert sorted(texts) == ["Both must come from one place.", "Done.", "The clock is read twice."]


# secrets


def test_what_the_hook_and_the_daemon_took_out_is_counted_once(capture, session, echoes):
    edits = [{"old_string": f"a{n}", "new_string": f"b{n}"} for n in range(3)]
    one = session()
    one.prompt(f"My token is {TOKEN}, use it.")
    given = {"file_path": "a.py", "edits": edits}
    line = {"v": 1, "id": "9-9", "at": 1.0, "event": "PostToolUse", "session": "s1", "client": 0,
            "project": str(echoes.project), "redactions": {"aws-access-key": 2},
            "payload": {"tool_name": "MultiEdit", "tool_input": given, "tool_response": {}}}  # fmt: skip
    with (capture.home.spool / "s1.jsonl").open("a") as spool:
        spool.write(json.dumps(line) + "\n")
    capture.drain()
    past = trajectory.read(echoes.trajectory("s1"))
    assert past.redactions == {"github-token": 1, "aws-access-key": 2}
    assert TOKEN not in echoes.trajectory("s1").read_text()


# the end of a session


def test_a_session_is_over_when_the_client_says_so(capture, start, session, echoes):
    session().work()
    session().end("clear")
    assert capture.drain() == [Closed("s1", echoes.project, "SessionEnd")]
    assert trajectory.read(echoes.trajectory("s1")).closed == "SessionEnd"
    assert kinds(echoes) == [*WORK, "end"]


def test_a_closed_session_is_reported_until_its_job_is_durable(capture, start, session, echoes):
    session().work()
    session().end()
    (closed,) = capture.drain()
    (again,) = capture.drain()
    assert (again.session, again.reason) == ("s1", "closed before")
    capture.settled(closed)
    assert capture.drain() == []
    assert [found.session for found in start().drain()] == ["s1"], "a new daemon asks once more"
    assert echoes.trajectory("s1").read_text().count('"outcome"') == 1


def test_a_clock_that_is_set_back_keeps_no_session_open_and_closes_no_resumed_one(capture, session, clock):
    session().work()
    clock.advance(-3600)
    session().end()
    (closed,) = capture.drain()
    assert closed.reason == "SessionEnd"
    capture.settled(closed)
    clock.advance(-3600)
    session().tell("SessionStart", source="resume")
    session().prompt("Go on.")
    assert capture.drain() == []


def test_a_session_is_over_after_a_long_silence(capture, session, clock):
    session().work()
    assert capture.drain() == []
    clock.advance(CaptureConfig().silence_seconds)
    assert capture.drain() == []
    clock.advance(1)
    assert [closed.reason for closed in capture.drain()] == ["silence"]


def test_a_session_is_over_when_its_client_is_gone(capture, session, clock, client):
    clock.now = time.time() + 1
    session(client=client.pid).work()
    clock.advance(60)
    assert capture.drain() == []
    client.kill()  # and nobody waits for it: it stays a zombie, as below a careless PID 1
    for _ in range(100):
        if client_alive(client.pid, clock.now) is False:
            break
        time.sleep(0.02)
    assert [closed.reason for closed in capture.drain()] == ["client gone"]


def test_a_client_that_runs_a_long_step_is_waited_for(capture, session, clock, client):
    clock.now = time.time() + 1
    session(client=client.pid).prompt("Train the model.")
    capture.drain()
    clock.advance(10 * CaptureConfig().silence_seconds)
    assert capture.drain() == []


def test_the_next_session_sweeps_one_whose_client_is_unknown(capture, session, clock):
    session("s1").prompt("Make it fast.")
    capture.drain()
    clock.advance(120)
    assert capture.drain() == []
    session("s2").tell("SessionStart", source="startup")
    assert [(closed.session, closed.reason) for closed in capture.drain()] == [("s1", "next session")]


def test_the_next_session_of_another_project_sweeps_nothing(capture, session, clock, tmp_path):
    (tmp_path / "other" / ".git").mkdir(parents=True)
    session("s1").prompt("Make it fast.")
    capture.drain()
    clock.advance(120)
    session("s2", folder=tmp_path / "other").tell("SessionStart", source="startup")
    assert capture.drain() == []


@pytest.mark.parametrize(
    ("last_event", "silent", "alive", "succeeded", "reason"),
    [
        ("SessionEnd", 0, True, False, "SessionEnd"),
        ("Stop", 4, False, False, ""),
        ("Stop", 6, False, False, "client gone"),
        ("PostToolUse", 6, False, False, "client gone"),
        ("Stop", 1799, True, False, ""),
        ("Stop", 1801, True, False, "silence"),
        ("StopFailure", 1801, None, False, "silence"),
        ("SessionStart", 1801, True, False, "silence"),
        ("PostToolUse", 7199, None, False, ""),
        ("PostToolUse", 7201, None, False, "silence"),
        ("PostToolUse", 1e6, True, False, ""),
        ("PostToolUse", 59, None, True, ""),
        ("PostToolUse", 61, None, True, "next session"),
        ("PostToolUse", 61, True, True, ""),
    ],
)
def test_when_a_session_is_over(last_event, silent, alive, succeeded, reason):
    seen = Session("s1", Path("/p"), Path("/p/s1.jsonl"), last=1000.0, last_event=last_event)
    assert over(seen, 1000.0 + silent, CaptureConfig(), alive, succeeded) == reason


def test_a_process_that_inherited_the_clients_number_is_not_the_client(client):
    born = time.time()
    assert client_alive(client.pid, born + 1) is True
    assert client_alive(client.pid, born - 3600) is False
    assert client_alive(0, born) is None
    assert client_alive(-5, born) is None


def test_a_session_without_a_single_event_leaves_nothing(capture, session, echoes):
    session().tell("SessionStart", source="startup")
    session().tell("SessionEnd", reason="other")
    capture.drain()
    session("s2").tell("SessionStart", source="startup")
    capture.drain()
    assert not echoes.trajectory("s2").exists()


# resumed


def test_a_resumed_session_is_open_again_and_closes_with_everything_in_it(capture, session, echoes, clock):
    session().work()
    session().end()
    (closed,) = capture.drain()
    capture.settled(closed)
    first = trajectory.read(echoes.trajectory("s1")).content_hash
    clock.advance(5)
    session().tell("SessionStart", source="resume")
    assert capture.drain() == []
    session().prompt("One more thing.")
    assert capture.drain() == []
    assert not trajectory.read(echoes.trajectory("s1")).closed
    clock.advance(5)
    session().end()
    assert [closed.session for closed in capture.drain()] == ["s1"]
    assert trajectory.read(echoes.trajectory("s1")).content_hash != first


def test_the_new_client_of_a_resumed_session_is_not_taken_for_a_stranger(capture, session, clock, client):
    """The client is younger than the session that it resumes."""
    clock.now = time.time() - 86400
    session(client=1).work()
    session(client=1).end()
    (closed,) = capture.drain()
    capture.settled(closed)
    clock.now = time.time() + 1
    session(client=client.pid).prompt("Go on.")
    clock.advance(60)
    assert capture.drain() == []


def test_a_session_resumed_after_its_spool_file_went_loses_and_doubles_nothing(
    capture, session, home, echoes, clock
):
    session().work()
    session().end()
    (closed,) = capture.drain()
    capture.settled(closed)
    clock.now = time.time() + GRACE + 5
    capture.drain()
    assert list(home.spool.iterdir()) == []
    session().prompt("One more thing.")
    capture.drain()
    assert kinds(echoes) == [*WORK, "end", "prompt"]


def test_a_spool_file_stays_until_its_job_is_durable_and_no_hook_can_hold_it(capture, session, home, clock):
    session().work()
    session().end()
    clock.now = time.time()
    (closed,) = capture.drain()
    clock.now = time.time() + 2 * GRACE
    capture.drain()
    assert (home.spool / "s1.jsonl").exists()
    capture.settled(closed)
    clock.now = time.time()
    capture.drain()
    assert (home.spool / "s1.jsonl").exists()
    clock.now = time.time() + 2 * GRACE
    capture.drain()
    assert not (home.spool / "s1.jsonl").exists()
    assert capture.sessions == {}


# trouble on disk


def test_sessions_of_a_project_that_is_gone_wait_in_the_spool_and_others_do_not(
    capture, session, home, project, tmp_path, caplog
):
    gone = tmp_path / "gone"
    (gone / ".git").mkdir(parents=True)
    session("s1", folder=gone).work()
    capture.drain()
    session("s1", folder=gone).end()
    session("s2", folder=gone).work()
    session("s3").work()
    aside = gone.rename(tmp_path / "aside")
    for _ in range(3):
        assert capture.drain() == []
    assert not gone.exists()
    assert kinds(Echoes(project), "s3") == WORK
    assert [found.session for found in capture.open_sessions()] == ["s3"]
    assert caplog.text.count("s2.jsonl stays in the spool") == 1
    aside.rename(gone)
    assert [closed.session for closed in capture.drain()] == ["s1"]
    assert kinds(Echoes(gone), "s1") == [*WORK, "end"]
    assert kinds(Echoes(gone), "s2") == WORK


@pytest.mark.parametrize("folder", ["src/deep", ".claude/worktrees/tree"])
def test_a_folder_that_was_deleted_before_the_first_drain_leads_to_the_checkout_it_lay_in(
    capture, session, project, folder
):
    (project / folder).mkdir(parents=True)
    session(folder=project / folder).work()
    shutil.rmtree(project / folder.split("/")[0])
    capture.drain()
    assert kinds(Echoes(project)) == WORK
    assert not (project / folder).exists()


@pytest.mark.parametrize("room", [0, 60, 130, 200, 400, 900])
def test_on_a_full_disk_the_spool_keeps_the_events_until_there_is_room(capture, session, echoes, room):
    """The kernel refuses to let any file grow beyond ``room`` bytes, wherever that cuts the trajectory."""
    session().work()
    session().end()
    session("s2").prompt("x")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        full = [closed.session for closed in [*capture.drain(), *capture.drain()]]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "s1" not in full
    assert [closed.session for closed in capture.drain()] == ["s1"]
    assert kinds(echoes) == [*WORK, "end"]
    assert kinds(echoes, "s2") == ["prompt"]
    raw = [json.loads(line)["kind"] for line in echoes.trajectory("s1").read_bytes().splitlines() if line]
    assert raw == ["header", *WORK, "end", "outcome"]


def test_a_project_that_cannot_be_written_waits_and_others_do_not(capture, session, project, tmp_path):
    closed = tmp_path / "closed"
    (closed / ".git").mkdir(parents=True)
    (closed / ".claude").write_text("in the way")
    session("s1", folder=closed).work()
    session("s2").work()
    capture.drain()
    assert kinds(Echoes(project), "s2") == WORK
    (closed / ".claude").unlink()
    capture.drain()
    assert kinds(Echoes(closed), "s1") == WORK


# notes


def note(text: str, one: str = "n-1", at: float = 1.0, **more: object) -> Note:
    return Note(one, at, text, **more)  # type: ignore[arg-type]


def test_a_note_joins_the_session_of_its_client(capture, session, project, echoes, client):
    session("s1", client=client.pid).work()
    session("s2", client=os.getpid()).work()
    capture.drain()
    assert capture.note(project, client.pid, note("Ports are numbers.")) == ("s1", False, {})
    assert kinds(echoes, "s1").count("note") == 1
    assert kinds(echoes, "s2").count("note") == 0


def test_a_note_of_an_unknown_client_joins_the_latest_open_session(capture, session, project, clock):
    session("s1").work()
    clock.advance(5)
    session("s2").work()
    clock.advance(5)
    session("s3").work()
    session("s3").end()
    capture.drain()
    assert capture.note(project, 4711, note("Ports are numbers."))[0] == "s2"


def test_the_same_note_is_written_once(capture, start, session, project, echoes):
    session().work()
    capture.drain()
    assert capture.note(project, 0, note("Ports are numbers.")) == ("s1", False, {})
    assert capture.note(project, 0, note("ports  are numbers.", "n-2")) == ("s1", True, {})
    again = start()
    again.drain()
    assert again.note(project, 0, note("Ports are numbers.", "n-3")) == ("s1", True, {})
    assert kinds(echoes).count("note") == 1


def test_secrets_in_a_note_are_taken_out_wherever_they_stand(capture, session, project, echoes):
    session().work()
    capture.drain()
    made = note(f"Use {TOKEN}.", evidence=f"it says {TOKEN}", tags=(TOKEN, "ci"))
    assert capture.note(project, 0, made)[2] == {"github-token": 2}
    assert TOKEN not in echoes.trajectory("s1").read_text()


def test_notes_without_a_session_get_one_of_their_own_in_their_own_project(
    capture, start, project, tmp_path, clock
):
    other = tmp_path / "other"
    (other / ".git").mkdir(parents=True)
    ours, _, _ = capture.note(project, 0, note("Ports are numbers.", at=clock()))
    theirs, _, _ = capture.note(other, 0, note("Names are short.", "n-2", at=clock()))
    assert ours != theirs
    assert [event.text for event in trajectory.read(Echoes(project).trajectory(ours)).events] == [
        "Ports are numbers."
    ]
    after = start()
    assert after.drain() == []
    clock.advance(CaptureConfig().silence_seconds + 1)
    found = {(closed.session, closed.project) for closed in after.drain()}
    assert found == {(ours, project), (theirs, other)}


def test_a_note_after_the_notes_of_the_day_were_closed_opens_them_again(capture, project, clock):
    name, _, _ = capture.note(project, 0, note("Ports are numbers.", at=clock()))
    clock.advance(CaptureConfig().silence_seconds + 1)
    (closed,) = capture.drain()
    capture.settled(closed)
    assert capture.drain() == []
    assert capture.note(project, 0, note("Names are short.", "n-2", at=clock())) == (name, False, {})
    clock.advance(CaptureConfig().silence_seconds + 1)
    assert [closed.session for closed in capture.drain()] == [name]


# forgetting


def test_a_forgotten_session_is_in_the_spool_no_more(capture, session, home):
    session().work()
    capture.drain()
    capture.forget("s1")
    assert list(home.spool.iterdir()) == []
    assert capture.open_sessions() == []


# kill -9

DAEMON = """
import os, signal, sys, time
from pathlib import Path
from rune import redact
from rune.capture import Capture
from rune.config import CaptureConfig
from rune.jobs import Jobs
from rune.paths import Echoes, Home
from rune.records import trajectory

home, package, fatal = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
steps = 0

def lines(frame, event, arg):
    global steps
    steps += event == "line"
    if steps == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return lines

def calls(frame, event, arg):
    return lines if frame.f_code.co_filename.startswith((package, "<string>")) else None

def main():
    jobs = Jobs(home.jobs, time.time)
    capture = Capture(home, CaptureConfig(), time.time, redact.redact, lambda path: [])
    capture.resume()
    for _ in range(3):
        for closed in capture.drain():
            past = trajectory.read(Echoes(closed.project).trajectory(closed.session))
            jobs.enqueue(closed.session, str(closed.project), past.content_hash)
            capture.settled(closed)

sys.settrace(calls)
main()
sys.settrace(None)
print(steps)
"""


def test_kill_9_at_any_moment_loses_no_event_and_doubles_none(home, echoes, session, clock):
    """A daemon is killed before the n-th line that it runs, n drawn anew each time; then one gets through."""
    clock.now = time.time() - 10
    names = [f"s{number}" for number in range(4)]
    for name in names:
        session(name).work()
        session(name).work("HOST")
        session(name).end()
    package, dice, kills = str(Path(rune.__file__).parent), random.Random(20261120), 0

    def live(fatal: int) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", DAEMON, str(home.root), package, str(fatal)]
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    for fatal in sorted(dice.randrange(100, 9000) for _ in range(16)):
        done = live(fatal)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        kills += done.returncode != 0
    assert kills > 6
    last = live(0)
    assert last.returncode == 0, last.stderr
    jobs = Jobs(home.jobs, time.time).summary()
    assert jobs.queued == len(names)
    for name in names:
        lines = echoes.trajectory(name).read_bytes().splitlines()
        assert [json.loads(line)["kind"] for line in lines].count("outcome") == 1
        past = trajectory.read(echoes.trajectory(name))
        assert kinds(echoes, name) == [*WORK, *WORK, "end"]
        assert past.closed == "SessionEnd"
        assert isinstance(past.events[-1], SessionEnd)
        ids = [json.loads(line).get("id") for line in lines]
        assert len(set(ids) - {None}) == sum(one is not None for one in ids) == 13
