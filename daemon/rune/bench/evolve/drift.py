"""Stage ``drift``: 200 sessions of a project whose facts change, with evolution and without.

Simulated: the sessions, and the weights. An adapter here is the fake of ``rune.testing``: it recites the
lesson whose question is nearest, also one that was retired, as weights would. Real: lessons, cards, ledger,
the retiring of lessons, what quiet hours plan and do every twenty sessions, index, embedder, retrieval, and
the check of each answer against its session.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rune import files, worker
from rune.bench.distil.figures import share
from rune.bench.distil.scene import write
from rune.bench.distil.work import Row, Work, of
from rune.bench.evolve.hours import quiet_hours
from rune.config import Config, EvolutionConfig
from rune.index import Index
from rune.library import Library
from rune.paths import Echoes
from rune.ports import Embedder
from rune.probing import holds
from rune.recall import Recaller
from rune.records.message import Distil, Recall
from rune.records.trajectory import Event, Execution, Prompt, Reflection, Trajectory
from rune.testing import BASE, BASE_HASH, FakeBreeder, FakeDistiller, fake_recaller
from rune.worker import Learner

SEED = 7
SESSIONS, EVERY = 200, 20
PLAN = 2
"""To be raised when what is simulated changes: rows of another plan are made anew."""
TOLD, CHANGED = 3, 0.4
"""Facts that a session tells, and the chance that it changes one more."""
SERVICES = ("gateway", "billing", "search", "mailer", "export", "login", "report", "cache", "upload", "audit")
JOBS = (
    "nightly",
    "weekly",
    "cleanup",
    "backup",
    "import",
    "reindex",
    "billing",
    "invoice",
    "archive",
    "sync",
)
PURPOSES = (
    "run the whole test suite", "build the release image", "check the types", "start the local stack",
    "regenerate the client code", "load the sample data", "format the templates", "deploy to staging",
    "measure the coverage", "lint the documentation",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """How facts of a kind are told, asked for, and what their values look like."""

    subjects: Sequence[str]
    told: str
    moved: str
    """How somebody tells a change who says what was so before."""
    asked: str
    value: str


KINDS = (
    Kind(
        SERVICES, "The {s} service listens on port {v}.", "The {s} service moved from port {o} to {v}.",
        "On which port can I reach the {s} service?", "{n}",
    ),
    Kind(
        SERVICES, "The {s} database is called `{v}`.", "We renamed the {s} database: `{o}` became `{v}`.",
        "Which name does the {s} database have?", "{s}_db{n}",
    ),
    Kind(
        JOBS, "The {s} job keeps {v} old files.", "The {s} job was changed from {o} to {v} old files.",
        "How many old files does the {s} job keep?", "{n}",
    ),
    Kind(PURPOSES, "", "", "What should I type to {s}?", "make target{n}"),
)  # fmt: skip
MOVED = 0.5
"""The chance that a change is told by what was so before."""


@dataclass(slots=True)
class Fact:
    """One thing that is so, and what was so before."""

    kind: Kind
    subject: str
    values: list[str] = field(default_factory=list)
    """The last one holds."""
    told: bool = False

    def change(self, number: int) -> None:
        """It is something else from now on."""
        self.values.append(self.kind.value.format(s=self.subject.split()[0], n=number))


class Remembering:
    """An embedder that embeds no text twice: the sessions tell the same facts again and again."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, list[float]] = {}

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text."""
        fresh = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(fresh, self._embedder.embed(fresh) if fresh else [], strict=True))
        return [self._known[text] for text in texts]


def run(work: Work, embedder: Embedder, sessions: int = SESSIONS) -> None:
    """Both arms: with what evolution does when a session was learnt, and without."""
    remembering = Remembering(embedder)
    for arm in ("with", "without"):
        name = f"{arm}-{sessions}"
        make = partial(_arm, remembering, arm == "with", sessions)
        row = work.kept("drift", name, make, of({"plan": PLAN}))
        work.say(f"drift {name}: {summary(row)}")


def _arm(embedder: Embedder, evolving: bool, sessions: int) -> Row:
    dice, began = random.Random(SEED), time.monotonic()
    facts = [Fact(kind, subject) for kind in KINDS for subject in kind.subjects]
    numbers = iter(dice.sample(range(1024, 9999), 4000))
    for fact in facts:
        fact.change(next(numbers))
    with tempfile.TemporaryDirectory() as folder:
        echoes = Echoes(files.private_folder(Path(folder) / "project"))
        learner, recaller = _parts(Path(folder) / "index", embedder, evolving)
        answers: list[dict[str, Any]] = []
        children = 0
        for number in range(1, sessions + 1):
            past = _session(number, facts, dice, numbers)
            write(echoes, past)
            for _ in worker.distil(learner, Distil(past.session, str(echoes.project))):
                pass
            if number % EVERY == 0:
                children += _grown(learner, echoes) if evolving else 0
                answers += [_asked(recaller, echoes, fact, number) for fact in facts if fact.told]
    seconds = round(time.monotonic() - began, 1)
    return {
        "row": "drift",
        "plan": PLAN,
        "evolving": evolving,
        "sessions": sessions,
        "seconds": seconds,
        "children": children,
        "answers": answers,
    }


def _grown(learner: Learner, echoes: Echoes) -> int:
    """A quiet hour: everything that is planned is done; how many adapters came of it."""
    before = len(Library(echoes, time.time).cards(include_archived=True))
    for _ in quiet_hours(learner, echoes):
        pass
    return len(Library(echoes, time.time).cards(include_archived=True)) - before


def _parts(index: Path, embedder: Embedder, evolving: bool) -> tuple[Learner, Recaller]:
    settings = Config(evolution=EvolutionConfig(automatic=evolving))
    recaller = fake_recaller(Index(index, embedder), settings.recall)
    return Learner(BASE, BASE_HASH, FakeDistiller(steps=1), settings, FakeBreeder()), recaller


def _session(number: int, facts: Sequence[Fact], dice: random.Random, numbers: Iterator[int]) -> Trajectory:
    """A session that tells some facts as they are, and now and then changes one."""
    told, moved = dice.sample(list(facts), TOLD), None
    if dice.random() < CHANGED:
        moved = dice.choice([fact for fact in facts if fact not in told])
        moved.change(next(numbers))
        told.append(moved)
    at, events = float(number), list[Event]()
    events.append(Prompt(f"p{number}", at, f"Please work on ticket {number}."))
    for place, fact in enumerate(told):
        fact.told = True
        id, when = f"e{number}-{place}", at + 0.01 * (place + 1)
        if fact.kind.told:
            before = fact.values[-2] if fact is moved and dice.random() < MOVED else ""
            words = fact.kind.moved if before else fact.kind.told
            events.append(Reflection(id, when, words.format(s=fact.subject, v=fact.values[-1], o=before)))
        else:
            purpose = fact.subject[0].upper() + fact.subject[1:]
            events.append(Execution(id, when, "Bash", fact.values[-1], "all good", True, purpose))
    return Trajectory(f"drift{number:04}", "/drift", "import", at, tuple(events))


def _asked(recaller: Recaller, echoes: Echoes, fact: Fact, after: int) -> dict[str, Any]:
    """One question, and whether its answer is what holds, or what held before."""
    question = fact.kind.asked.format(s=fact.subject)
    found = recaller.recall(Recall(question, str(echoes.project), include_evidence=False))
    now = holds(found.answer, fact.values[-1:])
    stale = not now and any(holds(found.answer, [value]) for value in fact.values[:-1])
    return {
        "after": after, "question": question, "answer": found.answer, "changes": len(fact.values) - 1,
        "right": now, "stale": stale,
    }  # fmt: skip


def summary(row: Row) -> dict[str, Any]:
    """Shares of the answers that were given; one that is neither right nor stale is of another fact."""
    given = [answer for answer in row["answers"] if answer["answer"]]
    return {
        "asked": len(row["answers"]),
        "answered": share([bool(answer["answer"]) for answer in row["answers"]]),
        "stale": share([answer["stale"] for answer in given]),
        "right": share([answer["right"] for answer in given]),
    }
