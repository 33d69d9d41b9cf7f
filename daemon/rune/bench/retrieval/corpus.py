"""A thousand sessions of one project, and for each its task in other words.

Generated sessions are a place of the code and a trouble with it (``data/tasks.<split>.jsonl``: 30 of each, so
900 pairs, every place with every trouble: 58 sessions share one half of any question). Place and trouble are
each told in two ways that share hardly a word: the session has the one, the question the other, or keeps the
session's words for one of the two, as whoever asks again remembers a name or a symptom.

Recorded sessions are asked for by the first sentence of their task, thinned and with common words exchanged
(``rune.rewording``). The two splits share no place, no trouble and no recorded project.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rune import rewording
from rune.bench import sessions
from rune.bench.distil import probes
from rune.records.trajectory import Event, Execution, Generation, Prompt, Reflection, Trajectory

DATA = Path(__file__).parents[1] / "data"
FORMS = ("paraphrased", "names the place", "names the trouble", "recorded")
PROJECTS = {"development": sessions.DEVELOPMENT, "heldout": sessions.HELD_OUT}
_TOLD = (
    "The {place} {trouble}. Please find out why and fix it.",
    "Fix this: the {place} {trouble}.",
    "A user reports that the {place} {trouble}.",
    "Something is wrong with the {place}, it {trouble}. Write a test, then repair it.",
)
_ASKED = (
    "{place}: it {trouble}",
    "The {place} {trouble}, have we been there before?",
    "I have to look at the {place} again, somebody says it {trouble}",
    "what was it when the {place} {trouble}?",
)
_TESTS = ("pytest -q tests/test_{stem}.py", "make check-{stem}", "npm test -- {stem}", "go test ./{stem}/...")


@dataclass(frozen=True, slots=True)
class Task:
    """A session, and its task as somebody puts it who was not there."""

    past: Trajectory
    query: str
    form: str
    """One of ``FORMS``; of a question that people asked, the set of its probe."""


@dataclass(frozen=True, slots=True)
class Told:
    """A place or a trouble: the session's words, the question's, and what belongs to it."""

    said: str
    asked: str
    more: dict[str, str]


def tasks(split: str, data: Path | None, count: int, seed: int) -> list[Task]:
    """The recorded sessions of a split, if there are data, and generated ones up to ``count`` (or 900)."""
    dice = random.Random(seed)
    own = list(_recorded(split, data, dice)) if data else []
    return [*own, *_generated(split, count - len(own), dice)]


def people(split: str, data: Path) -> tuple[list[Task], list[Trajectory]]:
    """What people asked the sessions of a split (the probes of ``rune bench distil``), and all sessions.

    Probes made from a template name no session, and are left out.
    """
    found = sessions.load(data)
    all = {past.session: past for past in (*found.development, *found.held_out, *found.spare)}
    asked = [probe for probe in probes.load(split) if probe.set != "template" and probe.session in all]
    return [Task(all[probe.session], probe.question, probe.set) for probe in asked], list(all.values())


def told(split: str, kind: str) -> list[Told]:
    """The places or the troubles of a split."""
    lines = (DATA / f"tasks.{split}.jsonl").read_text("utf-8").splitlines()
    found = [raw for raw in map(json.loads, lines) if raw.pop("kind") == kind]
    return [Told(raw.pop("said"), raw.pop("asked"), raw) for raw in found]


def _generated(split: str, count: int, dice: random.Random) -> Iterator[Task]:
    pairs = [(place, trouble) for place in told(split, "place") for trouble in told(split, "trouble")]
    for number, (place, trouble) in enumerate(dice.sample(pairs, min(count, len(pairs)))):
        form = dice.choice(FORMS[:3])
        query = dice.choice(_ASKED).format(
            place=place.said if form == "names the place" else place.asked,
            trouble=trouble.said if form == "names the trouble" else trouble.asked,
        )
        events = tuple(_events(place, trouble, dice))
        yield Task(Trajectory(f"generated-{number:04}", "/shop", "import", 0.0, events), query, form)


def _events(place: Told, trouble: Told, dice: random.Random) -> Iterator[Event]:
    """The task, a failing test, what it came from, a change, a passing test, and a report."""
    drawn = {"n": dice.randint(2, 9) * 10, "m": dice.randint(11, 99), "d": dice.randint(10, 18), "e": 19}
    error, cause, fix = (trouble.more[name].format(**drawn) for name in ("error", "cause", "fix"))
    path = place.more["path"]
    stem = re.sub(r"\W", "_", Path(path).stem)
    command = dice.choice(_TESTS).format(stem=stem)
    asked = dice.choice(_TOLD).format(place=place.said, trouble=trouble.said)
    yield Prompt("e1", 1.0, asked)
    yield Execution("e2", 2.0, "Bash", command, f"{path}:{drawn['m']}: {error}", False)
    yield Reflection("e3", 3.0, f"The {place.said} {trouble.said} because {cause}.")
    yield Generation("e4", 4.0, "Edit", path, f"def {stem}_{drawn['m']}():  # {fix}", f"def {stem}():")
    yield Execution("e5", 5.0, "Bash", command, f"{drawn['n']} passed", True)
    yield Reflection("e6", 6.0, f"Fixed in {path}: {fix}. The cause was that {cause}.")


def _recorded(split: str, data: Path, dice: random.Random) -> Iterator[Task]:
    runs = sessions.mini_swe(data / "trajectories.train.jsonl.gz")
    half = runs[::2] if split == "development" else runs[1::2]
    for past in (*sessions.transcripts_of(data / "claude_code" / PROJECTS[split]), *half):
        if title := _title(past):
            query = rewording.replaced(rewording.thinned(title, dice), dice, 1.0)
            yield Task(past, query, "recorded")


def _title(past: Trajectory) -> str:
    """The first sentence of the first task that has five words; a run's comes after its heading."""
    for event in past.events:
        if isinstance(event, Prompt):
            text = re.sub(r"^.*?PR description:|<[^<>]*>", " ", event.text[:2000], count=1, flags=re.S)
            for line in text.splitlines():
                sentence = re.split(r"(?<=[.!?])\s", line.strip())[0][:200]
                if len(sentence.split()) >= 5:
                    return sentence
    return ""
