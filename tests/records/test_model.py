import hashlib
import os

import pytest

from rune.errors import FormatError, NewerVersion, NotSetUp, SetupError
from rune.records import model


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "mine"
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_record_is_read_as_it_was_written(folder):
    record = model.describe(folder, "mine", "pypi:mine==1", "MIT")
    model.write(folder, record)
    assert model.read(folder) == record
    assert record.sha256 == digest(b"weights")
    assert record.files["config.json"] == model.File(digest(b"{}"), 2)
    assert model.describe(folder, "mine", "pypi:mine==1", "MIT") == record


def test_a_newer_record_is_refused_and_a_damaged_one_named(folder):
    for text, error in (
        ('{"v": 2}', NewerVersion),
        ('{"v": 1}', FormatError),
        ("{", FormatError),
        ("[]", FormatError),
    ):
        (folder / model.NAME).write_text(text)
        with pytest.raises(error, match=model.NAME):
            model.read(folder)


@pytest.mark.parametrize("deep", [False, True])
def test_damage_names_the_first_file_that_is_not_as_recorded(folder, deep):
    record = model.describe(folder, "mine", "here", "MIT")
    assert model.damage(folder, record, deep=deep) is None
    (folder / "model.safetensors").write_bytes(b"weightz")
    assert (model.damage(folder, record, deep=deep) is not None) == deep
    (folder / "model.safetensors").write_bytes(b"weight")
    assert "expected 7 bytes, found 6" in str(model.damage(folder, record, deep=deep))
    (folder / "config.json").unlink()
    assert "config.json is missing" in str(model.damage(folder, record, deep=deep))


def test_the_hash_of_our_own_folder_comes_from_its_record(folder, home):
    model.write(folder, model.describe(folder, "mine", "here", "MIT"))
    assert model.base_hash(folder, home) == digest(b"weights")
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(SetupError, match="rune setup"):
        model.base_hash(folder, home)


def test_the_hash_of_a_foreign_folder_is_taken_once_until_its_weights_change(folder, home):
    assert model.base_hash(folder, home) == digest(b"weights")
    assert not (folder / model.NAME).exists()
    weights = folder / "model.safetensors"
    before = weights.stat()
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert model.base_hash(folder, home) == digest(b"weights"), "names, sizes and times are what is compared"
    os.utime(weights, ns=(0, 0))
    assert model.base_hash(folder, home) == digest(b"WEIGHTS")


def test_a_damaged_cache_is_made_anew(folder, home):
    model.base_hash(folder, home)
    (cache,) = (home.models / ".hashes").iterdir()
    for text in ("{", "[]", '{"v": 9, "sha256": "x"}'):
        cache.write_text(text)
        assert model.base_hash(folder, home) == digest(b"weights")


def test_several_weight_files_have_one_hash_in_any_order(folder, home):
    one = model.base_hash(folder, home)
    (folder / "a.safetensors").write_bytes(b"more")
    both = model.base_hash(folder, home)
    assert both != one
    assert both == model.describe(folder, "mine", "here", "MIT").sha256


def test_a_folder_without_weights_has_no_hash(folder, home):
    (folder / "model.safetensors").unlink()
    with pytest.raises(SetupError, match="found none"):
        model.base_hash(folder, home)


def test_a_model_is_located_by_name_or_by_absolute_path(folder, home):
    assert model.locate(home, str(folder)) == folder
    home.models.mkdir(parents=True)
    folder.rename(home.models / "mine")
    assert model.locate(home, "mine") == home.models / "mine"
    with pytest.raises(NotSetUp, match="rune setup"):
        model.locate(home, "other")
