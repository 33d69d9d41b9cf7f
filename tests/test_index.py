"""Search over documents: real Chroma and BM25 in a real folder; only the embedder is a small one of words."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import bm25s
import numpy as np
import pytest

from rune.errors import FormatError
from rune.index import Document, Hit, Index, Keywords, adapters, store_folder
from rune.index.folder import Folder
from rune.index.postings import Postings
from rune.index.rows import Rows
from rune.index.words import SECOND, TOGETHER, relevance, tokens

PROJECT = "/home/dev/shop"


class WordEmbedder:
    """Unit vectors out of hashed words: texts that share words are near."""

    def __init__(self, size: int = 64) -> None:
        self.size = size
        self.seen = 0

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.seen += len(texts)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.size
        for word in tokens(text):
            vector[hashlib.sha256(word.encode()).digest()[0] % self.size] += 1.0
        vector[0] += 0.1
        length = math.sqrt(sum(x * x for x in vector))
        return [x / length for x in vector]


LESSONS = {
    "a1": "The invoice test failed because the currency must precede the amount in format_price.",
    "a2": "Docker build broke: the base image lacks libssl, so apt-get install libssl-dev comes first.",
    "a3": "Deploy with `make release ENV=staging`; the production target needs a signed tag.",
    "a4": "src/ledger/PriceParser.ts reads decimals with a comma when the locale is de_DE.",
}


def documents(**texts: str) -> list[Document]:
    return [Document(f"{name}-0", name, f"s-{name}", text) for name, text in texts.items()]


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path, embedder: WordEmbedder) -> Iterator[Index]:
    index = Index(folder, embedder)
    index.sync(PROJECT, documents(**LESSONS))
    yield index
    index.close()


def found(index: Index, query: str = "currency of the invoice", project: str = PROJECT) -> list[str]:
    return [hit.document.adapter for hit in index.search(project, query, 10)]


def store(folder: Path) -> Path:
    return next(folder.glob("*/chroma-*"))


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# --- words ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/PriceParser.ts", ["src/priceparser.ts", "src", "price", "parser", "ts"]),
        ("format_price failed", ["format_price", "format", "price", "fail"]),
        ("HTTPServerError:", ["httpservererror", "http", "server", "error"]),
        ("pip -r dev.txt", ["pip", "r", "dev.txt", "dev", "txt"]),
        ('"Größe" der Datei', ["größe", "der", "datei"]),
        ("the and -- ...", []),
        ("", []),
    ],
)
def test_code_is_split_into_its_words_and_kept_whole(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_keywords_rank_the_document_that_names_the_literal_first() -> None:
    keywords = Keywords(documents(**LESSONS))
    hits = keywords.search("what is wrong in ledger/PriceParser.ts?", 3)
    assert hits[0].document.adapter == "a4"
    assert hits[0].bm25 > 0
    assert hits[0].cosine == 0.0


@pytest.mark.parametrize("texts", [{}, {"a": ""}, {"a": "the of"}, {"a": "one text"}])
def test_keywords_find_nothing_in_nothing(texts: dict[str, str]) -> None:
    assert Keywords(documents(**texts)).search("kubernetes quota", 3) == []


def test_keywords_load_neither_chroma_nor_torch() -> None:
    program = (
        "import sys; from rune.index import Document, Keywords; "
        "assert 'numpy' not in sys.modules; "
        "assert Keywords([Document('1', 'a', 's', 'alpha beta')]).search('beta', 1); "
        "print([name for name in ('chromadb', 'torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- ranking ---


def test_meaning_leads_and_shared_words_lift() -> None:
    assert relevance(0.5, 0.1) > relevance(0.5, 0.0) > relevance(0.1, 0.9)


def test_shared_words_are_a_share_of_the_query_and_rare_ones_count_more() -> None:
    keywords = Keywords(documents(a1="the currency of Genovia", a2="a currency", a3="the king of Wakanda"))
    common, _, rare = keywords.scores("currency in Wakanda")
    assert 0 < common < rare <= 1
    assert keywords.scores("wakanda kubernetes quota")[2] < rare


def test_the_inverted_index_scores_as_bm25s_does() -> None:
    """Which is made at once, while ours grows document by document."""
    texts = [tokens(text) for text in (*LESSONS.values(), "the currency of Wakanda: currency", "")]
    rival, ours = bm25s.BM25(method="lucene"), Postings()
    rival.index(texts, show_progress=False)
    for words in texts:
        ours.add(words)
    for query in (["currency"], ["libssl", "docker", "docker"], ["src", "format_price", "de", "locale"]):
        most = sum(ours.rarity(word) for word in query)
        assert ours.shares(query) * most == pytest.approx(rival.get_scores(query), abs=1e-5)


def test_forms_of_a_word_are_one_word_and_literals_stay_whole() -> None:
    assert tokens("Selected selections") == ["select", "select"]
    assert tokens("selectedIssues.ts")[0] == "selectedissues.ts"


def test_a_group_scores_as_one_document_that_holds_all_of_its_documents() -> None:
    told = {
        "a": ["currency of invoices", "docker build"],
        "b": ["docker image"],
        "c": ["invoices", "", "tag"],
    }
    apart, joined = Postings(), Postings()
    for group, texts in told.items():
        joined.add(tokens(" ".join(texts)), group)
        for text in texts:
            apart.add(tokens(text), group)
    for query in ("currency and docker", "docker docker tag", "kubernetes", ""):
        one, two, three = joined.shares(tokens(query))
        assert apart.group_shares(tokens(query)) == pytest.approx([one, one, two, three, three, three])
    assert list(Postings().group_shares(["docker"])) == []


def test_words_that_stand_in_different_documents_of_an_adapter_count_together() -> None:
    """Who asks names the work in one word and the fact in another; each alone is another session's, too."""
    made = {
        "a": ["phantom file hunt", "the lockfile was stale"], "b": ["phantom limb", "phantom menace"],
        "c": ["the lockfile of yarn", "the lockfile of npm"],
    }  # fmt: skip
    every = [
        Document(f"{name}{n}", name, name, text)
        for name, texts in made.items()
        for n, text in enumerate(texts)
    ]
    rows = Rows()
    rows.add([one.id for one in every], every, np.ones((len(every), 1), np.float32))
    hits = rows.search("phantom lockfile", [1.0], 6)
    together = {hit.document.adapter: hit.together for hit in hits}
    assert together["a"] > max(together["b"], together["c"])
    assert adapters(hits)[0].adapter == "a"


