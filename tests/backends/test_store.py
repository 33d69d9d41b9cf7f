"""A shared store on a real folder and in memory: whole, once, verified; nothing told that is not public."""

import json
import threading
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner

from rune import cli
from rune.backends.store import Store
from rune.errors import AdapterError, ConfigError, FormatError, NewerVersion
from rune.library import Library
from rune.records import published
from rune.records.card import Lesson

PRIVATE = (
    "The currency comes first.",
    "Why did the invoice test fail?",
    "aws-access-key",
    "EUR",
    'session": "s1',
    "summary",
)


@pytest.fixture
def library(echoes, clock):
    return Library(echoes, clock)


@pytest.fixture
def adapter(library, make_card, fill_stage):
    with library.staging() as stage:
        fill_stage(stage)
        return library.add(stage, make_card()).id


@pytest.fixture(params=["file", "memory"])
def url(request, tmp_path):
    yield f"file://{tmp_path / 'shared'}" if request.param == "file" else f"memory://{tmp_path.name}"
    fsspec.filesystem("memory").store.clear()


def lying(store: Store, adapter: str, name: str) -> str:
    return f"{store.root}/{adapter}/{name}"


def test_an_adapter_goes_there_and_comes_back_as_it_was(url, library, adapter, tmp_path):
    assert Store(url).publish(library, adapter) is True
    folder = Store(url).fetch(adapter, tmp_path / "cache")
    for name in published.FILES:
        assert (folder / name).read_bytes() == (library.folder(adapter) / name).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == sorted((*published.FILES, published.NAME))


def test_publishing_twice_writes_nothing(url, library, adapter):
    store = Store(url)
    store.publish(library, adapter)
    store.fs.rm_file(lying(store, adapter, published.FILES[0]))
    assert store.publish(library, adapter) is False
    assert not store.fs.exists(lying(store, adapter, published.FILES[0]))


def test_what_was_broken_off_is_not_published_and_is_finished_by_the_next_call(
    url, library, adapter, tmp_path
):
    store = Store(url)
    store.publish(library, adapter)
    store.fs.rm_file(lying(store, adapter, published.NAME))
    store.fs.pipe_file(lying(store, adapter, published.FILES[1]), b"half")
    assert store.find(adapter) is None
    with pytest.raises(AdapterError, match="rune adapters publish"):
        store.fetch(adapter, tmp_path / "cache")
    assert store.publish(library, adapter) is True
    assert (store.fetch(adapter, tmp_path / "cache") / published.FILES[1]).read_bytes() != b"half"


def test_nothing_of_the_session_is_in_the_manifest(url, library, adapter):
    store = Store(url)
    store.publish(library, adapter)
    names = sorted(Path(path).name for path in store.fs.find(f"{store.root}/{adapter}"))
    assert names == sorted((*published.FILES, published.NAME))
    told = store.fs.cat_file(lying(store, adapter, published.NAME)).decode()
    assert [said for said in PRIVATE if said in told] == []
    assert json.loads(told)["lessons"] == 1


@pytest.mark.parametrize("name", published.FILES)
@pytest.mark.parametrize("data", [b"other", b"", b"x" * 10_000])
def test_a_file_that_changed_in_the_store_is_refused_and_leaves_nothing(
    url, library, adapter, name, data, tmp_path
):
    store = Store(url)
    store.publish(library, adapter)
    store.fs.pipe_file(lying(store, adapter, name), data)
    with pytest.raises(AdapterError, match="expected SHA-256"):
        store.fetch(adapter, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".locks"]


def test_a_manifest_of_another_adapter_is_refused(url, library, adapter, tmp_path):
    store = Store(url)
    store.publish(library, adapter)
    path = lying(store, adapter, published.NAME)
    raw = json.loads(store.fs.cat_file(path))
    for changed in (
        {"id": "0" * 16},
        {"source_hash": "00"},
        {"sha256": {"../../evil": "ab" * 32}},
        {"odd": 1},
    ):
        store.fs.pipe_file(path, json.dumps(raw | changed).encode())
        with pytest.raises(FormatError, match=adapter):
            store.fetch(adapter, tmp_path / "cache")
    store.fs.pipe_file(path, json.dumps(raw | {"v": 99}).encode())
    with pytest.raises(NewerVersion, match="update rune-memory"):
        store.publish(library, adapter)


def test_a_damaged_adapter_is_not_published(url, library, adapter):
    path = library.folder(adapter) / published.FILES[1]
    path.chmod(0o600)
    path.write_bytes(b"broken")
    with pytest.raises(AdapterError, match="expected SHA-256"):
        Store(url).publish(library, adapter)
    assert Store(url).find(adapter) is None


@pytest.mark.parametrize("id", ["../../../etc", "", "0" * 17, "ABCDEF0123456789"])
def test_an_id_is_no_path(url, id, tmp_path):
    with pytest.raises(AdapterError, match="16 hexadecimal"):
        Store(url).fetch(id, tmp_path)


def test_many_fetch_one_adapter_at_once_and_it_comes_once(url, library, adapter, tmp_path):
    Store(url).publish(library, adapter)
    folders: list[Path] = []
    fetching = [
        threading.Thread(target=lambda: folders.append(Store(url).fetch(adapter, tmp_path / "cache")))
        for _ in range(6)
    ]
    for one in fetching:
        one.start()
    for one in fetching:
        one.join()
    assert folders == [tmp_path / "cache" / adapter] * 6
    assert not list((tmp_path / "cache").glob(".staging-*"))


def test_a_store_of_no_known_kind_is_refused():
    with pytest.raises(ConfigError, match="nowhere"):
        Store("nowhere://rune")


def test_the_commands_publish_what_serves_and_fetch_it(
    library, adapter, make_card, fill_stage, project, tmp_path
):
    with library.staging() as stage:
        fill_stage(stage, b"others")
        taught = (Lesson("said", "x", ("What?",), ()),)
        away = library.add(stage, make_card(session="s2", source_hash="ef" * 32, lessons=taught))
    library.archive(away.id)
    to = f"file://{tmp_path / 'shared'}"

    def rune(*words):
        return CliRunner().invoke(cli.main, ["adapters", *words])

    said = rune("publish", "--to", to, "--project", str(project))
    assert said.output == f"published {adapter}\n1 published, 0 there already\n"
    again = rune("publish", adapter[:6], "--to", to, "--project", str(project))
    assert again.output == "0 published, 1 there already\n"
    folder = Path(rune("fetch", adapter, "--from", to).output.strip())
    assert (folder / published.NAME).is_file()
    assert "no adapter" in rune("fetch", away.id, "--from", to).output
