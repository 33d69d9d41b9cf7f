import itertools
import stat

import pytest

from rune.echoes.journal import RECORD, Edit, Journal, Moved, digest
from rune.errors import FormatError
from rune.records import change as records


@pytest.fixture
def journal(echoes):
    return Journal(echoes.journal, echoes.project)


@pytest.fixture
def memory(echoes):
    path = echoes.memory("reviewer")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"old\n")
    return path


def test_a_change_knows_what_it_did_to_which_file(journal, memory, echoes):
    new = echoes.archive("reviewer") / "entries.md"
    made = journal.commit("prune", 5.0, [Edit(new, None, b"gone\n"), Edit(memory, b"old\n", b"new\n")])
    assert (memory.read_bytes(), new.read_bytes()) == (b"new\n", b"gone\n")
    assert [file.path for file in made.files] == [
        ".claude/echoes/reviewer/archive/entries.md",
        ".claude/echoes/reviewer/MEMORY.md",
    ]
    assert made.files[0] == records.Touched(made.files[0].path, "", digest(b"gone\n"))
    assert journal.changes() == [made]


def test_a_file_that_somebody_wrote_meanwhile_is_not_overwritten_and_the_others_are_put_back(
    journal, memory, echoes
):
    other = echoes.memory("team")
    edits = [Edit(other, None, b"x"), Edit(memory, b"what it was when it was read", b"new\n")]
    with pytest.raises(Moved, match=r"reviewer/MEMORY\.md was written by somebody else"):
        journal.commit("prune", 5.0, edits)
    assert (memory.read_bytes(), other.exists(), journal.changes()) == (b"old\n", False, [])
    assert not any(echoes.journal.iterdir())


def test_a_file_keeps_its_rights_and_a_new_document_can_be_read_by_others(journal, memory, echoes):
    memory.chmod(0o640)
    solution = echoes.solutions / "tooling" / "x.md"
    journal.commit("x", 1.0, [Edit(memory, b"old\n", b"new\n"), Edit(solution, None, b"x")])
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (memory, solution)]
    assert modes == [0o640, 0o644]


def test_the_last_changes_are_kept_and_older_ones_go(echoes, memory):
    journal = Journal(echoes.journal, echoes.project, keep=3)
    for number in range(6):
        journal.commit(f"{number}", 1.0, [Edit(memory, memory.read_bytes(), f"{number}".encode())])
    assert [(made.number, made.what) for made in journal.changes()] == [(4, "3"), (5, "4"), (6, "5")]
    assert {path.name for path in echoes.journal.iterdir()} == {"000004", "000005", "000006"}


def test_bytes_of_before_that_were_tampered_with_are_not_restored(journal, memory, echoes):
    made = journal.commit("x", 1.0, [Edit(memory, b"old\n", b"new\n")])
    (echoes.journal / "000001" / "0.before").write_bytes(b"tampered")
    with pytest.raises(FormatError, match=r"0\.before: expected the bytes of"):
        journal.before(made)


def test_a_damaged_record_is_in_the_way_of_older_changes_alone(journal, memory, echoes):
    states = (b"old\n", b"1", b"2", b"3")
    for number, (before, after) in enumerate(itertools.pairwise(states)):
        journal.commit(str(number), 1.0, [Edit(memory, before, after)])
    (echoes.journal / "000001" / RECORD).write_text("{bad")
    newest = journal.newest_first()
    assert [next(newest).what, next(newest).what] == ["2", "1"]
    with pytest.raises(FormatError, match="once its folder is moved away"):
        next(newest)


def test_a_begun_change_whose_file_was_written_since_is_kept_as_it_is(journal, memory, echoes):
    journal.commit("x", 1.0, [Edit(memory, b"old\n", b"new\n")])
    (echoes.journal / "000001").rename(echoes.journal / "000001.begun")
    memory.write_bytes(b"edited by hand\n")
    journal.recover()
    assert memory.read_bytes() == b"edited by hand\n"
    with pytest.raises(Moved, match="changed again after `x`"):
        journal.before(journal.changes()[0])