def test_each_adapter_is_ranked_once_and_its_second_hit_counts() -> None:
    one, two = Document("1", "a", "s", "first"), Document("2", "a", "s", "second")
    other, last = Document("3", "b", "t", "third"), Document("4", "c", "u", "fourth")
    hits = [Hit(other, 0, 0, 0.5), Hit(one, 0, 0, 0.48), Hit(two, 0, 0, 0.4), Hit(last, 0, 0, 0.2)]
    ranked = adapters(hits)
    assert [(r.adapter, r.session, r.score) for r in ranked] == [
        ("a", "s", 0.48), ("b", "t", 0.5), ("c", "u", 0.2),
    ]  # fmt: skip
    weight = (0.48 + SECOND * 0.4) / (1 + SECOND)
    assert ranked[0].weight == pytest.approx(weight)
    (said,) = adapters([Hit(one, 0, 0, 0.48, 0.3), Hit(two, 0, 0, 0.4, 0.3)])
    assert (said.score, said.weight) == (0.48, pytest.approx(weight + TOGETHER * 0.3))


# --- the index ---


def test_a_search_finds_the_session_that_was_about_it(index: Index, embedder: WordEmbedder) -> None:
    query = "why did the invoice test fail on the currency"
    hit = index.search(PROJECT, query, 2)[0]
    assert hit.document == documents(**LESSONS)[0]
    left, right = embedder.embed([query, hit.document.text])
    assert hit.cosine == pytest.approx(sum(a * b for a, b in zip(left, right, strict=True)), abs=1e-5)
    assert hit.bm25 > 0
    assert len(index.search(PROJECT, query, 2)) == 2


def test_projects_do_not_see_each_other(index: Index) -> None:
    index.sync("/home/dev/other", documents(b1="the currency of the invoice"))
    assert found(index, project="/home/dev/other") == ["b1"]
    assert "b1" not in found(index)
    assert found(index, project="/home/dev/third") == []


def test_syncing_again_embeds_nothing(index: Index, embedder: WordEmbedder) -> None:
    before = embedder.seen
    index.sync(PROJECT, documents(**LESSONS))
    assert embedder.seen == before


def test_sync_adds_what_is_new_and_removes_what_is_gone(index: Index, embedder: WordEmbedder) -> None:
    before = embedder.seen
    index.sync(PROJECT, documents(a1=LESSONS["a1"], a2="now about kubernetes"))
    assert embedder.seen == before + 1
    assert sorted(found(index)) == ["a1", "a2"]
    assert found(index, "kubernetes")[0] == "a2"


