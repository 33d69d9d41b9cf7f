from xml.etree import ElementTree

import pytest

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


def test_the_tree_names_each_adapter_above_what_it_was_made_of(family):
    lines = drawing.tree(family).splitlines()
    assert [line.split()[0] for line in lines] == ["c", "a", "b", "gone"]
    assert lines[0] == "c  task, active, fitness 0.50, of 2 sessions"
    assert lines[1].startswith("  a  session, active")
    assert drawing.tree(family, "a").splitlines() == ["a  session, active, fitness 0.50, of s-a"]
