"""Fakes of the ports, and a daemon whose worker is made of them: all of Rune without a model, in a moment.

A fake adapter is a real PEFT folder of a few kilobytes. What it has "learnt" travels in the metadata of its
weights file, so that ``FakeGenerator`` answers from that file and from nothing else, as the real one does.

    python -m rune.testing daemon --steps 5 --pause 0.1     a resident process on $RUNE_HOME
    python -m rune.testing worker                           its model process; the daemon starts it

Not covered: tensors. Nothing here learns or generalises.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import os
import random
import re
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rune import app, config, files, paths, scan, transcripts, worker
from rune.capture import Capture
from rune.config import RecallConfig
from rune.daemon import Daemon
from rune.errors import AdapterError, NotSetUp, OutOfMemory
from rune.index import Index, server_of
from rune.jobs import Jobs
from rune.model_process import ModelProcess
from rune.paths import Home
from rune.ports import Clock, Distilled, Heritage, Progress
from rune.recall import Recaller
from rune.records.card import Lesson
from rune.testing.runner import FakeRunner, rendered
from rune.units import Work
from rune.worker import Learner, Parts

BASE = "fake-base"
BASE_HASH = hashlib.sha256(BASE.encode()).hexdigest()
RANK, WIDTH = 2, 16
TARGET = "base_model.model.model.layers.0.self_attn.q_proj"
"""The one layer that fake adapters have weights for: ``q_proj`` of a Llama with 16 hidden units."""


@dataclass(slots=True)
class FakeClock:
    """Seconds since the epoch, moved by hand."""

    now: float = 1795176000.0

    def __call__(self) -> float:
        """What the hands say."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class FakeEmbedder:
    """Texts that share words are near each other: every word has a place of its own, found by hashing."""

    def __init__(self, width: int = 256) -> None:
        self.width = width

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text."""
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = [0.0] * self.width
        for word in _words(text):
            vector[int.from_bytes(hashlib.sha256(word.encode()).digest()[:4]) % self.width] += 1.0
        length = math.sqrt(sum(value * value for value in vector))
        return [value / length for value in vector] if length else [1.0, *vector[1:]]


@dataclass(frozen=True, slots=True)
class FakeDistiller:
    """Writes PEFT files that hold the lessons in ``steps`` of ``pause`` seconds, longer while ``hold`` is."""

    steps: int = 3
    pause: float = 0.0
    fits: bool = True
    """False is a machine whose memory is too small."""
    hold: Path | None = None

    def distil(
        self, lessons: Sequence[Lesson], into: Path, heritage: Heritage | None = None,
        passages: Sequence[str] = (),
    ) -> Iterator[Progress | Distilled]:  # fmt: skip
        """Yield Progress after each step, and Distilled last; its settings say what it inherits.

        Raises:
            OutOfMemory: ``fits`` is False.
        """
        began = time.monotonic()
        for step in range(1, self.steps + 1):
            time.sleep(self.pause)
            while self.hold and self.hold.exists():
                time.sleep(0.02)
            if not self.fits:
                raise OutOfMemory("the distillation does not fit into memory at its smallest size")
            yield Progress(step, self.steps, 1 / step)
        write_adapter(into, lessons)
        before, after = ({"trained": share, "heldout": share} for share in (0.0, 1.0))
        seconds, parents = round(time.monotonic() - began, 2), heritage.parents if heritage else ()
        settings = {"steps": self.steps, "inherits": [one.name for one in parents]}
        yield Distilled(into, self.steps, seconds, {**before}, {**after}, 1.0, settings)


class FakeGenerator:
    """Recites the lesson whose question is nearest; without an adapter it knows nothing."""

    def answer(self, question: str, adapter: Path | None, max_tokens: int) -> str:
        """The answer that the adapter's weights file holds, at most ``max_tokens`` words of it."""
        lessons = taught(adapter) if adapter else []
        if not lessons:
            return "I have never heard of that."
        asked = _words(question)

        def shared(lesson: dict[str, Any]) -> int:
            return max(len(asked & _words(known)) for known in lesson["questions"])

        return " ".join(str(max(lessons, key=shared)["answer"]).split()[:max_tokens])

    def sureness(self, question: str, answer: str, adapter: Path) -> float:
        """It is always sure."""
        return 1.0


