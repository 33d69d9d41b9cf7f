"""Search data on a real Chroma server: ``chroma run`` of the pinned package, on loopback."""

from __future__ import annotations

import contextlib
import http.server
import json
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rune.config import IndexConfig
from rune.errors import ConfigError, IndexUnavailable
from rune.index import Document, Index, drop, server_of, store_folder
from rune.index.server import Server, address
from rune.paths import Home
from rune.records import installation
from rune.testing import FakeEmbedder

PROJECT = "/home/dev/shop"
LESSONS = {
    "a1": "The invoice test failed because the currency must precede the amount in format_price.",
    "a2": "Docker build broke: the base image lacks libssl, so apt-get install libssl-dev comes first.",
    "a3": "Deploy with `make release ENV=staging`; the production target needs a signed tag.",
}


class Counting(FakeEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.seen += len(texts)
        return super().embed(texts)


def documents(**texts: str) -> list[Document]:
    return [Document(f"{name}-0", name, f"s-{name}", text) for name, text in texts.items()]


@pytest.fixture
def embedder() -> Counting:
    return Counting()


@pytest.fixture
def server(chroma, home) -> Server:
    found = server_of(home, IndexConfig(chroma.url))
    assert found
    return found


@pytest.fixture
def opened(home) -> Iterator[Callable[..., Index]]:
    """``opened(server)`` is another process's index of this home; all are closed after the test."""
    made: list[Index] = []

    def make(server: Server | None, embedder: FakeEmbedder | None = None, folder: Path = home.index) -> Index:
        made.append(Index(folder, embedder or FakeEmbedder(), server))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def index(opened, embedder, server) -> Index:
    index = opened(server, embedder)
    index.sync(PROJECT, documents(**LESSONS))
    return index


def found(index: Index, query: str = "currency of the invoice", project: str = PROJECT) -> list[str]:
    return [hit.document.adapter for hit in index.search(project, query, 10)]


# --- what is where ---


def test_a_search_on_the_server_finds_what_one_in_files_finds(index, opened, tmp_path):
    local = opened(None, folder=tmp_path / "files")
    local.sync(PROJECT, documents(**LESSONS))
    for query in ("why did the invoice test fail on the currency", "libssl", "staging release", "zebra"):
        ours, theirs = index.search(PROJECT, query, 3), local.search(PROJECT, query, 3)
        assert [hit.document for hit in ours] == [hit.document for hit in theirs]
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-5)


def test_the_server_has_the_vectors_and_not_a_word_of_the_texts(index, chroma, server, home):
    ((name, keys),) = chroma.held().items()
    assert name == server.collection(PROJECT)
    assert len(keys) == 3
    everything = chroma.client.get_collection(name).get(include=["documents", "metadatas", "embeddings"])
    assert (everything["documents"], everything["metadatas"]) == ([None] * 3, [None] * 3)
    assert everything["embeddings"].shape == (3, 256)
    stored = chroma.bytes()
    assert [word for word in (b"libssl", b"currency", b"s-a2", PROJECT.encode()) if word in stored] == []
    assert sorted(path.name for path in store_folder(home.index, PROJECT).iterdir()) == ["lock", "stamp.json"]


def test_two_users_of_a_server_with_the_same_project_do_not_clash(index, opened, chroma, tmp_path):
    theirs = Home(tmp_path / "b")
    other = opened(server_of(theirs, IndexConfig(chroma.url)), folder=theirs.index)
    other.sync(PROJECT, documents(b1="the currency of the invoice"))
    assert found(other) == ["b1"]
    assert sorted(found(index)) == ["a1", "a2", "a3"]
    assert sorted(map(len, chroma.held().values())) == [1, 3]


def test_projects_do_not_see_each_other_and_their_names_tell_whose_they_are(index, server, home, chroma):
    index.sync("/home/dev/other", documents(b1="the currency of the invoice"))
    assert found(index, project="/home/dev/other") == ["b1"]
    assert "b1" not in found(index)
    whose = installation.ensure(home.installation)[:8]
    assert [name.rpartition("-")[0] for name in chroma.held()] == [f"rune-{whose}"] * 2


