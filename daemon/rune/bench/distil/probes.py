"""The frozen probes: questions made before any tuning, and what counts as right.

``fact`` and ``template`` ask what the lessons are about, in words that training never sees: the headline.
``open`` was asked by somebody who saw the session and no lessons: also what nobody thought worth a lesson.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rune import cues
from rune.ml.score import holds
from rune.records.card import Lesson

DATA = Path(__file__).parents[1] / "data"
HEADLINE = ("fact", "template")
HASH = re.compile(r"(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to one session."""

    session: str
    set: str
    question: str
    keys: tuple[str, ...]
    """Literals that a right answer holds."""
    answer: str
    kind: str
    literal: bool
    events: tuple[str, ...]

    @property
    def headline(self) -> bool:
        """Whether it counts for the headline recall."""
        return self.set in HEADLINE

    @property
    def sort(self) -> str:
        """What sort of thing is asked for: word, hash, port, file, number, flag, command or name."""
        if any(HASH.fullmatch(key) for key in self.keys) or self.kind == "commit":
            return "hash"
        if not self.literal:
            return "word"
        found = cues.kind(self.keys[0])
        port = found == "number" and re.search(r"\bport\b", self.question.lower())
        return "port" if port else found


def path(split: str) -> Path:
    """The file of ``heldout`` or ``development``."""
    return DATA / f"probes.{split}.jsonl"


def load(split: str) -> list[Probe]:
    """Every probe of a split, in the order of the file."""
    return [probe(line) for line in path(split).read_text("utf-8").splitlines() if line.strip()]


def probe(line: str) -> Probe:
    """One line of a probes file."""
    raw = json.loads(line)
    return Probe(raw["session"], raw["set"], raw["question"], tuple(raw["keys"]), raw["answer"], raw["kind"],
                 bool(raw["literal"]), tuple(raw["events"]))  # fmt: skip


def sha256(split: str) -> str:
    """What tells one state of the file from another."""
    return hashlib.sha256(path(split).read_bytes()).hexdigest()


def unrelated(split: str | None = None) -> list[tuple[str, str]]:
    """Questions that no session is about, each with its kind; of a ``split`` every second one, or all."""
    lines = (DATA / "unrelated.jsonl").read_text("utf-8").splitlines()
    found = [(raw["question"], raw["kind"]) for raw in map(json.loads, lines)]
    return found if split is None else found[split == "development" :: 2]


def covered(asked: Probe, lessons: Sequence[Lesson]) -> bool:
    """Whether some lesson's answer holds what is asked: without it no adapter can know."""
    return any(holds(lesson.answer, asked.keys) for lesson in lessons)
