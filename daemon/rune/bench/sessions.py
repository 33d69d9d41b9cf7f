"""Real sessions of other people as trajectories, for benchmarks: Claude Code transcripts and recorded runs.

``<data>/claude_code/<project>/`` holds the client's own transcripts; ``<data>/trajectories.<split>.jsonl.gz``
holds runs of other agents, of which those of mini-swe-agent (a shell and nothing else) are taken.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rune import events, scan, transcripts
from rune.errors import RuneError
from rune.records.trajectory import Event, Execution, Prompt, Reflection, Trajectory
from rune.running import runs

SEED = 7
LEAST_EVENTS, LEAST_CHARACTERS = 30, 10_000
"""A session with less holds no ten facts to ask for."""
EXTRA = 6
"""Runs of mini-swe-agent to tune on."""
MINI = "/testbed"
"""The project of every run of mini-swe-agent."""
HELD_OUT, DEVELOPMENT = "entireio__cli", "PackmindHub__context-evaluator"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sessions that may be tuned on, those that are only measured, and those that nobody asks about."""

    development: tuple[Trajectory, ...]
    held_out: tuple[Trajectory, ...]
    spare: tuple[Trajectory, ...] = ()


def load(data: Path, held_out: int = 40) -> Corpus:
    """Every large enough Claude Code session of two projects, one project for each purpose; the held-out ones
    filled up to ``held_out`` with runs of mini-swe-agent, drawn by lot.

    Raises:
        RuneError: the folder has no such sessions.
    """
    claude = data / "claude_code"
    if not (claude / HELD_OUT).is_dir():
        raise RuneError(f"{claude / HELD_OUT}: expected transcripts; name the data folder with --data")
    own = _large(transcripts_of(claude / HELD_OUT))
    drawn = _large(mini_swe(data / "trajectories.train.jsonl.gz"))
    random.Random(SEED).shuffle(drawn)
    wanted = held_out - len(own)
    tuned = _large(transcripts_of(claude / DEVELOPMENT), 20) + drawn[wanted : wanted + EXTRA]
    return Corpus(tuple(tuned), tuple(own + drawn[:wanted]), tuple(drawn[wanted + EXTRA :]))


def transcripts_of(folder: Path) -> list[Trajectory]:
    """The transcripts of a folder, as an import would take them in."""
    return [
        Trajectory(past.session, past.cwd, "import", past.started, past.events)
        for past in transcripts.read(folder, scan.scan)
    ]


def mini_swe(path: Path) -> list[Trajectory]:
    """The recorded runs of mini-swe-agent: a thought, a command, its output, and so on."""
    with gzip.open(path) as lines:
        found = (json.loads(line) for line in lines)
        return [_mini(run) for run in found if run["source"].endswith("/mini-swe-agent")]


def _mini(run: dict[str, Any]) -> Trajectory:
    name = run["session_id"].replace("/", "-")
    made = [events.sealed(event, scan.scan)[0] for event in _events(run["events"])]
    return Trajectory(name, MINI, "import", 0.0, tuple(made))


def _events(told: Sequence[dict[str, Any]]) -> Iterator[Event]:
    command = ""
    for place, event in enumerate(told):
        one, at, text = f"e{place}", float(place), str(event["text"])
        if event["kind"] == "prompt":
            yield Prompt(one, at, text)
        elif event["kind"] == "reflection":
            yield Reflection(one, at, text)
        elif event["kind"] == "generation":
            command = text
        else:
            said = event["ok"] is not False
            yield Execution(one, at, "Bash", command, text, runs.succeeded(command, text, said))
            command = ""


def _large(found: Sequence[Trajectory], least: int = LEAST_EVENTS) -> list[Trajectory]:
    def characters(one: Trajectory) -> int:
        return sum(len(getattr(event, "text", "")) for event in one.events)

    return [s for s in found if len(s.events) >= least and characters(s) >= LEAST_CHARACTERS]
