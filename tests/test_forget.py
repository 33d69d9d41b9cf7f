import errno
import threading
import time
from dataclasses import replace
from datetime import date

import pytest

from rune import files, forget, gather
from rune.backends.store import Store as Shared
from rune.config import EvolutionConfig
from rune.echoes import known, oblivion
from rune.echoes.store import Store
from rune.errors import FormatError, NewerVersion
from rune.evolving import carrying, standing
from rune.index import Document, Index, store_folder
from rune.jobs import Jobs
from rune.library import Library
from rune.records import echo, gathered, recalled, trajectory
from rune.records.card import Lesson
from rune.records.echo import Entry
from rune.records.trajectory import Note
from rune.testing import FakeEmbedder


@pytest.fixture
def add(echoes, make_card, fill_stage):
    def put(session: str, weights: bytes = b"weights", **more):
        library = Library(echoes, time.time)
        with library.staging() as stage:
            fill_stage(stage, weights)
            source = weights.hex().ljust(64, "0")
            return library.add(stage, make_card(session=session, source_hash=source, **more))

    return put


def test_a_forgotten_session_is_in_no_file_of_the_project(home, write_session, add, echoes):
    write_session("s1")
    add("s1", b"one")
    add("s1", b"two")
    gone = forget.session(home, "s1", echoes.project)
    assert len(gone.removed) == 3
    assert gone.removed[-1] == "trajectory s1.jsonl"
    assert not echoes.trajectory("s1").exists()
    assert Library(echoes, time.time).cards(include_archived=True) == []
    assert [path for path in echoes.adapters.iterdir() if path.is_dir()] == []


def test_other_sessions_stay(home, write_session, add, echoes):
    for name in ("s1", "s2"):
        write_session(name)
        add(name, name.encode())
    forget.session(home, "s1", echoes.project)
    assert echoes.trajectory("s2").exists()
    assert [card.session for card in Library(echoes, time.time).cards()] == ["s2"]


def test_a_session_without_an_adapter_can_be_forgotten_too(home, write_session, echoes):
    write_session("s1")
    assert forget.session(home, "s1", echoes.project).removed == ("trajectory s1.jsonl",)


def test_an_adapter_whose_trajectory_is_gone_can_be_forgotten_too(home, add, echoes):
    card = add("s1")
    assert forget.session(home, "s1", echoes.project).removed == (f"adapter {card.id}",)


def test_a_session_that_nobody_knows_is_refused(home, echoes):
    with pytest.raises(FormatError, match=r"found no trajectory or adapter of 's1'; see `rune echoes show`"):
        forget.session(home, "s1", echoes.project)


def test_the_index_of_a_project_goes_as_a_whole_and_others_stay(home):
    index = Index(home.index, FakeEmbedder())
    for project in ("/one", "/two"):
        index.sync(project, [Document("d", "a", "s1", f"what {project} was about")])
    index.close()
    forget.drop_index(home, "/one")
    assert not store_folder(home.index, "/one").exists()
    assert Index(home.index, FakeEmbedder()).search("/two", "about", 1)
    forget.drop_index(home, "/never/seen")


# what was made of it


def test_every_descendant_goes_and_those_whose_place_it_had_taken_serve_again(
    home, write_session, add, echoes
):
    for name in ("s1", "s2", "s3"):
        write_session(name)
    library = Library(echoes, time.time)
    one, two, three = (add(name, name.encode()) for name in ("s1", "s2", "s3"))
    child = add("task-1", b"child", level="task", parents=(one.id, two.id), sessions=("s1", "s2"))
    parents = (child.id, three.id)
    grandchild = add("project-1", b"grand", level="project", parents=parents, sessions=("s1", "s2", "s3"))
    for old, by in ((one, child), (two, child), (child, grandchild), (three, grandchild)):
        library.supersede(old.id, by.id)
    recalled.append(echoes.recalls, recalled.Use(1.0, "s1", two.id))
    recalled.append(echoes.recalls, recalled.Use(2.0, "s2", two.id))
    gone = forget.session(home, "s1", echoes.project)
    assert {f"adapter {card.id}" for card in (one, child, grandchild)} <= set(gone.removed)
    assert {card.id for card in library.cards()} == {two.id, three.id}
    assert [use.session for use in recalled.read(echoes.recalls)] == ["s2"]


