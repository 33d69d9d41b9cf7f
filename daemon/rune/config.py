"""Configuration is a value: made once by ``load``, passed down in parts.

``$RUNE_HOME/config.toml`` has one table per part; an unknown table or key is an error that names the nearest
valid one.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rune.errors import ConfigError


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """When a session counts as over."""

    silence_seconds: float = 1800.0
    """A session whose last event is a Stop and that stays silent this long is closed."""
    gone_seconds: float = 5.0
    """A session whose client process is gone is closed after this long without an event."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which base model and embedder; ``rune setup`` writes this table."""

    base: str = "smollm2-135m-instruct"
    """Name of a folder under ``models/``, or an absolute path of a model folder."""
    embedder: str = "all-minilm-l6-v2"
    precision: str = "auto"
    """auto, float32 or bfloat16."""
    quantize: str = "none"
    """none, or nf4: the base's linear layers in four bits, where bitsandbytes can."""
    device: str = "auto"
    """auto, cpu or cuda."""
    threads: int = 0
    """CPU threads of the worker; 0 takes all cores."""


@dataclass(frozen=True, slots=True)
class DistilConfig:
    """How a session becomes an adapter; all but the last three are those of the gradient steps."""

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    learning_rate: float = 2e-3
    max_epochs: int = 12
    """Where training begins from nothing."""
    started_epochs: int = 10
    """Where it begins from the embedded start, which is for one base, rank and set of targets; 0: never."""
    least_steps: int = 60
    """A session with few lessons gets more epochs, up to this many optimizer steps."""
    batch_tokens: int = 256
    max_lessons: int = 24
    max_sequence: int = 208
    neutral_weight: float = 3.0
    """Of the divergence from the base on neutral questions, beside the cross-entropy of the answers."""
    context_weight: float = 0.0
    """The share of an answer's loss that is the divergence from the base with the passage in its prompt."""
    paraphrases: bool = False
    """Whether a base that reads well also words the questions of lessons anew."""
    reader_floor: float = 0.75
    """Least share of the reading probes that a base must answer for both; 0: always, above 1: never."""
    stop_accuracy: float = 0.995
    """Training ends when this share of answer tokens is the most likely one over an epoch."""
    seed: int = 7
    method: str = "auto"
    """gradient; hypernet: one pass of a hypernetwork, and gradient steps where that is not good enough; auto:
    the embedded hypernetwork where it is for this base and its record reaches the floor, else gradient."""
    hypernet: str = ""
    """Name of a folder under ``hypernets/``, or an absolute path; empty is the embedded one."""
    hypernet_floor: float = 0.5
    """Least share of held-out probes that a generated adapter must answer to be kept."""


@dataclass(frozen=True, slots=True)
class RecallConfig:
    """When a memory is good enough to be returned."""

    floor: float = 0.35
    """Least relevance: cosine similarity plus 0.3 of the keyword score, as the index gives it."""
    support: float = 0.6
    """Least share of a sentence's content words that one passage of its record holds."""
    near: float = 0.75
    """Least cosine similarity of the question with the answer, or with a question that its lesson answers.

    What is known by heart may be the answer to something else.
    """
    sure: float = 0.5
    """Least probability of any of an answer's first four tokens under its adapter."""
    max_answer_tokens: int = 144
    """Of 475 lessons of recorded sessions none has more; an answer that goes on loses its unfinished end."""
    load_wait_seconds: float = 30.0
    """How long a recall waits for a model that is still loading before it falls back to text evidence."""


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """Where search data lie."""

    url: str = ""
    """Of a Chroma server, such as http://chroma.lan:8000; empty: in files of this machine."""


