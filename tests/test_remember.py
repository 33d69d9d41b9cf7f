import time
from dataclasses import replace
from datetime import date

import pytest

from rune import redact, remember
from rune.capture import Capture
from rune.config import CaptureConfig
from rune.errors import FormatError
from rune.jobs import Jobs
from rune.library import Library
from rune.records import echo, recalled, trajectory, use
from rune.records.echo import Entry
from rune.records.message import Ingest, Recall
from rune.records.trajectory import Note
from rune.testing import FakeSession


@pytest.fixture
def capture(home, clock):
    return Capture(home, CaptureConfig(), clock, redact.redact, lambda path: [])


@pytest.fixture
def jobs(home, clock):
    return Jobs(home.jobs, clock)


@pytest.fixture
def add(echoes, make_card, fill_stage):
    """``add(**changes)`` puts an adapter with such a card into the project's library."""

    def put(**changes):
        library = Library(echoes, time.time)
        with library.staging() as stage:
            fill_stage(stage, repr(changes).encode())
            return library.add(stage, make_card(**changes))

    return put


# notes


def test_a_note_is_written_into_the_session_of_its_client(capture, home, project, echoes, clock):
    FakeSession(home, project, "s1", 11, clock).work()
    FakeSession(home, project, "s2", 22, clock).work()
    capture.drain()
    said = Ingest("  Ports   are\nnumbers. ", str(project), "decision", " config.py ", ("ports",), client=11)
    made = remember.note(capture, said, clock())
    assert (made.session, made.duplicate, made.redactions) == ("s1", False, {})
    (note,) = (e for e in trajectory.read(echoes.trajectory("s1")).events if isinstance(e, Note))
    assert (note.id, note.text, note.note) == (made.id, "Ports are numbers.", "decision")
    assert (note.evidence, note.tags) == ("config.py", ("ports",))


def test_secrets_in_a_note_are_counted_and_gone(capture, project, echoes, clock):
    said = Ingest("Log in with password=Tr0ub4dor&3xyz please.", str(project))
    made = remember.note(capture, said, clock())
    assert made.redactions == {"password": 1}
    assert "Tr0ub4dor" not in echoes.trajectory(made.session).read_text()


@pytest.mark.parametrize(("length", "content"), [(0, " \n "), (2001, "x" * 2001)])
def test_a_note_that_is_empty_or_too_long_is_refused_with_what_to_do(capture, project, length, content):
    with pytest.raises(FormatError, match=f"expected 1 to 2000 characters, found {length}; say one thing"):
        remember.note(capture, Ingest(content, str(project)), 1.0)


# nothing yet


def test_why_nothing_is_remembered_is_said_in_numbers(capture, jobs, home, project, clock):
    said = remember.nothing_yet(capture, jobs, str(project))
    assert said.endswith("sessions become memories when they end")
    FakeSession(home, project, "s1", clock=clock).work()
    capture.drain()
    jobs.enqueue("s2", str(project), "ab" * 32)
    said = remember.nothing_yet(capture, jobs, str(project))
    assert "1 session(s) still open, 1 waiting to be distilled" in said


def test_a_session_that_is_being_distilled_or_put_off_counts_as_waiting(capture, jobs, project, clock):
    jobs.enqueue("s1", str(project), "ab" * 32)
    running = jobs.started(jobs.next(clock()))
    assert "1 waiting" in remember.nothing_yet(capture, jobs, str(project))
    jobs.postponed(running, "no model", 60)
    assert "1 waiting" in remember.nothing_yet(capture, jobs, str(project))


# by words


def test_without_a_model_words_find_the_evidence(add, write_session, echoes):
    write_session()
    card = add()
    add(session="s2", source_hash="ef" * 32, summary="deployment of the gateway", lessons=())
    asked = Recall("currency of the invoice", str(echoes.project))
    found = remember.by_words(asked, "the model is still loading")
    assert (found.answer, found.abstained) == ("", "the model is still loading")
    assert (found.adapter, found.session) == (card.id, "s1")
    assert {piece.event for piece in found.evidence} == {"e3", "e4"}
    assert remember.by_words(replace(asked, include_evidence=False), "x").evidence == ()


