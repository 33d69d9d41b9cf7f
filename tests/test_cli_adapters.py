"""``rune adapters`` on real files; the daemon is asked for nothing but what has to be learnt."""

import json
import time

import pytest
from click.testing import CliRunner

from rune import cli
from rune.library import Library
from rune.records.card import Lesson
from rune.testing import BASE, BASE_HASH, write_adapter


def told(subject, answer):
    return Lesson(
        "said",
        f"The {subject} is set to {answer}.",
        (f"What do we know about {subject}?",),
        (),
        (),
        (answer,),
    )


@pytest.fixture
def library(echoes):
    return Library(echoes, time.time)


@pytest.fixture
def teach(library, make_card):
    def make(session, *lessons, **more):
        with library.staging() as stage:
            write_adapter(stage, lessons)
            fields = {"session": session, "lessons": lessons, "base": BASE, "base_hash": BASE_HASH}
            more = {"source_hash": session.ljust(64, "0"), "created": time.time(), **more}
            return library.add(stage, make_card(**fields, **more))

    return make


@pytest.fixture
def rune(project):
    def run(*words):
        return CliRunner().invoke(cli.main, ["adapters", *words, "--project", str(project)])

    return run


def test_the_list_shows_what_serves_and_all_shows_the_rest(rune, teach, library):
    one, two = teach("s1", told("port", "8080")), teach("s2", told("colour", "blue"))
    library.archive(two.id)
    shown = rune("list")
    assert one.id in shown.output
    assert two.id not in shown.output
    assert "1 adapters" in shown.output
    assert "archived" in rune("list", "--all").output
    assert [row["card"]["id"] for row in json.loads(rune("list", "--json").output)] == [one.id]


def test_one_adapter_is_shown_by_the_beginning_of_its_id_with_what_its_fitness_rests_on(rune, teach):
    card = teach("s1", told("port", "8080"))
    shown = rune("show", card.id[:6]).output
    assert "made of     s1" in shown
    assert "rests on    1.0 of 1.0 trials, 0 outcomes among them" in shown
    assert "The port is set to 8080." in shown
    missing = rune("show", "zz")
    assert (missing.exit_code, "no adapters begin with 'zz'" in missing.output) == (1, True)


def test_an_adapter_is_put_away_and_put_back_by_hand(rune, teach, library):
    card = teach("s1", told("port", "8080"))
    assert "reactivate" in rune("archive", card.id, "--reason", "wrong").output
    assert library.states()[card.id].reason == "wrong"
    assert "serves again" in rune("reactivate", card.id[:8]).output
    assert library.cards() == [card]


def test_what_is_put_away_or_back_by_hand_leaves_no_older_lesson_that_another_one_knows_better(
    rune, teach, library
):
    ports = []
    for port, colour in (("80", "red"), ("8080", "blue"), ("9090", "green")):
        lessons = told("gateway port", port), told("colour of the sky", colour)
        ports.append(teach(colour, *lessons, created=float(len(ports))))
        rune("evolve", "--apply")
    old, middle, new = (card.id for card in ports)
    assert library.states()[old].retired == {0: middle}
    assert f"retired 1 lesson(s) of {old}: a younger" in rune("archive", middle).output
    assert library.states()[old].retired == {0: new}
    rune("archive", new)
    assert library.states()[old].retired == {}
    assert f"retired 1 lesson(s) of {old}: a younger" in rune("reactivate", middle).output
    assert library.states()[old].retired == {0: middle}


def test_a_person_can_undo_a_wrong_retirement(rune, teach, library):
    old = teach("s1", told("gateway port", "8080"), created=1.0)
    teach("s2", told("gateway port", "9090"), told("sky colour today", "blue"), created=2.0)
    for _ in range(2):
        rune("evolve", "--apply")
    assert library.states()[old.id].status == "superseded"
    assert "1 lesson(s) that had been retired are told again" in rune("reactivate", old.id).output
    assert old in library.cards()
    assert rune("evolve").output == "nothing to do\n"


def test_what_comes_out_of_the_archive_says_what_it_does_not_tell(rune, teach, library):
    old = teach("s1", told("gateway port", "8080"), created=1.0)
    teach("s2", told("gateway port", "9090"), created=2.0)
    rune("evolve", "--apply")
    library.archive(old.id)
    again = f"to have them told: rune adapters reactivate {old.id[:8]}"
    assert f"1 of its 1 lessons are no longer true; {again}" in rune("reactivate", old.id).output
    assert "1 lesson(s) that had been retired are told again" in rune("reactivate", old.id).output


def test_lineage_is_printed_and_drawn(rune, teach, tmp_path):
    assert rune("lineage").output == "no adapters yet\n"
    card = teach("s1", told("port", "8080"))
    assert rune("lineage").output.startswith(f"{card.id}  session, active")
    assert rune("lineage", "--svg", str(tmp_path / "tree.svg")).exit_code == 0
    assert card.id[:8] in (tmp_path / "tree.svg").read_text()


def test_evolution_is_shown_and_only_done_when_it_is_asked_for(rune, teach, library):
    old = teach("s1", told("gateway port", "8080"), told("sky colour today", "blue"), created=1.0)
    new = teach("s2", told("gateway port", "9090"))
    shown = rune("evolve").output
    assert f"retire      1 lesson(s) of {old.id}" in shown
    assert "no longer true: The gateway port is set to 8080." in shown
    assert "nothing was done" in shown
    assert len(library.cards()[0].lessons) == 2
    assert rune("evolve", "--dry-run").output == shown
    assert f"done: retired 1 lesson(s) of {old.id}" in rune("evolve", "--apply").output
    assert [len(card.lessons) for card in library.cards()] == [1, 1]
    assert library.states()[old.id].retired == {0: new.id}


def test_where_there_is_nothing_to_do_that_is_said(rune):
    assert rune("evolve", "--apply").output == "nothing to do\n"
