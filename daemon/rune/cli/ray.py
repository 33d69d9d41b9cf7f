"""``rune ray``: the engine on a Ray cluster."""

from __future__ import annotations

import click

from rune import paths
from rune.cli.common import MANY, Group


@click.group(cls=Group)
def ray() -> None:
    """Rune's engine as an application of Ray Serve, for engine.backend = "ray"."""


@ray.command()
@click.option("--store", required=True, help="URL of the shared store, as the cluster's nodes see it.")
@click.option("--replicas", type=MANY, default=1, show_default=True, help="Each with a base of its own.")
@click.option("--cpus", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Of each replica.")
@click.option("--gpus", type=click.FloatRange(min=0), default=0.0, show_default=True, help="Of each replica.")
@click.option(
    "--address", default="", help="Of a Ray cluster, or auto; else one is started here, on loopback."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where Ray's HTTP proxies listen.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
def serve(store: str, replicas: int, cpus: float, gpus: float, address: str, host: str, port: int) -> None:
    """Run replicas of the engine until Ctrl-C; model and engine are as configured on this machine."""
    from rune import config
    from rune.backends import ray_app
    from rune.backends.store import Store
    from rune.records import model

    home = paths.home()
    settings = config.load(home.config)
    model.locate(home, settings.model.base)  # what would fail on every replica is told here
    Store(store)
    told = ray_app.Settings(store, settings.model, settings.engine, replicas, cpus, gpus)
    ray_app.run(told, address, host, port, lambda url: click.echo(f'serves: engine.url = "{url}"'))
