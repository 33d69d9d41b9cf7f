import errno
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rune.echoes.activity import Phase
from rune.echoes.store import Busy, Change, Moved, NothingToUndo, Store
from rune.errors import EchoError, FormatError, NewerVersion
from rune.paths import Echoes
from rune.records import echo
from rune.records.echo import Memory


def archive_half(store, role="reviewer"):
    with store.change(f"prune {role}") as change:
        memory = change.memory(role)
        half = len(memory.entries) // 2
        change.backup(role)
        change.archive(role, memory.entries[:half])
        change.save(Memory(role, memory.preamble, memory.entries[half:]))


def add(store, entry, role="reviewer"):
    with store.change(f"add {entry.title}") as change:
        memory = change.memory(role)
        change.save(Memory(role, memory.preamble, (*memory.entries, entry)))


# what a change is


def test_a_role_without_a_memory_knows_nothing(store):
    assert store.read("reviewer").entries == ()


def test_a_change_shows_its_own_writes_and_others_see_them_when_it_is_made(store, entry):
    with store.change("add") as change:
        change.save(Memory("team", change.memory("team").preamble, (entry("One"),)))
        assert [e.title for e in change.memory("team").entries] == ["One"]
        assert Store(store.echoes, store.clock).read("team").entries == ()
    assert store.read("team").entries == (entry("One"),)


