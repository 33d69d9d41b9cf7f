"""What a person takes out of the text memory leaves the weights, too, and the command says so."""

from __future__ import annotations

import re
import time
from datetime import date

import pytest
from click.testing import CliRunner

from rune import cli, worker
from rune.cli.asking import Asking
from rune.echoes.person import Person
from rune.jobs import Jobs
from rune.library import Library
from rune.records import echo
from rune.records.echo import Entry, Memory
from rune.records.message import Distil, Recall
from rune.testing import parts

TYPED = Asking(Person("slash command", "s9"))
SAYS = "The Postgres database listens on port 5433."
ETCHED = Entry("etched", "Postgres database", date(2026, 11, 1), SAYS)


@pytest.fixture
def run(project, monkeypatch):
    """``run("reset")`` types a command and confirms its plan; both outputs."""
    monkeypatch.chdir(project)

    def command(*words):
        plan = CliRunner().invoke(cli.main, ("echoes", *words), obj=TYPED)
        code = re.search(r"--confirm ([0-9a-f]{6})", plan.output)
        assert code, plan.output
        done = CliRunner().invoke(cli.main, ("echoes", *words, "--confirm", code[1]), obj=TYPED)
        assert done.exit_code == 0, done.output
        return plan.output, done.output

    return command


@pytest.mark.parametrize("words", [("reset", "workers"), ("etch", "--remove", ETCHED.id)])
def test_an_adapter_whose_source_is_taken_out_is_deleted_and_made_anew_without_it(
    home, echoes, write_session, run, words
):
    memory = Memory("workers", echo.empty("workers").preamble, (ETCHED,))
    echoes.memory("workers").parent.mkdir(parents=True)
    echoes.memory("workers").write_text(echo.render(memory))
    write_session()
    made, library = parts(home), Library(echoes, time.time)
    list(worker.distil(made, Distil("s1", str(echoes.project))))
    (card,) = library.cards()
    asked = Recall("Which port does the Postgres database listen on?", str(echoes.project))
    assert "5433" in made.recaller.recall(asked).answer

    plan, said = run(*words)
    assert f"adapter {card.id} of session s1 was taught it and will be deleted" in plan
    assert f"deleted  adapter {card.id}" in said
    assert "queued to be distilled again without it: s1" in said
    assert library.cards() == []
    found = made.recaller.recall(asked)
    assert (found.answer, found.evidence) == ("", ())

    (job,) = Jobs(home.jobs, time.time).all()
    list(worker.distil(made, Distil(job.session, job.project)))
    (again,) = library.cards()
    assert "5433" not in " ".join(lesson.answer for lesson in again.lessons)


def test_pruning_deletes_no_adapter(home, echoes, write_session, run):
    """What is pruned was not wrong: it is no longer found, nor believed, nor taught."""
    seen, day = ("`a.py:1` — x",), date(2025, 1, 1)
    said = [f"Service {n} is on port {9000 + n}." for n in range(30)]
    old = [Entry("inscribed", f"Rule {n}", day, text, seen) for n, text in enumerate(said)]
    memory = Memory("workers", echo.empty("workers").preamble, tuple(old))
    echoes.memory("workers").parent.mkdir(parents=True)
    echoes.memory("workers").write_text(echo.render(memory))
    write_session()
    made, library = parts(home), Library(echoes, time.time)
    list(worker.distil(made, Distil("s1", str(echoes.project))))
    run("prune")
    assert len(library.cards()) == 1
    taught = next(one for one in library.cards()[0].lessons if one.kind == "inscribed")
    found = made.recaller.recall(Recall(taught.questions[0], str(echoes.project)))
    assert taught.answer not in found.answer
    assert "echo" not in [piece.kind for piece in found.evidence]