# --- staying in step ---


def test_the_next_process_embeds_nothing_again(index, opened, server):
    embedder = Counting()
    again = opened(server, embedder)
    again.sync(PROJECT, documents(**LESSONS))
    assert embedder.seen == 1, "the probe that tells embedders apart"
    assert found(again)[0] == "a1"


def test_a_search_before_the_first_sync_of_a_process_knows_no_texts_and_loses_none(index, opened, server):
    embedder = Counting()
    again = opened(server, embedder)
    assert found(again) == []
    again.sync(PROJECT, documents(**LESSONS))
    assert embedder.seen == 2, "the probe and the question"
    assert sorted(found(again)) == ["a1", "a2", "a3"]


def test_sync_adds_what_is_new_and_removes_what_is_gone(index, embedder, chroma, server):
    before = embedder.seen
    index.sync(PROJECT, documents(a1=LESSONS["a1"], a2="now about kubernetes"))
    assert embedder.seen == before + 1
    assert sorted(found(index)) == ["a1", "a2"]
    assert len(chroma.held()[server.collection(PROJECT)]) == 2


def test_another_process_of_this_installation_is_seen(index, opened, server):
    other = opened(server)
    other.sync(PROJECT, documents(**LESSONS, a4="src/ledger/PriceParser.ts reads decimals with a comma."))
    index.sync(PROJECT, documents(**LESSONS))
    assert sorted(found(index)) == ["a1", "a2", "a3"]
    other.sync(PROJECT, documents(a3=LESSONS["a3"]))
    assert sorted(found(index, "release")) == ["a3"]


def test_another_embedder_begins_the_collection_anew(index, opened, server):
    other = opened(server, FakeEmbedder(64))
    other.sync(PROJECT, documents(**LESSONS))
    assert found(other)[0] == "a1"


def test_what_another_client_adds_goes_and_what_it_takes_comes_back(index, embedder, chroma, server):
    theirs = chroma.client.get_collection(server.collection(PROJECT))
    theirs.upsert(["intruder"], embeddings=[[1.0] * 256], documents=["currency currency currency"])
    assert sorted(found(index)) == ["a1", "a2", "a3"]
    index.sync(PROJECT, documents(**LESSONS))
    assert "intruder" not in theirs.get()["ids"]
    theirs.delete(ids=theirs.get()["ids"][:2])
    before = embedder.seen
    index.sync(PROJECT, documents(**LESSONS))
    assert embedder.seen == before + 2
    assert sorted(found(index)) == ["a1", "a2", "a3"]


def test_a_collection_that_another_client_deletes_fills_itself(index, chroma, server):
    chroma.client.delete_collection(server.collection(PROJECT))
    assert sorted(found(index)) == ["a1", "a2", "a3"]
    chroma.client.delete_collection(server.collection(PROJECT))
    chroma.client.create_collection(server.collection(PROJECT)).add(["x"], embeddings=[[1.0, 2.0]])
    assert sorted(found(index)) == ["a1", "a2", "a3"]


# --- forgetting ---


def test_of_a_session_that_is_removed_nothing_remains_on_the_server(index, chroma, server):
    before = chroma.held()[server.collection(PROJECT)]
    index.remove(PROJECT, "s-a2")
    after = chroma.held()[server.collection(PROJECT)]
    assert len(after) == 2
    assert set(after) < set(before)
    assert sorted(found(index)) == ["a1", "a3"]


def test_a_process_that_knows_no_texts_yet_removes_all_rather_than_too_little(index, opened, chroma, server):
    opened(server).remove(PROJECT, "s-a2")
    assert chroma.held()[server.collection(PROJECT)] == []
    index.sync(PROJECT, documents(**LESSONS))
    assert sorted(found(index)) == ["a1", "a2", "a3"]


def test_dropping_a_project_deletes_its_collection_and_no_other(index, chroma, server, home):
    index.sync("/home/dev/other", documents(b1="the currency of the invoice"))
    drop(home, IndexConfig(chroma.url), PROJECT)
    assert list(chroma.held()) == [server.collection("/home/dev/other")]
    drop(home, IndexConfig(chroma.url), "/never/seen")


