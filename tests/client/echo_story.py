"""A project whose text memory has a past, and the typed commands that show all there is to type."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.client.claude import Client, ClientResult
from tests.client.scripted_api import say

from rune.paths import Echoes
from rune.records import echo
from rune.records.echo import Entry, Memory

COMMANDS = ("init", "show", "prune", "reset", "remembrance", "promote", "migrate", "etch", "undo")
"""Every command behind /rune:echoes."""
LONG_AGO = datetime.date(2026, 1, 15)
SOLVED = Entry(
    layer="etched",
    title="Prices are decimals",
    day=LONG_AGO,
    learning="Amounts are Decimal from the request to the database; float never touches them.",
    evidence=("`src/orders.py:12-40` — every amount",),
    label="Architecture",
    fields=(
        ("symptom", "Totals differ from the invoice by a cent"),
        ("root_cause", "Amounts went through float"),
        ("solution", "Amounts are Decimal everywhere"),
        ("tags", "money, rounding, decimal"),
    ),
)
LINE = re.compile(r"To do exactly this: (/rune:echoes .* --confirm ([0-9a-f]{6}))")


def _learnt(layer: str, number: int, **changes: Any) -> Entry:
    entry = Entry(
        layer=layer,
        title=f"Unused imports, round {number}",
        day=LONG_AGO,
        learning="New files keep imports that nobody needs.",
        evidence=tuple(f"`src/module_{number}{place}.py:1-5` — unused" for place in range(35)),
        source="rune:review by lore-seeker",
        confidence=0.6,
    )
    return replace(entry, **changes)


def prepare(project: Path) -> Echoes:
    """A reviewer that knows too much, one solved problem among it."""
    (project / ".git").mkdir(parents=True)
    echoes = Echoes(project)
    today = datetime.date.today()
    fresh = _learnt("traced", 5, day=today, verified=today, evidence=("`src/orders.py:1` — unused",))
    layers = ("inscribed", "inscribed", "traced", "traced")
    past = [_learnt(layer, number) for number, layer in enumerate(layers)]
    memory = Memory("reviewer", echo.empty("reviewer").preamble, (SOLVED, *past, fresh))
    echoes.role("reviewer").mkdir(parents=True)
    echoes.memory("reviewer").write_text(echo.render(memory), "utf-8")
    return echoes


@dataclass(frozen=True, slots=True)
class Step:
    """One typed command and what came of it."""

    name: str
    typed: str
    result: ClientResult

    @property
    def command(self) -> str:
        """Which of the commands."""
        return self.typed.split()[1]

    @property
    def text(self) -> str:
        """What the person saw."""
        return str(self.result.output.get("result", ""))

    @property
    def free(self) -> bool:
        """Whether no model was asked: no turn, no token, no request."""
        usage = self.result.output["usage"]
        spent = usage["input_tokens"] + usage["output_tokens"]
        return self.result.output["num_turns"] == 0 and spent == 0 and self.result.requests == []


def steps(client: Client, project: Path) -> Iterator[Step]:
    """Every command, typed one after the other; what asks for a code gets it."""

    def typed(name: str, words: str) -> Step:
        prompt = f"/rune:echoes {words}"
        return Step(name, prompt, client.run(prompt, [[say("The model was asked.")]], cwd=project))

    yield typed("init", "init")
    yield typed("show", "show")
    yield typed("show-role", "show reviewer")
    yield typed("etch", "etch workers Postgres only: we use Postgres 16 everywhere; don't add SQLite.")
    for name, words in (
        ("promote", f"promote {SOLVED.id} --category performance"),
        ("migrate", "migrate"),
        ("prune", "prune"),
        ("reset", "reset reviewer"),
        ("undo", "undo"),
    ):
        plan = typed(name, words)
        yield plan
        found = LINE.search(plan.text)
        assert found, plan.text
        yield typed(f"{name}-confirmed", found[1].removeprefix("/rune:echoes "))
        if name == "promote":
            yield typed("remembrance", "remembrance rounding cent")


def plain(text: str, project: Path) -> str:
    """A text without what differs from day to day and from machine to machine."""
    text = text.replace(str(project), "<project>")
    text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "<when>", text)
    text = text.replace(str(datetime.date.today()), "<today>")
    text = re.sub(r"(?ms)^Rune, the memory of .*?(?=^ROLE )", "<sessions and adapters>\n\n", text)
    return re.sub(r"--confirm [0-9a-f]{6}", "--confirm <code>", text)