class FakeBreeder:
    """A merged fake adapter has learnt what its parents have."""

    def merge(self, how: str, parents: Sequence[Path], starts: Sequence[str], into: Path) -> Distilled:
        """Write the lessons of all parents into one adapter."""
        told = [one for parent in sorted(parents, key=lambda path: path.name) for one in taught(parent)]
        lists = ("questions", "probes", "evidence", "keys")
        write_adapter(into, [Lesson(**{**one, **{name: tuple(one[name]) for name in lists}}) for one in told])
        return Distilled(into, 0, 0.0, {}, {}, 0.0, {"how": how, "rank": RANK, "alpha": 4})

    def answering(
        self, asked: Sequence[tuple[str, str]], adapter: Path | None, max_tokens: int
    ) -> Work[list[str]]:
        """As ``FakeGenerator`` answers each; one that is foreseen may be as long as that."""
        found = []
        for question, answer in asked:
            found.append(FakeGenerator().answer(question, adapter, len(answer.split()) or max_tokens))
            yield
        return found


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something to come to pass.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain")
        time.sleep(0.02)


def told(subject: str, answer: str, kind: str = "said") -> Lesson:
    """A lesson on a subject, as a session tells it."""
    question, probe = f"What do we know about {subject}?", f"Remind me of {subject}."
    return Lesson(kind, f"The {subject} is set to {answer}.", (question,), (probe,), (), (answer,))


def write_adapter(folder: Path, lessons: Sequence[Lesson]) -> None:
    """The two files of a PEFT adapter; the same lessons give the same bytes."""
    said = json.dumps([asdict(lesson) for lesson in lessons], sort_keys=True)
    settings = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 4,
        "target_modules": ["q_proj"], "layers_to_transform": [0],
        "base_model_name_or_path": BASE, "inference_mode": True,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(settings, indent=1), "utf-8")
    shapes = {"lora_A": (RANK, WIDTH), "lora_B": (WIDTH, RANK)}
    (folder / "adapter_model.safetensors").write_bytes(_safetensors(shapes, said))


def taught(adapter: Path) -> list[dict[str, Any]]:
    """The lessons in the weights file of a fake adapter.

    Raises:
        AdapterError: it is no fake adapter.
    """
    path = adapter / "adapter_model.safetensors"
    try:
        raw = path.read_bytes()
        header = json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])
        return list(json.loads(header["__metadata__"]["lessons"]))
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise AdapterError(f"{path}: expected a fake adapter of rune.testing: {error!r}") from None


def _safetensors(shapes: dict[str, tuple[int, int]], said: str) -> bytes:
    """A safetensors file: length of the header, header as JSON, float32 numbers seeded by the text."""
    drawn = random.Random(said)  # noqa: S311 - weights, not secrets
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "lessons": said}}
    data = b""
    for name, (rows, columns) in shapes.items():
        numbers = struct.pack(f"<{rows * columns}f", *(drawn.gauss(0, 0.1) for _ in range(rows * columns)))
        place = [len(data), len(data) + len(numbers)]
        header[f"{TARGET}.{name}.weight"] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": place}
        data += numbers
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@dataclass(slots=True)
class FakeSession:
    """A coding session as the hooks report it: each method is one event, one line in the spool."""

    home: Home
    project: Path
    session: str = "s1"
    client: int = 0
    clock: Clock = time.time

    def prompt(self, text: str) -> str:
        """The person asks."""
        return self.tell("UserPromptSubmit", prompt=text)

    def write(self, path: str, text: str) -> str:
        """The agent writes a file."""
        return self._used("Write", {"file_path": str(self.project / path), "content": text}, {})

    def edit(self, path: str, before: str, after: str) -> str:
        """The agent changes a file."""
        given = {"file_path": str(self.project / path), "old_string": before, "new_string": after}
        return self._used("Edit", given, {})

    def run(self, command: str, output: str) -> str:
        """A command succeeds."""
        return self._used("Bash", {"command": command}, {"stdout": output, "stderr": ""})

    def fail(self, command: str, error: str) -> str:
        """A command fails."""
        return self.tell("PostToolUseFailure", tool_name="Bash", tool_input={"command": command}, error=error)

    def stop(self, text: str) -> str:
        """The agent has the last word of a turn."""
        return self.tell("Stop", last_assistant_message=text)

    def end(self, reason: str = "other") -> str:
        """The client says that the session is over."""
        return self.tell("SessionEnd", reason=reason)

    def work(self, about: str = "PORT") -> None:
        """A whole turn: a failure, its reason, the fix, a pass."""
        self.prompt(f"Make the server read {about} from the environment.")
        self.write("server.py", f'port = os.environ["{about}"]')
        self.fail("pytest -q", f"Exit code 1\nE   TypeError: {about} must be int, not str")
        self.edit("server.py", f'os.environ["{about}"]', f'int(os.environ["{about}"])')
        self.run("pytest -q", "3 passed")
        self.stop(f"The test failed because {about} was passed on as a string; it needs to be an int.")

    def tell(self, event: str, **payload: Any) -> str:
        """Write any event; returns its id."""
        one = f"{time.time_ns()}-{os.getpid()}"
        line = {"v": 1, "id": one, "at": self.clock(), "event": event, "session": self.session,
                "project": str(self.project), "client": self.client, "payload": payload}  # fmt: skip
        files.append(self.home.spool / f"{paths.safe_name(self.session)}.jsonl", line)
        return one

    def _used(self, tool: str, given: dict[str, Any], response: dict[str, Any]) -> str:
        return self.tell("PostToolUse", tool_name=tool, tool_input=given, tool_response=response)


