"""``rune adapters`` on real files; the daemon is asked for nothing but what has to be learnt."""

import json
import time
from dataclasses import replace

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
        return CliRunner().invoke(cli.main, ["adapters", *words, "--project", str(project)], color=True)

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


@pytest.mark.parametrize("gate", [{"child": None}, {"interference": "much"}, {"child": 0.5}, "passed", 3])
def test_what_is_said_of_a_gate_is_shown_as_far_as_it_is_there(rune, teach, gate):
    card = teach("s1", told("gateway port", "8080"), settings={"gate": gate})
    shown = rune("show", card.id).output
    assert ("interference    ?" in shown) is isinstance(gate, dict)


def test_an_adapter_is_put_away_and_put_back_by_hand(rune, teach, library):
    card = teach("s1", told("port", "8080"))
    assert "reactivate" in rune("archive", card.id, "--reason", "wrong").output
    assert library.states()[card.id].reason == "wrong"
    assert "serves again" in rune("reactivate", card.id[:8]).output
    assert library.cards() == [card]


def test_no_id_is_no_adapter_and_a_damaged_one_is_not_put_back(rune, teach, library):
    card = teach("s1", told("port", "8080"))
    shown = rune("archive", "")
    assert (shown.exit_code, "no adapters begin with ''" in shown.output) == (1, True)
    assert library.states()[card.id].status == "active"
    library.archive(card.id)
    weights = library.folder(card.id) / "adapter_model.safetensors"
    weights.parent.chmod(0o700)
    weights.unlink()
    shown = rune("reactivate", card.id[:8])
    assert (shown.exit_code, "found no file; make it anew" in " ".join(shown.output.split())) == (1, True)
    assert library.states()[card.id].status == "archived"


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


@pytest.mark.parametrize(
    "words", [("list",), ("list", "--json"), ("show",), ("show", "--json"), ("lineage",), ("evolve",)]
)
def test_nothing_that_a_session_was_about_reaches_the_terminal_as_a_command(rune, teach, words):
    odd = "\x1b[31mFAILED\x1b[0m \x9b2J \x07 \x1b]0;title\x07 \u202e \x08 tests\nmore"
    old = replace(told("gateway port", "8080"), answer="The gateway port is set to \x1b[31m8080\x1b[0m.\x07")
    old = teach("s1", old, told("colour", odd), summary=odd, created=1.0)
    teach(f"s2 {odd}", told("gateway port", "9090"), summary="Fix it.")
    shown = rune(*words, *([old.id] if "show" in words else []))
    assert shown.exit_code == 0
    assert [c for c in shown.output if not c.isprintable() and c != "\n"] == []
    if "--json" in words:
        assert any(odd in text for text in walked(json.loads(shown.output))), "programs get it whole"


def walked(value):
    """Every text in JSON."""
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from [each] if isinstance(each, str) else walked(each)


def test_an_adapter_of_several_sessions_is_one_line_of_the_list(rune, teach):
    teach("task-1", told("port", "8080"), level="task", sessions=("s1", "s2"), summary="Fix it.\nPaint it.")
    lines = rune("list").output.splitlines()
    assert (len(lines), lines[0].endswith("task-1: Fix it. Paint it.")) == (2, True)


def test_the_lineage_of_one_is_drawn_and_what_cannot_be_read_is_not_called_gone(
    rune, teach, library, tmp_path
):
    one, two, apart = (teach(f"s{n}", told("port", f"808{n}"), summary=f"was{n}") for n in range(3))
    parents = (one.id, two.id)
    child = teach("task-1", told("port", "8080"), level="task", parents=parents, sessions=("s0", "s1"))
    rune("lineage", child.id[:8], "--svg", str(tmp_path / "tree.svg"))
    picture = (tmp_path / "tree.svg").read_text()
    assert (picture.count("<rect"), apart.id in picture) == (3, False)
    for card, text in ((one, "{"), (two, '{"v": 9}')):
        path = library.folder(card.id) / "card.json"
        path.chmod(0o600)
        path.write_text(text)
    shown = rune("lineage", child.id).output
    assert f"  {one.id}  its card is damaged\n  {two.id}  its card is of a newer Rune\n" in shown
    library.remove(one.id)
    assert f"  {one.id}  gone\n" in rune("lineage", child.id).output
    assert "card version 9" in rune("show", two.id).output


@pytest.mark.parametrize("detail", ["{}", '{"how":"learnt","parents":5}'])
def test_a_line_of_the_ledger_that_cannot_be_read_is_named(rune, teach, library, detail):
    teach("s1", told("port", "8080"))
    with library.ledger.open("a") as file:
        file.write(f'{{"v":1,"adapter":"x","entry":"refused","at":1,"detail":{detail}}}\n')
    for words in (("evolve",), ("evolve", "--apply"), ("list",)):
        shown = rune(*words)
        assert (shown.exit_code, f"Error: {library.ledger}:2: " in shown.output) == (1, True)


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
