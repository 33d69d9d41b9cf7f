"""The kill switch: what was registered holds, nothing leaks, and the verdict follows from the marks alone."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from rune.bench.gate import arms, execution, leaks, procedures, protocol, run, story, verdict
from rune.bench.gate.verdict import Outcome
from rune.cli import main
from rune.errors import FormatError, NewerVersion, RuneError
from rune.records.trajectory import Execution, Generation

REGISTERED = protocol.read()
TASKS = procedures.tasks(REGISTERED.seed, REGISTERED.tasks, REGISTERED.inputs)
ALL, NONE, SOME = [True] * 10, [False] * 10, [True] * 2 + [False] * 8


@pytest.fixture(params=TASKS, ids=lambda task: task.name)
def task(request):
    return request.param


# what was registered


def test_the_tasks_are_those_that_were_registered():
    run.check(REGISTERED, TASKS)


def test_changed_tasks_get_no_verdict():
    changed = [replace(TASKS[0], held_out=TASKS[0].held_out[1:]), *TASKS[1:]]
    with pytest.raises(RuneError, match="what was registered may not change"):
        run.check(REGISTERED, changed)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"v": 2}, NewerVersion, "update Rune"),
        ({"primary": "magic"}, FormatError, "found magic"),
        ({"floor": None}, FormatError, "expected a protocol"),
    ],
)
def test_a_protocol_that_cannot_be_followed_is_refused(change, error, match, tmp_path):
    path = tmp_path / "gate.json"
    raw = {**json.loads(protocol.PATH.read_text("utf-8")), **change}
    if change.get("floor", 0) is None:
        del raw["floor"]
    path.write_text(json.dumps(raw), "utf-8")
    with pytest.raises(error, match=match):
        protocol.read(path)


def test_a_gate_that_cannot_be_run_says_so_with_a_status_of_its_own(tmp_path):
    path = tmp_path / "gate.json"
    path.write_text("{}", "utf-8")
    done = CliRunner().invoke(main, ["gate", "--protocol", str(path)])
    assert done.exit_code == 3
    assert "could not be run" in done.output


# tasks


def test_results_are_those_of_execution_and_the_first_attempt_fails(task):
    assert len(task.held_out) == REGISTERED.inputs
    argument, result = task.held_out[0]
    assert execution.results(task.source, task.name, [argument]) == [result]
    told = story.session(task).events
    assert [event.ok for event in told if isinstance(event, Execution)] == [False, True, True]
    assert [event.text for event in told if isinstance(event, Generation)] == [task.wrong, task.source]


def test_nothing_leaks(task):
    assert run.leaking(task, REGISTERED) == []


def test_a_leak_is_found(task):
    argument, _ = task.held_out[0]
    assert leaks.of(task, [f"I ran {task.name.upper()}( {argument} ) and it worked"])
    known = replace(task, more=(*task.more, task.held_out[3]))
    assert leaks.pairs(known) == [f"{task.name}({task.held_out[3][0]}) is held out and taught"]


def test_no_closed_prompt_holds_the_source(task):
    assert not any(leaks.source_in(asked, task) for asked in arms.questions(task))
    assert leaks.source_in(f"Given:\n{task.source}\nwhat is it?", task)


# running code


@pytest.mark.parametrize(
    "source",
    ["def f(x):\n    return 1 /", "def g(x):\n    return x", "def f(x):\n    raise SystemExit",
     "def f(x):\n    return 'x' * 10 ** 10", "import os\nos._exit(0)",
     "print('rune-result:[7]')\nraise SystemExit"],
)  # fmt: skip
def test_code_that_does_not_work_gives_nothing(source):
    assert execution.attempt(source, "f", ["1", "2"]) is None


def test_code_that_never_ends_gives_nothing(monkeypatch):
    monkeypatch.setattr(execution, "SECONDS", 1)
    assert execution.attempt("def f(x):\n    while True: pass", "f", ["1"]) is None


def test_code_that_works_gives_results():
    assert execution.attempt("def f(x):\n    return x + 1", "f", ["1", "41"]) == ["2", "42"]


def test_an_answer_is_held_against_its_result(task):
    values = [f"It returns `{result}`." for _, result in task.held_out]
    row = arms.judged("vanilla", task, [*values, f"```python\n{task.source}```"])
    assert all(row.right)
    assert row.runs
    row = arms.judged("vanilla", task, ["no idea"] * (len(values) + 1))
    assert not any(row.right)
    assert not row.runs


# the verdict


def marks(primary, over, reader=ALL, tasks=5):
    names = [f"t{n}" for n in range(tasks)]
    given = {"hypernetwork": primary, "vanilla": over, "in_context": reader}
    return {arm: dict.fromkeys(names, some) for arm, some in given.items() if some is not None}


@pytest.mark.parametrize(
    ("arms_", "outcome", "why"),
    [
        (marks(ALL, NONE), "PASS", "hypernetwork over vanilla: +1.000"),
        (marks(SOME, NONE), "PASS", "+0.200"),
        (marks(NONE, NONE), "FAIL", "+0.000"),
        (marks(NONE, SOME), "FAIL", "-0.200"),
        (marks(ALL, NONE, [True] + [False] * 9), "INCONCLUSIVE", "floor"),
        (marks(ALL, NONE, tasks=3), "INCONCLUSIVE", "floor"),
        (marks(None, NONE), "INCONCLUSIVE", "not run: hypernetwork"),
        ({}, "INCONCLUSIVE", "floor"),
    ],
)
def test_the_verdict_follows_from_the_marks(arms_, outcome, why):
    found = verdict.decide(replace(REGISTERED, resamples=500), arms_)
    assert (found.outcome, why in found.why) == (outcome, True), found.why


def test_a_gain_that_may_be_chance_is_no_pass():
    uneven = marks(NONE, NONE)
    uneven["hypernetwork"] = {**uneven["hypernetwork"], "t0": ALL}
    found = verdict.decide(replace(REGISTERED, resamples=500), uneven)
    assert found.outcome == Outcome.INCONCLUSIVE
    assert found.difference == 0.2
    assert found.low == 0.0


def test_a_leak_forbids_every_verdict():
    found = verdict.decide(REGISTERED, marks(ALL, NONE), ["f(1) is held out and was seen"])
    assert found.outcome == Outcome.INCONCLUSIVE
    assert found.why.startswith("leak: f(1)")


def test_exit_statuses():
    assert {outcome: outcome.code for outcome in Outcome} == {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 2}


# with the real base


@pytest.mark.model
def test_answers_are_kept_until_what_gave_them_changes(models, monkeypatch, tmp_path):
    monkeypatch.setenv("RUNE_HOME", str(models.parent))
    monkeypatch.setattr(arms, "TOKENS", 4)
    monkeypatch.setattr(arms, "CODE_TOKENS", 4)
    task = replace(TASKS[0], held_out=TASKS[0].held_out[:1])
    one = replace(REGISTERED, tasks=1)
    made = run.bench(one, tmp_path)
    rows = run.read_by(made, task)
    assert [row.arm for row in rows] == ["vanilla", "in_context", "text_rag"]
    assert [len(row.answers) for row in rows] == [1, 1, 1]
    assert made.distillers.keys() == made.made_by.keys() - {""} | {"gradient"}
    assert verdict.decide(one, run.marks(rows)).outcome == Outcome.INCONCLUSIVE

    def asked_again(*_):
        raise AssertionError("asked again")

    monkeypatch.setattr(arms, "judged", asked_again)
    assert run.read_by(made, task) == rows
    with pytest.raises(AssertionError, match="asked again"):
        run.read_by(replace(made, made_by={"": "another base"}), task)