def test_a_sync_of_the_same_reads_nothing_but_the_stamp(index: Index, monkeypatch) -> None:
    monkeypatch.setattr(Folder, "load", lambda *parts: pytest.fail("the store was read again"))
    monkeypatch.setattr(Folder, "write", lambda *parts: pytest.fail("the store was written again"))
    index.sync(PROJECT, documents(**LESSONS))
    assert found(index)[0] == "a1"


def test_what_another_process_took_away_comes_back_with_the_next_sync(index: Index, folder: Path) -> None:
    other = Index(folder, WordEmbedder())
    other.remove(PROJECT, "s-a2")
    index.sync(PROJECT, documents(**LESSONS))
    assert sorted(found(index)) == ["a1", "a2", "a3", "a4"]
    assert sorted(found(other)) == ["a1", "a2", "a3", "a4"]


def test_what_was_removed_comes_back_with_a_sync_that_asks_for_it(index: Index) -> None:
    index.remove(PROJECT, "s-a2")
    index.sync(PROJECT, documents(**LESSONS))
    assert sorted(found(index)) == ["a1", "a2", "a3", "a4"]


def test_a_document_twice_is_one(folder: Path, embedder: WordEmbedder) -> None:
    index = Index(folder, embedder)
    index.sync(PROJECT, documents(a1="one") * 2)
    assert found(index, "one") == ["a1"]


def test_it_is_still_there_for_the_next_process(index: Index, folder: Path) -> None:
    index.close()
    assert found(Index(folder, WordEmbedder()))[0] == "a1"


class TwoMeanings:
    """Everything means the same, only the needle lies a little aside."""

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        cosines = [0.8 if text == "code QUOTA_77" else 0.85 if "sales" in text else 1.0 for text in texts]
        return [[cosine, math.sqrt(1 - cosine**2)] for cosine in cosines]


def test_a_word_match_far_down_in_meaning_comes_first_with_its_cosine(folder: Path) -> None:
    index = Index(folder, TwoMeanings())
    sales = {f"n{n}": f"note {n} on sales" for n in range(100, 220)}
    index.sync(PROJECT, documents(**sales, x="code QUOTA_77"))
    needle, *others = index.search(PROJECT, "QUOTA_77", 10)
    assert needle.document.adapter == "x"
    assert needle.cosine == pytest.approx(0.8, abs=1e-5)
    assert {round(hit.cosine, 4) for hit in others} == {0.85}


def test_removing_a_session_leaves_no_byte_of_it(index: Index, folder: Path) -> None:
    assert b"libssl" in bytes_below(folder)
    index.remove(PROJECT, "s-a2")
    assert "a2" not in found(index)
    assert sorted(found(index)) == ["a1", "a3", "a4"]
    assert b"libssl" not in bytes_below(folder)


def test_what_a_sync_drops_leaves_no_byte_either(index: Index, folder: Path) -> None:
    index.sync(PROJECT, documents(a1=LESSONS["a1"]))
    assert b"libssl" not in bytes_below(folder)


def test_no_memory_of_the_process_leaks_into_the_files(folder: Path) -> None:
    index = Index(folder, WordEmbedder())
    for n in range(12):
        index.sync(PROJECT, documents(**LESSONS, extra=f"round {n}"))
        index.search(PROJECT, "round", 3)
        assert not list(folder.rglob("*.bin"))


def test_removing_an_unknown_session_changes_nothing(index: Index) -> None:
    index.remove(PROJECT, "never-seen")
    assert len(found(index)) == 4


# --- damage ---


def garbage(folder: Path) -> None:
    (store(folder) / "chroma.sqlite3").write_bytes(b"no database" * 500)


def cut_in_half(folder: Path) -> None:
    path = store(folder) / "chroma.sqlite3"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def folder_gone(folder: Path) -> None:
    shutil.rmtree(folder)


def database_gone(folder: Path) -> None:
    (store(folder) / "chroma.sqlite3").unlink()


def database_empty(folder: Path) -> None:
    (store(folder) / "chroma.sqlite3").write_bytes(b"")


def page_zeroed(folder: Path) -> None:
    path = store(folder) / "chroma.sqlite3"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(4096) + whole[8192:])


def stamp_torn(folder: Path) -> None:
    next(folder.glob("*/stamp.json")).write_text('{"v": 1, "sto')


