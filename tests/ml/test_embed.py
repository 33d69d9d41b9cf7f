"""The sentence embedder, and whether search with it finds the right session among thirty.

Lessons and questions below are written by hand in the way agents and people put them; no question repeats a
lesson's wording on purpose. Run with ``-s`` to see the figures.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from rune.config import ModelConfig, RecallConfig
from rune.errors import NotSetUp
from rune.index import Document, Index, Keywords
from rune.ml.embed import MiniLM

pytestmark = pytest.mark.model

LESSONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "The invoice test failed because the ledger parser wants the currency before the amount; "
        "format_price in src/invoice.py now returns 'EUR 9.50'.",
        ("Why did the price on the bill not pass the tests?", "AssertionError '9.50 EUR' != 'EUR 9.50'"),
    ),
    (
        "ModuleNotFoundError: No module named 'yaml' in tools/report.py was fixed by adding PyYAML to "
        "requirements-dev.txt.",
        ("How did we get rid of the missing yaml import?", "report script cannot import yaml"),
    ),
    (
        "The Docker image did not build because slim lacks libssl; apt-get install libssl-dev goes before"
        " cargo build.",
        (
            "openssl headers not found while building the container",
            "What has to be installed in the image first?",
        ),
    ),
    (
        "Deploy to staging with `make release ENV=staging`; production needs a signed tag and the VPN.",
        ("How do I ship this to the staging server?", "command to roll out a new version"),
    ),
    (
        "Tests must run with `pytest -p no:cacheprovider -n 4`, because the CI disk is read-only.",
        ("How are the unit tests started here?", "pytest cannot write .pytest_cache on the build machine"),
    ),
    (
        "The flaky websocket test raced the server's start; it now waits on the ready event instead of "
        "sleeping 0.1 s.",
        (
            "Why does test_ws_reconnect fail only sometimes?",
            "intermittent socket connection refused in tests",
        ),
    ),
    (
        "Decided to store timestamps as UTC epoch milliseconds, because SQLite compares text dates "
        "wrongly across zones.",
        ("Which format do we use for dates in the database?", "Why are times saved as integers?"),
    ),
    (
        "npm run build ran out of heap; NODE_OPTIONS=--max-old-space-size=4096 in the build script cured it.",
        ("JavaScript heap out of memory when bundling", "How much memory does the frontend build need?"),
    ),
    (
        "The login loop came from a SameSite=Strict cookie that the OAuth redirect dropped; Lax works.",
        (
            "Users get sent back to the sign-in page forever",
            "session cookie lost after identity provider redirect",
        ),
    ),
    (
        "Alembic migration 0042 deadlocked because CREATE INDEX ran in a transaction; use "
        "postgresql_concurrently and autocommit_block.",
        ("database migration hangs when adding an index", "How to add an index without locking the table?"),
    ),
    (
        "git push was rejected by the pre-receive hook: commit messages need a ticket id such as SHOP-123.",
        ("remote refuses my commits", "What must a commit message contain?"),
    ),
    (
        "The Rust borrow checker complained in parser.rs line 88; cloning the token before advance() "
        "solved it.",
        (
            "cannot borrow `self.tokens` as mutable more than once",
            "How was the borrowing error in the parser fixed?",
        ),
    ),
    (
        "Rate limiting returns 429 after 100 requests per minute; the client now backs off using the "
        "Retry-After header.",
        ("API answers Too Many Requests", "How do we handle throttling by the server?"),
    ),
    (
        "The user prefers small commits with imperative subjects and no emoji.",
        ("What style of commit does the owner like?", "how should I phrase git commits"),
    ),
    (
        "UnicodeDecodeError on Windows came from open() without encoding; every open in loader.py now "
        "passes utf-8.",
        ("charmap codec can't decode byte 0x9d", "reading files crashes on Microsoft machines"),
    ),
    (
        "The image upload endpoint lives in services/media/upload_handler.go and checks the size before "
        "reading the body.",
        ("Where is the code that receives pictures?", "Which file limits the size of uploads?"),
    ),
    (
        "Kubernetes pods were OOMKilled because the JVM ignored the cgroup limit; -XX:MaxRAMPercentage=75"
        " fixed it.",
        ("java containers get killed in the cluster", "exit code 137 on the order service"),
    ),
    (
        "CORS preflight failed since the gateway strips OPTIONS; allow it in nginx.conf with add_header "
        "Access-Control.",
        ("browser blocks the cross-origin call", "No 'Access-Control-Allow-Origin' header is present"),
    ),
    (
        "The mypy error 'Incompatible return value type' in billing/tax.py went away after annotating "
        "Decimal | None.",
        ("type checker complaint in the tax module", "mypy fails on billing"),
    ),
    (
        "Redis keys for sessions expire after 30 minutes; the test must freeze time with freezegun.",
        ("How long does a login stay in the cache?", "test about expiring sessions depends on the clock"),
    ),
    (
        "Use `uv sync --frozen` to set up the environment; plain pip misses the private index.",
        ("How do I install the dependencies?", "package not found on PyPI during setup"),
    ),
    (
        "The CSV export doubled rows because of a JOIN on orders without DISTINCT; grouping by order id "
        "fixed it.",
        ("duplicate lines in the exported spreadsheet", "Why were sales counted twice in the export?"),
    ),
    (
        "Terraform state was locked by a dead CI job; `terraform force-unlock <id>` released it.",
        ("Error acquiring the state lock", "infrastructure apply is stuck on a lock"),
    ),
    (
        "The React list re-rendered forever because useEffect depended on an object literal; useMemo "
        "fixed it.",
        ("Maximum update depth exceeded", "component keeps rendering endlessly"),
    ),
    (
        "TLS handshake failed in integration tests because the test certificate had expired; "
        "scripts/make_certs.sh renews it.",
        ("x509: certificate has expired or is not yet valid", "How do I regenerate the test certificates?"),
    ),
    (
        "We chose Celery over RQ because scheduled retries with exponential backoff are needed.",
        ("Which task queue did we pick and why?", "reason for not using RQ"),
    ),
    (
        "Segfault in the C extension: the numpy array was not contiguous; np.ascontiguousarray before the"
        " call.",
        ("native module crashes with SIGSEGV", "What must be done with arrays before calling C code?"),
    ),
    (
        "GraphQL resolver N+1 queries slowed the product page; DataLoader batching brought it from 4 s to"
        " 200 ms.",
        ("product page loads slowly", "too many SQL queries per request in the API"),
    ),
    (
        "The cron job ran twice after the daylight saving change; the schedule is now in UTC.",
        ("nightly task executed two times in October", "Which time zone are scheduled jobs in?"),
    ),
    (
        "Feature flags are read from config/flags.toml at start; changing one needs a restart of the worker.",
        ("How do I switch a feature on?", "toggle has no effect until the process is restarted"),
    ),
)

LITERAL = [
    ("format_price", "a0"),
    ("tools/report.py", "a1"),
    ("libssl-dev", "a2"),
    ("make release", "a3"),
    ("-p no:cacheprovider", "a4"),
    ("NODE_OPTIONS what for", "a7"),
    ("0042", "a9"),
    ("SHOP-123", "a10"),
    ("parser.rs", "a11"),
    ("Retry-After", "a12"),
    ("what did we do in loader.py", "a14"),
    ("upload_handler.go", "a15"),
    ("MaxRAMPercentage", "a16"),
    ("tax.py", "a18"),
    ("freezegun why", "a19"),
    ("uv sync", "a20"),
    ("terraform force-unlock", "a22"),
    ("make_certs.sh", "a24"),
    ("ascontiguousarray", "a26"),
    ("flags.toml where is it read", "a29"),
]

UNRELATED = (
    "How do I configure Bluetooth pairing on the headset?",
    "What is the capital of Australia?",
    "recipe for sourdough bread",
    "How was the Kafka consumer lag fixed?",
    "Why does the Swift app crash on iOS 19?",
    "Which colour palette does the logo use?",
    "What is the licence of the audio codec?",
    "How do we translate the help pages into Japanese?",
    "LaTeX bibliography does not compile",
    "How is the robot arm calibrated?",
    "Elasticsearch shard allocation failed",
    "Who won the football match yesterday?",
    "How do I write a quicksort in Haskell?",
    "Blender export loses the textures",
    "Which GPU driver does the render farm need?",
    "Summarise the quarterly earnings call",
    "Convert this essay into a poem",
    "Arduino sensor reads zero",
    "How was the Perl regular expression for phone numbers changed?",
    "PDF printing cuts off the margins",
)


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Path:
    """The embedder's folder: below ``RUNE_TEST_MODELS``, or where ``rune setup`` put it."""
    given = os.environ.get("RUNE_TEST_MODELS")
    models = Path(given) if given else request.getfixturevalue("models")
    folder = Path(models) / ModelConfig().embedder
    if not folder.is_dir():
        pytest.skip(f"no sentence embedder in {folder}; `rune setup` brings it")
    return folder


