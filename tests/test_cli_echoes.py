"""`rune echoes`: plans before deeds, codes, terminals, and the client's events, with the real processes."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rune import cli, paths
from rune.cli.asking import Asking
from rune.echoes import findings, person
from rune.echoes.operations import questions
from rune.echoes.person import Nobody, Person
from rune.echoes.store import Store
from rune.records import echo, question
from rune.records.echo import Entry, Memory
from rune.records.remembrance import CATEGORIES
from rune.testing import FakeSession

TYPED = Asking(Person("slash command", "s1"))
AGENT = Asking(Nobody("standard input is no terminal"))
ETCH = ("etch", "workers", "Postgres", "only:", "we", "use", "Postgres", "16.")
CODE = re.compile(r"--confirm ([0-9a-f]{6})")
OPENS = f"""
import socket, subprocess, sys
ours, theirs = socket.socketpair()
ours.sendall(sys.argv[1].encode())
ours.shutdown(socket.SHUT_WR)
sys.exit(subprocess.call([{sys.executable!r}, "-m", "rune", "echoes", "event"], stdin=theirs))
"""
"""What the client and its hook do with an event."""


def entry(title: str, layer: str = "inscribed", **fields: Any) -> Entry:
    day = date(2026, 1, 1)
    given = {"evidence": (f"`{title}.py:1` — seen",), "verified": day, "confidence": 0.5, **fields}
    return Entry(layer, title, day, f"{title} is so.", **given)


@pytest.fixture
def no_agent_above(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(person.MARK, raising=False)
    found = person.at_terminal()
    if isinstance(found, Nobody) and "agent" in found.reason:
        pytest.skip(f"below an agent nobody is a person: {found.reason}")


@pytest.fixture
def reviewer(echoes: paths.Echoes) -> Path:
    """The memory of a reviewer that knows too much, all of it stale but for one etched entry."""
    path = echoes.memory("reviewer")
    path.parent.mkdir(parents=True)
    past = (entry("Kept", "etched"), *(entry(f"Stale {n}") for n in range(20)))
    path.write_text(echo.render(Memory("reviewer", echo.empty("reviewer").preamble, past)), "utf-8")
    return path


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``run(asking, "prune", ...)`` runs a command in the project."""
    monkeypatch.chdir(project)
    return lambda asking, *words: CliRunner().invoke(cli.main, ("echoes", *words), obj=asking, color=True)


def confirmed(run: Callable[..., Result], asking: Asking, *words: str) -> Result:
    """Plan, then confirm with the code that the plan showed."""
    planned = run(asking, *words)
    assert (planned.exit_code, "Nothing is done yet" in planned.output) == (0, True), planned.output
    found = CODE.search(planned.output)
    assert found
    return run(asking, *words, "--confirm", found[1])


def titles(path: Path) -> list[str]:
    return [known.title for known in echo.parse(path.read_text("utf-8"), path).entries]


# Plans and codes


@pytest.mark.parametrize("asking", [TYPED, AGENT], ids=["typed", "agent"])
def test_prune_shows_its_plan_and_is_done_when_its_code_comes_back(run, reviewer, asking):
    done = confirmed(run, asking, "prune")
    assert (done.exit_code, titles(reviewer)) == (0, ["Kept"])
    assert "changed  .claude/echoes/reviewer/MEMORY.md" in done.output
    assert "copied   .claude/echoes/reviewer/archive/MEMORY-" in done.output
    assert "`undo` takes it back" in done.output


def test_a_plan_names_the_line_that_confirms_it_as_it_is_typed(run, reviewer):
    assert "/rune:echoes prune reviewer --confirm" in run(TYPED, "prune", "reviewer").output
    assert "rune echoes prune reviewer --confirm" in run(AGENT, "prune", "reviewer").output


def test_a_wrong_code_changes_nothing_and_fails(run, reviewer):
    before = reviewer.read_bytes()
    done = run(TYPED, "prune", "--confirm", "000000")
    assert (done.exit_code, reviewer.read_bytes()) == (1, before)
    assert "000000 is not the code of this plan" in done.output


