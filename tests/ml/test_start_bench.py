"""``rune bench start`` on a tiny base: turns, a run that was cut off, two processes, and what is measured."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from rune.bench import sessions, start
from rune.bench.distil.work import Work
from rune.bench.sessions import Corpus
from rune.errors import RuneError
from rune.ml import lora
from rune.ml import start as starts
from rune.records.trajectory import Execution, Prompt, Reflection, Trajectory


def past(about: str, project: str) -> Trajectory:
    run = f"pytest tests/test_{about}.py"
    return Trajectory(f"s-{about}", project, "import", 0.0, (
        Prompt("e1", 1.0, f"Make the {about} work."),
        Execution("e2", 2.0, "Bash", run, f"TypeError: {about} must be int, not str", False),
        Reflection("e3", 3.0, f"The {about} test failed because `{about}_total` was passed as a string."),
        Execution("e4", 4.0, "Bash", run, "1 passed", True),
    ))  # fmt: skip


@pytest.fixture
def using(tiny, quick, tmp_path) -> start.Tools:
    own = tuple(past(about, "/elsewhere") for about in ("invoice", "parser"))
    development = (*own, past("printer", sessions.MINI))
    corpus = Corpus(development, (), tuple(past(f"spare{n}", sessions.MINI) for n in range(11)))
    short = replace(quick, max_epochs=2, started_epochs=1, least_steps=1)
    return start.Tools(tiny, short, tmp_path / "general.json", corpus, Work(tmp_path / "work"))


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(start, "SPARE", 1)
    monkeypatch.setattr(start, "APART", 1)
    monkeypatch.setattr(start, "EPOCHS", 1)


def test_the_clients_own_sessions_come_first_and_the_measured_ones_in_no_turn(using):
    spare = tuple(past(f"spare{n}", sessions.MINI) for n in range(start.SPARE + start.APART))
    turns = start.turns(replace(using.corpus, spare=spare))
    first, second = ([one.session for one in turn] for turn in turns)
    assert first == ["s-invoice", "s-parser"]
    assert second == ["s-invoice", "s-parser", "s-printer", *(f"s-spare{n}" for n in range(start.SPARE))]
    assert not {one.session for one in spare[-start.APART :]} & set(second)


def test_a_start_is_made_turn_after_turn_and_measured_on_another_session(using, few, tmp_path):
    start.make(using, tmp_path / "start")
    raw = json.loads((tmp_path / "start" / starts.NAME).read_text())
    assert raw["record"]["turns"] == [2, 4]
    assert {row["session"] for row in using.work.all("turn-2")} == {
        "s-invoice", "s-parser", "s-printer", "s-spare0",
    }  # fmt: skip
    told = start.measure(using, tmp_path / "start")
    assert [row["row"] for row in told["rows"]] == [*start.ARMS, "members"]
    assert {row["session"] for row in told["rows"][:3]} == {"s-spare10"}
    summary = told["summary"]
    assert (summary["sessions"], summary["fresh_trained"] is not None) == (1, True)
    assert told["rows"][0]["steps"] > told["rows"][1]["steps"], "from nothing training is longer"
    assert summary["speedup"] > 0


def test_the_second_turn_begins_where_the_first_one_agrees(using, few, tmp_path):
    """Learnt from nothing, a session's adapter is another one than from the mean."""
    start.make(using, tmp_path / "start")
    one, two = (
        lora.load(using.work.folder / turn / "s-invoice", using.base.device) for turn in ("turn-1", "turn-2")
    )
    assert any(not torch.equal(part.a, two.factors[name].a) for name, part in one.factors.items())


def test_a_run_that_was_cut_off_goes_on_and_gives_the_same_weights(using, few, tmp_path, monkeypatch):
    start.make(using, tmp_path / "whole")
    again = replace(using, work=Work(tmp_path / "again"))
    learnt, count = start._learnt, iter(range(100))

    def dies(*arguments):
        if next(count) == 3:
            raise KeyboardInterrupt
        return learnt(*arguments)

    monkeypatch.setattr(start, "_learnt", dies)
    with pytest.raises(KeyboardInterrupt):
        start.make(again, tmp_path / "cut")
    assert not (tmp_path / "cut").exists()
    start.make(again, tmp_path / "cut")
    whole, cut = (tmp_path / name / lora.WEIGHTS for name in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()


def test_a_turn_waits_for_what_another_process_learns(using, few, tmp_path):
    with Work(using.work.folder).claimed("turn-1", "s-parser"), pytest.raises(RuneError, match="1 sessions"):
        start.make(using, tmp_path / "start")
    assert using.work.get("turn-1", "s-invoice") is not None
    start.make(using, tmp_path / "start")


def test_without_a_start_there_is_nothing_to_measure(using, tmp_path):
    with pytest.raises(RuneError, match="--make"):
        start.measure(using, tmp_path / "nothing")
