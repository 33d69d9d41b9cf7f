"""``rune daemon``: the resident process."""

from __future__ import annotations

import asyncio

import click

from rune import paths
from rune.cli.common import Group, ask


@click.group(cls=Group)
def daemon() -> None:
    """Start and stop the resident process."""


@daemon.command()
def run() -> None:
    """Be the daemon, in the foreground."""
    from rune import app

    home = paths.home()
    app.log_to(home.logs / "daemon.log")
    if not asyncio.run(app.daemon(home).serve()):
        click.echo("another daemon lives already")


@daemon.command()
def start() -> None:
    """Start the daemon if none runs."""
    from rune import app, client

    client.ensure(paths.home().socket, [*app.RUNE, "daemon", "run"])
    click.echo("the daemon runs")


@daemon.command()
def stop() -> None:
    """Ask the daemon to leave."""
    from rune import client
    from rune.records.message import Done, Stop

    if not client.running(paths.home().socket):
        click.echo("no daemon runs")
        return
    click.echo(ask(Stop(), Done, 30.0, start=False).note)


@daemon.command(hidden=True)
def worker() -> None:
    """Be the model process; the daemon starts it."""
    from rune import app
    from rune import worker as process

    process.main(lambda: app.worker_parts(paths.home()))


@daemon.command(hidden=True)
def learner() -> None:
    """Be the process that only learns, at low priority; the daemon starts it."""
    from rune import app
    from rune import worker as process

    process.main(lambda: app.learner(paths.home()))