@pytest.fixture
def model(folder: Path) -> MiniLM:
    return MiniLM(folder)


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_a_folder_without_a_model_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotSetUp, match="rune setup"):
        MiniLM(tmp_path)


def test_vectors_have_length_one_and_meaning_is_near(model: MiniLM) -> None:
    cat, kitten, invoice = model.embed(["The cat sleeps.", "A kitten is napping.", "The invoice is overdue."])
    assert len(cat) == 384
    assert math.isclose(dot(cat, cat), 1.0, abs_tol=1e-5)
    assert dot(cat, kitten) > 0.6 > 0.2 > dot(cat, invoice)


def test_a_batch_equals_each_alone(model: MiniLM) -> None:
    texts = [text for text, _ in LESSONS] + ["", "x", "word " * 400]
    for together, text in zip(model.embed(texts), texts, strict=True):
        assert together == pytest.approx(model.embed([text])[0], abs=1e-5)


def test_the_same_text_gives_the_same_vector(model: MiniLM, folder: Path) -> None:
    texts = [text for text, _ in LESSONS[:5]]
    assert model.embed(texts) == model.embed(texts) == MiniLM(folder).embed(texts)


def test_no_texts_give_no_vectors(model: MiniLM) -> None:
    assert model.embed([]) == []


def place(ranking: Sequence[str], right: str) -> int:
    return ranking.index(right) + 1 if right in ranking else 10**6


