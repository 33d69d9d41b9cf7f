"""The bench of distillation: its probes, what rivals read, and work that goes on where it stopped."""

from __future__ import annotations

import json

import pytest

from rune.bench.distil import passages, probes
from rune.bench.distil.passages import Nearest
from rune.bench.distil.probes import Probe
from rune.bench.distil.work import Work
from rune.errors import FormatError
from rune.ml import neutral
from rune.records.card import Lesson
from rune.records.trajectory import Trajectory
from rune.testing import FakeEmbedder


def probe(question="Which port?", keys=("8080",), kind="fact", literal=True) -> Probe:
    return Probe("s1", "fact", question, tuple(keys), keys[0], kind, literal, ("e1",))


def encode(text: str) -> list[int]:
    """A token for each character."""
    return [ord(sign) for sign in text]


def decode(ids) -> str:
    return "".join(map(chr, ids))


# work


def test_a_piece_of_work_is_made_once_and_read_ever_after(tmp_path):
    made = []
    for _ in range(2):
        work = Work(tmp_path)
        row = work.kept("train", "a/b", lambda: made.append(1) or {"seconds": 1.5})
        assert row == {"seconds": 1.5}
    assert made == [1]
    assert work.path("train", "a/b").name == "a_b.json"


def test_a_piece_that_no_longer_fits_is_made_anew(tmp_path):
    work = Work(tmp_path)
    work.kept("answers", "s", lambda: {"adapter": "old"})
    again = work.kept("answers", "s", lambda: {"adapter": "new"}, lambda row: row["adapter"] == "new")
    assert again == work.get("answers", "s") == {"adapter": "new"}


def test_a_piece_whose_making_failed_is_not_there(tmp_path):
    work = Work(tmp_path)
    with pytest.raises(ZeroDivisionError):
        work.kept("train", "s", lambda: {"share": 1 / 0})
    assert work.get("train", "s") is None
    assert work.all("train") == []


def test_pieces_come_in_the_order_of_their_names(tmp_path):
    work = Work(tmp_path)
    for name in ("020", "005", "080"):
        work.kept("growth", name, lambda name=name: {"lessons": int(name)})
    assert [row["lessons"] for row in work.all("growth")] == [5, 20, 80]


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_piece_is_named(tmp_path, text):
    work = Work(tmp_path)
    work.path("train", "s").parent.mkdir()
    work.path("train", "s").write_text(text)
    with pytest.raises(FormatError, match=r"s\.json: expected .* delete the file"):
        work.get("train", "s")


# probes


def test_the_frozen_probes_are_as_many_as_the_headline_needs():
    found = probes.load("heldout")
    assert sum(one.headline for one in found) >= 400
    assert len({one.session for one in found}) == 40
    assert sum(one.literal for one in found if one.headline) >= 0.4 * sum(one.headline for one in found)


FROZEN = {
    "heldout": "4532fc6cc095295c855d87ded9b3d49a58ad64a27f7c52f075583bdc5a97d2be",
    "development": "c8dff044762f751ff67049d84c6144196c1b14198f10bf0e26f07bcf29457677",
}


@pytest.mark.parametrize("split", FROZEN)
def test_the_probes_are_those_that_were_frozen_before_any_tuning(split):
    assert probes.sha256(split) == FROZEN[split]


def test_no_general_question_that_is_trained_is_one_that_is_measured_with():
    measured = {question for question, _ in probes.unrelated()}
    assert not measured & {*neutral.TRAINED, *neutral.CHECKED}


def test_unrelated_questions_are_sixty_of_two_kinds():
    found = probes.unrelated()
    assert len({question for question, _ in found}) == 60
    assert [kind for _, kind in found].count("general") == 30


def test_thresholds_are_chosen_on_other_unrelated_questions_than_they_are_measured_on():
    chosen, measured = (probes.unrelated(split) for split in ("development", "heldout"))
    assert sorted([*chosen, *measured]) == sorted(probes.unrelated())
    assert all([kind for _, kind in some].count("general") == 15 for some in (chosen, measured))


@pytest.mark.parametrize(
    ("asked", "sort"),
    [
        (probe(), "port"),
        (probe("How many tests pass?", ("1219",)), "number"),
        (probe("Which commit?", ("b220ccc",)), "hash"),
        (probe("What did the first line say?", ("anything",), kind="commit"), "hash"),
        (probe("Where?", ("src/app.py",)), "file"),
        (probe("Why?", ("was stale",), literal=False), "word"),
        (probe("Which flag?", ("--no-verify",)), "flag"),
    ],
)
def test_a_probe_is_of_the_sort_of_thing_that_it_asks_for(asked, sort):
    assert asked.sort == sort


def test_a_probe_is_covered_when_some_lesson_says_what_it_asks_for():
    lessons = [Lesson("fix", "The server listens on `8080` now.", ("q",), ())]
    assert probes.covered(probe(), lessons)
    assert not probes.covered(probe(keys=("8080", "root")), lessons)


def test_a_line_of_the_file_becomes_a_probe():
    line = {"session": "s", "set": "open", "question": "q", "keys": ["k"], "answer": "a", "kind": "said",
            "literal": False, "events": ["e1"]}  # fmt: skip
    made = probes.probe(json.dumps(line))
    assert (made.headline, made.keys, made.events) == (False, ("k",), ("e1",))


# passages


def test_a_session_as_text_holds_what_was_said_run_and_replaced(story):
    story.asks("Print the price.")
    story.edits("a.py", "new line", "old line")
    story.fails("pytest", "AssertionError")
    text = passages.session_text(Trajectory("s", "/p", "import", 0.0, tuple(story.events)))
    assert all(part in text for part in ("Print the price.", "new line", "old line", "$ pytest", "Assertion"))


def test_of_a_long_text_head_and_tail_are_kept():
    text = "h" * 60 + "m" * 100 + "t" * 60
    assert passages.ends(text, 100, encode, decode) == "h" * 50 + passages.GAP + "t" * 50
    assert passages.ends(text, 400, encode, decode) == text


def test_the_oracle_passage_is_a_window_around_the_answer(story):
    story.says("x" * 500 + " the Port is `8080`, " + "y" * 500)
    story.says("elsewhere 8080")
    past = Trajectory("s", "/p", "import", 0.0, tuple(story.events))
    found = passages.oracle(past, probe(), encode, decode, 100)
    assert len(found) == 100
    assert "Port is `8080`" in found
    assert "elsewhere" not in found


@pytest.mark.parametrize("text", ["8080 at the start" + "z" * 200, "z" * 200 + "at the end 8080", "z" * 200])
def test_the_oracle_passage_uses_all_of_its_room(story, text):
    story.says(text)
    past = Trajectory("s", "/p", "import", 0.0, tuple(story.events))
    found = passages.oracle(past, probe(), encode, decode, 100)
    assert len(found) == 100
    assert ("8080" in found) == ("8080" in text)


def test_snippets_are_cut_at_line_ends_and_lose_nothing():
    text = "first line\nsecond line\n" + "w" * 45 + "\nlast"
    made = passages.snippets(text, encode, decode, 25)
    assert made[0] == "first line\nsecond line\n"
    assert "".join(made) == text
    assert max(map(len, made)) <= 25


def test_the_nearest_text_shares_words_with_the_question():
    texts = ["The port moved to 8080.", "Run make check.", "The parser wants UTF-8."]
    nearest = Nearest(texts, FakeEmbedder())
    assert nearest.best("Which port is it?", 1) == [0]
    assert nearest.best("make check command", 2)[0] == 1
    assert len(nearest.best("anything", 9)) == 3