@pytest.mark.parametrize("words", [("prune",), ("reset",), ("migrate",), ("undo",)])
def test_a_dry_run_shows_the_plan_and_no_code(run, reviewer, words):
    run(TYPED, *ETCH)
    before = reviewer.read_bytes()
    done = run(TYPED, *words, "--dry-run")
    assert (done.exit_code, CODE.search(done.output), reviewer.read_bytes()) == (0, None, before)
    assert done.output.strip()


def test_what_has_nothing_to_do_says_so_without_a_code(run):
    assert "nothing leaves: planner" in run(AGENT, "prune").output
    assert "0 change(s)" in run(AGENT, "migrate").output


def test_undo_takes_back_what_a_command_did(run, reviewer):
    before = reviewer.read_bytes()
    confirmed(run, TYPED, "prune")
    done = confirmed(run, TYPED, "undo")
    assert reviewer.read_bytes() == before
    assert "done: undo prune all roles; `undo` once more takes back the change before it" in done.output


def test_a_session_at_work_stops_a_change_but_not_a_plan_nor_the_person_who_types_in_it(
    run, reviewer, home, project
):
    """The phases themselves are tested where they are found; here, that a command asks for them."""
    home.spool.mkdir(parents=True)
    payload = {"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": "Work."}
    event = {
        "v": 1, "id": "1-1", "at": 4e9, "event": "UserPromptSubmit", "session": "s1", "project": str(project),
        "client": os.getpid(), "redactions": {}, "cut": 0, "payload": payload,
    }  # fmt: skip
    (home.spool / "s1.jsonl").write_text(json.dumps(event) + "\n", "utf-8")
    before = reviewer.read_bytes()
    refused = confirmed(run, AGENT, "prune")
    assert (refused.exit_code, reviewer.read_bytes()) == (1, before)
    assert "is at work" in refused.output
    elsewhere = confirmed(run, Asking(Person("slash command", "s2")), "prune")
    assert elsewhere.exit_code == 1
    assert confirmed(run, TYPED, "prune").exit_code == 0


# Persons


def test_a_typed_command_etches_at_once(run, echoes):
    done = run(TYPED, *ETCH)
    assert done.exit_code == 0
    assert titles(echoes.memory("workers")) == ["Postgres only"]


@pytest.mark.parametrize(
    "words",
    [ETCH, ("reset",), ("reset", "reviewer"), ("etch", "Kept", "--remove"), ("etch", "Stale 1", "--entry")],
    ids=" ".join,
)
def test_without_a_person_nothing_permanent_is_touched(run, reviewer, echoes, words):
    before = reviewer.read_bytes()
    done = run(AGENT, *words)
    assert (done.exit_code, reviewer.read_bytes()) == (1, before)
    assert "BLOCKED: only a person" in done.output
    assert not echoes.memory("workers").exists()
    found = re.search(r"Rune ([0-9a-f]{6}) in ", done.output)
    assert found
    again = run(AGENT, *words, "--confirm", found[1])
    assert (again.exit_code, reviewer.read_bytes()) == (1, before), "the code is no secret, and no permission"


def test_undoing_what_a_person_etched_is_for_a_person(run, echoes):
    run(TYPED, *ETCH)
    assert "BLOCKED: only a person removes an etched entry" in run(AGENT, "undo").output
    assert confirmed(run, TYPED, "undo").exit_code == 0
    assert not echoes.memory("workers").exists()


def test_a_refusal_leaves_a_question_for_the_command(run, home, project, echoes):
    done = run(AGENT, *ETCH, "--tag", "db")
    [path] = questions.folder(home).iterdir()
    asked = question.read(path)
    assert asked.words == (*ETCH, "--tag", "db")
    assert asked.project == str(project)
    printed = json.loads(done.output.splitlines()[-1])
    assert printed == questions.input_of(printed["questions"][0]["question"])


def test_a_refusal_names_the_command_as_it_is_typed(run, reviewer):
    said = run(AGENT, "etch", "Kept", "--remove").output
    assert "A person types /rune:echoes etch Kept --remove, or" in said
    said = run(AGENT, "etch", "team", "No tabs: ever.", "--label", "House rule").output
    assert '/rune:echoes etch team "No tabs: ever." --label "House rule", or' in said


