import dataclasses
import json
import subprocess
import sys

import pytest

from rune import files, show
from rune.jobs import Jobs
from rune.library import Library
from rune.records import trajectory
from rune.records.trajectory import Prompt
from rune.show import text

NOON = 1795176000.0


@pytest.fixture
def look(project, home):
    return lambda: show.collect(project, home)


@pytest.fixture
def set_up(home):
    """What ``rune setup`` leaves behind, as far as ``show`` looks at it."""
    files.private_folder(home.models / "smollm2-135m-instruct")
    home.launch.write_text('{"v": 1, "argv": ["python"]}')


@pytest.fixture
def adapter(echoes, clock, make_card, fill_stage):
    """``adapter(session=..., ...)`` adds one."""

    def adapter(weights=b"weights", **changes):
        library = Library(echoes, clock)
        with library.staging() as stage:
            fill_stage(stage, weights)
            return library.add(stage, make_card(**changes))

    return adapter


def spool(home, session, project, *lines):
    for number, (event, payload) in enumerate(lines):
        about = {"session": session, "project": str(project), "payload": payload}
        record = {"v": 1, "id": f"{session}-{number}", "at": NOON + number, "event": event, **about}
        files.append(home.spool / f"{session}.jsonl", record)


# nothing yet


def test_with_nothing_captured_it_says_what_happens_next(look, set_up):
    said = show.render(look(), NOON)
    assert "Nothing of this project has been captured yet" in said
    assert "rune_recall" in said
    assert "rune setup" not in said


def test_before_setup_it_says_what_to_do(look):
    assert not look().ready
    assert "`rune setup` brings the model" in show.render(look(), NOON)


def test_a_base_given_by_path_counts_as_set_up_where_it_is(look, home, set_up, tmp_path):
    home.config.write_text(f'[model]\nbase = "{tmp_path / "my-model"}"\n')
    assert not look().ready
    (tmp_path / "my-model").mkdir()
    assert look().ready


def test_looking_writes_nothing(look, project, home, set_up, write_session):
    write_session()
    before = sorted(project.rglob("*")) + sorted(home.root.rglob("*"))
    show.render(look(), NOON)
    assert sorted(project.rglob("*")) + sorted(home.root.rglob("*")) == before


# what was captured


def test_a_session_is_open_then_closed_then_distilled(look, write_session, echoes, adapter):
    path = write_session(closed=False)
    assert look().sessions[0].state == "open"
    trajectory.close(path, "SessionEnd", NOON + 9, 7)
    assert look().sessions[0].state == "closed"
    made = adapter()
    (row,) = look().sessions
    assert (row.state, row.adapter) == ("distilled", made.id)


def test_events_are_counted_by_kind_and_the_last_one_is_named(look, write_session):
    write_session("s1")
    write_session("s2", events=(Prompt("p1", NOON + 99, "and now?"),), closed=False)
    found = look()
    assert found.sessions[0].events == {
        "prompt": 1,
        "generation": 2,
        "execution": 2,
        "reflection": 1,
        "end": 1,
    }
    assert found.last_event == show.overview.LastEvent(NOON + 99, "prompt", "s2")
    assert found.redactions == {"aws-access-key": 2}
    assert found.sessions[0].bytes > 500


def test_an_adapter_is_shown_with_its_state_size_and_newest_scores(look, echoes, clock, adapter):
    made = adapter()
    (row,) = look().adapters
    assert (row.id, row.state, row.bytes, row.lessons) == (made.id, "active", made.bytes, 1)
    assert (row.probes_before["heldout"], row.probes_after["heldout"]) == (0.0, 0.5)
    Library(echoes, clock).score(made.id, {"trained": 1.0, "heldout": 0.75})
    Library(echoes, clock).archive(made.id)
    (row,) = look().adapters
    assert (row.state, row.probes_after["heldout"]) == ("archived", 0.75)


def test_of_two_adapters_of_a_session_the_one_in_service_is_named(look, write_session, adapter):
    write_session()
    old = adapter(b"old")
    new = adapter(b"new", source_hash="e" * 64, created=NOON + 1)
    assert look().sessions[0].adapter == new.id
    assert {row.id: row.superseded_by for row in look().adapters} == {old.id: new.id, new.id: ""}


def test_jobs_that_wait_and_the_last_error_come_from_the_journal(look, home, project, clock):
    jobs = Jobs(home.jobs, clock)
    jobs.enqueue("elsewhere", "/another/project", "aa" * 32)
    jobs.enqueue("s1", str(project), "aa" * 32)
    jobs.enqueue("s2", str(project), "bb" * 32)
    jobs.done(jobs.started(jobs.next(clock())), "a0")
    jobs.postponed(jobs.started(jobs.next(clock())), "not enough memory", 600)
    found = look()
    assert {job.session: job.state for job in found.jobs} == {"s1": "postponed", "s2": "queued"}
    assert found.last_error.reason == "not enough memory"
    said = show.render(dataclasses.replace(found, ready=True), clock() + 60)
    assert "job            distil s1: postponed, due in 9 min" in said


def test_a_session_without_an_adapter_says_why(look, home, project, clock, write_session):
    write_session("s1")
    jobs = Jobs(home.jobs, clock)
    jobs.enqueue("s1", str(project), "aa" * 32)
    assert look().sessions[0].note == "queued"
    jobs.done(jobs.started(jobs.next(clock())), "", "no lesson in it")
    assert look().sessions[0].note == "no adapter: no lesson in it"
    assert "no adapter: no lesson in it" in show.render(look(), NOON)


