"""``rune bench import <folder>``: real transcripts end to end, with every answer as it came, good or bad.

A few sessions, chosen without looking into them, are imported each into a project of its own, distilled by
the real daemon and worker, and asked three questions whose wording was held out of training. What needs no
model (fix chains, and whether a lesson rests on each) is counted over all sessions of the folder.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rune import config, events, files, importing, lessons, paths, scan, transcripts
from rune.bench.demo import Question, unseen
from rune.bench.stage import Stage, models_of, say
from rune.errors import RuneError
from rune.library import Library
from rune.ml import score
from rune.paths import Echoes
from rune.records.card import Card, Lesson
from rune.records.message import Distil, Done, Recall, Recalled
from rune.records.trajectory import Trajectory
from rune.transcripts import Imported

SEED = 7
QUESTIONS = 3
"""Asked of each session."""
PATIENCE = 1200.0
"""Seconds until a session's adapter is given up."""


def run(folder: Path, sessions: int = 5) -> dict[str, Any]:
    """Choose, import, distil, ask; the result in the form of a result file."""
    chosen = choose(transcripts.find([folder]), sessions)
    if not chosen:
        raise RuneError(f"{folder}: expected transcripts (*.jsonl), found none; name a folder with some")
    everything = totals(transcripts.read(folder, scan.scan))
    place = Path(tempfile.mkdtemp(prefix="rune-import-")).resolve()
    stage = Stage(place, models_of(paths.home()), paths.home().config)
    try:
        stage.start()
        rows = [_row(stage, path, folder, number) for number, path in enumerate(chosen, 1)]
    finally:
        stage.close()
        files.remove_folder(place)
    return {"summary": summary(everything, rows), "rows": [{"folder": asdict(everything)}, *rows]}


def choose(found: Sequence[Path], wanted: int, seed: int = SEED) -> list[Path]:
    """The longest transcript, then others by lot, in turn from each folder; the same ones every time."""
    mains = [path for path in found if path.parent.name != "subagents"]
    if not mains or wanted < 1:
        return []
    longest = max(mains, key=lambda path: (path.stat().st_size, str(path)))
    piles: dict[Path, list[Path]] = {}
    for path in sorted(mains):
        piles.setdefault(path.parent, []).append(path)
    dice = random.Random(seed)
    for pile in piles.values():
        dice.shuffle(pile)
    order = sorted(piles, key=lambda folder: (folder == longest.parent, folder))
    picked = [longest]
    while len(picked) < min(wanted, len(mains)):
        for folder in order:
            rest = [path for path in piles[folder] if path not in picked]
            picked += rest[:1]
    return picked[:wanted]


@dataclass(frozen=True, slots=True)
class Totals:
    """What a folder of sessions gives without any training."""

    sessions: int
    lessons: dict[str, int]
    chains: int
    taught: int
    """Chains whose failure a lesson on its cause or its fix rests on."""
    sessions_without_lessons: int


def totals(read: Iterable[transcripts.Session]) -> Totals:
    """Count lessons and fix chains as the worker would find them."""
    limit = config.DistilConfig().max_lessons
    kinds: Counter[str] = Counter()
    number = chains = taught = without = 0
    for past in read:
        whole = Trajectory(past.session, past.cwd, "import", past.started, past.events)
        found = lessons.find(whole, limit)
        telling = [lesson for lesson in found if lesson.kind in lessons.TELLING]
        explained = {event for lesson in telling for event in lesson.evidence}
        failing = [past.events[chain.fail].id for chain in events.fix_chains(past.events)]
        kinds.update(lesson.kind for lesson in found)
        number, without = number + 1, without + (not found)
        chains, taught = chains + len(failing), taught + sum(event in explained for event in failing)
    return Totals(number, dict(kinds.most_common()), chains, taught, without)