def test_a_copy_that_was_fetched_out_of_a_shared_store_goes_too(home, write_session, add, echoes, tmp_path):
    write_session("s1")
    one, two = (add(name, name.encode()) for name in ("s1", "s2"))
    store, library = Shared(f"file://{tmp_path / 'store'}"), Library(echoes, time.time)
    for card in (one, two):
        store.publish(library, card.id)
        store.fetch(card.id, home.fetched)
    (home.fetched / ".staging-999999999-ab").mkdir()
    gone = forget.session(home, "s1", echoes.project).removed
    assert {f"adapter {one.id}", f"fetched copy of adapter {one.id}"} < set(gone)
    assert {path.name for path in home.fetched.iterdir()} == {two.id, ".locks"}


def test_a_session_of_a_consolidated_adapter_alone_is_forgotten_with_it(home, add, echoes):
    child = add("task-1", b"child", level="task", parents=("ab" * 8,), sessions=("s1", "s2"))
    assert forget.session(home, "s1", echoes.project).removed == (f"adapter {child.id}",)


def test_a_child_whose_card_is_damaged_goes_with_each_of_its_sessions(home, write_session, add, echoes):
    library = Library(echoes, time.time)
    one, two = (add(name, name.encode()) for name in ("s1", "s2"))
    child = add("task-1", b"child", level="task", parents=(one.id, two.id), sessions=("s1", "s2"))
    for parent in (one, two):
        library.supersede(parent.id, child.id)
    path = library.folder(child.id) / "card.json"
    path.chmod(0o600)
    path.write_text("{")
    assert f"adapter {child.id}" in forget.session(home, "s1", echoes.project).removed
    assert [card.id for card in library.cards()] == [two.id]


def test_what_a_person_had_put_away_stays_away_when_what_had_its_place_is_forgotten(home, add, echoes):
    library = Library(echoes, time.time)
    one, two, three = (add(name, name.encode()) for name in ("s1", "s2", "s3"))
    for old in (one, three):
        library.supersede(old.id, two.id)
    library.archive(one.id)
    forget.session(home, "s2", echoes.project)
    assert [card.id for card in library.cards()] == [three.id]
    assert library.states()[three.id].word == 0.0, "no person has put it back"


def told(port):
    answer = f"The gateway listens on port {port}."
    return Lesson("said", answer, ("Where does the gateway listen?",), (), (), (str(port),), float(port))


@pytest.mark.parametrize(("automatic", "ports"), [("true", ["9090"]), ("false", ["80", "9090"])])
def test_what_a_forgotten_session_knew_better_another_one_may_know_better_too(
    add, home, echoes, automatic, ports
):
    home.root.mkdir(exist_ok=True)
    home.config.write_text(f"[evolution]\nautomatic = {automatic}\n")
    library = Library(echoes, time.time)
    for n, port in enumerate((80, 8080, 9090)):
        add(f"s{n}", str(port).encode(), lessons=(told(port), told_apart(n)))
        carrying.retire(library, EvolutionConfig())
    assert forget.session(home, "s1", echoes.project).removed
    said = [lesson.keys[0] for card in library.cards() for lesson in card.lessons if lesson.kind == "said"]
    assert sorted(said) == ports


def told_apart(n):
    return Lesson("goal", f"Session {n} was about w{n}.", (f"What was session {n} about?",), ())


@pytest.fixture
def family(add, write_session, echoes):
    """Two sessions, and a child of their adapters that has their places."""
    library = Library(echoes, time.time)
    for name in ("s1", "s2"):
        write_session(name)
    one, two = (add(name, name.encode()) for name in ("s1", "s2"))
    child = add("task-1", b"child", level="task", parents=(one.id, two.id), sessions=("s1", "s2"))
    for parent in (one, two):
        library.supersede(parent.id, child.id)
    return one, two, child