def test_files_of_the_time_before_the_server_go(opened, server, home):
    local = opened(None)
    local.sync(PROJECT, documents(**LESSONS))
    local.close()
    index = opened(server)
    index.sync(PROJECT, documents(**LESSONS))
    assert sorted(path.name for path in store_folder(home.index, PROJECT).iterdir()) == ["lock", "stamp.json"]
    back = opened(None)
    back.sync(PROJECT, documents(**LESSONS))
    assert found(back)[0] == "a1"


# --- a server that is not there ---


def test_a_server_that_is_down_is_an_error_that_says_what_to_do_and_loses_nothing(index, chroma, embedder):
    chroma.stop()
    for act in (
        lambda: index.sync(PROJECT, documents(**LESSONS)),
        lambda: index.search(PROJECT, "invoice", 1),
        lambda: index.remove(PROJECT, "s-a2"),
    ):
        with pytest.raises(IndexUnavailable, match=rf"{chroma.url} cannot be used .*: start it, or take"):
            act()
    chroma.start()
    before = embedder.seen
    index.sync(PROJECT, documents(**LESSONS))
    assert embedder.seen == before
    assert found(index)[0] == "a1"


def test_a_server_that_comes_back_without_its_data_is_filled_again(index, chroma, tmp_path):
    chroma.stop()
    chroma.folder = tmp_path / "empty"
    chroma.start()
    index.sync(PROJECT, documents(**LESSONS))
    assert found(index)[0] == "a1"
    assert [len(keys) for keys in chroma.held().values()] == [3]


def test_a_server_that_never_answers_is_given_up(server):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as mute:
        silent = replace(server, address=address(f"http://127.0.0.1:{mute.getsockname()[1]}"), seconds=0.2)
        with pytest.raises(IndexUnavailable, match="timed out"):
            silent.connect()


def test_a_server_that_stops_answering_in_the_middle_is_given_up(opened, chroma, server):
    index = opened(replace(server, seconds=1.0))
    index.sync(PROJECT, documents(**LESSONS))
    assert chroma.process
    chroma.process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(IndexUnavailable, match="timed out"):
            index.search(PROJECT, "invoice", 1)
    finally:
        chroma.process.send_signal(signal.SIGCONT)
    assert found(index)[0] == "a1"


def test_what_is_no_chroma_is_told_so(home):

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        config = IndexConfig(f"http://127.0.0.1:{other.server_port}")
        with pytest.raises(IndexUnavailable, match="expected a heartbeat, found status 404"):
            drop(home, config, PROJECT)
        other.shutdown()


SAID = {
    "heartbeat": {"nanosecond heartbeat": 1},
    "identity": {"user_id": "", "tenant": "default_tenant", "databases": ["default_database"]},
    "default_tenant": {"name": "default_tenant"},
    "default_database": {"id": uuid.UUID(int=1).hex, "name": "default_database", "tenant": "default_tenant"},
}


class Gateway(http.server.BaseHTTPRequestHandler):
    """In front of a Chroma that is gone: it still knows what Chroma said when it was there."""

    def do_GET(self) -> None:
        known = SAID.get(self.path.rpartition("/")[2])
        body = json.dumps(known).encode() if known else b"upstream is gone"
        self.send_response(200 if known else 502)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_gateway_whose_chroma_is_gone_is_told_so(opened, home):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        index = opened(server_of(home, IndexConfig(f"http://127.0.0.1:{gateway.server_port}")))
        with pytest.raises(IndexUnavailable, match="status 502: upstream is gone"):
            index.sync(PROJECT, documents(**LESSONS))
        gateway.shutdown()


@pytest.mark.parametrize(
    "url",
    [
        "chroma.lan:8000",
        "ftp://chroma.lan:21",
        "http://",
        "http://a:b@chroma.lan",
        "http://h:x",
        "http://h/v2",
    ],
)
def test_what_is_no_address_is_refused(home, url):
    with pytest.raises(ConfigError, match=r"index\.url: expected an address"):
        server_of(home, IndexConfig(url))
