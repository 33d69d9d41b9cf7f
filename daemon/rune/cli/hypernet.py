"""``rune hypernet``: networks that make an adapter in one pass."""

from __future__ import annotations

import re
from pathlib import Path

import click

from rune import paths
from rune.cli.common import FOLDER, Group, say
from rune.errors import ConfigError


@click.group(cls=Group)
def hypernet() -> None:
    """Hypernetworks: import a published one, train one."""


@hypernet.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", help="Under which name; else that of the file's folder.")
def import_(file: Path, name: str | None) -> None:
    """Read a published Doc-to-LoRA checkpoint, safely, and keep it in Rune's format."""
    from rune.ml.hypernet import checkpoint, sakana

    called = name or re.sub(r"[^\w.-]+", "-", file.resolve().parent.name)
    if not re.fullmatch(r"\w[\w.-]*", called):
        raise ConfigError(f"{called!r} is no name for a folder; give one with --name")
    into = paths.home().hypernets / called
    network = sakana.read(file)
    checkpoint.write(into, network, "", {"imported": file.name})
    shape = network.shape
    kinds = ", ".join(target.name for target in shape.targets)
    say(f"{called}: for {shape.base}, {len(shape.layers)} layers of {kinds}, rank {shape.rank}")
    click.echo(f'to use it: [distil] method = "hypernet", hypernet = "{called}" in {paths.home().config}')


@hypernet.command()
@click.option("--recipe", type=click.Choice(["cpu", "gpu"]), default="cpu", show_default=True)
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), required=True, help="The run's folder."
)
@click.option("--minutes", type=click.FloatRange(min=0), default=8.0, show_default=True, help="At most.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="CPU threads; 0 as configured.")
@click.option("--data", type=FOLDER, help="A folder with recorded sessions, for every fourth session.")
def train(recipe: str, into: Path, minutes: float, threads: int, data: Path | None) -> None:
    """Train one for the configured base; a run that was cut off goes on where it stopped."""
    from dataclasses import replace

    from rune import config
    from rune.bench.hypernet import real
    from rune.ml import base
    from rune.ml.hypernet import recipe as recipes
    from rune.ml.hypernet import training

    home = paths.home()
    chosen = config.load(home.config).model
    loaded = base.resident(home, replace(chosen, threads=threads or chosen.threads))
    recorded = real.training(data) if data else []
    trainer = training.Trainer(loaded, recipes.RECIPES[recipe], into, real=recorded)
    for line in training.runs(trainer, minutes * 60, lambda row: click.echo(training.told_of(row))):
        click.echo(line)


@hypernet.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), required=True, help="A new folder.")
def export(run: Path, into: Path) -> None:
    """Write a run's network in half the bytes, with its record and without what only training needs."""
    from rune.ml.hypernet import training

    training.export(run, into)
    click.echo(f"{into}: {sum(path.stat().st_size for path in into.iterdir()):,} bytes")
