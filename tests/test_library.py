import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rune import files, stages
from rune.errors import AdapterError, FormatError, NewerVersion, WrongBase
from rune.library import STAGE, Library
from rune.records import card as records
from rune.records import ledger as lines
from rune.records.ledger import Entry

OTHER = "ee" * 32


@pytest.fixture
def library(echoes, clock):
    return Library(echoes, clock)


@pytest.fixture
def add(library, make_card, fill_stage, clock):
    """``add(weights=b"...", **card)`` makes an adapter as a worker does; each is a second younger."""

    def add(weights=b"weights", into=library, **changes):
        clock.advance(1)
        with into.staging() as stage:
            fill_stage(stage, weights)
            return into.add(stage, make_card(**{"created": clock(), **changes}))

    return add


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def snapshot(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def ledger(library: Library) -> list[tuple[str, str]]:
    return [(entry.entry, entry.adapter) for entry in lines.entries(library.ledger)]


def flip(path: Path) -> None:
    """Change one bit of a read-only file, as a failing disk does."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


# adding


def test_an_added_adapter_is_read_only_and_its_card_says_what_it_is(library, add):
    made = add(weights=b"abc")
    folder = library.folder(made.id)
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    ]
    assert [mode(path) for path in sorted(folder.iterdir())] == [0o400] * 3
    assert mode(folder) == 0o500
    assert mode(library.root) == 0o700
    assert library.get(made.id) == made
    assert made.bytes == sum((folder / name).stat().st_size for name in made.sha256)
    assert made.sha256["adapter_model.safetensors"] == files.sha256(folder / "adapter_model.safetensors")
    assert library.verify(made.id) == made
    assert library.states()[made.id].status == "active"
    assert not list(library.root.glob(f"{STAGE}*"))


def test_the_id_follows_from_weights_configuration_and_source(add, library):
    first = add(weights=b"one")
    library.remove(first.id)
    assert add(weights=b"one", created=1.0).id == first.id
    assert add(weights=b"two", source_hash="b" * 64).id != first.id
    assert add(weights=b"one", source_hash="c" * 64).id != first.id


def test_a_second_adapter_of_the_same_content_and_base_is_not_made(library, add):
    first = add(weights=b"one")
    assert add(weights=b"two") == first
    assert [card.id for card in library.cards()] == [first.id]
    assert ledger(library) == [("added", first.id)]
    assert not list(library.root.glob(f"{STAGE}*"))


def test_the_same_content_for_another_base_is_another_adapter(library, add):
    first = add(weights=b"one")
    second = add(weights=b"two", base_hash=OTHER)
    assert library.for_source(first.source_hash, first.base_hash) == first
    assert library.for_source(first.source_hash, OTHER) == second
    assert library.for_source("00" * 32, OTHER) is None


def test_newer_content_of_a_session_supersedes_the_older_adapter(library, add):
    old, foreign = add(weights=b"old"), add(weights=b"foreign", session="s2", source_hash="f" * 64)
    new = add(weights=b"new", source_hash="e" * 64)
    assert {card.id for card in library.cards()} == {foreign.id, new.id}
    assert library.states()[old.id].superseded_by == new.id
    assert [card.id for card in library.cards(include_archived=True)] == [old.id, foreign.id, new.id]


def test_an_adapter_that_is_no_better_than_the_base_is_kept_but_neither_served_nor_superseding(library, add):
    old = add(weights=b"old")
    useless = add(weights=b"new", source_hash="e" * 64, probes_after={"trained": 0.0, "heldout": 0.0})
    assert library.states()[useless.id].status == "unserved"
    assert library.cards() == [old]
    assert useless in library.cards(include_archived=True)


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_stage_that_lacks_a_file_is_refused(library, make_card, fill_stage, missing):
    with library.staging() as stage:
        fill_stage(stage)
        (stage / missing).unlink()
        with pytest.raises(AdapterError, match=f"{missing} is missing"):
            library.add(stage, make_card())
    assert library.cards() == []


def test_a_stage_from_elsewhere_is_refused(library, make_card, fill_stage, tmp_path):
    fill_stage(tmp_path)
    with pytest.raises(AdapterError, match="expected a folder that Library"):
        library.add(tmp_path, make_card())


def test_a_stage_with_a_folder_or_a_link_in_it_is_refused(library, make_card, fill_stage, tmp_path):
    with library.staging() as stage:
        fill_stage(stage)
        (stage / "link").symlink_to(tmp_path)
        with pytest.raises(AdapterError, match=r"plain files only, found \['link'\]"):
            library.add(stage, make_card())


def test_what_peft_writes_besides_is_kept_and_hashed(library, make_card, fill_stage):
    with library.staging() as stage:
        fill_stage(stage)
        (stage / "README.md").write_text("made by peft")
        made = library.add(stage, make_card())
    assert "README.md" in made.sha256
    flip(library.folder(made.id) / "README.md")
    with pytest.raises(AdapterError, match=r"README\.md: expected SHA-256"):
        library.verify(made.id)


def test_a_stage_is_private_and_gone_when_its_distillation_fails(library):
    found = []

    def distil() -> None:
        with library.staging() as stage:
            found.append((stage, mode(stage)))
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        distil()
    assert [mode for _, mode in found] == [0o700]
    assert not found[0][0].exists()


def test_two_stages_at_once_are_two_folders(library):
    with library.staging() as one, library.staging() as two:
        assert one != two
        assert one.is_dir()


@pytest.mark.parametrize("same", [True, False])
def test_of_two_that_add_at_once_one_wins_and_both_get_its_card(echoes, clock, make_card, fill_stage, same):
    gate, found = threading.Barrier(2), []

    def work(weights: bytes) -> None:
        library = Library(echoes, clock)
        with library.staging() as stage:
            fill_stage(stage, weights)
            gate.wait()
            found.append(library.add(stage, make_card()))

    threads = [
        threading.Thread(target=work, args=(weights,)) for weights in (b"one", b"one" if same else b"two")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    library = Library(echoes, clock)
    assert len(found) == 2
    assert found[0] == found[1]
    assert library.cards() == [found[0]]
    assert ledger(library) == [("added", found[0].id)]
    assert not list(library.root.glob(f"{STAGE}*"))


# damage


def test_of_a_damaged_child_the_way_out_is_its_parents(library, add):
    parent = add()
    child = add(session="task-1", level="task", parents=(parent.id,), sessions=("s1",), source_hash="c" * 64)
    flip(library.folder(child.id) / "adapter_model.safetensors")
    with pytest.raises(AdapterError, match=rf"archive {child.id}`.*`rune adapters reactivate {parent.id}`"):
        library.verify(child.id)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_flipped_bit_is_found_and_the_way_out_is_said(library, add, name):
    made = add()
    flip(library.folder(made.id) / name)
    with pytest.raises(
        AdapterError, match=rf"{name}: expected SHA-256 .* make it anew with `rune distil s1`"
    ):
        library.verify(made.id)


def test_a_missing_file_is_found(library, add):
    made = add()
    folder = library.folder(made.id)
    folder.chmod(0o700)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterError, match="found no file"):
        library.verify(made.id)


def test_the_card_of_another_adapter_is_found(library, add):
    one, two = add(weights=b"one"), add(weights=b"two", session="s2", source_hash="f" * 64)
    path = library.folder(one.id) / "card.json"
    path.chmod(0o600)
    raw = json.loads(path.read_bytes())
    path.write_text(json.dumps({**raw, "source_hash": two.source_hash}))
    with pytest.raises(AdapterError, match="does not belong to adapter"):
        library.verify(one.id)


def test_a_damaged_adapter_does_not_stand_in_the_way_of_a_new_one(library, add):
    first = add(weights=b"one")
    flip(library.folder(first.id) / "adapter_model.safetensors")
    assert library.for_source(first.source_hash, first.base_hash) is None
    again = add(weights=b"one")
    assert again.id == first.id
    assert library.verify(again.id) == again
    assert not list(library.root.glob(f"{STAGE}*"))


def test_a_damaged_card_is_reported_and_the_others_are_served(library, add, caplog):
    broken, whole = add(weights=b"one"), add(weights=b"two", session="s2", source_hash="f" * 64)
    path = library.folder(broken.id) / "card.json"
    path.chmod(0o600)
    path.write_text("{")
    assert library.cards() == [whole]
    assert str(path) in caplog.text
    assert list(library.unreadable()) == [broken.id]
    assert [str(path) in problem for problem in library.problems()] == [True]
    with pytest.raises(FormatError, match="rune distil"):
        library.get(broken.id)
    assert library.of_session("s1") == [broken.id]
    several = add(weights=b"three", session="task-1", source_hash="d" * 64, sessions=("s1", "s2"))
    assert set(library.of_session("s1")) == {broken.id, several.id}
    library.remove(broken.id)
    assert library.problems() == []


@pytest.mark.parametrize("id", ["0" * 16, "../../etc", "", "ABCDEF0123456789"])
def test_an_adapter_that_is_not_there_is_refused_by_name(library, id):
    with pytest.raises(AdapterError, match="no adapter"):
        library.get(id)
    with pytest.raises(AdapterError, match="no adapter"):
        library.folder(id)


def test_an_adapter_for_another_base_is_refused_with_the_way_out(library, add):
    made = add()
    library.check_base(made, made.base_hash)
    with pytest.raises(WrongBase, match=r"make it anew with `rune distil s1`"):
        library.check_base(made, OTHER)


# states


def test_archived_means_out_of_service_until_reactivated(library, add):
    made = add()
    library.archive(made.id, "not of use any more")
    assert library.cards() == []
    assert library.cards(include_archived=True) == [made]
    assert library.states()[made.id].reason == "not of use any more"
    library.reactivate(made.id)
    assert library.cards() == [made]
    assert [entry.detail["hand"] for entry in [*lines.entries(library.ledger)][1:]] == [True, True]


def test_scores_decide_whether_an_adapter_is_served(library, add):
    made = add()
    library.score(made.id, {"trained": 0.0, "heldout": 0.0})
    assert library.cards() == []
    assert library.states()[made.id].status == "unserved"
    library.score(made.id, {"trained": 1.0, "heldout": 1.0})
    assert library.cards() == [made]
    assert library.states()[made.id].probes == {"trained": 1.0, "heldout": 1.0}


def test_one_adapter_can_take_another_ones_place(library, add):
    one, two = add(weights=b"one"), add(weights=b"two", session="s2", source_hash="f" * 64)
    library.supersede(one.id, two.id)
    assert library.cards() == [two]
    assert library.states()[one.id].superseded_by == two.id


def test_the_same_content_distilled_again_after_something_else_is_served_again(library, add):
    first = add(weights=b"one")
    second = add(weights=b"two", source_hash="e" * 64)
    assert add(weights=b"three") == first
    assert library.cards() == [first]
    assert library.states()[second.id].superseded_by == first.id
    assert library.states()[first.id].word == 0.0, "no person has put it back"


def test_another_library_of_the_same_folder_sees_what_was_done(library, add, echoes, clock):
    other = Library(echoes, clock)
    assert other.cards() == []
    made = add()
    assert other.cards() == [made]
    library.archive(made.id)
    assert other.cards() == []


def test_what_a_person_put_back_keeps_its_place_beside_what_was_there_before(library, add):
    first, second = add(weights=b"one"), add(weights=b"two", source_hash="e" * 64)
    library.reactivate(first.id)
    other = add(weights=b"three", session="s2", source_hash="f" * 64)
    before = snapshot(library.root)
    library.recover()
    assert snapshot(library.root) == before
    assert library.cards() == [first, second, other]
    third = add(weights=b"four", source_hash="d" * 64)
    assert library.cards() == [other, third], "what is learnt later takes their places"


def test_what_nobody_put_back_gives_way_beside_one_that_a_person_put_back(library, add):
    first, second = add(weights=b"one"), add(weights=b"two", source_hash="e" * 64)
    third = add(weights=b"three", source_hash="d" * 64)
    library.reactivate(first.id)
    library.reactivate(second.id, hand=False)
    library.recover()
    assert library.cards() == [first, third]


def test_a_crash_before_the_ledger_is_mended_although_a_person_had_put_the_older_one_back(library, add):
    first, second = add(weights=b"one"), add(weights=b"two", source_hash="e" * 64)
    library.reactivate(first.id)
    before = library.ledger.read_bytes()
    third = add(weights=b"three", source_hash="d" * 64)
    library.ledger.write_bytes(before)
    library.recover()
    assert library.cards() == [third]
    assert {library.states()[card.id].superseded_by for card in (first, second)} == {third.id}


def test_who_is_alone_decides_before_anybody_else_writes(library, add, echoes, clock):
    made = add()
    other = Library(echoes, clock)
    writing = threading.Thread(target=lambda: other.archive(made.id))
    with library.alone(), library.alone():
        writing.start()
        library.score(made.id, {"heldout": 1.0})
        assert library.states()[made.id].status == "active"
    writing.join()
    assert [entry for entry, _ in ledger(library)] == ["added", "scored", "archived"]


def test_to_be_alone_where_nothing_ever_was_makes_nothing(library):
    with library.alone():
        assert library.cards() == []
    assert not library.root.exists()


# forgetting


def test_a_removed_adapter_leaves_nothing_but_a_line_that_says_so(library, add):
    made = add(weights=b"a-secret-of-s1")
    library.remove(made.id)
    assert library.cards(include_archived=True) == []
    assert library.states()[made.id].status == "forgotten"
    assert ledger(library)[-1] == ("forgotten", made.id)
    assert all(b"a-secret-of-s1" not in data for data in snapshot(library.root).values())
    assert sorted(path.name for path in library.root.iterdir()) == [".lock", "ledger.jsonl"]


def test_removing_twice_does_no_harm(library, add):
    made = add()
    library.remove(made.id)
    library.remove(made.id)
    assert [entry for entry, _ in ledger(library)] == ["added", "forgotten"]


def test_only_an_id_can_be_removed(library, add):
    add()
    before = snapshot(library.root)
    with pytest.raises(AdapterError, match="16 hexadecimal digits"):
        library.remove("../trajectories")
    assert snapshot(library.root) == before


def test_a_forgotten_session_that_is_distilled_anew_is_served(library, add):
    made = add()
    library.remove(made.id)
    assert add() == library.cards()[0]


# newer versions


def every_write(library, add, id):
    return [
        lambda: add(weights=b"new", session="s9", source_hash="9" * 64),
        lambda: library.archive(id),
        lambda: library.reactivate(id),
        lambda: library.score(id, {"heldout": 1.0}),
        lambda: library.remove(id),
        library.recover,
        library.cards,
    ]


def test_a_ledger_of_a_newer_rune_is_refused_and_nothing_is_touched(library, add):
    made = add()
    with library.ledger.open("a") as file:
        file.write('{"v":2,"adapter":"x","entry":"dreamt","at":1,"detail":{}}\n')
    before = snapshot(library.root)
    for write in every_write(library, add, made.id):
        with pytest.raises(NewerVersion, match="ledger version 2"):
            write()
    assert snapshot(library.root) == before


def test_a_card_of_a_newer_rune_is_refused_and_not_touched_while_others_are_served(library, add):
    newer, ours = add(weights=b"one"), add(weights=b"two", session="s2", source_hash="f" * 64)
    path = library.folder(newer.id) / "card.json"
    path.chmod(0o600)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "v": 3}))
    before = snapshot(library.root)
    assert library.cards() == [ours]
    assert "update rune-memory" in library.problems()[0]
    for write in (
        lambda: library.remove(newer.id),
        lambda: add(weights=b"one"),
        lambda: library.archive(newer.id),
    ):
        with pytest.raises(NewerVersion, match="card version 3"):
            write()
    assert snapshot(library.root) == before


# crashes


def test_stages_of_dead_processes_are_swept_and_those_of_the_living_stay(library):
    script = "import os; print(os.getpid())"
    dead = int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    files.private_folder(library.root)
    for name in (f"{STAGE}{dead}-0", f"{STAGE}what", f"{STAGE}{os.getpid()}-7"):
        (library.root / name).mkdir()
        (library.root / name / "adapter_model.safetensors").write_bytes(b"half")
    with library.staging() as mine:
        library.recover()
        assert {path.name for path in library.root.glob(f"{STAGE}*")} == {
            mine.name,
            f"{STAGE}{os.getpid()}-7",
        }


def test_a_stage_whose_process_number_was_given_to_a_younger_process_is_swept(library):
    files.private_folder(library.root)
    stage = library.root / f"{STAGE}{os.getpid()}-0"
    stage.mkdir()
    os.utime(stage, (1.0, 1.0))
    library.recover()
    assert not stage.exists()


def test_a_crash_between_the_rename_and_the_ledger_is_mended(library, add):
    old = add(weights=b"old")
    new = add(weights=b"new", source_hash="e" * 64)
    library.ledger.write_bytes(library.ledger.read_bytes().split(b"\n")[0] + b"\n")
    assert len(library.cards()) == 2
    library.recover()
    assert library.cards() == [new]
    assert library.states()[old.id].superseded_by == new.id
    before = snapshot(library.root)
    library.recover()
    assert snapshot(library.root) == before


def test_a_card_without_its_line_is_worth_what_its_probes_say(library, add):
    old = add(weights=b"old")
    before = library.ledger.read_bytes()
    useless = add(weights=b"new", session="s2", source_hash="d" * 64, probes_after={"heldout": 0.0})
    good = add(weights=b"good", session="s3", sessions=("s4", "s5"), source_hash="e" * 64)
    library.ledger.write_bytes(before)
    assert library.cards() == [old, good]
    assert [one.id for one in library.metadata()] == [old.id, good.id]
    assert library.states()[useless.id].status == "unserved"
    assert library.states()[good.id].origins == ("s4", "s5")
    library.recover()
    assert library.cards() == [old, good]
    assert [state.since > 0 for state in library.states().values()] == [True] * 3


def test_every_missing_line_is_written_that_of_an_older_adapter_of_a_session_too(library, add):
    cards = [add(weights=bytes([n]), source_hash=f"{n:064}") for n in range(2)]
    library.ledger.unlink()
    library.recover()
    assert library.cards() == cards[1:]
    assert sorted(library.states()) == sorted(card.id for card in cards)
    assert library.states()[cards[0].id].session == "s1"


def test_what_was_moved_aside_and_not_deleted_is_deleted_by_the_next_sweep(library, add):
    made, other = add(), add(weights=b"two", session="s2", source_hash="f" * 64)
    stages.aside(library.root, library.folder(made.id))
    stages.aside(library.root, library.folder(other.id))
    assert len(list(library.root.glob(".gone-*"))) == 2
    library.remove(made.id)
    assert list(library.root.glob(".gone-*")) == []
    assert library.states()[made.id].status == "forgotten"


def test_recovering_does_not_bring_back_what_was_superseded_on_purpose(library, add):
    first = add(weights=b"one")
    add(weights=b"two", source_hash="e" * 64)
    add(weights=b"three")
    library.recover()
    assert library.cards() == [first]


def test_recovering_where_nothing_ever_was_makes_nothing(library):
    library.recover()
    assert not library.root.exists()


def test_a_metadata_query_over_a_thousand_adapters_needs_no_torch(echoes, make_card, tmp_path):
    for number in range(1000):
        folder = echoes.adapters / f"{number:016x}"
        folder.mkdir(parents=True)
        (folder / "card.json").write_bytes(records.dump(make_card(id=folder.name, session=f"s{number}")))
        if number < 10:
            lines.record(echoes.ledger, Entry(folder.name, "archived", 1.0))
    script = (
        "import sys, time, pathlib; from rune.library import Library; from rune.paths import Echoes\n"
        "print(len(Library(Echoes(pathlib.Path(sys.argv[1])), time.time).cards()))\n"
        "print([name for name in ('torch', 'safetensors', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(echoes.project)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["990", "[]"]


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # PEFT's own
def test_peft_loads_an_adapter_of_the_library(library, make_card):
    """The plain path: PEFT itself writes the stage and reads the published folder."""
    torch = pytest.importorskip("torch")
    peft = pytest.importorskip("peft")
    transformers = pytest.importorskip("transformers")
    shape = transformers.LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    torch.manual_seed(0)
    base = transformers.LlamaForCausalLM(shape)
    lora = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    tokens = torch.tensor([[1, 2, 3]])
    with library.staging() as stage:
        model = peft.get_peft_model(base, lora)
        expected = model(tokens).logits
        model.save_pretrained(stage)
        made = library.add(stage, make_card(rank=2))
    torch.manual_seed(0)
    loaded = peft.PeftModel.from_pretrained(transformers.LlamaForCausalLM(shape), library.folder(made.id))
    torch.testing.assert_close(loaded(tokens).logits, expected)
