"""``rune bench echoes``: a text memory that grows, files that nobody here wrote, commands, and secrets.

*Growth*: 100 to 10,000 entries over the five roles, in files of their own. Four steps, each the median of its
repeats: load (read and parse every MEMORY.md), score (every entry), prune (a plan for every role, down to 150
lines), search (index the words of every entry, then ask). The growth exponent is the slope of the total over
the sizes, both in logarithms: 1.0 is linear.

*Foreign files*: every entry in the memories and examples of a data folder, by a count of headings that knows
nothing of the parser, and how many of them are read.

*Commands*: each typed in the real client against a scripted model; one counts when all of its steps took no
turn, no token and no request. Needs npm and a checkout; else it is null and says why.
"""

from __future__ import annotations

import importlib
import math
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rune.bench import secrets
from rune.bench.corpus.values import fill
from rune.bench.results import ROOT
from rune.echoes import prune, score
from rune.echoes.score import UNUSED, Use
from rune.index.words import Document, Keywords
from rune.paths import Echoes, Home
from rune.records import echo, launch
from rune.records.echo import ROLES, Entry, Memory
from rune.records.launch import Launch

SIZES = (100, 300, 1000, 3000, 10_000)
REPEATS = 5
TODAY = date(2026, 11, 20)
QUERIES = (
    "which command runs the tests of the parser", "timeout of the session cache", "why does the loader retry",
    "unused imports in new files", "resolve worker queue config",
)  # fmt: skip
_HEADING = re.compile(
    r"^##+ +(?:\[\d{4}-\d\d-\d\d\] |"
    r"(?:Etched|Inscribed|Traced|Notes?|Observations?|Consolidated)\b *(?:—|-|–|:))",
    re.M | re.I,
)
"""The heading of an entry in any dialect, by a rule of its own."""


def run(data: Path, seed: int = secrets.FRESH, client: bool = True) -> dict[str, Any]:
    """Growth, foreign files, commands and secrets; the result in the form of a result file."""
    sizes = [measured(size, seed) for size in SIZES]
    files = foreign(data)
    commands = free_commands() if client else {"skipped": "not asked for"}
    hidden = secrets.run(data, seed)
    summary = {
        "load_10k_ms": sizes[-1]["load_ms"],
        "prune_10k_ms": sizes[-1]["prune_ms"],
        "growth_exponent": exponent([(row["entries"], row["total_ms"]) for row in sizes]),
        "foreign_entries": sum(row["entries"] for row in files),
        "foreign_parsed": sum(row["parsed"] for row in files),
        "commands_zero_token": commands.get("free"),
        **hidden["summary"],
    }
    rows = [*sizes, *files, {"commands": commands}, *hidden["rows"]]
    return {"summary": summary, "secrets": hidden["whole"], "rows": rows}


def measured(size: int, seed: int = 0, repeats: int = REPEATS) -> dict[str, Any]:
    """Milliseconds of each step over so many entries."""
    dice = random.Random(seed)
    made = memories(dice, size)
    uses = _uses(dice, made)
    with tempfile.TemporaryDirectory(prefix="rune-echoes-") as folder:
        echoes = Echoes(Path(folder))
        for memory in made:
            echoes.role(memory.role).mkdir(parents=True)
            echoes.memory(memory.role).write_text(echo.render(memory), "utf-8")
        times = [_once(echoes, uses) for _ in range(repeats)]
    steps = {name: round(statistics.median(run[name] for run in times), 2) for name in times[0]}
    return {"entries": size, **steps, "total_ms": round(sum(steps.values()), 2)}


