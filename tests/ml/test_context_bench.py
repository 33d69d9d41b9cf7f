"""``rune bench context`` on a tiny base: every way of teaching, a run that was cut off, and the figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rune.bench import context, start
from rune.bench.distil import probes
from rune.bench.distil.work import Work
from rune.bench.sessions import Corpus
from rune.cli.bench import bench_context
from rune.errors import RuneError


@pytest.fixture
def using(tiny, quick, invoice, tmp_path, monkeypatch) -> start.Tools:
    past, asked = invoice
    monkeypatch.setattr(probes, "load", {context.SPLIT: [asked, replace(asked, session="s2")]}.__getitem__)
    short = replace(quick, max_epochs=2, started_epochs=0, least_steps=1)
    corpus = Corpus((past,), (), ())
    return start.Tools(tiny, short, tmp_path / "general.json", corpus, Work(tmp_path / "work"))


def test_each_session_is_learnt_every_way_and_asked_its_own_questions(using, monkeypatch):
    told = context.measure(using, 4)
    ways = {row["row"]: row for row in told["rows"]}
    assert {name: row["taught_by_context"] for name, row in ways.items()} == {
        "answers": False, "context": True, "worded": True,
    }  # fmt: skip
    assert [row["asked"] for row in ways.values()] == [1, 1, 1]
    assert ways["context"]["paraphrases"] == 0
    summary = told["summary"]
    assert (summary["sessions"], summary["answers_asked"], summary["reads"]) == (1, 1, 0.0)
    monkeypatch.setattr(context, "_learnt", lambda *_: pytest.fail("learnt again"))
    assert context.measure(using, 4) == told, "what is done is not done again"


def test_the_sessions_that_are_asked_most_come_first(using, monkeypatch):
    first = using.corpus.development[0]
    more = replace(using, corpus=Corpus((first, replace(first, session="s3")), (), ()))
    own = probes.load(context.SPLIT)
    many = [*own, *(replace(own[0], session="s3") for _ in range(2))]
    monkeypatch.setattr(probes, "load", {context.SPLIT: many}.__getitem__)
    assert {row["session"] for row in context.measure(more, 1)["rows"]} == {"s3"}


def test_pieces_of_another_base_or_other_settings_are_refused(using):
    told = context.measure(using, 1, ["answers"])
    assert (told["base"], told["settings"]["max_epochs"]) == (using.base.name, 2)
    other = replace(using, config=replace(using.config, learning_rate=1.0))
    with pytest.raises(RuneError, match="made with another settings; move it away"):
        context.measure(other, 1)
    read_by_both = replace(using, config=replace(using.config, reader_floor=0.1))
    assert context.measure(read_by_both, 1, ["answers"]) == told, "the ways say how the base reads"


def test_the_figures_count_questions_of_all_sessions_and_mean_the_probes():
    rows = [
        {"row": arm, "session": session, "right": right, "asked": 4, "seconds": 2.0,
         "probes": {"heldout": heldout, "neutral_kl": 0.1}}
        for arm, session, right, heldout in [
            ("answers", "a", 1, 0.5), ("answers", "b", 2, 1.0),
            ("context", "a", 4, None), ("context", "b", 0, 0.5),
        ]
    ]  # fmt: skip
    found = context.summary(rows)
    assert (found["sessions"], found["answers_right"], found["answers_recall"]) == (2, 3, 0.375)
    assert (found["answers_heldout"], found["context_heldout"], found["context_seconds"]) == (0.75, 0.5, 4.0)
    assert found["context_recall_low"] < found["context_recall"] < found["context_recall_high"]
    assert context.summary([])["context_recall"] is None


def test_one_way_can_be_learnt_by_itself(using):
    told = context.measure(using, 1, ["worded"])
    assert [row["row"] for row in told["rows"]] == ["worded"]
    assert told["summary"]["answers_recall"] is None
    both = context.measure(using, 1, ["answers", "answers"])
    assert [row["row"] for row in both["rows"]] == ["answers", "worded"], "what is there is told, and once"


def test_the_command_offers_every_way_there_is():
    [ways] = [option for option in bench_context.params if option.name == "ways"]
    assert list(ways.type.choices) == list(context.ARMS)