def test_an_error_in_the_block_changes_nothing_and_lets_the_next_one_in(store, remember, entry, contents):
    remember("reviewer", entry("One"))
    before = contents(store.echoes.project)

    def broken():
        with store.change("broken") as change:
            change.backup("reviewer")
            change.remove(store.echoes.memory("reviewer"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert contents(store.echoes.project) == before
    assert store.last_change() is None
    add(store, entry("Two"))


def test_a_change_that_changes_nothing_leaves_no_trace(store, remember, entry):
    remember("reviewer", entry("One"))
    with store.change("nothing") as change:
        change.backup("reviewer")
        change.save(change.memory("reviewer"))
    assert store.last_change() is None
    assert not store.echoes.archive("reviewer").exists()


def test_a_change_that_nobody_commits_is_a_dry_run(store, remember, entry, contents):
    remember("reviewer", entry("One"))
    before = contents(store.echoes.project)
    change = Change(store.echoes, store.today)
    change.backup("reviewer")
    change.remove(store.echoes.memory("reviewer"))
    assert [edit.after for edit in change.edits] == [None]
    assert contents(store.echoes.project) == before


def test_the_folder_is_kept_out_of_git_from_its_first_file_on(store, entry):
    add(store, entry("One"))
    assert store.echoes.ignore.read_bytes() == b"*\n"


def test_a_memory_of_a_newer_schema_is_not_written_to(store, remember, entry, contents):
    remember("reviewer", entry("One"))
    path = store.echoes.memory("reviewer")
    path.write_text(path.read_text().replace("v1", "v2"))
    before = contents(store.echoes.project)
    with pytest.raises(NewerVersion):
        add(store, entry("Two"))
    assert contents(store.echoes.project) == before


def test_a_memory_that_is_no_text_is_named(store, remember):
    remember("reviewer")
    store.echoes.memory("reviewer").write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match=r"reviewer/MEMORY\.md: expected UTF-8"):
        store.read("reviewer")


def test_a_wrong_field_is_named_with_file_and_line(store, remember, entry):
    remember("reviewer", entry("One"))
    path = store.echoes.memory("reviewer")
    path.write_text(path.read_text().replace("0.8", "8.0"))
    with pytest.raises(EchoError, match=r"MEMORY\.md:\d+: confidence"):
        store.read("reviewer")


def test_a_link_that_leads_out_of_the_project_is_not_followed(store, tmp_path, entry):
    outside = tmp_path / "outside.md"
    outside.write_text("mine")
    store.echoes.role("reviewer").mkdir(parents=True)
    store.echoes.memory("reviewer").symlink_to(outside)
    with pytest.raises(FormatError, match="leads out of the project"):
        add(store, entry("One"))
    assert outside.read_text() == "mine"


def test_an_edit_by_hand_while_the_block_runs_is_not_overwritten(store, remember, entry):
    remember("reviewer", entry("One"))
    path = store.echoes.memory("reviewer")

    def forget_all():
        with store.change("forget") as change:
            change.save(Memory("reviewer", change.memory("reviewer").preamble, ()))
            path.write_text(path.read_text() + "\nby hand\n")

    with pytest.raises(Moved, match="written by somebody else meanwhile"):
        forget_all()
    assert path.read_text().endswith("by hand\n")


# never in an active phase


def test_nothing_is_changed_while_a_session_is_at_work_but_what_may_be_at_any_time(echoes, clock, entry):
    store = Store(echoes, clock, lambda: (Phase("s7", "e1", clock(), clock()),))
    with pytest.raises(Busy, match=r"at work \(s7 since \d\d:\d\d\): wait for its end"):
        archive_half(store)
    with pytest.raises(Busy):
        store.undo()
    with store.change("etch", anytime=True) as change:
        change.save(Memory("team", change.memory("team").preamble, (entry("One"),)))
    assert store.read("team").entries


# backups and the archive


def test_archived_entries_stay_in_one_file_a_day(store, remember, entry, titles):
    remember("reviewer", *(entry(f"Habit {n}") for n in range(4)))
    archive_half(store)
    archive_half(store)
    [archived] = store.echoes.archive("reviewer").glob("entries-*.md")
    assert archived.name == f"entries-{store.today}.md"
    assert titles(store.echoes.project, "reviewer") == ["Habit 3", "Habit 0", "Habit 1", "Habit 2"]


@pytest.mark.parametrize(
    "damaged", [b"### [2026-13-01] Pattern: X\n- x\n", b"\xff", b"<!-- echo-schema: v9 -->\n"]
)
def test_an_archive_that_somebody_damaged_stays_and_the_next_name_is_taken(store, entry, damaged):
    folder = store.echoes.archive("team")
    folder.mkdir(parents=True)
    (folder / f"entries-{store.today}.md").write_bytes(damaged)
    for title in ("A", "B"):
        with store.change("try") as change:
            change.archive("team", [entry(title)])
    assert (folder / f"entries-{store.today}.md").read_bytes() == damaged
    text = (folder / f"entries-{store.today}-2.md").read_text("utf-8")
    assert [known.title for known in echo.parse(text, "x").entries] == ["A", "B"]


def test_an_empty_file_gets_its_header_with_its_first_entry(store, entry):
    path = store.echoes.memory("team")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n")
    with store.change("try") as change:
        change.save(replace(change.memory("team"), entries=(entry("A"),)))
    assert path.read_text("utf-8").startswith(f"{echo.HEADER}\n# Team Memory\n\n### ")


def test_a_second_backup_of_the_day_overwrites_none(store, remember, entry):
    remember("reviewer", *(entry(f"Habit {n}") for n in range(4)))
    first = store.echoes.memory("reviewer").read_bytes()
    archive_half(store)
    second = store.echoes.memory("reviewer").read_bytes()
    archive_half(store)
    archive = store.echoes.archive("reviewer")
    assert (archive / f"MEMORY-{store.today}.md").read_bytes() == first
    assert (archive / f"MEMORY-{store.today}-2.md").read_bytes() == second


def test_a_backup_outlives_undo_and_is_not_made_twice(store, remember, entry):
    remember("reviewer", entry("One"), entry("Two"))
    for _ in range(3):
        archive_half(store)
        store.undo()
    assert [path.name for path in store.echoes.archive("reviewer").iterdir()] == [f"MEMORY-{store.today}.md"]


# undo


def test_undo_goes_back_change_by_change(store, remember, entry, contents):
    states = []
    for title in ("One", "Two", "Three"):
        states.append(contents(store.echoes.project))
        add(store, entry(title))
    told = []
    for state in reversed(states):
        told.append(store.undo().what)
        assert contents(store.echoes.project) == state
    assert told == ["add Three", "add Two", "add One"]
    with pytest.raises(NothingToUndo):
        store.undo()


def test_after_an_undo_the_next_change_can_be_undone_too(store, entry, contents):
    add(store, entry("One"))
    before = contents(store.echoes.project)
    add(store, entry("Two"))
    store.undo()
    add(store, entry("Three"))
    assert [store.undo().what, contents(store.echoes.project)] == ["add Three", before]
    assert store.undo().what == "add One"


def test_undo_refuses_where_a_file_was_changed_since(store, remember, entry):
    remember("reviewer", entry("One"), entry("Two"))
    archive_half(store)
    path = store.echoes.memory("reviewer")
    path.write_bytes(path.read_bytes() + b"\nby hand\n")
    now = path.read_bytes()
    with pytest.raises(Moved, match=r"MEMORY\.md was changed again after `prune reviewer`"):
        store.undo()
    assert path.read_bytes() == now


FILES = st.dictionaries(
    st.sampled_from(["MEMORY.md", "knowledge.md", "archive/entries-2026-01-01.md", "ash-findings.md"]),
    st.binary(max_size=40),
)


@settings(max_examples=25)
@given(before=FILES, after=FILES)
def test_undo_restores_every_byte(tmp_path_factory, before, after):
    project = tmp_path_factory.mktemp("project")
    store = Store(Echoes(project), lambda: 5.0)
    folder = store.echoes.role("reviewer")
    for name, data in before.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    with store.change("anything") as change:
        for name in {*before, *after}:
            if name in after:
                change.write(folder / name, after[name])
            else:
                change.remove(folder / name)
    assert found(folder) == after
    if before != after:
        store.undo()
        assert found(folder) == before
    shutil.rmtree(project)


def found(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# processes that die, disks that are full


@pytest.fixture
def furnished(store, remember, entry):
    """A memory, and what the scenario ``prune`` of faults.py works on."""
    remember("reviewer", *(entry(f"Habit {n}") for n in range(4)))
    (store.echoes.role("reviewer") / "old.md").write_text("old")
    return store.echoes.project


def state_of(contents, project):
    """What matters of a project: a backup too many or half a temporary file does no harm."""
    return {
        name: data
        for name, data in contents(project).items()
        if "/archive/MEMORY-" not in name and not Path(name).name.startswith(".")
    }


def begun(project):
    return [path.name for path in Echoes(project).journal.glob("*.*")]


def test_killed_at_any_operation_it_is_as_before_or_as_after_and_no_entry_is_lost(
    furnished, broken_off, contents, titles
):
    before, whole = state_of(contents, furnished), sorted(titles(furnished, "reviewer"))
    *died, (done, status) = broken_off("kill", "prune")
    after = state_of(contents, done)
    assert {code for _, code in died} == {9}
    assert status == 0
    for copy, _ in died:
        assert set(titles(copy, "reviewer")) == set(whole), "even while nobody has settled it"
        store = Store(Echoes(copy), lambda: 5.0)
        store.read("reviewer")
        assert state_of(contents, copy) in (before, after)
        assert sorted(titles(copy, "reviewer")) == whole
        add(store, store.read("reviewer").entries[0])
        assert begun(copy) == []
    assert len(died) > 20


def test_killed_on_the_way_back_it_still_finds_back(furnished, broken_off, contents):
    before = state_of(contents, furnished)
    tried = 0
    for half, _ in broken_off("kill", "prune"):
        if any(name.endswith(".begun") for name in begun(half)):
            for copy, _ in broken_off("kill", "settle", half):
                Store(Echoes(copy), lambda: 5.0).settle()
                assert state_of(contents, copy) == before
                tried += 1
    assert tried > 20


def test_an_undo_that_is_killed_is_done_or_not(furnished, broken_off, contents, store):
    before = state_of(contents, furnished)
    archive_half(store)
    after = state_of(contents, furnished)
    *died, (done, _) = broken_off("kill", "undo")
    assert state_of(contents, done) == before
    for copy, _ in died:
        Store(Echoes(copy), lambda: 5.0).settle()
        assert state_of(contents, copy) in (before, after)


def test_a_full_disk_leaves_the_old_state_and_room_makes_it_go_on(furnished, broken_off, contents):
    before = state_of(contents, furnished)
    *failed, (done, _) = broken_off("full", "prune")
    assert {code for _, code in failed} == {3}
    for copy, _ in failed:
        assert state_of(contents, copy) == before
        archive_half(Store(Echoes(copy), lambda: 5.0))
    assert state_of(contents, done) != before


def test_an_operation_that_fails_leaves_the_old_state(furnished, broken_off, contents):
    before = state_of(contents, furnished)
    for copy, status in broken_off("once", "prune"):
        Store(Echoes(copy), lambda: 5.0).settle()
        assert status == 0 or state_of(contents, copy) == before


def test_a_write_that_the_system_cuts_short_leaves_the_old_state(furnished, contents):
    """The real thing: a limit on the size of files, as a full disk would set one."""
    before = state_of(contents, furnished)
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import faults
        try:
            faults.prune(faults.open_store(faults.Path({str(furnished)!r})))
        except OSError as error:
            sys.exit(error.errno)
    """

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    argv = [sys.executable, "-B", "-c", textwrap.dedent(code)]
    failed = subprocess.run(argv, preexec_fn=limit, check=False)
    assert failed.returncode == errno.EFBIG
    assert state_of(contents, furnished) == before


# many at once


def test_twenty_writers_at_once_lose_nothing(store, titles):
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import faults
        store = faults.open_store(faults.Path({str(store.echoes.project)!r}))
        for number in range(3):
            with store.change("add") as change:
                memory = change.memory("team")
                new = faults.learnt(f"Habit {{sys.argv[1]}}-{{number}}")
                change.save(faults.Memory("team", memory.preamble, (*memory.entries, new)))
    """
    argv = [sys.executable, "-c", textwrap.dedent(code)]
    writers = [subprocess.Popen([*argv, str(number)]) for number in range(20)]
    assert [writer.wait() for writer in writers] == [0] * 20
    assert sorted(titles(store.echoes.project, "team")) == sorted(
        f"Habit {writer}-{number}" for writer in range(20) for number in range(3)
    )
    assert len(store.journal.changes()) == 60


def test_readers_see_no_half_of_a_change(store, remember, entry, titles):
    """Entries go to and fro between two roles; together they are always all of them."""
    remember("reviewer", *(entry(f"Habit {n}") for n in range(6)))
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import faults
        store = faults.open_store(faults.Path({str(store.echoes.project)!r}))
        for _ in range(15):
            for source, target in (("reviewer", "team"), ("team", "reviewer")):
                with store.change("move") as change:
                    moved, empty = change.memory(source), change.memory(target)
                    change.save(faults.Memory(target, empty.preamble, moved.entries))
                    change.save(faults.Memory(source, moved.preamble, ()))
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    looks = 0
    while writer.poll() is None:
        with store.alone():
            found = [*titles(store.echoes.project, "reviewer"), *titles(store.echoes.project, "team")]
        assert len(found) == 6
        looks += 1
    assert writer.returncode == 0
    assert looks