def summary(everything: Totals, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What came of the sessions that were distilled; fix chains are those of the whole folder."""
    asked = [question for row in rows for question in row["questions"]]
    return {
        "sessions": sum(bool(row["adapter"]) for row in rows),
        "lessons": sum(sum(row["lessons"].values()) for row in rows),
        "sessions_in_folder": everything.sessions,
        "fix_chains": everything.chains,
        "fix_chains_with_lesson": round(everything.taught / max(1, everything.chains), 4),
        "questions_asked": len(asked),
        "questions_correct": sum(question["correct"] for question in asked),
        "questions_abstained": sum(bool(question["abstained"]) for question in asked),
        "distil_seconds_total": round(sum(row["distil_seconds"] for row in rows), 1),
        "peak_mb_max": max((row["peak_mb"] for row in rows), default=0.0),
    }


# one session


def _row(stage: Stage, path: Path, folder: Path, number: int) -> dict[str, Any]:
    """Import one transcript, wait for its adapter, ask it."""
    project = stage.project(f"project-{number}")
    began = time.monotonic()
    done = main_session(importing.run(stage.home, [path], project).sessions)
    queued = stage.ask(Distil(done.session, done.project))
    assert isinstance(queued, Done), queued
    say(f"{number}: {path.name}, {path.stat().st_size >> 10} KiB, {sum(done.events.values())} events")
    row: dict[str, Any] = {
        "transcript": str(path.relative_to(folder)), "session": done.session, "bytes": path.stat().st_size,
        "captured": done.events, "failures": done.failures, "fix_chains": done.fix_chains,
        "redactions": done.redactions, "import_seconds": round(time.monotonic() - began, 2),
        "adapter": "", "lessons": {}, "distil_seconds": 0.0, "peak_mb": 0.0, "questions": [],
    }  # fmt: skip
    try:
        card = stage.wait_for_adapter(project, done.session, lambda job: None, PATIENCE)
    except RuneError as error:
        return {**row, "problem": str(error)}
    row |= _distilled(card, project)
    asking = spread(card.lessons, QUESTIONS)
    unseen([Question(lesson.probes[0], lesson.keys) for lesson in asking], card)
    row["questions"] = [_asked(stage, project, lesson) for lesson in asking]
    say(f"   {row['distil_seconds']:.0f} s; right: {[question['correct'] for question in row['questions']]}")
    return row


def main_session(found: Sequence[Imported]) -> Imported:
    """The session of a transcript; of a file that holds several, the one with most events."""
    return max(found, key=lambda done: sum(done.events.values()))


def _distilled(card: Card, project: Path) -> dict[str, Any]:
    states = Library(Echoes(project), time.time).states()
    return {
        "adapter": card.id, "served": states[card.id].status == "active",
        "lessons": dict(Counter(lesson.kind for lesson in card.lessons).most_common()),
        "steps": card.steps, "distil_seconds": round(card.seconds, 1), "peak_mb": card.peak_mb,
        "adapter_bytes": card.bytes, "probes_before": card.probes_before, "probes_after": card.probes_after,
    }  # fmt: skip


def spread(found: Sequence[Lesson], wanted: int) -> list[Lesson]:
    """Lessons to ask about: a fix and a cause first, then one of each other kind, then whatever is left.

    Only lessons whose answers can be judged count: those with a held-out phrasing and literals.
    """
    able = [lesson for lesson in found if lesson.probes and lesson.keys]
    kinds = dict.fromkeys(["repair", "cause", *(lesson.kind for lesson in able)])
    firsts = [lesson for kind in kinds for lesson in _first(able, kind)]
    return [*firsts, *(lesson for lesson in able if lesson not in firsts)][:wanted]


def _first(able: Sequence[Lesson], kind: str) -> Iterator[Lesson]:
    yield from [lesson for lesson in able if lesson.kind == kind][:1]


def _asked(stage: Stage, project: Path, lesson: Lesson) -> dict[str, Any]:
    """The first held-out phrasing of a lesson, and its answer exactly as it came."""
    found = stage.ask(Recall(lesson.probes[0], str(project)))
    if not isinstance(found, Recalled):
        raise RuneError(f"expected an answer to {lesson.probes[0]!r}, got {found}")
    return {
        "kind": lesson.kind, "question": lesson.probes[0], "taught": lesson.answer,
        "expected": list(lesson.keys), "answer": found.answer, "abstained": found.abstained,
        "correct": score.holds(found.answer, lesson.keys), "withheld": found.withheld,
        "match": found.score, "support": found.support, "seconds": found.seconds,
    }  # fmt: skip