def test_every_category_is_named_in_the_help(run):
    told = "".join(run(AGENT, "promote", "--help").output.split())
    assert [name for name in CATEGORIES if name not in told] == []
    refused = run(TYPED, "promote", "x", "--category", "misc")
    assert refused.exit_code == 1


def test_a_question_that_was_answered_is_about_what_would_be_done_now(run, home, echoes):
    output = run(AGENT, *ETCH).output
    text = json.loads(output.splitlines()[-1])["questions"][0]["question"]
    said = Asking(Person("question", "s1"), text)
    other = run(said, "etch", "workers", "Mongo only: we use Mongo.")
    assert (other.exit_code, echoes.memory("workers").exists()) == (1, False)
    assert "not about what would be done now" in other.output
    assert run(said, *ETCH).exit_code == 0
    assert titles(echoes.memory("workers")) == ["Postgres only"]


# The other commands


def test_promote_says_what_is_missing_and_fails(run, reviewer):
    done = run(TYPED, "promote", "Kept", "--category", "tooling")
    assert done.exit_code == 1
    assert "SKIP" in done.output
    assert "--symptom ... --root-cause ... --solution ..." in done.output


def test_promote_takes_what_the_entry_does_not_say_from_the_line(run, reviewer, echoes):
    said = ("--symptom", "It breaks", "--root-cause", "It is old", "--solution", "Renew it", "--tag", "age")
    kept = echo.parse(reviewer.read_text("utf-8"), reviewer).entries[0]
    reviewer.write_text(
        echo.render(Memory("reviewer", "", (entry("Kept", "etched", confidence=0.9),))), "utf-8"
    )
    done = confirmed(run, TYPED, "promote", kept.id, "--category", "tooling", *said)
    assert done.exit_code == 0
    assert (echoes.solutions / "tooling" / "kept.md").exists()
    assert "symptom:  It breaks" in run(AGENT, "remembrance", "old").output
    found = json.loads(run(AGENT, "remembrance", "--json").output)
    assert found["found"][0]["remembrance"]["tags"] == ["age"]


def test_show_adds_the_roles_to_the_overview(run, reviewer):
    text = run(AGENT, "show").output
    assert "Rune, the memory of" in text
    assert re.search(r"^reviewer +1 +20 +0 ", text, re.M)
    found = json.loads(run(AGENT, "show", "--json").output)
    assert found["memory"]["roles"][2]["layers"] == {"etched": 1, "inscribed": 20, "traced": 0}
    assert json.loads(run(AGENT, "show", "reviewer", "--json").output)["entries"][0]["title"] == "Kept"
    assert "Kept" in run(AGENT, "show", "reviewer").output


@pytest.mark.parametrize(
    "words",
    [("show", "reviewer"), ("show", "reviewer", "--json"), ("prune",), ("etch", "reviewer", "T: l \x9b2J")],
)
def test_what_an_echo_holds_reaches_no_terminal_as_a_command(run, reviewer, words):
    odd = "Kept \x1b[31mred\x9b2J\x07"
    past = (entry(odd, "etched"), *(entry(f"Stale {n} {odd}") for n in range(20)))
    reviewer.write_text(echo.render(Memory("reviewer", echo.empty("reviewer").preamble, past)), "utf-8")
    said = run(AGENT, *words).output
    assert "Kept" in said or "etch" in words
    assert [c for c in said if not c.isprintable() and c != "\n"] == []
    if "--json" in words:
        assert odd in {found["title"] for found in json.loads(said)["entries"]}


def test_an_unknown_role_is_named_with_the_known_ones(run):
    for words in (("show", "x"), ("prune", "x"), ("etch", "x", "T: l")):
        done = run(TYPED, *words)
        assert (done.exit_code, "'x' is no role" in done.output) == (1, True)


def test_init_opens_the_role_folders_to_git_where_the_project_wants_that(run, echoes):
    assert "git sees nothing" in run(AGENT, "init").output
    echoes.settings.write_text("echoes:\n  version_controlled: true\n", "utf-8")
    assert "git sees the role folders" in run(AGENT, "init").output
    assert "!/workers/" in echoes.ignore.read_text("utf-8")


