"""The session that the client's tests play: a script fails on a file's encoding, is explained and fixed."""

from __future__ import annotations

from pathlib import Path

from tests.client.scripted_api import Turn, call, say

PROMPT = "Write rates.py that prints the total of rates.csv, and run it."
DIAGNOSIS = "It fails because the bank exports rates.csv in cp1250, not in UTF-8."
FIX = "cp1250"
QUESTION = "rates.py stopped with UnicodeDecodeError on rates.csv. Which encoding fixed it?"
_OPEN = 'open("rates.csv", encoding="utf-8")'
_FIXED = f'open("rates.csv", encoding="{FIX}")'
_SOURCE = f"""import csv

with {_OPEN} as file:
    print(sum(float(row["rate"]) for row in csv.DictReader(file)))
"""
TOTAL = "5.5"


def prepare(project: Path) -> Path:
    """A project with the data file that the story trips over."""
    (project / ".git").mkdir(parents=True)
    (project / "rates.csv").write_bytes("město,rate\nPlzeň,2.5\nŽilina,3.0\n".encode(FIX))
    return project


def fails_and_is_fixed(project: Path) -> list[Turn]:
    """Write, run red, say why, fix, run green, end."""
    path = str(project / "rates.py")
    return [
        [say("I write the script first."), call("Write", file_path=path, content=_SOURCE)],
        [call("Bash", command="python3 rates.py", description="Run the script")],
        [say(DIAGNOSIS), call("Edit", file_path=path, old_string=_OPEN, new_string=_FIXED)],
        [call("Bash", command="python3 rates.py", description="Run the script again")],
        [say(f"rates.py runs: rates.csv is in {FIX}, so the script opens it with encoding={FIX!r}.")],
    ]
