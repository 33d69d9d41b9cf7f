"""Stage ``kill``: a plan that is broken off before each of its operations on files, and then gone through.

Every n gets a copy of one project whose evolution ends without a word right before the n-th operation, until
it comes through. Then each copy is looked at: is every answer that some adapter gave still given, is every
file whole; and does going on come to what came of the copy that was never broken off?

Simulated: the weights (``rune.testing``), so that a plan takes a moment. Real: everything that is written.

    python -m rune.bench.evolve.kill <project> <folder for copies> <way>    a line for each copy: n, status
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rune.bench.distil.figures import portion
from rune.bench.distil.work import Row, Work, of
from rune.config import Config, EvolutionConfig
from rune.errors import AdapterError, RuneError
from rune.evolving import breeding, carrying, standing
from rune.evolving.breeding import Nursery
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Distilled, Heritage, Progress
from rune.records import ledger, recalled, trajectory
from rune.records.card import Card, Lesson
from rune.records.recalled import Use
from rune.records.trajectory import Execution
from rune.stages import GONE, STAGE
from rune.testing import BASE, BASE_HASH, FakeBreeder, FakeDistiller, told, write_adapter

PLAN = 3
"""To be raised when the project or its plan changes: rows of another one are made anew."""
WAYS = ("none", "cat")
"""How a child comes to be: learnt anew alone, or by merging, where a cluster is too much to learn."""
DIED, DONE = 9, 0
MOST = 1000
"""Operations after which a plan that has not come through never will."""
NOON = 1795176000.0
LATER = 90 * 86400
"""Seconds after which what nobody asks is idle."""
OUTDATED = "The gateway port is set to 8080."
MILL = "mill"
"""What is taught of this is not learnt together: the gate refuses such a child."""
KNOWN = {"trained": 1.0, "heldout": 0.5}
HALF = {"trained": 0.5, "heldout": 0.25}
UNKNOWN = {"trained": 0.0, "heldout": 0.05}


@dataclass(frozen=True, slots=True)
class Forgetful(FakeDistiller):
    """Learns of mills the first lesson alone."""

    def distil(
        self, lessons: Sequence[Lesson], into: Path, heritage: Heritage | None = None,
        passages: Sequence[str] = (),
    ) -> Iterator[Progress | Distilled]:  # fmt: skip
        """What the gate is to refuse, where it is about mills."""
        able = lessons[:1] if MILL in lessons[0].answer else lessons
        yield from FakeDistiller.distil(self, able, into, heritage, passages)


def run(work: Work) -> None:
    """Both ways, as far as they were not gone through yet."""
    for way in WAYS:
        row = work.kept("kill", way, partial(row_of, way), of({"plan": PLAN}))
        came = f"{row['lost']} lost something, {row['same']} came to the same"
        work.say(f"kill ({way}): {row['steps']} steps, {came}")


def row_of(way: str) -> Row:
    """One way: before how many steps it was broken off, after which something was lost, what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        template, copies = Path(folder).resolve() / "project", Path(folder).resolve() / "copies"
        truths = project(Echoes(template))
        *died, (last, status) = broken_off(template, copies, way)
        if status != DONE or any(status != DIED for _, status in died):
            raise RuneError(f"expected evolution to end by itself once and else before a step, came: {died}")
        expected = lasting(Library(Echoes(copies / str(last)), time.time))
        lost, same = [], 0
        for nth, _ in died:
            library = Library(Echoes(copies / str(nth)), time.time)
            if not whole(library, truths):
                lost.append(nth)
            evolve(library.echoes, way)
            same += whole(library, truths) and tidy(library) and lasting(library) == expected
    count = Counter(status for status, *_ in expected.values())
    return {
        "row": "kill", "plan": PLAN, "way": way, "steps": len(died), "lost": len(lost), "lost_after": lost,
        "same": same, "adapters": dict(sorted(count.items())),
    }  # fmt: skip


def summary(rows: Sequence[Row]) -> dict[str, float | None]:
    """Steps that a plan was broken off before, after how many something was lost, which share converged."""
    steps, lost, same = (sum(row[name] for row in rows) for name in ("steps", "lost", "same"))
    return {
        "kill_steps": steps or None, "kill_lost": lost if rows else None,
        "kill_converged": portion(same, steps),
    }  # fmt: skip


def whole(library: Library, truths: set[str]) -> bool:
    """Whether an adapter in service gives each of these answers, and all files are what they were."""
    try:
        for card in library.cards(include_archived=True):
            library.verify(card.id)
    except AdapterError:
        return False
    return truths <= answers(library)


def tidy(library: Library) -> bool:
    """Whether nothing lies about and no parent serves beside its child."""
    left = [path for begun in (STAGE, GONE) for path in library.root.glob(f"{begun}*")]
    return not left and not carrying.finish(library)


def answers(library: Library) -> set[str]:
    """Every answer that some adapter in service gives."""
    return {lesson.answer for card in library.cards() for lesson in card.lessons}


