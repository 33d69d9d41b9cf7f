"""``rune echoes``: what the project's text memory holds, and its lifecycle."""

from __future__ import annotations

import time
from pathlib import Path

import click

from rune import paths
from rune.cli.common import Group, json_option, project_option


@click.group(cls=Group)
def echoes() -> None:
    """What the project's memory holds."""


@echoes.command()
@project_option
@json_option
def show(project: Path, as_json: bool) -> None:
    """Sessions, trajectories, adapters, sizes, the last event, the last error."""
    from rune import show as shown

    overview = shown.collect(paths.project_root(project), paths.home())
    click.echo(shown.to_json(overview) if as_json else shown.render(overview, time.time()))