def test_init_names_the_line_that_hides_all_of_claude_from_git_and_says_what_to_do(run, echoes, project):
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    (project / ".gitignore").write_text(".claude/\n", "utf-8")
    assert ".gitignore:1" not in run(AGENT, "init").output
    echoes.settings.write_text("echoes:\n  version_controlled: true\n", "utf-8")
    said = run(AGENT, "init").output
    assert "`.gitignore:1:.claude/`" in said
    assert "!/.claude/echoes/" in said
    assert "git sees the role folders" not in said
    assert (project / ".gitignore").read_text("utf-8") == ".claude/\n"


# Notes of agents

NOTE = ("note", "workers", "Ports:", "only", "8443", "is", "open.")


def test_an_agent_notes_a_finding_with_evidence_and_nobody_is_asked(run, echoes):
    done = run(AGENT, *NOTE, "--evidence", "`gateway.py:3` — the listener", "--agent", "ash", "--tag", "net")
    assert done.exit_code == 0, done.output
    path = echoes.findings("workers", "ash")
    assert f"noted    {path.relative_to(echoes.project)}" in done.output
    (found,) = echo.parse_findings(path.read_text("utf-8"), path)
    assert (found.layer, found.title, found.learning) == ("traced", "Ports", "only 8443 is open.")
    assert found.evidence == ("`gateway.py:3` — the listener",)
    assert (found.source, found.named("tags")) == ("rune:work ash", "net")
    assert not echoes.memory("workers").exists()


def test_a_note_names_the_session_that_is_at_work(run, echoes, home, project):
    FakeSession(home, project, "s7").prompt("Look at the ports.")
    assert run(AGENT, *NOTE, "--evidence", "a.py:3").exit_code == 0
    assert "- **source**: rune:work s7" in echoes.findings("workers", "agent").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (NOTE, "evidence: expected `file:lines`"),
        (("note", "driver", "T:", "l", "--evidence", "a.py:3"), "role: expected one of planner"),
        (("note", "team", "T:", "l", "--evidence", "a.py:3"), "expected the lead, found 'agent'"),
        (("note", "workers", "--evidence", "a.py:3"), "learning: expected `Title: the learning"),
    ],
)
def test_a_note_that_may_not_be_is_refused_with_what_was_expected(run, echoes, words, said):
    done = run(AGENT, *words)
    assert (done.exit_code, said in done.output) == (1, True), done.output
    assert not echoes.root.exists()


def test_a_secret_in_a_note_is_taken_out_and_that_is_said(run, echoes):
    token = "ghp_" + "a8Kd03jfLq92mNbX7vTz5RwYc1HsGu4Pe6Zo"
    done = run(AGENT, "note", "team", f"Login: the token is {token}.", "--evidence", "a:3", "--agent", "lead")
    assert "taken out before writing: 1 github-token" in done.output
    assert token not in echoes.findings("team", "lead").read_text("utf-8")


def test_what_the_skill_tells_agents_to_type_and_to_write_is_the_same_finding(run, echoes):
    skill = (Path(__file__).parents[1] / "plugin" / "skills" / "recall" / "SKILL.md").read_text("utf-8")
    typed = re.search(r"^    rune echoes (note .+)$", skill, re.M)
    written = re.search(r"```markdown\n(.+?)```", skill, re.S)
    assert typed
    assert written
    assert run(AGENT, *shlex.split(typed[1])).exit_code == 0
    path = echoes.findings("reviewer", "ward")
    (by_command,) = echo.parse_findings(path.read_text("utf-8"), path)
    (by_hand,) = echo.parse_findings(written[1], path)
    assert replace(by_command, day=by_hand.day, verified=by_hand.verified) == by_hand
    store = Store(echoes, time.time)
    with store.change("take in") as change:
        assert findings.take(change, "reviewer").problems == ()
    assert [one.title for one in store.read("reviewer").entries] == ["Unused imports"]


# Terminals