def memories(dice: random.Random, size: int) -> list[Memory]:
    """So many distinct entries of every layer, spread evenly over the roles."""
    today = TODAY.toordinal()
    made: dict[str, list[Entry]] = {role: [] for role in ROLES}
    for number in range(size):
        layer = dice.choices(("etched", "inscribed", "traced"), (1, 40, 59))[0]
        day = date.fromordinal(today - dice.randrange(400))
        entry = Entry(
            layer,
            fill(dice, "{verb} the {word} before the {word}") + f", case {number}",
            day,
            fill(dice, "The {word} of {camel} must {verb} its {word} first; `{ident}` fails without."),
            tuple(fill(dice, "`{file}:{n2}-{n3}` — {word} {verb}") for _ in range(dice.randint(1, 3))),
            fill(dice, "rune:review by {first}"),
            round(dice.random(), 2),
            min(TODAY, day + timedelta(days=dice.randrange(90))),
        )
        made[ROLES[number % len(ROLES)]].append(entry)
    return [Memory(role, echo.empty(role).preamble, tuple(entries)) for role, entries in made.items()]


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the least-squares line through the logarithms.

    >>> exponent([(100, 2.0), (1000, 20.0), (10000, 200.0)])
    1.0
    """
    found = statistics.linear_regression(*zip(*((math.log(x), math.log(y)) for x, y in points), strict=True))
    return round(found.slope, 3)


def foreign(data: Path) -> list[dict[str, Any]]:
    """What every Markdown file of ``<data>/echoes`` holds, what was read of it, and why the rest was not."""
    folder = data / "echoes"
    rows = []
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text("utf-8")
        found = (echo.survey if path.name == "MEMORY.md" else echo.examples)(text, path.name)
        parsed, refused = len(found.entries), [f"line {r.line}: {r.reason}" for r in found.refusals]
        headings = len(_HEADING.findall(text))
        if headings or parsed or refused:
            entries = max(headings, parsed + len(refused))
            name = str(path.relative_to(folder))
            rows.append({"file": name, "entries": entries, "parsed": parsed, "refused": refused})
    return rows


def free_commands() -> dict[str, Any]:
    """How many typed commands cost no turn, token or request in the real client, and how each went."""
    if not (ROOT / "tests" / "client" / "echo_story.py").exists():
        return {"skipped": f"expected the client's driver in {ROOT / 'tests'}, found none: use a checkout"}
    sys.path.insert(0, str(ROOT))  # the driver of the real client belongs to the tests
    driver, story = (importlib.import_module(f"tests.client.{name}") for name in ("claude", "echo_story"))
    try:
        program = driver.install(ROOT / ".cache" / "claude-code")
    except driver.ClientUnavailable as error:
        return {"skipped": str(error)}
    finally:
        sys.path.remove(str(ROOT))
    with tempfile.TemporaryDirectory(prefix="rune-commands-") as folder:
        return _typed(driver, story, program, Path(folder).resolve())


def _typed(driver: Any, story: Any, program: Path, folder: Path) -> dict[str, Any]:
    client = driver.Client(program, folder / "user", folder / "rune")
    client.home.mkdir()
    client.rune_home.mkdir(mode=0o700)
    launch.write(Home(client.rune_home).launch, Launch((sys.executable, "-m", "rune")))
    story.prepare(folder / "shop")
    try:
        steps = list(story.steps(client, folder / "shop"))
    except AssertionError as error:  # the driver's way to say that a command did not offer its plan
        return {"skipped": f"a command failed: {error}"}
    finally:
        client.stop()
    costly = {step.command for step in steps if not step.free}
    free = sorted({step.command for step in steps} - costly)
    return {"free": len(free), "commands": free, "costly": sorted(costly), "steps": len(steps)}


def _uses(dice: random.Random, made: Sequence[Memory]) -> dict[str, Use]:
    """A third of the entries was of use lately."""
    every = [entry for memory in made for entry in memory.entries]
    used = dice.sample(every, len(every) // 3)
    days = {entry.digest: TODAY - timedelta(days=dice.randrange(120)) for entry in used}
    return {digest: Use(dice.randint(1, 10), 20, last) for digest, last in days.items()}


def _once(echoes: Echoes, uses: Mapping[str, Use]) -> dict[str, float]:
    """Each step once, in milliseconds; what one makes, the next one takes."""
    times: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = work()
        times[name] = (time.perf_counter() - began) * 1000
        return done

    paths = [echoes.memory(role) for role in ROLES]
    loaded = timed("load_ms", lambda: [echo.parse(path.read_text("utf-8"), path) for path in paths])
    entries = [entry for memory in loaded for entry in memory.entries]
    timed("score_ms", lambda: [score.score(one, uses.get(one.digest, UNUSED), TODAY) for one in entries])
    timed("prune_ms", lambda: [prune.plan(memory, uses, TODAY) for memory in loaded])
    documents = [Document(e.id, "", "", f"{e.title}\n{e.learning}\n{' '.join(e.evidence)}") for e in entries]
    words = timed("index_ms", lambda: Keywords(documents))
    timed("search_ms", lambda: [words.search(query, 10) for query in QUERIES])
    return times
