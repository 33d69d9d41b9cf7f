from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from tests.ml.serve.conftest import ALL

from rune import paths
from rune.backends.store import Store
from rune.errors import AdapterError, WrongBase
from rune.library import Library
from rune.ml import lora
from rune.ml.serve.packed import Shelf
from rune.serving.types import Part


@pytest.fixture
def shelf(tiny):
    return Shelf(tiny.layers, tiny.hash, 64)


def packed_file(part: Part) -> Path:
    return paths.packed(Path(part.folder), part.digest)


def assert_holds(found, part: Part) -> None:
    """The numbers are those of the PEFT files."""
    saved = lora.load(Path(part.folder), torch.device("cpu"))
    assert {module.name for module in found.layout.modules} == saved.factors.keys()
    for module in found.layout.modules:
        assert torch.equal(found.layout.a(found.numbers, module), saved.factors[module.name].a.T)
        assert torch.equal(found.layout.b(found.numbers, module), saved.factors[module.name].b.T)


@pytest.mark.parametrize("targets", [ALL, ("down_proj",)])
def test_a_packed_adapter_holds_the_numbers_of_its_peft_files(shelf, adapter, targets):
    part = adapter("a", rank=4, targets=targets, seed=3)
    found = shelf.open(part)
    assert_holds(found, part)
    assert (found.scale, found.layout.rank) == (2.0, 4)


def test_it_is_packed_once_and_mapped_ever_after(shelf, tiny, adapter):
    part = adapter("a")
    shelf.open(part)
    before = packed_file(part).stat()
    for reader in (shelf, Shelf(tiny.layers, tiny.hash, 64)):
        assert_holds(reader.open(part), part)
    assert packed_file(part).stat() == before


def test_bfloat16_stays_bfloat16(shelf, tiny, tmp_path):
    made = lora.fresh(tiny.layers, ("down_proj",), 4, 8.0, 1)
    lora.save(made, tmp_path / "a", "tiny")
    from rune.ml.serve.packed import digest_of

    part = Part(digest_of(tmp_path / "a"), str(tmp_path / "a"))
    found = shelf.open(part)
    assert found.numbers.dtype == torch.bfloat16
    assert_holds(found, part)


@pytest.mark.parametrize("damage", ["numbers", "short", "head", "version", "empty"])
def test_a_damaged_packed_file_is_made_anew(tiny, shelf, adapter, damage):
    part = adapter("a")
    shelf.open(part)
    path = packed_file(part)
    data = bytearray(path.read_bytes())
    if damage == "numbers":
        data[-1] ^= 1
    elif damage == "head":
        data[0] = 0
    elif damage == "version":
        data = data.replace(b'"version":1', b'"version":9')
    path.write_bytes({"short": data[:-8], "empty": b""}.get(damage, bytes(data)))
    assert_holds(Shelf(tiny.layers, tiny.hash, 64).open(part), part)
    assert_holds(shelf.open(part), part)


def test_files_that_are_not_what_the_digest_says_are_refused(shelf, adapter):
    part = adapter("a")
    weights = Path(part.folder) / lora.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(bytes(data))
    with pytest.raises(AdapterError, match="digest"):
        shelf.open(part)
    assert not packed_file(part).exists()


def test_without_its_folder_an_adapter_is_not_served_and_its_packed_file_goes(shelf, adapter, tmp_path):
    part = adapter("a")
    shelf.open(part)
    Path(part.folder).rename(tmp_path / "elsewhere")
    with pytest.raises(AdapterError, match="no folder"):
        shelf.open(part)
    assert not packed_file(part).exists()


@pytest.mark.parametrize("digest", ["../../etc", "", "a/b", "x" * 200])
def test_a_digest_is_no_path(shelf, adapter, digest):
    with pytest.raises(AdapterError, match="digest"):
        shelf.open(Part(digest, adapter("a").folder))


@pytest.mark.parametrize(
    ("key", "value"),
    [("use_dora", True), ("bias", "all"), ("modules_to_save", ["lm_head"]), ("rank_pattern", {"q_proj": 2})],
)
def test_an_adapter_that_is_more_than_two_factors_is_refused(shelf, adapter, key, value):
    part = adapter("a")
    path = Path(part.folder) / lora.SETTINGS
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    from rune.ml.serve.packed import digest_of

    with pytest.raises(AdapterError, match=key):
        shelf.open(Part(digest_of(Path(part.folder)), part.folder))


def test_a_rank_above_the_limit_is_refused(tiny, adapter):
    with pytest.raises(AdapterError, match="rank of 1 to 8"):
        Shelf(tiny.layers, tiny.hash, 8).open(adapter("a", rank=9))


def test_an_adapter_for_a_base_of_other_shapes_is_refused(shelf, adapter):
    part = adapter("a")
    shelf.shapes.modules = dict(list(shelf.shapes.modules.items())[:3])
    with pytest.raises(AdapterError, match="layers of the base"):
        shelf.open(part)


def test_rank_stabilised_lora_keeps_its_scale(shelf, adapter):
    assert shelf.open(adapter("a", rank=4, use_rslora=True)).scale == 4.0


def test_where_nothing_can_be_written_it_is_served_from_memory(shelf, adapter, tmp_path):
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / ".packed").write_text("in the way")
    part = adapter("a")
    assert_holds(shelf.open(part), part)


@pytest.fixture
def published(tiny, echoes, make_card):
    """``published(base_hash)``: an adapter in a library, as a part."""

    def publish(base_hash: str = tiny.hash) -> Part:
        library = Library(echoes, time.time)
        with library.staging() as stage:
            lora.save(lora.fresh(tiny.layers, ("down_proj",), 8, 16.0, 1), stage, tiny.name)
            card = library.add(stage, make_card(base_hash=base_hash))
        return Part(card.id, str(library.folder(card.id)))

    return publish


def test_an_adapter_of_the_library_is_held_against_its_card(shelf, published):
    part = published()
    assert_holds(shelf.open(part), part)
    with pytest.raises(AdapterError, match="not those of adapter"):
        shelf.open(Part("0" * 16, part.folder))


def test_an_adapter_of_another_base_is_refused(shelf, published):
    with pytest.raises(WrongBase):
        shelf.open(published("ef" * 32))


def fetched(part: Part, echoes, folder: Path) -> Part:
    """An adapter of the library as it comes out of a shared store: with a manifest, without its card."""
    store = Store(f"file://{folder / 'store'}")
    store.publish(Library(echoes, time.time), part.digest)
    return Part(part.digest, str(store.fetch(part.digest, folder / "cache")))


def test_an_adapter_out_of_a_store_is_held_against_its_manifest(shelf, published, echoes, tmp_path):
    part = fetched(published(), echoes, tmp_path)
    assert_holds(shelf.open(part), part)
    packed_file(part).unlink()
    with pytest.raises(AdapterError, match="expected adapter 0000"):
        shelf.open(Part("0" * 16, part.folder))
    (Path(part.folder) / lora.SETTINGS).write_text("{}")
    with pytest.raises(AdapterError, match="not those of adapter"):
        shelf.open(part)


def test_an_adapter_out_of_a_store_for_another_base_is_refused(shelf, published, echoes, tmp_path):
    with pytest.raises(WrongBase):
        shelf.open(fetched(published("ef" * 32), echoes, tmp_path))


def test_an_adapter_that_is_removed_leaves_no_packed_file(shelf, published, echoes):
    part = published()
    shelf.open(part)
    assert packed_file(part).exists()
    Library(echoes, time.time).remove(part.digest)
    assert not packed_file(part).exists()