def figures(places: Sequence[int]) -> tuple[float, float]:
    """Recall at one, and mean reciprocal rank."""
    return sum(p == 1 for p in places) / len(places), sum(1 / p for p in places) / len(places)


PARAPHRASED = [(query, f"a{n}") for n, (_, queries) in enumerate(LESSONS) for query in queries]


@pytest.mark.parametrize(("kind", "asked"), [("paraphrased", PARAPHRASED), ("literal", LITERAL)])
def test_questions_find_their_lesson_and_unrelated_ones_stay_below_the_floor(
    model: MiniLM, tmp_path: Path, kind: str, asked: list[tuple[str, str]]
) -> None:
    documents = [Document(f"d{n}", f"a{n}", f"s{n}", text) for n, (text, _) in enumerate(LESSONS)]
    index = Index(tmp_path / "index", model)
    index.sync("/p", documents)
    keywords = Keywords(documents)
    both, meaning, words, right, wrong = [], [], [], [], []
    for query, wanted in asked:
        hits = index.search("/p", query, len(documents))
        by_cosine = sorted(hits, key=lambda hit: -hit.cosine)
        both.append(place([hit.document.adapter for hit in hits], wanted))
        meaning.append(place([hit.document.adapter for hit in by_cosine], wanted))
        words.append(place([hit.document.adapter for hit in keywords.search(query, 30)], wanted))
        right.append(next(hit.score for hit in hits if hit.document.adapter == wanted))
        wrong.append(next(hit.score for hit in hits if hit.document.adapter != wanted))
    strange = [index.search("/p", query, 1)[0].score for query in UNRELATED]
    report(kind, both, meaning, words, right, wrong, strange)
    floor = RecallConfig().floor
    assert figures(both)[0] >= 0.85
    assert figures(both)[1] >= 0.9
    assert sum(score >= floor for score in right) / len(right) >= 0.75
    assert sum(score >= floor for score in strange) / len(strange) <= 0.1


def report(kind, both, meaning, words, right, wrong, strange) -> None:  # type: ignore[no-untyped-def]
    for name, places in (("both", both), ("cosine", meaning), ("bm25", words)):
        print(f"\n{kind} {name:7} recall@1 {figures(places)[0]:.2f}  MRR {figures(places)[1]:.2f}", end="")
    for name, scores in (("right", right), ("best wrong", wrong), ("unrelated, best", strange)):
        ordered = sorted(scores)
        shown = [f"{ordered[int(q * (len(ordered) - 1))]:.2f}" for q in (0, 0.1, 0.5, 0.9, 1)]
        print(f"\n{name:16} score min/p10/p50/p90/max {' '.join(shown)}", end="")
    for floor in (0.25, 0.3, 0.35, 0.4):
        kept, let_in = (sum(s >= floor for s in scores) / len(scores) for scores in (right, strange))
        print(f"\nfloor {floor:.2f}: keeps {kept:.2f} of right, lets in {let_in:.2f} of unrelated", end="")
    print()
