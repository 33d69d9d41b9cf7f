"""Replicas of the engine as a Ray Serve application: what ``rune ray serve`` runs on a cluster.

Each replica has the base and one runner, as a worker has. Ray's model multiplexing tells Ray's proxies which
adapters a replica has had, so that requests for an adapter go where it is near; what is held in memory is the
runner's own affair (its pool, under ``engine.budget_mb``).

Covered: a replica that dies or whose engine broke is replaced by Ray; more requests than there is room for.
Not covered: several applications on one cluster, which would share Ray's name for this one.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from rune import paths
from rune.backends.ray_http import RETRY_SECONDS
from rune.backends.ray_replica import Bound, Replica
from rune.backends.store import Store
from rune.config import EngineConfig, ModelConfig
from rune.errors import ConfigError

NAME = "rune"
ADAPTERS = 256
"""As many does a replica say that it has; Ray's proxies hold the list."""
BATCHES = 2
"""Requests that a replica takes at once, in rows: one batch that runs and one that waits for its rows."""
ALWAYS = {"RAY_USAGE_STATS_ENABLED": "0"}
ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""A Ray of this machine alone is to take the loopback address, as it does on the systems that this names."""
OBJECTS_BYTES = 100 * 2**20
"""Of Ray's own store, which requests and answers do not go through; Ray would take a third of the memory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every replica of an application is told."""

    store: str
    """URL of the shared store, as the cluster's nodes see it."""
    model: ModelConfig
    """The base must lie in each node's own RUNE_HOME, under the same name."""
    engine: EngineConfig
    replicas: int = 1
    cpus: float = 1.0
    """For each replica; Ray also tells it to use as many threads."""
    gpus: float = 0.0


class Served(Replica):
    """A replica as Ray makes it, out of what it was told."""

    def __init__(self, settings: Settings) -> None:
        """Load the base; Ray sends nothing before that is done.

        Raises:
            NotSetUp: there is none on this node.
            ConfigError: the store cannot be reached with what is installed here.
        """
        from ray import serve  # noqa: PLC0415 - an extra; and tensors belong into the replica alone

        from rune.ml import base  # noqa: PLC0415
        from rune.ml.serve.local import LocalBackend  # noqa: PLC0415
        from rune.ml.serve.runner import Runner  # noqa: PLC0415

        home, store = paths.home(), Store(settings.store)
        loaded = base.resident(home, settings.model)
        engine = LocalBackend(Runner(loaded, settings.engine))
        near = serve.multiplexed(max_num_models_per_replica=ADAPTERS)(_near)
        name = serve.get_replica_context().replica_id.unique_id
        super().__init__(engine, Bound(loaded.name, loaded.hash), store, home.fetched, near, name)


async def _near(digest: str) -> str:
    """What Ray counts as a loaded model.

    Ray loads one model at a time and drops the longest unused even while a request is at it. So nothing is
    loaded here: the adapter is fetched after this, and pinned by the runner while a row uses it.
    """
    return digest


def application(settings: Settings) -> Any:
    """The Ray Serve application, for ``serve.run``.

    Raises:
        ConfigError: Ray is not installed.
    """
    serve = _ray("serve")
    from ray.serve.config import BackpressureConfig  # noqa: PLC0415 - an extra

    engine = settings.engine
    at_once = BATCHES * engine.rows
    deployment = serve.deployment(
        Served, name="Replica", num_replicas=settings.replicas,
        ray_actor_options={"num_cpus": settings.cpus, "num_gpus": settings.gpus},
        max_ongoing_requests=at_once, max_queued_requests=max(1, engine.queue),
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=RETRY_SECONDS),
        health_check_period_s=5.0, graceful_shutdown_timeout_s=20.0,
    )  # fmt: skip
    # the line is at the proxies: a replica refuses nobody whom they let through
    return deployment.bind(replace(settings, engine=replace(engine, queue=2 * at_once)))


def run(settings: Settings, address: str, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Run the application until SIGINT or SIGTERM comes; then it is taken down.

    Args:
        settings: of the application.
        address: of a Ray cluster; empty starts one of this machine alone, on loopback, that ends with this.
        host, port: where Ray's HTTP proxies listen, unless Serve runs on the cluster already.
        ready: is told the URL once every replica answers.

    Raises:
        ConfigError: Ray is not installed, the cluster does not answer, or the replicas do not come up.
        NotSetUp: this machine has no such base; nor would a replica on it.
    """
    ended = threading.Event()
    with _cluster(settings, address):
        serve = _ray("serve")
        for number in (signal.SIGINT, signal.SIGTERM):  # Ray has set its own
            signal.signal(number, lambda *_: ended.set())
        serve.start(http_options={"host": host, "port": port})
        try:
            serve.run(application(settings), name=NAME, route_prefix=f"/{NAME}")
            ready(f"http://{host}:{port}/{NAME}")
            ended.wait()
        except RuntimeError as error:
            raise ConfigError(f"the replicas do not come up: {error}") from None
        finally:
            serve.delete(NAME)


@contextlib.contextmanager
def _cluster(settings: Settings, address: str) -> Iterator[None]:
    """A connection to a Ray cluster; none of its usage statistics are sent."""
    for name, value in (ALWAYS if address else {**ALWAYS, **ALONE}).items():
        os.environ.setdefault(name, value)  # Ray reads them when it is imported
    ray = _ray()
    try:
        if address:
            ray.init(address)
        else:
            cores = max(os.cpu_count() or 1, round(settings.replicas * settings.cpus))
            ray.init(num_cpus=cores, include_dashboard=False, object_store_memory=OBJECTS_BYTES)
    except ConnectionError as error:
        raise ConfigError(f"no Ray cluster answers at {address}: {error}") from None
    try:
        yield
    finally:
        if not address:
            _ray("serve").shutdown()
        ray.shutdown()


def _ray(module: str = "") -> Any:
    """Ray, or one of its modules.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(f"ray.{module}" if module else "ray")
    except ImportError as error:
        raise ConfigError(f"Ray is not here ({error}): pip install 'rune-memory[ray]'") from None