def everything(echoes, home):
    roots = [echoes.root, home.root]
    found = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in found if not path.name.endswith(".lock")}


def newer(path, line='{"v": 9}'):
    with path.open("a") as file:
        file.write(f"{line}\n")


@pytest.mark.parametrize("what", ["recalls", "card", "ledger", "jobs", "gathered"])
def test_what_a_newer_rune_wrote_is_refused_before_anything_is_deleted(
    home, family, echoes, remembered, what
):
    remembered("workers", entry("Money is decimal"))
    home.root.mkdir(exist_ok=True)
    if what == "card":
        path = Library(echoes, time.time).folder(family[2].id) / "card.json"
        path.chmod(0o600)
        path.write_text(path.read_text().replace('"v": 2', '"v": 3'))
    else:
        newer(home.jobs if what == "jobs" else getattr(echoes, what))
    before = everything(echoes, home)
    for ask in (forget.check, forget.session):
        with pytest.raises(NewerVersion):
            ask(home, "s1", echoes.project)
    assert everything(echoes, home) == before


def test_a_damaged_line_of_another_session_keeps_nobody_from_forgetting(home, family, echoes):
    newer(echoes.recalls, '{"v":1,"session":"s2","adapter":"a"}')
    newer(echoes.recalls, '{"v":1,"at":2,"session":"s1","adapter":"a"}')
    forget.session(home, "s1", echoes.project)
    assert not echoes.trajectory("s1").exists()
    assert echoes.recalls.read_text() == '{"v":1,"session":"s2","adapter":"a"}\n'


def test_where_no_line_can_be_written_the_files_go_all_the_same_and_the_next_try_does_the_rest(
    home, family, echoes
):
    one, two, child = family
    library = Library(echoes, time.time)
    for gone in (one, child):  # as far as it comes on a full disk
        library.discard(gone.id)
    assert [path.name for path in echoes.adapters.iterdir() if path.is_dir()] == [two.id]
    assert library.states()[child.id].status == "active", "as far as anybody has written down"
    removed = forget.session(home, "s1", echoes.project).removed
    assert set(removed) == {f"adapter {one.id}", f"adapter {child.id}", "trajectory s1.jsonl"}
    assert [card.id for card in library.cards()] == [two.id]
    assert [library.states()[card.id].status for card in (one, child)] == ["forgotten"] * 2


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_on_a_full_disk_what_was_learnt_goes_and_the_next_try_leaves_no_line(
    home, family, remembered, echoes, monkeypatch
):
    jobs, store = Jobs(home.jobs, time.time), Store(echoes, time.time)
    jobs.enqueue("s1", str(echoes.project), "ab" * 32)
    recalled.append(echoes.recalls, recalled.Use(1.0, "s1", family[1].id))
    remembered("workers", entry("Money is decimal"))
    with monkeypatch.context() as disk:
        for name in ("replace", "append"):
            disk.setattr(files, name, full)
        with pytest.raises(OSError, match="No space"):
            forget.session(home, "s1", echoes.project)
        assert not (echoes.adapters / family[0].id).exists()
        assert not echoes.trajectory("s1").exists()
        with pytest.raises(OSError, match="No space"):
            forget.session(home, "s1", echoes.project)
    forget.session(home, "s1", echoes.project)
    assert not echoes.trajectory("s1").exists()
    assert (jobs.all(), oblivion.of(store, "s1"), list(recalled.read(echoes.recalls))) == (
        [],
        frozenset(),
        [],
    )
    with pytest.raises(FormatError, match="expected a session"):
        forget.session(home, "s1", echoes.project)


