import subprocess
import sys

import orjson
import pytest

from rune.library import Library
from rune.records import outline


@pytest.fixture
def library(echoes, clock):
    return Library(echoes, clock)


@pytest.fixture
def add(library, make_card, fill_stage, clock):
    """``add("one")`` makes an adapter of a session of that name."""

    def add(name):
        clock.advance(1)
        with library.staging() as stage:
            fill_stage(stage, name.encode())
            return library.add(stage, make_card(session=name, source_hash=name, created=clock()))

    return add


def listed(library):
    return [found.session for found in library.metadata()]


def touched(library, id):
    """The card of an adapter as somebody else wrote it: same size, another session."""
    path = library.folder(id) / "card.json"
    path.chmod(0o600)
    path.write_text(path.read_text().replace('"session": "one"', '"session": "eno"'))


def test_an_outline_is_the_card_without_its_lessons(library, add):
    made = add("one")
    [found] = library.metadata()
    assert found == outline.of(made, made.id)
    assert (found.lessons, found.bytes) == (len(made.lessons), made.bytes)
    text = library.echoes.outlines.read_text()
    assert made.summary not in text
    assert made.lessons[0].answer not in text


def test_the_listing_is_that_of_the_cards_in_their_order(library, add):
    one, two, three = add("one"), add("two"), add("three")
    library.archive(two.id)
    assert [found.id for found in library.metadata()] == [one.id, three.id]
    assert [found.id for found in library.metadata(include_archived=True)] == [one.id, two.id, three.id]
    assert listed(Library(library.echoes, library.clock)) == ["one", "three"]


def test_the_next_process_parses_no_card(library, add, echoes, clock, monkeypatch):
    add("one")
    library.metadata()
    monkeypatch.setattr("rune.records.card.read", lambda path: pytest.fail(f"{path} was read again"))
    assert listed(Library(echoes, clock)) == ["one"]


def test_a_card_that_changed_is_read_again(library, add):
    made = add("one")
    assert listed(library) == ["one"]
    touched(library, made.id)
    assert listed(library) == ["eno"]
    assert listed(Library(library.echoes, library.clock)) == ["eno"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"v": 1}', b'{"v": 2, "outlines": {}}',
                                    b'{"v": 1, "outlines": {"a": [[1, 2], {}]}}', None])  # fmt: skip
def test_a_damaged_or_missing_file_is_made_anew(library, add, damage):
    add("one")
    library.metadata()
    path = library.echoes.outlines
    whole = orjson.loads(path.read_bytes())
    path.unlink() if damage is None else path.write_bytes(damage)
    assert listed(Library(library.echoes, library.clock)) == ["one"]
    assert orjson.loads(path.read_bytes()) == whole


def test_a_damaged_card_is_left_out_and_read_again_when_it_is_whole(library, add, caplog):
    made = add("one")
    path = library.folder(made.id) / "card.json"
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"{")
    assert library.metadata() == []
    assert str(path) in caplog.text
    path.write_bytes(whole)
    assert listed(library) == ["one"]


def test_a_removed_adapter_leaves_no_outline(library, add):
    one, two = add("one"), add("two")
    library.metadata()
    library.remove(one.id)
    assert one.id.encode() not in library.echoes.outlines.read_bytes()
    library.remove(two.id)
    assert not library.echoes.outlines.exists()
    assert library.metadata() == []
    assert not library.echoes.outlines.exists()


def test_a_folder_that_cannot_be_written_is_listed_all_the_same(library, add, monkeypatch, caplog):
    def full(path, data):
        raise OSError(28, "No space left on device")

    add("one")
    monkeypatch.setattr("rune.files.replace", full)
    assert listed(library) == ["one"]
    assert "not written" in caplog.text


def test_a_listing_imports_no_tensors(library, add):
    add("one")
    program = (
        "import sys, time; from pathlib import Path; from rune.library import Library; "
        f"from rune.paths import Echoes; print(len(Library(Echoes(Path({str(library.echoes.project)!r})), "
        "time.time).metadata()), [n for n in ('torch', 'numpy', 'chromadb') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 []"
