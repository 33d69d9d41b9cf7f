"""The composition root: the only place that chooses implementations."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rune import config, ports, scan, transcripts
from rune.backends.local import Local
from rune.capture import Capture
from rune.daemon import Daemon
from rune.endpoint.door import Door, Port
from rune.errors import ConfigError
from rune.evolution import fitness
from rune.jobs import Jobs
from rune.model_process import ModelProcess
from rune.paths import Home
from rune.records import model
from rune.remember import Completions
from rune.serving.backend import Backend
from rune.worker import Learner, Parts

if TYPE_CHECKING:
    from rune.ml.base import Base

NVIDIA = Path("/proc/driver/nvidia")
"""Is there while a GPU's driver is loaded; looking does not take torch."""
LEARNER_REST = 60.0
"""Seconds: sessions seldom end within a minute of each other, and loading the base again takes a few."""
RUNE = (sys.executable, "-P", "-m", "rune")


def daemon(home: Home) -> Daemon:
    """The resident process of a home."""
    settings = config.load(home.config)
    capture = Capture(home, settings.capture, time.time, scan.scan, transcripts.reflections_from_transcript)
    quiet = threading(settings.model, os.environ)
    worker = ModelProcess((*RUNE, "daemon", "worker"), home.logs / "worker.log", environment=quiet)
    learner = worker
    if learns_apart(settings):
        learner = ModelProcess((*RUNE, "daemon", "learner"), home.logs / "learner.log", LEARNER_REST, quiet)
    served = door(home, settings, worker, capture)
    return Daemon(home, settings, capture, Jobs(home.jobs, time.time), worker, learner, served)


def door(home: Home, settings: config.Config, worker: ModelProcess, capture: Capture) -> Door:
    """The HTTP endpoint, closed, over the engine of a worker; its answers count in the sessions captured."""

    def build() -> Port:
        from rune.endpoint.api import Api  # noqa: PLC0415 - a web server; who does not serve needs none
        from rune.endpoint.server import Endpoint  # noqa: PLC0415

        local, base = Local(worker, settings.serve.load_wait_seconds), Path(settings.model.base).name
        engine = backend(settings.engine, base, local)
        api = Api(engine, local, Completions(capture), base, settings.serve.max_tokens)
        return Endpoint(api.app(), home.api_keys, settings.serve, engine)

    return Door(build)


def backend(settings: config.EngineConfig, base: str, local: Local) -> Backend:
    """What generates for the endpoint; who is asked and how a prompt looks is the worker's to say either way.

    Raises:
        ConfigError: ``engine.backend`` is none of local, ray and vllm, or has no URL where it needs one.
    """
    if settings.backend == "local":
        return local
    if settings.backend == "ray":
        from rune.backends.ray_http import Ray  # noqa: PLC0415 - an HTTP client; who has no server needs none

        return Ray(settings, base)
    if settings.backend == "vllm":
        from rune.backends.vllm_http import Vllm  # noqa: PLC0415 - as above

        return Vllm(settings, base)
    raise ConfigError(f"engine.backend: expected local, ray or vllm, found {settings.backend!r}")


def threading(settings: config.ModelConfig, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a model process: OpenMP reads it when it is loaded, maybe before ``rune.ml`` is.

    Its threads sleep while they wait for each other: spinning, they burn the cores that a compiler or a test
    run beside them needs. What the person has set stays.
    """
    ours = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
    if settings.threads:
        ours["OMP_NUM_THREADS"] = str(settings.threads)
    return {**ours, **environment}


def learns_apart(settings: config.Config, driver: Path = NVIDIA) -> bool:
    """Whether distillation has a process of its own.

    On a CPU an optimizer step takes seconds, and a recall in the same process waits for it; the system's
    scheduler shares the cores better (``docs/results/serve.json``). A GPU's memory is for one base, and its
    steps are short.

    Raises:
        ConfigError: ``daemon.learner`` is none of auto, apart, within.
    """
    how = settings.daemon.learner
    if how not in ("auto", "apart", "within"):
        raise ConfigError(f"daemon.learner: expected auto, apart or within, found {how!r}")
    device = settings.model.device
    gpu = device.startswith("cuda") or (device == "auto" and driver.exists())
    return how == "apart" or (how == "auto" and not gpu)


def learner(home: Home) -> Learner:
    """What a process needs that only learns: the base model, no embedder and no index. It yields to others.

    Raises:
        NotSetUp: there is no model yet.
    """
    settings = config.load(home.config)
    os.nice(max(0, settings.daemon.learner_nice))
    model.locate(home, settings.model.base)
    from rune.ml import base, breeder, engine  # noqa: PLC0415 - as below

    loaded = base.resident(home, settings.model)
    breeds = breeder.WeightBreeder(engine.Engine(loaded))
    return Learner(loaded.name, loaded.hash, distiller(home, loaded, settings.distil), settings, breeds)


def distiller(home: Home, loaded: Base, settings: config.DistilConfig) -> ports.Distiller:
    """What makes adapters, as configured.

    Raises:
        ConfigError: there is no such method, or the hypernetwork is for another base.
        FormatError: the hypernetwork is missing or damaged.
    """
    from rune.ml.gradient import GradientDistiller  # noqa: PLC0415 - as below
    from rune.ml.start import EMBEDDED  # noqa: PLC0415 - as below

    steps = GradientDistiller(loaded, settings, home.general, EMBEDDED)
    if settings.method == "gradient":
        return steps
    from rune.ml.hypernet import checkpoint  # noqa: PLC0415
    from rune.ml.hypernet import distiller as hypernet  # noqa: PLC0415

    if settings.method == "hypernet":
        chosen = checkpoint.chosen(home, settings.hypernet)
        return hypernet.load(loaded, chosen, settings, steps, home.general)
    if settings.method != "auto":
        raise ConfigError(f"distil.method: expected auto, gradient or hypernet, found {settings.method!r}")
    if checkpoint.recommended(checkpoint.EMBEDDED, loaded.hash, settings.hypernet_floor):
        return hypernet.load(loaded, checkpoint.EMBEDDED, settings, steps, home.general)
    return steps


def worker_parts(home: Home) -> Parts:
    """Everything with tensors; loads the base model and the embedder.

    Raises:
        NotSetUp: there is no model yet.
    """
    settings = config.load(home.config)
    model.locate(home, settings.model.base)  # before the imports: they take seconds for nothing
    from rune.index import Index, server_of  # noqa: PLC0415 - torch and chromadb belong to the worker alone
    from rune.ml import base, breeder, embed, engine  # noqa: PLC0415
    from rune.ml.serve.runner import Runner  # noqa: PLC0415
    from rune.recall import Recaller  # noqa: PLC0415

    loaded = base.resident(home, settings.model)
    embedder = embed.MiniLM(model.locate(home, settings.model.embedder))
    answering = engine.Engine(loaded)
    index = Index(home.index, embedder, server_of(home, settings.index))
    recaller = Recaller(index, answering, loaded.count, loaded.hash, settings.recall)
    recaller.fitness = lambda card, state: fitness.of(card, state, time.time(), settings.evolution).phi
    return Parts(
        loaded.name, loaded.hash, distiller(home, loaded, settings.distil), settings,
        breeder.WeightBreeder(answering), recaller,
        Runner(loaded, settings.engine),
        lambda turns: loaded.rendered([(turn.role, turn.content) for turn in turns]),
    )  # fmt: skip


def log_to(path: Path) -> None:
    """Write this process's log into a file, never the content of a session."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > 4 * 1024 * 1024:
        path.replace(path.with_suffix(".old.log"))
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