@pytest.mark.parametrize("left", ["recalls", "jobs", "echo"])
def test_a_session_of_which_only_a_line_is_left_can_be_forgotten(home, remembered, echoes, left):
    if left == "recalls":
        recalled.append(echoes.recalls, recalled.Use(1.0, "s1", "ab" * 8))
    elif left == "jobs":
        Jobs(home.jobs, time.time).enqueue("s1", str(echoes.project), "ab" * 32)
    else:
        remembered("workers", entry("Money is decimal"))
    forget.session(home, "s1", echoes.project)
    with pytest.raises(FormatError, match="expected a session"):
        forget.session(home, "s1", echoes.project)


@pytest.mark.parametrize("where", ["archive", "journal", "gathered"])
def test_what_a_broken_off_try_left_in_the_text_memory_is_found(home, echoes, where):
    if where == "archive":
        path = echoes.root / "workers" / "archive" / "2026-11.md"
        path.parent.mkdir(parents=True)
        path.write_text(echo.render(replace(echo.empty("workers"), entries=(entry("Mine"),))))
    elif where == "journal":
        (echoes.journal / "1").mkdir(parents=True)
        (echoes.journal / "1" / "plan.json").write_text('{"session": "s1"}')
    else:
        echoes.root.mkdir(parents=True, exist_ok=True)
        gathered.append(echoes.gathered, gathered.Gathered(1.0, "s1", "ab" * 32))
    forget.session(home, "s1", echoes.project)
    assert not any(b"s1" in path.read_bytes() for path in echoes.root.rglob("*") if path.is_file())
    with pytest.raises(FormatError, match="expected a session"):
        forget.session(home, "s1", echoes.project)


def test_half_a_line_of_another_session_is_none_of_this_one(home, echoes):
    echoes.adapters.mkdir(parents=True)
    newer(echoes.recalls, '{"v":1,"at":1,"session":"s12","ada')
    with pytest.raises(FormatError, match="expected a session"):
        forget.session(home, "s1", echoes.project)
    newer(echoes.recalls, '{"v":1,"at":1,"session":"s1')
    forget.session(home, "s1", echoes.project)
    assert echoes.recalls.read_text() == '{"v":1,"at":1,"session":"s12","ada\n'


def test_a_trajectory_goes_where_there_is_no_room_to_write_that_anything_was_asked(
    home, write_session, echoes, monkeypatch
):
    write_session("s1")
    recalled.append(echoes.recalls, recalled.Use(1.0, "s1", "ab" * 8))
    with monkeypatch.context() as disk:
        disk.setattr(files, "replace", full)
        with pytest.raises(OSError, match="No space"):
            forget.session(home, "s1", echoes.project)
    assert not echoes.trajectory("s1").exists()
    forget.session(home, "s1", echoes.project)
    assert list(recalled.read(echoes.recalls)) == []


def test_an_adapter_of_which_nobody_can_say_what_it_was_made_of_is_named(home, write_session, add, echoes):
    write_session("s1")
    card = add("s2", b"two")
    path = Library(echoes, time.time).folder(card.id) / "card.json"
    path.chmod(0o600)
    path.write_text("{")
    assert forget.session(home, "s1", echoes.project).left == ()
    write_session("s1")
    echoes.ledger.write_text("torn\n")
    (left,) = forget.session(home, "s1", echoes.project).left
    assert card.id in left


def test_a_child_that_was_taught_a_forgotten_echo_is_not_to_be_distilled(
    home, write_session, add, remembered, echoes
):
    mine, parent = entry("Mine"), add("s2", b"two")
    write_session("s1")
    remembered("workers", mine)
    add("task-1", b"child", level="task", parents=(parent.id,), sessions=("s2",), lessons=taught(mine))
    removed = forget.session(home, "s1", echoes.project).removed
    assert any("task-1, taught an echo" in line for line in removed)
    assert not any("rune distil" in line for line in removed)


def test_an_adapter_that_was_taught_a_forgotten_echo_goes_before_the_echo(home, add, remembered, echoes):
    ours = entry("Money is decimal")
    remembered("workers", ours, entry("Dates are UTC", source="rune:work s2"))
    store = Store(echoes, time.time)
    assert oblivion.of(store, "s1") == {ours.digest}
    remembered("reviewer", replace(ours, layer="etched"))
    assert oblivion.of(store, "s1") == frozenset(), "somebody etched the same"