def lasting(library: Library) -> dict[str, tuple[Any, ...]]:
    """What became of each adapter and of each child that was refused, times aside."""
    states = library.states()
    refused = {line.adapter for line in ledger.entries(library.ledger) if line.entry == "refused"}
    became = {id: (s.status, s.superseded_by, tuple(s.retired), len(s.outcomes)) for id, s in states.items()}
    return became | dict.fromkeys(refused, ("refused",))


# the project


def project(echoes: Echoes) -> set[str]:
    """Adapters to be retired in part, brought together or not, replaced, put away; what stays true."""
    teach = partial(_teach, Library(echoes, time.time))
    gates = [told(f"gate server listener part{n}", f"gate{n}.py") for n in range(9)]
    cluster = [teach(f"s{n}", gates[3 * n : 3 * n + 3]) for n in range(3)]
    teach("s8", [told("gateway port", "8080"), told("colour of the sky", "blue")])
    teach("s9", [told("gateway port", "9090")])
    again = [told(f"cache directory of tenant{n}", f"/var/cache/{n}") for n in range(3)]
    teach("s10", again, HALF)
    teach("s11", again)
    for n in (12, 13):
        parts = ("axle", "paddle")
        teach(f"s{n}", [told(f"{MILL} wheel {part} north{n}", f"{part}{n}.cad") for part in parts])
    recalled.append(echoes.recalls, Use(NOON + 5, "s2", cluster[0].id))
    path = echoes.trajectory("s2")
    runs = [Execution(f"x{n}", NOON + n, "Bash", "pytest -q", "", n > 5) for n in (1, 9)]
    trajectory.start(path, "s2", str(echoes.project), "live", NOON)
    trajectory.append(path, runs, {})
    trajectory.close(path, "SessionEnd", NOON + 60, len(runs))
    truths = answers(Library(echoes, time.time)) - {OUTDATED}
    teach("s7", [told("weather in Oslo", "wet")], UNKNOWN)
    return truths


def _teach(library: Library, session: str, lessons: Sequence[Lesson], after: dict[str, Any] = KNOWN) -> Card:
    """An adapter of a session that really knows these lessons."""
    with library.staging() as stage:
        write_adapter(stage, lessons)
        made = Card(
            session=session, source_hash=session.encode().hex().zfill(64), events=7, redactions={},
            base=BASE, base_hash=BASE_HASH, rank=2, alpha=4.0, targets=("q_proj",), steps=2, seconds=1.0,
            engine="gradient", lessons=tuple(lessons), summary=session, created=float(session[1:]) + 1,
            probes_before={"trained": 0.0, "heldout": 0.0}, probes_after=dict(after),
        )  # fmt: skip
        return library.add(stage, made)


# the steps


def evolve(echoes: Echoes, way: str) -> None:
    """Everything that is planned, until nothing is.

    Raises:
        RuneError: evolution does not come to an end.
    """
    most = EvolutionConfig().max_lessons if way == "none" else 1
    config = Config(evolution=EvolutionConfig(same=0.99, similar=0.3, merge=way, max_lessons=most))
    nursery = Nursery(BASE, BASE_HASH, Forgetful(steps=2), FakeBreeder(), config)
    library, later = Library(echoes, time.time), time.time() + LATER
    for _ in range(10):
        library.recover()
        carrying.finish(library)
        actions = standing.settle(echoes, config.evolution, later).actions
        if not actions:
            return
        carrying.carry(library, actions)
        for action in carrying.heavy(actions):
            list(breeding.breed(nursery, library, action))
    raise RuneError("evolution does not come to an end")


def broken_off(template: Path, copies: Path, way: str) -> list[tuple[int, int]]:
    """Go through the project once for every operation, in a process of its own; (n, exit status) of each."""
    said = subprocess.run(
        [sys.executable, "-m", __name__, str(template), str(copies), way],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [(int(nth), int(status)) for nth, status in map(str.split, said.splitlines())]


def dying(folder: Path, nth: int) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that ends the process before the n-th operation on a file of a folder."""
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        writes = event == "open" and bool((args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        changes = event in ("os.rename", "os.remove", "os.rmdir", "os.chmod", "os.mkdir")
        if (writes or changes) and (path := _path(event, args)).startswith(str(folder)):
            count += not path.endswith(".lock")
            if count == nth:
                os._exit(DIED)

    return hook


def _path(event: str, args: tuple[Any, ...]) -> str:
    """What an operation is on; ``shutil.rmtree`` removes by names in a folder that it holds open.

    Where the system does not say which folder that is, such a removal is not counted.
    """
    opened = Path(f"/proc/self/fd/{args[1]}") if event in ("os.remove", "os.rmdir") else Path()
    return f"{opened.readlink()}/{args[0]}" if opened.is_symlink() else str(args[0])


def attempt(folder: Path, nth: int, way: str) -> int:
    """Evolve in a child that dies before the n-th operation; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.addaudithook(dying(folder, nth))
    evolve(Echoes(folder), way)
    os._exit(DONE)


def main(template: str, copies: str, way: str) -> None:
    """A copy for each n, until evolution comes through."""
    for nth in range(1, MOST):
        copy = Path(copies).resolve() / str(nth)
        shutil.copytree(template, copy, symlinks=True)
        status = attempt(copy, nth, way)
        print(nth, status, flush=True)
        if status == DONE:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