def test_what_waits_in_the_spool_is_counted_until_it_is_captured(look, home, project, echoes):
    asked = ("UserPromptSubmit", {"prompt": "fix it"})
    spool(home, "s1", project, ("SessionStart", {"source": "startup"}), asked, asked)
    spool(home, "s2", project.parent / "elsewhere", asked)
    found = look()
    assert (found.waiting_files, found.waiting_events) == (1, 2)
    assert "2 events of 1 session not taken in yet" in show.render(found, NOON)
    trajectory.start(echoes.trajectory("s1"), "s1", str(project), "live", NOON)
    trajectory.append(
        echoes.trajectory("s1"), [Prompt("s1-1", NOON, "fix it"), Prompt("s1-2", NOON, "fix it")]
    )
    found = look()
    assert (found.waiting_files, found.waiting_events) == (0, 0)
    assert "not taken in yet" not in show.render(found, NOON)


def test_a_session_that_only_began_waits_for_nothing(look, home, project):
    spool(home, "s1", project, ("SessionStart", {"source": "startup"}))
    assert look().waiting_files == 0


def test_a_subfolder_shows_the_whole_project(project, home, write_session):
    write_session()
    (project / "src").mkdir()
    assert show.collect(project / "src", home) == show.collect(project, home)


# damage


def test_damaged_files_are_named_and_the_rest_is_shown(look, echoes, home, write_session, adapter):
    write_session("whole")
    write_session("newer").write_text('{"v": 2, "kind": "header"}\n')
    write_session("broken").write_text(
        '{"v": 1, "kind": "prompt", "id": "e1", "at": 1, "text": "no header"}\n'
    )
    card = echoes.adapters / adapter().id / "card.json"
    card.chmod(0o600)
    card.write_text("{")
    echoes.ledger.write_text('{"v": 2}\n')
    files.private_folder(home.root)
    home.jobs.write_text('{"v": 2}\n')
    home.config.write_text("[distill]\n")
    found = look()
    assert [row.session for row in found.sessions] == ["whole"]
    named = ("newer.jsonl", "broken.jsonl", "card.json", "ledger.jsonl", "jobs.jsonl", "config.toml")
    assert len(found.problems) == len(named)
    said = show.render(found, NOON)
    assert all(any(name in problem for problem in found.problems) for name in named)
    assert "Problems" in said
    assert "update rune-memory" in said


def test_a_spool_that_cannot_be_read_stops_nothing(look, home, project):
    files.private_folder(home.spool)
    (home.spool / "s1.jsonl").write_bytes(b"nonsense\n")
    spool(home, "s2", project, ("UserPromptSubmit", {"prompt": "fix it"}))
    assert look().waiting_files == 1


# how it is said


def test_the_text_is_the_same_for_the_same_files_and_no_line_is_longer_than_100(look, write_session, adapter):
    for number in range(15):
        session = f"0b3f6a1e-77aa-4f7b-9d2e-{number:012}"
        write_session(session, at=NOON + number)
        adapter(
            b"%d" % number,
            session=session,
            source_hash=f"{number:064}",
            summary="long " * 40,
            created=NOON + number,
        )
    said = show.render(look(), NOON + 3600)
    assert said == show.render(look(), NOON + 3600)
    assert max(map(len, said.splitlines())) <= text.WIDTH
    assert said.count("and 3 older ones: --json lists them") == 2
    assert "0b3f6a1e-77aa-4f7b-9d2e-000000000014" in said
    assert "15: 15 distilled" in said
    assert "15 in service of 15" in said
    assert "0>100 0>50 ->- ->-" in said


def test_the_whole_text(look, write_session, adapter, set_up, project):
    write_session()
    made = adapter()
    lines = show.render(look(), NOON + 67).splitlines()
    assert lines[0] == f"Rune, the memory of {project}"
    size = text._size((project / ".claude/echoes/trajectories/s1.jsonl").stat().st_size)
    assert lines[2:9] == [
        "sessions       1: 1 distilled",
        f"trajectories   {size}, 7 events: 2 execution, 2 generation, 1 end, 1 prompt, 1 reflection",
        f"adapters       1 in service of 1, {text._size(made.bytes)}, 1 lesson",
        "redacted       1 secret: 1 aws-access-key",
        "last event     1 min ago: end in session s1",
        f"last adapter   1 min ago: {made.id}, currency of the invoice",
        "",
    ]
    assert lines[9:11] == [
        "SESSION  STATE      LAST EVENT  EVENTS  ADAPTER",
        f"s1       distilled  1 min ago   7       {made.id}",
    ]


def test_nothing_that_a_terminal_would_act_on_is_printed(look, write_session, adapter):
    write_session()
    adapter(summary="red \x1b[31m and\nbroken\tlines \x07")
    said = show.render(look(), NOON)
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "red and broken lines" in said


def test_programs_get_the_same_as_json(look, write_session, adapter, home, project, clock):
    write_session()
    made = adapter()
    Jobs(home.jobs, clock).enqueue("s2", str(project), "aa" * 32)
    found = json.loads(show.to_json(look()))
    assert found["project"] == str(project)
    assert found["sessions"][0]["events"]["prompt"] == 1
    assert found["adapters"][0]["id"] == made.id
    assert found["jobs"][0]["session"] == "s2"
    assert found["redactions"] == {"aws-access-key": 1}
    assert found["last_event"]["kind"] == "end"
    assert found["problems"] == []


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (0, "just now"),
        (1, "1 s ago"),
        (119, "1 min ago"),
        (7200, "2 h ago"),
        (1e6, "11 d ago"),
        (-90, "in 1 min"),
    ],
)
def test_times_are_said_as_people_say_them(then, said):
    assert text.ago(NOON, NOON - then) == said


def test_showing_needs_no_heavy_library():
    heavy = ("torch", "chromadb", "numpy", "rich", "transformers", "pydantic", "mcp", "httpx")
    script = f"import sys, rune.show; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
