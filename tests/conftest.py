"""What every test stands on: a private home, a project, a clock that moves only when told, sample sessions.

``home`` is autouse: no test ever touches the person's own Rune. Tests with the ``model`` marker find what
``rune setup`` brought through ``models``, which looks into the folder that ``RUNE_TEST_MODELS`` names, else
where ``RUNE_HOME`` pointed before the test began.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from rune import paths
from rune.records import card, trajectory
from rune.records.trajectory import Event, Execution, Generation, Note, Prompt, Reflection, SessionEnd

NOON = 1795176000.0
"""20 November 2026, 12:00 UTC."""
MODELS = Path(os.environ.get("RUNE_TEST_MODELS") or paths.home().models)
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

settings.register_profile("rune", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("rune")


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and whatever it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
    process.wait()


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Story:
    """A session that is told event by event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._numbers = itertools.count(1)

    def _next(self) -> tuple[str, float]:
        number = next(self._numbers)
        return f"e{number}", float(number)

    def asks(self, text: str) -> None:
        self.events.append(Prompt(*self._next(), text))

    def says(self, text: str) -> None:
        self.events.append(Reflection(*self._next(), text))

    def notes(self, text: str) -> None:
        self.events.append(Note(*self._next(), text))

    def edits(self, path: str, text: str, before: str = "") -> None:
        self.events.append(Generation(*self._next(), "Edit", path, text, before))

    def runs(self, command: str, text: str = "", ok: bool = True) -> None:
        self.events.append(Execution(*self._next(), "Bash", command, text, ok))

    def fails(self, command: str, text: str) -> None:
        self.runs(command, text, ok=False)


@pytest.fixture
def story() -> Story:
    """``story.says(...)``, ``story.fails(command, text)``, ...: events one second apart, ids e1, e2, ..."""
    return Story()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> paths.Home:
    """Rune's home of this test alone."""
    root = tmp_path / "home"
    monkeypatch.setenv("RUNE_HOME", str(root))
    return paths.Home(root)


@pytest.fixture
def models() -> Path:
    """The models of ``RUNE_TEST_MODELS`` or of the real home; skips where setup has not run."""
    if not MODELS.is_dir() or not any(MODELS.iterdir()):
        pytest.skip(f"no models in {MODELS}; `rune setup` brings them, or name a folder in RUNE_TEST_MODELS")
    return MODELS


@pytest.fixture
def shared_data() -> Path:
    """Recorded sessions beside the checkout; skips where they are not."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recorded sessions in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project with a git folder, so that it is its own root."""
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    return root


@pytest.fixture
def echoes(project: Path) -> paths.Echoes:
    return paths.Echoes(project)


@pytest.fixture
def events() -> tuple[Event, ...]:
    """A small session: a file is written, fails, the agent says why, mends it, and it passes."""
    broken = 'PRICE = "{:.2f}".format(total) + " EUR"'
    mended = 'PRICE = "EUR {:.2f}".format(total)'
    run = "pytest tests/test_invoice.py"
    return (
        Prompt("e1", NOON + 1, "Print the price of the order on the invoice."),
        Generation("e2", NOON + 2, "Write", "src/invoice.py", broken),
        Execution(
            "e3",
            NOON + 3,
            "Bash",
            "pytest tests/test_invoice.py",
            "AssertionError: '9.50 EUR' != 'EUR 9.50'",
            False,
        ),
        Reflection("e4", NOON + 4, "The ledger parser wants the currency before the amount."),
        Generation("e5", NOON + 5, "Edit", "src/invoice.py", mended, broken),
        Execution("e6", NOON + 6, "Bash", run, "1 passed", True),
        SessionEnd("e7", NOON + 7, "other"),
    )


@pytest.fixture
def write_session(echoes: paths.Echoes, events: tuple[Event, ...]) -> Callable[..., Path]:
    """``write_session(session, closed=True, events=..., at=...)`` writes a trajectory, returns its file."""

    def write(
        session: str = "s1", closed: bool = True, events: tuple[Event, ...] = events, at: float = NOON
    ) -> Path:
        path = echoes.trajectory(session)
        trajectory.start(path, session, str(echoes.project), "live", at)
        trajectory.append(path, events, {"aws-access-key": 1})
        if closed:
            trajectory.close(path, "SessionEnd", at + 60, len(events))
        return path

    return write


@pytest.fixture
def make_card() -> Callable[..., card.Card]:
    """``make_card(session=..., source_hash=..., ...)``: a card with plausible values, any field replaced."""

    def make(**changes: object) -> card.Card:
        lesson = card.Lesson(
            "fix",
            "The currency comes first.",
            ("Why did the invoice test fail?",),
            ("What broke?",),
            ("e3", "e4"),
            ("EUR",),
        )
        fields: dict[str, object] = {
            "session": "s1",
            "source_hash": "ab" * 32,
            "events": 7,
            "redactions": {"aws-access-key": 1},
            "base": "smollm2-135m-instruct",
            "base_hash": "cd" * 32,
            "rank": 8,
            "alpha": 16.0,
            "targets": ("q_proj", "v_proj"),
            "steps": 120,
            "seconds": 41.5,
            "engine": "gradient",
            "lessons": (lesson,),
            "summary": "currency of the invoice",
            "probes_before": {"trained": 0.0, "heldout": 0.0},
            "probes_after": {"trained": 1.0, "heldout": 0.5},
            "created": NOON,
        }
        return card.Card(**{**fields, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture(name="card")
def learnt(home: paths.Home, write_session: Callable[..., Path], echoes: paths.Echoes) -> card.Card:
    """An adapter with fake weights, learnt from the small session: it knows why the invoice test failed."""
    from rune import worker  # most tests need no worker
    from rune.library import Library
    from rune.records.message import Distil
    from rune.testing import parts

    write_session()
    (*_, done) = worker.distil(parts(home), Distil("s1", str(echoes.project)))
    return Library(echoes, time.time).get(done.adapter)


@pytest.fixture
def fill_stage() -> Callable[..., None]:
    """``fill_stage(folder, weights=b"...")`` writes the two files that a distillation leaves in its stage."""

    def fill(folder: Path, weights: bytes = b"weights") -> None:
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8}), "utf-8")
        (folder / "adapter_model.safetensors").write_bytes(weights * 64)

    return fill
