"""Record the sessions that ``rune demo`` plays: ``python -m tests.client.record_demo``, from the root.

The real client runs the stories below against a scripted model; its transcripts, with the machine's paths
taken out, are what the demo sends through the real hooks.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.client.claude import REPOSITORY, Client, install
from tests.client.scripted_api import Turn, call, say

DATA = REPOSITORY / "daemon" / "rune" / "bench" / "data"
PROJECT = "/demo/invoices"
PYTHON = subprocess.run(
    ["python3", "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True, check=True
).stdout.strip()

EXPORT = '''import csv
import sys


def total(month: int) -> float:
    """Sum the invoice amounts of one month."""
    with open("data/invoices.csv") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return sum(float(row["amount"]) for row in rows if int(row["month"]) == month)


print(f"total: {total(int(sys.argv[2])):.2f}")
'''
MONEY = '''def parse_amount(text: str) -> float:
    """Read an amount as the accounting system writes it: 1.249,50."""
    return float(text.replace(".", "").replace(",", "."))
'''
RUN = {"command": "python3 export.py --month 3", "description": "Print the total of March"}


def invoices(root: Path) -> list[Turn]:
    """An export trips over an encoding and a decimal comma."""
    export = str(root / "export.py")
    return [
        [say("I'll write the export and run it."), call("Write", file_path=export, content=EXPORT)],
        [call("Bash", **RUN)],
        [
            say("The export fails because data/invoices.csv is encoded in cp1252, not UTF-8: the accounting "
                "system writes umlauts as single bytes. I'll open it with that encoding."),
            call("Edit", file_path=export, old_string='open("data/invoices.csv")',
                 new_string='open("data/invoices.csv", encoding="cp1252")'),
        ],
        [call("Bash", **RUN)],
        [
            say("The amounts are written with a decimal comma, so float() must not get them raw: "
                "parse_amount in money.py drops the dots and turns the comma into a point."),
            call("Write", file_path=str(root / "money.py"), content=MONEY),
        ],
        [call("Edit", file_path=export, old_string='float(row["amount"])',
              new_string='parse_amount(row["amount"])')],
        [call("Edit", file_path=export, old_string="import sys\n",
              new_string="import sys\n\nfrom money import parse_amount\n")],
        [call("Bash", **RUN)],
        [say("Fixed. The invoices of March come to 4711.25. Amounts always go through `money.parse_amount`, "
             "never through float().")],
    ]  # fmt: skip


CACHE = "def warm(seconds: int) -> dict[str, int]:\n    return {'ttl': seconds}\n"
TEST = """import unittest

from cache import warm


class Warm(unittest.TestCase):
    def test_ttl(self) -> None:
        self.assertEqual(warm(900)["ttl"], 900000)
"""


def cache(root: Path) -> list[Turn]:
    """Another session: seconds where milliseconds were wanted."""
    check = {"command": "python3 -m unittest -q", "description": "Run the cache tests"}
    return [
        [
            say("I'll add the cache and its test."),
            call("Write", file_path=str(root / "cache.py"), content=CACHE),
        ],
        [call("Write", file_path=str(root / "test_cache.py"), content=TEST)],
        [call("Bash", **check)],
        [
            say("The test fails because the gateway wants its ttl in milliseconds and warm passes seconds."),
            call(
                "Edit", file_path=str(root / "cache.py"), old_string="seconds}", new_string="seconds * 1000}"
            ),
        ],
        [call("Bash", **check)],
        [say("The cache tests pass: warm multiplies the ttl by 1000 for the gateway.")],
    ]


def record(name: str, prompt: str, turns: list[Turn], client: Client, root: Path) -> None:
    """Run one story and keep its transcript."""
    result = client.run(prompt, turns, cwd=root, plugins=())
    assert result.returncode == 0, result.stderr
    [transcript] = client.home.glob(f".claude/projects/*/{result.output['session_id']}.jsonl")
    text = (
        transcript.read_text("utf-8")
        .replace(str(root), PROJECT)
        .replace(str(client.home), "/home/demo")
        .replace(PYTHON, "/usr")
    )
    (DATA / f"{name}.jsonl").write_text(text, "utf-8")


def main() -> None:
    """Record both sessions."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        client = Client(install(REPOSITORY / ".cache" / "claude-code"), place / "home", place / "rune")
        root = place / "invoices"
        for made in (client.home, client.rune_home, root / "data", root / ".git"):
            made.mkdir(parents=True)
        rows = "customer;month;amount\nMüller GmbH;3;1.249,50\nSchäfer KG;3;3.461,75\nKrüger AG;4;99,00\n"
        (root / "data" / "invoices.csv").write_bytes(rows.encode("cp1252"))
        wish = "The invoice export is missing. Write export.py that prints the total of a month, "
        wish += "and run it for March."
        record("session", wish, invoices(root), client, root)
        record("other_session", "Add cache.py with a test for the gateway's ttl.", cache(root), client, root)


if __name__ == "__main__":
    sys.exit(main())