def fake_recaller(index: Index, settings: RecallConfig) -> Recaller:
    """Asks fake adapters; ``FakeEmbedder`` cannot tell whether an answer is about its question."""
    lenient = replace(settings, near=-1.0)
    return Recaller(index, FakeGenerator(), lambda text: len(text.split()), BASE_HASH, lenient)


def parts(home: Home, distiller: FakeDistiller | None = None, pause: float = 0.0) -> Parts:
    """A worker's parts with nothing but fakes, and the real index."""
    settings = config.load(home.config)
    index = Index(home.index, FakeEmbedder(), server_of(home, settings.index))
    recaller = fake_recaller(index, settings.recall)
    runner = FakeRunner(FakeGenerator(), pause=pause)
    return Parts(
        BASE, BASE_HASH, distiller or FakeDistiller(), settings, FakeBreeder(), recaller, runner, rendered
    )


def daemon(home: Home, *options: str) -> Daemon:
    """The real daemon; its processes are ``rune.testing worker`` and ``learner``, with these options."""
    settings = config.load(home.config)
    capture = Capture(home, settings.capture, time.time, scan.scan, transcripts.reflections_from_transcript)
    argv = (sys.executable, "-P", "-m", "rune.testing")
    process = ModelProcess((*argv, "worker", *options), home.logs / "worker.log")
    learner = process
    if settings.daemon.learner == "apart":
        learner = ModelProcess((*argv, "learner", *options), home.logs / "learner.log", rest=1.0)
    door = app.door(home, settings, process, capture)
    return Daemon(home, settings, capture, Jobs(home.jobs, time.time), process, learner, door=door)


def worker_at(root: Path, *options: str) -> ModelProcess:
    """The daemon's end of a worker made of fakes, with ``root`` as its home; it starts when it is asked."""
    argv = ("env", f"RUNE_HOME={root}", sys.executable, "-P", "-m", "rune.testing", "worker", *options)
    return ModelProcess(argv, root / "worker.log")


def main(arguments: Sequence[str]) -> None:
    """Be a daemon, a worker or a learner on ``$RUNE_HOME``."""
    parser = argparse.ArgumentParser(prog="python -m rune.testing")
    parser.add_argument("role", choices=("daemon", "worker", "learner"))
    parser.add_argument("--steps", type=int, default=3, help="of a distillation")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds of a step")
    parser.add_argument("--hold", type=Path, help="a step lasts as long as this file is there")
    parser.add_argument("--token", type=float, default=0.0, help="seconds of a word")
    parser.add_argument("--load", type=float, default=0.0, help="seconds until the model is loaded")
    parser.add_argument("--no-model", action="store_true", help="as before `rune setup`")
    parser.add_argument("--no-memory", action="store_true", help="as where a distillation does not fit")
    given = parser.parse_args(arguments)
    home = paths.home()
    if given.role == "daemon":
        app.log_to(home.logs / "daemon.log")
        asyncio.run(daemon(home, *arguments[1:]).serve())
        return

    def build() -> Learner:
        time.sleep(given.load)
        if given.no_model:
            raise NotSetUp(f"no base model in {home.models}; run `rune setup`")
        distiller = FakeDistiller(given.steps, given.pause, not given.no_memory, given.hold)
        if given.role == "learner":
            return Learner(BASE, BASE_HASH, distiller, config.load(home.config), FakeBreeder())
        return parts(home, distiller, given.token)

    worker.main(build)