@dataclass(frozen=True, slots=True)
class EvolutionConfig:
    """When adapters are brought together, replaced and put away."""

    automatic: bool = True
    """In quiet hours, by the daemon; else only by ``rune adapters evolve --apply``."""
    quiet_seconds: float = 1800.0
    """No session was open for this long."""
    half_life_days: float = 30.0
    """An observed outcome counts half after this time."""
    window_seconds: float = 1800.0
    """How far before and after a recall failures and passes are looked for."""
    window_runs: int = 3
    """The next runs of a kind that decide what came of a recall."""
    similar: float = 0.1
    """Least similarity of any two adapters that are brought together: sessions of two projects that Rune was
    tuned on reach 0.08 across, and 0.12 in the middle within one."""
    same: float = 0.8
    """Similarity from which a fitter, younger adapter takes an older one's place."""
    cluster: int = 4
    """Most adapters that are brought together at once."""
    max_lessons: int = 48
    """Of an adapter that others are brought together in; no living lesson is dropped for it."""
    epochs: int = 4
    """Of training a child that begins at its parents' weights; 0: it begins where a session does."""
    courses: int = 2
    """Most times that a child is trained so: one that knows too little for the gate learns on where it is."""
    forget_below: float = 0.2
    """An adapter whose fitness is lower is put away once it was idle for ``idle_days``."""
    idle_days: float = 60.0
    budget_mb: float = 512.0
    """Of a project's adapters in service; the least fit go first."""
    interference: float = 0.1
    """Most that a child may answer worse than a parent on that parent's own probes."""
    leakage: float = 0.1
    """Most by which the share of unrelated questions that a child answers with what parents know may be above
    that of the most talkative parent: four questions of forty, about the error of such a sample."""
    merge: str = "none"
    """Experimental: none, cat, linear, svd, ties or dare, for similar adapters too many to learn again."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """The serving engine."""

    rows: int = 8
    """Requests that generate at a time."""
    context: int = 2048
    """Most tokens of a prompt with its answer."""
    budget_mb: int = 1024
    """MiB for adapters, keys and values together; the base is not counted."""
    max_rank: int = 64
    prefill_tokens: int = 256
    """Tokens of prompts that are read between two steps of those that generate."""
    queue: int = 64
    """Requests that may wait; further ones are told when to come again."""
    queue_seconds: float = 60.0
    """A request that has waited this long ends with an error."""
    composition: bool = False
    """Whether one request may name several adapters."""
    backend: str = "local"
    """What generates for the endpoint: local, the worker's engine; ray or vllm, servers at ``url``."""
    url: str = ""
    """Of the Ray Serve application, such as http://ray.lan:8000/rune, or of the vLLM server."""
    max_loras: int = 1
    """For vLLM alone: different adapters in flight, as its ``--max-loras``."""
    adapters: str = ""
    """For vLLM alone: folder of published adapters as it sees it; empty: it shares this machine's disk."""


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """The resident process."""

    idle_exit_seconds: float = 3600.0
    """The daemon leaves after this long without client, event or job."""
    worker_idle_seconds: float = 900.0
    """The worker gives its memory back after this long without work."""
    tick_seconds: float = 2.0
    learner: str = "auto"
    """Where distillation runs: apart (a process of its own, at low priority), within the process that
    answers recalls, or auto: apart on a CPU, within on a GPU."""
    learner_nice: int = 10
    """Niceness of the learner's own process, 0 to 19. At 10 its share of a core is a tenth of whoever wants
    it, too: an answer, or the person's own compiler."""


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The OpenAI-compatible endpoint."""

    enabled: bool = False
    """Whether the daemon opens it when it starts; ``rune serve`` opens it at any time."""
    host: str = "127.0.0.1"
    """A loopback address; no other is taken."""
    port: int = 7863
    max_tokens: int = 256
    """Of an answer whose request names no limit."""
    load_wait_seconds: float = 120.0
    """How long a request waits for a model that is still loading; then it is told to come again."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything, one part per collaborator."""

    capture: CaptureConfig = field(default_factory=CaptureConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    distil: DistilConfig = field(default_factory=DistilConfig)
    recall: RecallConfig = field(default_factory=RecallConfig)
    index: IndexConfig = field(default_factory=IndexConfig)
    evolution: EvolutionConfig = field(default_factory=EvolutionConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    daemon: DaemonConfig = field(default_factory=DaemonConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)


def load(path: Path) -> Config:
    """Read ``config.toml``; a missing file means the defaults.

    Raises:
        ConfigError: unreadable TOML, an unknown table or key, or a value that it cannot have.
    """
    if not path.exists():
        return Config()
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    parts = {f.name: f.default_factory for f in dataclasses.fields(Config) if callable(f.default_factory)}
    made = {}
    for name, table in raw.items():
        if name not in parts or not isinstance(table, dict):
            raise ConfigError(f"{path}: [{name}] is no table of Rune{_nearest(name, list(parts))}")
        made[name] = _part(path, name, parts[name](), table)
    return Config(**made)


_SHAPES: dict[type[Any], str] = {
    float: "a number", int: "a whole number", str: "a string",
    tuple: "a list of strings", bool: "true or false",
}  # fmt: skip

_CHOICES = {
    "evolution.merge": ("none", "cat", "linear", "svd", "ties", "dare"),
    "daemon.learner": ("auto", "apart", "within"),
}
_LEAST = {
    "distil.seed": -math.inf, "recall.floor": -1.0, "recall.near": -1.0, "recall.sure": -1.0,
    "recall.support": -1.0, "evolution.similar": -1.0, "evolution.same": -1.0,
    "evolution.forget_below": -1.0, "distil.reader_floor": -1.0, "distil.hypernet_floor": -1.0,
}  # fmt: skip
"""Numbers that may be negative: what is held against a share or a cosine, where a floor below all is none."""
_ABOVE_ZERO = frozenset((
    "distil.rank", "distil.batch_tokens", "distil.max_sequence", "evolution.half_life_days",
    "engine.rows", "engine.context", "engine.prefill_tokens",
))  # fmt: skip
"""What is divided by, or filled."""


def _part(path: Path, name: str, default: Any, table: dict[str, Any]) -> Any:
    known = {f.name: getattr(default, f.name) for f in dataclasses.fields(default)}
    for key, value in table.items():
        if key not in known:
            raise ConfigError(f"{path}: {name}.{key} is no setting of Rune{_nearest(key, list(known))}")
        wanted = type(known[key])
        if wanted is float and type(value) is int:
            table[key] = float(value)
        elif wanted is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
            table[key] = tuple(value)
        elif type(value) is not wanted:
            raise ConfigError(f"{path}: {name}.{key}: expected {_SHAPES[wanted]}, found {value!r}")
        if unmet := _unmet(f"{name}.{key}", table[key]):
            raise ConfigError(f"{path}: {name}.{key}: expected {unmet}, found {value!r}")
    return dataclasses.replace(default, **table)


def _unmet(setting: str, value: Any) -> str:
    """What a value of the right type must be and is not; empty where it may be taken."""
    if setting in _CHOICES and value not in _CHOICES[setting]:
        return f"one of {', '.join(_CHOICES[setting])}"
    least = _LEAST.get(setting, 0.0)
    if isinstance(value, int | float) and not value >= least:  # nan is not, either
        return f"a number of at least {least:g}"
    return "a number above 0" if setting in _ABOVE_ZERO and value <= 0 else ""


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