def test_an_adapter_whose_files_are_gone_has_no_say_once_something_is_forgotten(
    home, family, add, write_session, echoes
):
    """It went with an echo that it was taught, and then there was no room to write that down."""
    library, other = Library(echoes, time.time), add("s3", b"three")
    library.supersede(family[2].id, other.id)
    library.discard(other.id)
    write_session("s9")
    forget.session(home, "s9", echoes.project)
    assert library.states()[other.id].status == "forgotten"
    assert [card.id for card in library.cards()] == [family[2].id]


def test_a_parent_whose_session_was_learnt_anew_does_not_come_back_beside_that(home, family, add, echoes):
    library, (_, two, _) = Library(echoes, time.time), family
    again = add("s2", b"again", created=time.time() + 1)
    forget.session(home, "s1", echoes.project)
    assert [card.id for card in library.cards()] == [again.id]
    assert library.states()[two.id].superseded_by == again.id


def test_what_evolution_has_done_leaves_no_answer_in_the_journal_of_jobs(add, home, echoes):
    library, jobs = Library(echoes, time.time), Jobs(home.jobs, time.time)
    for n, port in enumerate((8080, 9090)):
        add(f"s{n}", str(port).encode(), lessons=(told(port), told_apart(n)))
    done = carrying.carry(library, standing.look(echoes, EvolutionConfig(), time.time()).actions)
    assert done
    jobs.enqueue_evolution(str(echoes.project), "51a20958")
    jobs.done(jobs.started(jobs.next(time.time() + 1)), "", "; ".join(done))
    forget.session(home, "s0", echoes.project)
    assert b"gateway" not in home.jobs.read_bytes()


def test_settings_that_cannot_be_read_keep_nobody_from_forgetting(write_session, home, echoes, caplog):
    home.root.mkdir(exist_ok=True)
    home.config.write_text("[evolution]\nautomatic = 7\n")
    write_session("s1")
    assert forget.session(home, "s1", echoes.project).removed == ("trajectory s1.jsonl",)
    assert "automatic" in caplog.text


# echoes


@pytest.fixture
def remembered(echoes):
    """``remembered("workers", Entry(...), ...)`` is a MEMORY.md."""

    def write(role, *entries):
        path = echoes.memory(role)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(echo.render(replace(echo.empty(role), entries=entries)))

    return write


def entry(title, layer="inscribed", source="rune:work s1", **more):
    fields = {"evidence": ("`a.py:1` — seen",), "source": source, **more}
    return Entry(layer, title, date(2026, 11, 1), f"{title} is so.", **fields)


def taught(*entries):
    """A lesson for each."""
    return tuple(
        Lesson("etched", one.learning, (f"What of {one.title}?",), (), (f"echo:{one.digest}",))
        for one in entries
    )


def test_adapters_that_were_taught_what_is_taken_out_are_deleted_and_their_sessions_queued(
    write_session, add, remembered, home, echoes
):
    kept, gone = entry("Kept"), entry("Gone")
    for name in ("s1", "s2"):
        write_session(name)
    one = add("s1", b"one", lessons=taught(kept, gone))
    two = add("s2", b"two", lessons=taught(kept))
    remembered("workers", kept, gone)
    before = known.read(echoes)
    remembered("workers", kept)
    index = Index(home.index, FakeEmbedder())
    index.sync(str(echoes.project), [Document("echo:1", "", "", gone.learning)])
    index.close()
    done = forget.echoes_gone(home, echoes, before)
    assert (done.adapters, done.queued) == ((one.id,), ("s1",))
    assert [card.id for card in Library(echoes, time.time).cards()] == [two.id]
    assert [job.session for job in Jobs(home.jobs, time.time).all()] == ["s1"]
    assert not store_folder(home.index, str(echoes.project)).exists()
    assert f"deleted  adapter {one.id}" in forget.render(done)
    assert "again without it: s1" in forget.render(done)