def at_a_terminal(project: Path, answer: str, *words: str) -> tuple[int, str]:
    """Status and output of a command whose terminal says this when it is asked."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rune", "echoes", *words]
    with subprocess.Popen(command, cwd=project, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # the other end is gone
                break
            if not part:
                break
            said += part
            if found := re.search(rb"Type ([0-9a-f]{6}) to do this: $", said):
                os.write(ours, (answer or found[1].decode()).encode() + b"\n")
                answer = answer or "again"
    os.close(ours)
    return process.returncode, said.decode()


@pytest.mark.usefixtures("no_agent_above")
def test_at_a_terminal_the_shown_code_is_typed(project, echoes):
    status, said = at_a_terminal(project, "", *ETCH)
    assert (status, titles(echoes.memory("workers"))) == (0, ["Postgres only"])
    assert "done: etch workers" in said


@pytest.mark.usefixtures("no_agent_above")
def test_at_a_terminal_anything_else_changes_nothing(project, echoes):
    status, said = at_a_terminal(project, "yes", *ETCH)
    assert (status, echoes.memory("workers").exists()) == (1, False)
    assert "another code was typed; nothing was done" in said


# Events of the client


@pytest.fixture
def client(
    tmp_path: Path, project: Path, no_agent_above: None
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``client(event, ...)``: a process that is called as the client is sends an event to Rune."""
    program = tmp_path / "claude"
    program.symlink_to(Path(sys.executable).resolve())

    def send(name: str, **fields: Any) -> subprocess.CompletedProcess[str]:
        event = {"hook_event_name": name, "session_id": "s1", "cwd": str(project), **fields}
        command = [str(program), "-c", OPENS, json.dumps(event)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    return send


def test_a_typed_line_is_read_as_a_person_typed_it(client, echoes):
    done = client(
        "UserPromptExpansion",
        command_name="rune:echoes",
        command_args="etch workers No tabs: don't use them; spaces, \"always\". --label 'House rule'",
    )
    assert (done.returncode, done.stderr) == (0, "")
    [known] = echo.parse(echoes.memory("workers").read_text("utf-8"), "").entries
    assert (known.label, known.title) == ("House rule", "No tabs")
    assert known.learning == 'don\'t use them; spaces, "always".'


def test_without_words_everything_is_shown(client):
    assert (
        "Rune, the memory of"
        in client("UserPromptExpansion", command_name="rune:echoes", command_args="").stdout
    )


def test_a_mistyped_command_is_told_how_it_is_typed(client):
    done = client("UserPromptExpansion", command_name="rune:echoes", command_args="purge")
    assert done.returncode == 2
    assert "Usage: /rune:echoes" in done.stderr
    assert "'purge'" in done.stderr


def test_an_answer_to_runes_question_is_acted_on_once(client, run, echoes):
    asked = json.loads(run(AGENT, *ETCH).output.splitlines()[-1])
    text = asked["questions"][0]["question"]
    answer = {"tool_name": "AskUserQuestion", "tool_response": {**asked, "answers": {text: "Yes"}}}
    assert "done: etch workers" in client("PostToolUse", **answer).stdout
    assert titles(echoes.memory("workers")) == ["Postgres only"]
    again = client("PostToolUse", **answer)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_an_answer_that_nobody_gave_is_not_acted_on(run, project, echoes):
    """The same event, through a pipe: as an agent would send it."""
    asked = json.loads(run(AGENT, *ETCH).output.splitlines()[-1])
    text = asked["questions"][0]["question"]
    answer = {"tool_name": "AskUserQuestion", "tool_response": {**asked, "answers": {text: "Yes"}}}
    event = {"hook_event_name": "PostToolUse", "session_id": "s1", "cwd": str(project), **answer}
    done = subprocess.run(
        [sys.executable, "-m", "rune", "echoes", "event"], input=json.dumps(event), capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "BLOCKED: only a person etches, and the event did not come through" in done.stderr
    assert not echoes.memory("workers").exists()


def test_other_events_are_none_of_its_business(client):
    done = client("PostToolUse", tool_name="Bash", tool_response={"stdout": "Yes"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
