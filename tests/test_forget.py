import time

import pytest

from rune import forget
from rune.errors import FormatError
from rune.index import Document, Index, store_folder
from rune.library import Library
from rune.testing import FakeEmbedder


@pytest.fixture
def add(echoes, make_card, fill_stage):
    def put(session: str, weights: bytes = b"weights"):
        library = Library(echoes, time.time)
        with library.staging() as stage:
            fill_stage(stage, weights)
            return library.add(stage, make_card(session=session, source_hash=weights.hex().ljust(64, "0")))

    return put


def test_a_forgotten_session_is_in_no_file_of_the_project(write_session, add, echoes):
    write_session("s1")
    add("s1", b"one")
    add("s1", b"two")
    gone = forget.session("s1", echoes.project)
    assert len(gone.removed) == 3
    assert gone.removed[-1] == "trajectory s1.jsonl"
    assert not echoes.trajectory("s1").exists()
    assert Library(echoes, time.time).cards(include_archived=True) == []
    assert [path for path in echoes.adapters.iterdir() if path.is_dir()] == []


def test_other_sessions_stay(write_session, add, echoes):
    for name in ("s1", "s2"):
        write_session(name)
        add(name, name.encode())
    forget.session("s1", echoes.project)
    assert echoes.trajectory("s2").exists()
    assert [card.session for card in Library(echoes, time.time).cards()] == ["s2"]


def test_a_session_without_an_adapter_can_be_forgotten_too(write_session, echoes):
    write_session("s1")
    assert forget.session("s1", echoes.project).removed == ("trajectory s1.jsonl",)


def test_an_adapter_whose_trajectory_is_gone_can_be_forgotten_too(add, echoes):
    card = add("s1")
    assert forget.session("s1", echoes.project).removed == (f"adapter {card.id}",)


def test_a_session_that_nobody_knows_is_refused(echoes):
    with pytest.raises(FormatError, match=r"found no trajectory or adapter of 's1'; see `rune echoes show`"):
        forget.session("s1", echoes.project)


def test_the_index_of_a_project_goes_as_a_whole_and_others_stay(home):
    index = Index(home.index, FakeEmbedder())
    for project in ("/one", "/two"):
        index.sync(project, [Document("d", "a", "s1", f"what {project} was about")])
    index.close()
    forget.drop_index(home, "/one")
    assert not store_folder(home.index, "/one").exists()
    assert Index(home.index, FakeEmbedder()).search("/two", "about", 1)
    forget.drop_index(home, "/never/seen")