def test_without_a_model_words_find_the_evidence_of_an_adapter_no_better_than_its_base_too(
    add, write_session, echoes
):
    write_session()
    card = add(probes_after={"trained": 0.0, "heldout": 0.0})
    assert Library(echoes, time.time).cards() == []
    found = remember.by_words(Recall("currency of the invoice", str(echoes.project)), "still loading")
    assert (found.adapter, {piece.event for piece in found.evidence}) == (card.id, {"e3", "e4"})


def test_without_a_shared_word_there_is_only_the_reason(add, echoes):
    add()
    found = remember.by_words(Recall("zebra", str(echoes.project)), "the model is still loading")
    assert (found.adapter, found.evidence, found.abstained) == ("", (), "the model is still loading")


@pytest.fixture
def etched(echoes):
    """An entry of the workers about the currency of the invoice."""
    memory = echo.empty("workers")
    made = Entry("etched", "Currency of the invoice", date(2026, 11, 1), "The ledger wants EUR first.")
    echoes.memory("workers").parent.mkdir(parents=True)
    echoes.memory("workers").write_text(echo.render(replace(memory, entries=(made,))))
    return made


def test_words_find_the_text_memory_too_and_before_the_events(add, etched, write_session, echoes):
    write_session()
    card = add()
    found = remember.by_words(Recall("currency of the invoice", str(echoes.project)), "still loading")
    assert [(piece.kind, piece.event) for piece in found.evidence[:1]] == [("echo", etched.id)]
    assert found.adapter == card.id
    assert found.abstained.startswith("still loading; ")


# uses


def asked_and_given(echoes, client=0):
    request = Recall("currency of the invoice", str(echoes.project), client=client)
    return request, remember.by_words(request, "still loading")


def test_an_echo_that_is_recalled_counts_as_used_in_the_session_that_asked(
    capture, etched, home, project, echoes, clock
):
    for name, client in (("s1", 11), ("s2", 22)):
        FakeSession(home, project, name, client, clock).prompt("Go on.")
        clock.advance(1)
    capture.drain()
    for client in (11, 22):
        remember.of_use(capture, *asked_and_given(echoes, client))
    lines = [(one.workflow, one.echoes) for one in use.read(echoes.uses)]
    assert lines == [("s1", (etched.digest,)), ("s2", (etched.digest,))]


def test_a_question_from_outside_of_any_session_counts_for_none(capture, etched, echoes):
    remember.of_use(capture, *asked_and_given(echoes, client=11))
    assert not echoes.uses.exists()


def test_a_person_at_a_terminal_is_no_session(capture, etched, home, project, echoes):
    FakeSession(home, project, "s1", 11).prompt("Go on.")
    capture.drain()
    remember.of_use(capture, *asked_and_given(echoes))
    assert not echoes.uses.exists()


def test_which_of_several_sessions_an_unknown_client_is_in_is_not_guessed(
    capture, etched, home, project, echoes
):
    FakeSession(home, project, "s1", 11).prompt("Go on.")
    capture.drain()
    remember.of_use(capture, *asked_and_given(echoes, client=99))
    FakeSession(home, project, "s2", 22).prompt("Go on.")
    capture.drain()
    remember.of_use(capture, *asked_and_given(echoes, client=99))
    assert [one.workflow for one in use.read(echoes.uses)] == ["s1"]


def test_an_adapter_that_answers_is_noted_with_the_session_that_asked(capture, add, home, project, echoes):
    card = add()
    FakeSession(home, project, "s2", 22).prompt("Go on.")
    capture.drain()
    request, found = asked_and_given(echoes, client=22)
    remember.of_use(capture, request, found)
    remember.of_use(capture, request, replace(found, answer="EUR comes first.", score=0.8))
    noted = [(one.session, one.adapter, one.score, one.answered) for one in recalled.read(echoes.recalls)]
    assert noted == [("s2", card.id, 0.0, False), ("s2", card.id, 0.8, True)]
