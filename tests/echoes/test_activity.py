import json
import os
import time
from collections.abc import Callable, Sequence

import pytest

from rune.capture import Capture, client_alive
from rune.config import CaptureConfig
from rune.echoes.activity import SILENCE, active
from rune.records import trajectory
from rune.redact import redact

NOON = 1795176000.0


@pytest.fixture
def hooks(home, project):
    """``hooks(session, event, ...)`` appends to the spool what hooks would: names, or (name, payload)."""

    def fire(
        session: str, *events: str | tuple[str, dict], at: float = NOON, client: int = 0, folder=project
    ):
        home.spool.mkdir(parents=True, exist_ok=True)
        with (home.spool / f"{session}.jsonl").open("a") as file:
            for number, event in enumerate(events):
                name, payload = (event, {}) if isinstance(event, str) else event
                if name == "UserPromptSubmit":
                    payload = {"prompt": "go on"}
                record = {"v": 1, "id": f"{session}-{at}-{number}", "at": at + number, "event": name,
                          "session": session, "project": str(folder), "client": client, "redactions": {},
                          "cut": 0, "payload": payload}  # fmt: skip
                file.write(json.dumps(record) + "\n")

    return fire


@pytest.fixture
def at_work(home, echoes) -> Callable[..., Sequence[str]]:
    """``at_work(now=..., typing=..., alive=...)``: the sessions."""

    def ask(now: float = NOON + 60, **options: object) -> list[str]:
        return [phase.session for phase in active(home, echoes, now, **options)]

    return ask


def test_nobody_is_at_work_where_nothing_happened(at_work):
    assert at_work() == []


def test_a_prompt_without_its_stop_is_work(hooks, at_work):
    hooks("s1", "SessionStart", "UserPromptSubmit", "PostToolUse")
    hooks("s2", "SessionStart", "UserPromptSubmit", "PostToolUse", "Stop")
    assert at_work() == ["s1"]


def test_the_session_in_which_somebody_types_is_idle_the_others_are_not(hooks, at_work):
    hooks("s1", "UserPromptSubmit")
    hooks("s2", "UserPromptSubmit")
    assert at_work(typing="s1") == ["s2"]


@pytest.mark.parametrize(
    "end",
    [
        "Stop",
        "StopFailure",
        "SessionEnd",
        ("SessionStart", {"source": "clear"}),
        ("PostToolUseFailure", {"is_interrupt": True}),
    ],
)
def test_what_ends_a_step(hooks, at_work, end):
    hooks("s1", "UserPromptSubmit", end)
    assert at_work() == []


@pytest.mark.parametrize(
    "event",
    ["PostToolUse", "SubagentStop", "PreCompact", "Unparsed", ("SessionStart", {"source": "compact"}),
     ("PostToolUseFailure", {"error": "Exit code 1"})],
)  # fmt: skip
def test_what_ends_none(hooks, at_work, event):
    hooks("s1", "UserPromptSubmit", event)
    assert at_work() == ["s1"]


def test_the_next_prompt_begins_the_next_step(hooks, at_work, home, echoes):
    hooks("s1", "UserPromptSubmit", "Stop", at=NOON)
    hooks("s1", "UserPromptSubmit", "PostToolUse", at=NOON + 30, client=7)
    [phase] = active(home, echoes, NOON + 60)
    assert (phase.since, phase.last, phase.client) == (NOON + 30, NOON + 31, 7)


def test_another_project_is_none_of_ours_and_a_subfolder_is(hooks, at_work, tmp_path, project):
    (tmp_path / "other" / ".git").mkdir(parents=True)
    (project / "src").mkdir()
    hooks("s1", "UserPromptSubmit", folder=tmp_path / "other")
    hooks("s2", "UserPromptSubmit", folder=project / "src")
    hooks("s3", "UserPromptSubmit", folder=tmp_path / "gone")
    assert at_work() == ["s2"]


def test_a_client_that_died_is_not_at_work_whatever_the_spool_says(hooks, at_work):
    hooks("s1", "UserPromptSubmit", client=2**22 + 5)
    assert at_work(alive=client_alive) == []


def test_a_client_that_runs_is_at_work_however_silent(hooks, at_work):
    hooks("s1", "UserPromptSubmit", client=7)
    assert at_work(now=NOON + 10 * SILENCE, alive=lambda pid, seen: True) == ["s1"]


def test_an_unknown_client_is_given_up_after_a_long_silence(hooks, at_work):
    hooks("s1", "UserPromptSubmit")
    assert at_work(now=NOON + SILENCE - 10) == ["s1"]
    assert at_work(now=NOON + SILENCE + 10) == []


def test_a_line_that_nobody_can_read_hides_no_other(hooks, at_work, home):
    hooks("s1", "UserPromptSubmit")
    with (home.spool / "s1.jsonl").open("a") as file:
        file.write('no json\n{"v": 99}\n{"torn')
    assert at_work() == ["s1"]


# trajectories: made by the real capture, from the same spool


@pytest.fixture
def drain(home, clock) -> Callable[[], object]:
    capture = Capture(home, CaptureConfig(), clock, redact, lambda path: ())
    return capture.drain


def test_taken_in_or_not_makes_no_difference(hooks, at_work, drain):
    hooks("s1", "SessionStart", "UserPromptSubmit", "PostToolUse")
    drain()
    assert at_work() == ["s1"]
    hooks("s1", "Stop", at=NOON + 10)  # a Stop without words leaves nothing in the trajectory
    assert at_work() == []
    drain()
    assert at_work() == []


def test_a_session_that_the_daemon_closed_is_over_and_at_work_again_when_it_is_resumed(
    hooks, at_work, drain, clock
):
    hooks("s1", "UserPromptSubmit")
    clock.advance(5 * 1800)
    drain()
    assert at_work() == []
    hooks("s1", "UserPromptSubmit", at=clock.now)
    assert at_work(now=clock.now + 5) == ["s1"]


def without_spool(home):
    for path in home.spool.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["UserPromptSubmit"], ["s1"]),
        (["UserPromptSubmit", ("Stop", {"last_assistant_message": "Done."})], []),
        (["UserPromptSubmit", ("SubagentStop", {"last_assistant_message": "x", "agent_id": "a"})], ["s1"]),
        (["UserPromptSubmit", ("StopFailure", {"error": "overloaded"})], []),
    ],
)
def test_without_its_spool_file_the_trajectory_tells(home, echoes, hooks, at_work, drain, events, expected):
    hooks("s1", *events)
    drain()
    without_spool(home)
    os.utime(echoes.trajectory("s1"), (NOON, NOON))
    assert at_work() == expected
    assert at_work(now=NOON + 2 * SILENCE) == []


def test_an_imported_or_damaged_trajectory_says_nothing(echoes, at_work, write_session, events):
    write_session("s1", closed=True)
    path = echoes.trajectory("s2")
    trajectory.start(path, "s2", str(echoes.project), "import", NOON)
    trajectory.append(path, events[:1])
    echoes.trajectory("s3").write_text('{"v": 1, "kind": "prompt"}\n')
    assert at_work(now=time.time()) == []
