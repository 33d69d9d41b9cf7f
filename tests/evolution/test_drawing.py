from xml.etree import ElementTree

import pytest

from rune.errors import FormatError, NewerVersion
from rune.evolution import drawing


@pytest.fixture
def family(standing, lesson):
    some = [standing(id, lesson(f"thing {id * 4}", id), days_ago=9) for id in "ab"]
    child = standing("c", lesson("thing", "x"), level="task", parents=("a", "b", "gone"), sessions=("1", "2"))
    return [*some, child]


def test_every_adapter_is_a_box_and_every_known_parent_a_line(family):
    root = ElementTree.fromstring(drawing.svg(family))
    kinds = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert (kinds.count("rect"), kinds.count("path")) == (3, 2)


def test_what_a_session_was_about_cannot_break_the_picture(standing, lesson):
    odd = standing("a", lesson("thing", "x"), summary='<script>"&amp;')
    assert "<script>" not in drawing.svg([odd])
    ElementTree.fromstring(drawing.svg([odd]))
    ElementTree.fromstring(drawing.svg([]))


@pytest.mark.parametrize(
    "odd", ["\x1b[31mFAILED\x1b[0m", "bell \x07", "\x00", "c1 \x9b31m", "\ufffe", "\ud800"]
)
def test_what_no_picture_can_hold_is_left_out(standing, lesson, odd):
    one = standing("a", lesson("thing", "x"), summary=f"{odd} tests", session=f"s {odd}")
    picture = drawing.svg([one])
    root = ElementTree.fromstring(picture.encode())
    assert "tests" in "".join(root.itertext())
    assert not any(c in picture for c in odd if not c.isprintable())


def test_the_picture_of_one_adapter_holds_it_and_what_it_was_made_of(family, standing, lesson):
    grandchild = standing("d", lesson("thing", "x"), level="project", parents=("c", "f"))
    others = [standing("e", lesson("zebra", "q")), standing("f", lesson("horse", "r"))]
    everything = [*family, *others, grandchild]

    def boxes(id):
        root = ElementTree.fromstring(drawing.svg(everything, id))
        titles = [each.text or "" for each in root.iter() if each.tag.endswith("}title")]
        return {title.partition(":")[0] for title in titles[1:]}

    assert boxes("c") == {"a", "b", "c"}
    assert boxes("a") == {"a"}
    assert boxes("d") == set("abcdf")
    assert boxes("") == set("abcdef")


def test_a_parent_whose_card_cannot_be_read_is_not_called_gone(family):
    unreadable = {"a": FormatError("damaged"), "b": NewerVersion("card version 3")}
    lines = drawing.tree(family[2:], unreadable=unreadable).splitlines()
    assert lines[1:] == ["  a  its card is damaged", "  b  its card is of a newer Rune", "  gone  gone"]


def test_the_tree_names_each_adapter_above_what_it_was_made_of(family):
    lines = drawing.tree(family).splitlines()
    assert [line.split()[0] for line in lines] == ["c", "a", "b", "gone"]
    assert lines[0] == "c  task, active, fitness 0.50, of 2 sessions"
    assert lines[1].startswith("  a  session, active")
    assert drawing.tree(family, "a").splitlines() == ["a  session, active, fitness 0.50, of s-a"]
