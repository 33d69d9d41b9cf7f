"""How a base is given the record of a session to read, and the questions that show how well it does. Pure.

A base that reads well can teach its own adapter: what it says with the passage in its prompt is what the
adapter is to say without (``rune.ml.teacher``). Whether it does is asked once for each base (``PROBES``):
twelve passages such as sessions are made of, each with a literal to be found among others of its sort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Encode = Callable[[str], list[int]]
Decode = Callable[[Sequence[int]], str]


def prompt(context: str, question: str) -> str:
    """What a reader is given."""
    return (
        "Here is the record of a coding session.\n\n"
        f"{context}\n\nAnswer from the record, briefly and exactly. Question: {question}"
    )


def place(text: str, keys: Sequence[str]) -> int:
    """Where the answer's first literal stands; the longest counts, for a short one stands anywhere.

    >>> place("port 80, then 8431", ("80", "8431")), place("nothing of it", ("8431",))
    (14, 0)
    """
    plain = text.lower().replace("`", " ")
    found = [plain.find(key.lower().replace("`", "")) for key in sorted(keys, key=len, reverse=True)]
    return next((place for place in found if place >= 0), 0)


def window(text: str, at: int, tokens: int, encode: Encode, decode: Decode) -> str:
    """So many tokens of a text around a place, half of them before it where there are as many."""
    before, after = encode(text[:at]), encode(text[at:])
    room = max(tokens // 2, tokens - len(after))
    kept = before[max(0, len(before) - room) :]
    return decode([*kept, *after[: tokens - len(kept)]])


class Probe(NamedTuple):
    """A passage, a question that it answers, and the literals that a right answer holds."""

    passage: str
    question: str
    keys: tuple[str, ...]

    @property
    def prompt(self) -> str:
        """What the reader is asked."""
        return prompt(self.passage, self.question)


PROBES = (
    Probe(
        "$ pytest -q\nE   ConnectionRefusedError: [Errno 111] connect to ('127.0.0.1', 5433)\n"
        "FAILED tests/test_store.py::test_saves - ConnectionRefusedError\n1 failed, 41 passed in 6.02s\n\n"
        "The compose file maps Postgres to 5544, the tests still ask for 5433.\n\n"
        "Edit tests/conftest.py\nPORT = 5544\n\n$ pytest -q\n42 passed in 5.88s",
        "Which port does the compose file map Postgres to?", ("5544",),
    ),
    Probe(
        "$ npm run build\nsrc/cart/total.ts(31,9): error TS2322: Type 'string' is not assignable "
        "to type 'number'.\n"
        "src/cart/total.ts(44,3): error TS2304: Cannot find name 'roundCents'.\nFound 2 errors.\n\n"
        "Edit src/cart/total.ts\nimport { roundCents } from '../money/round'\n\n"
        "$ npm run build\nDone in 3.1s",
        "Which file is roundCents imported from?", ("money/round",),
    ),
    Probe(
        "We decided against Redis for the queue: one more service to run. It is SQLite with WAL now, in "
        "var/queue.db; Redis stays for the session cache.",
        "What does the queue use now?", ("sqlite",),
    ),
    Probe(
        "$ cargo clippy -- -D warnings\nerror: this `if` has identical blocks\n"
        "  --> crates/parse/src/token.rs:118:9\n"
        "error: could not compile `parse` due to 1 previous error\n\n$ cargo clippy -- -D warnings\n"
        "Finished dev profile in 4.20s\n\n$ cargo test -p parse\ntest result: ok. 63 passed; 0 failed",
        "At which line of token.rs did clippy find identical blocks?", ("118",),
    ),
    Probe(
        "The person: use pnpm in this repository, never npm; the lockfile of npm was deleted on purpose.\n\n"
        "$ pnpm install --frozen-lockfile\nDone in 8.4s\n\n$ pnpm test\n118 passed",
        "Which package manager is to be used in this repository?", ("pnpm",),
    ),
    Probe(
        "$ go test ./...\n--- FAIL: TestRetryGivesUp (0.30s)\n    retry_test.go:52: got 4 attempts, want 3\n"
        "FAIL internal/fetch\nok  internal/store 0.2s\n\nThe loop counted the first try twice.\n\n"
        "$ go test ./...\nok  internal/fetch 0.4s\nok  internal/store 0.2s",
        "How many attempts did TestRetryGivesUp want?", ("3",),
    ),
    Probe(
        "Edit deploy/values.yaml\nreplicas: 4\nmemory: 768Mi\ncpu: 250m\n\n"
        "Before, each pod had 512Mi and was killed while it imported.\n\n"
        "$ helm upgrade api deploy\nSTATUS: deployed",
        "How much memory does each pod have now?", ("768",),
    ),
    Probe(
        "$ git push\nremote: error: GH006: Protected branch update failed for refs/heads/main.\n\n"
        "$ git switch -c fix/date-header\nSwitched to a new branch 'fix/date-header'\n\n"
        "$ git push -u origin HEAD\n"
        "branch 'fix/date-header' set up to track 'origin/fix/date-header'.",
        "What is the name of the new branch?", ("fix/date-header",),
    ),
    Probe(
        "$ python manage.py migrate\n"
        "django.db.utils.OperationalError: no such column: orders_order.paid_at\n\n"
        "The migration 0014_paid_at was made on another branch and never merged here.\n\n"
        "$ python manage.py makemigrations orders\nMigrations for 'orders': 0013_order_paid_at.py\n\n"
        "$ python manage.py migrate\nApplying orders.0013_order_paid_at... OK",
        "Which column was missing?", ("paid_at",),
    ),
    Probe(
        "The flaky test was the clock: it froze time at midnight UTC and the report groups by local day. "
        "It freezes 12:00 now, with the helper noon() in tests/clock.py.",
        "Which helper does the test use to freeze time?", ("noon",),
    ),
    Probe(
        "$ make lint\nruff check src\nsrc/api/limits.py:9:1: F401 `os` imported but unused\n"
        "src/api/routes.py:70:5: E722 do not use bare `except`\nFound 2 errors.\n\n"
        "$ make lint\nAll checks passed!",
        "In which file did ruff find a bare except?", ("routes.py",),
    ),
    Probe(
        "$ docker compose up -d\nError: bind: address already in use (0.0.0.0:8080)\n\n$ lsof -i :8080\n"
        "java 4121 jenkins\n\nJenkins holds 8080, so the proxy listens on 8081 from now on.\n\n"
        "$ docker compose up -d\nStarted",
        "Which program holds port 8080?", ("jenkins",),
    ),
)  # fmt: skip