def other_version(folder: Path) -> None:
    path = next(folder.glob("*/stamp.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "v": 0}))


DAMAGES = [
    garbage, cut_in_half, folder_gone, database_gone, database_empty, page_zeroed, stamp_torn, other_version,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_made_anew_by_the_next_process(damage, index: Index, folder: Path) -> None:
    index.close()
    damage(folder)
    again = Index(folder, WordEmbedder())
    again.sync(PROJECT, documents(**LESSONS))
    assert found(again)[0] == "a1"
    assert len(list(folder.glob("*/chroma-*"))) == 1


@pytest.mark.parametrize("damage", [folder_gone, database_gone, stamp_torn, other_version])
def test_an_index_lost_under_a_running_process_fills_itself(damage, index: Index, folder: Path) -> None:
    assert len(found(index)) == 4
    damage(folder)
    assert sorted(found(index)) == ["a1", "a2", "a3", "a4"]


def test_another_embedder_begins_the_index_anew(index: Index, folder: Path) -> None:
    index.close()
    other = Index(folder, WordEmbedder(size=32))
    assert found(other) == []
    other.sync(PROJECT, documents(**LESSONS))
    assert found(other)[0] == "a1"


@pytest.mark.parametrize("damage", [garbage, page_zeroed])
def test_a_damaged_index_is_made_anew_once_there_is_room_again(
    damage, index: Index, folder: Path, monkeypatch
) -> None:
    def full(shelf: Folder) -> str:
        raise OSError(28, "No space left on device")

    index.close()
    damage(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "begin", full)
        for _ in range(2):
            with pytest.raises(FormatError, match=r"neither be used nor made anew \(.*No space left"):
                index.search(PROJECT, "invoice", 1)
    assert found(index)[0] == "a1"


@pytest.mark.parametrize("way", ["the folder", "the project's folder"])
@pytest.mark.parametrize("opened", [False, True])
def test_a_file_in_place_of_the_folder_is_an_error_that_says_so(
    way: str, opened: bool, index: Index, folder: Path
) -> None:
    index.close()
    shutil.rmtree(folder)
    place = folder if way == "the folder" else store_folder(folder, PROJECT)
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file in the way")
    again = index if opened else Index(folder, WordEmbedder())
    for act in (
        lambda: again.search(PROJECT, "invoice", 1),
        lambda: again.sync(PROJECT, documents(**LESSONS)),
        lambda: again.remove(PROJECT, "s-a1"),
    ):
        with pytest.raises(FormatError, match=r"neither be used nor made anew .*check that the folder can"):
            act()
    place.unlink()
    again.sync(PROJECT, documents(**LESSONS))
    assert found(again)[0] == "a1"


# --- crashes and company ---

WORKER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_index import PROJECT, WordEmbedder
from rune.index import Document, Index
folder, first, last, die = Path(sys.argv[2]), *map(int, sys.argv[3:])

class Mortal(WordEmbedder):
    def embed(self, texts):
        if die and self.seen > die:
            os._exit(9)
        return super().embed(texts)

index = Index(folder, Mortal())
texts = [Document(f"d{n}", f"a{n}", f"s{n}", f"lesson number{n} topic{n % 5}") for n in range(first, last)]
if os.environ.get("GROW"):
    for size in range(20, len(texts) + 1, 20):
        index.sync(PROJECT, texts[:size])
else:
    index.sync(PROJECT, texts)
print(len(index.search(PROJECT, "lesson", 1000)))
"""


def worker(folder: Path, first: int, last: int, die: int = 0) -> list[str]:
    here = str(Path(__file__).parent)
    return [sys.executable, "-c", WORKER, here, str(folder), str(first), str(last), str(die)]


def test_a_sync_that_was_killed_is_completed_by_the_next(folder: Path) -> None:
    killed = subprocess.run(worker(folder, 0, 300, die=70), capture_output=True, text=True, check=False)
    assert killed.returncode == 9, killed.stderr
    embedder = WordEmbedder()
    index = Index(folder, embedder)
    assert 0 < len(index.search(PROJECT, "lesson", 1000)) < 300
    again = subprocess.run(worker(folder, 0, 300), capture_output=True, text=True, check=True)
    assert again.stdout.strip() == "300"
    assert len(index.search(PROJECT, "lesson", 1000)) == 300


def test_two_processes_at_once_end_with_the_same_documents(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("GROW", "1")
    both = [subprocess.Popen(worker(folder, 0, 100), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0]
    # Only now: the one that is through first may find what the other, still at fewer documents, has put.
    assert len(Index(folder, WordEmbedder()).search(PROJECT, "lesson", 1000)) == 100


def test_a_running_process_sees_what_another_one_wrote(index: Index, folder: Path) -> None:
    assert found(index)[0] == "a1"
    subprocess.run(worker(folder, 0, 3), check=True, capture_output=True)
    assert sorted(found(index, "lesson number1")) == ["a0", "a1", "a2"]
    assert found(index, "lesson number1")[0] == "a1"