def test_a_child_that_is_published_while_an_echo_is_taken_out_goes_too(
    add, remembered, home, echoes, make_card, fill_stage
):
    gone = entry("Gone")
    one, two = add("s1", b"one", lessons=taught(gone)), add("s2", b"two")
    remembered("workers", gone)
    before = known.read(echoes)
    echoes.memory("workers").unlink()
    library = Library(echoes, time.time)
    taking_out = threading.Thread(target=forget.echoes_gone, args=(home, echoes, before))
    with library.staging() as stage, library.alone():
        taking_out.start()
        fill_stage(stage, b"child")
        parents = (one.id, two.id)
        child = make_card(session="task-1", source_hash="c" * 64, level="task", parents=parents)
        made = library.add(stage, child)
        for parent in parents:
            library.supersede(parent, made.id)
    taking_out.join()
    assert [card.id for card in library.cards(include_archived=True)] == [two.id]
    assert library.states()[two.id].status == "active"


def test_search_data_on_a_server_that_is_away_stay_until_the_next_recall_and_that_is_said(
    write_session, add, remembered, home, echoes
):
    write_session("s1")
    gone = entry("Gone")
    add("s1", b"one", lessons=taught(gone))
    remembered("workers", gone)
    before = known.read(echoes)
    echoes.memory("workers").unlink()
    home.config.parent.mkdir(exist_ok=True)
    home.config.write_text('[index]\nurl = "http://127.0.0.1:1"\n')
    done = forget.echoes_gone(home, echoes, before)
    assert (len(done.adapters), done.queued) == (1, ("s1",))
    assert "stay until the next recall: the Chroma server http://127.0.0.1:1 cannot be" in forget.render(done)


def test_where_no_adapter_was_taught_it_nothing_is_said(remembered, home, echoes):
    remembered("workers", entry("Gone"))
    before = known.read(echoes)
    echoes.memory("workers").unlink()
    assert forget.render(forget.echoes_gone(home, echoes, before)) == ""


def test_a_session_that_is_forgotten_leaves_no_echo_in_memory_archive_or_journal(home, write_session, echoes):
    write_session("s1", events=(Note("n1", 1.0, "The zebra gateway listens on port 7001.", "decision"),))
    write_session("s2", events=(Note("n2", 2.0, "Retries stop after 30 seconds.", "decision"),))
    store = Store(echoes, time.time)
    for name in ("s1", "s2"):
        gather.take_in(store, [trajectory.read(echoes.trajectory(name))])
    with store.change("etch") as change:
        change.archive("planner", [entry("The zebra archive", source="rune:plan s1")])
        change.backup("planner")
        change.save(change.memory("planner"))
    gone = forget.session(home, "s1", echoes.project)
    left = b"".join(path.read_bytes() for path in echoes.root.rglob("*") if path.is_file())
    assert b"zebra" not in left
    assert b"Retries stop" in left
    assert any("planner/MEMORY.md" in line for line in gone.removed)
    assert any("journal" in line for line in gone.removed)
    assert [one.session for one in gathered.read(echoes.gathered)] == ["s2"]


def test_an_echo_that_another_session_confirmed_stays_and_is_named(home, write_session, remembered, echoes):
    write_session("s1")
    remembered("workers", entry("Both", source="rune:work s1, s2"), entry("Mine", "etched"))
    gone = forget.session(home, "s1", echoes.project)
    assert len(gone.left) == 2
    assert [one.title for one in Store(echoes, time.time).read("workers").entries] == ["Both", "Mine"]


def test_an_adapter_of_another_session_that_was_taught_a_forgotten_echo_goes_too(
    home, write_session, add, remembered, echoes
):
    mine = entry("Mine")
    for name in ("s1", "s2"):
        write_session(name)
    add("s2", lessons=taught(mine))
    remembered("workers", mine)
    gone = forget.session(home, "s1", echoes.project)
    assert Library(echoes, time.time).cards() == []
    assert any("`rune distil s2` makes it anew" in line for line in gone.removed)
