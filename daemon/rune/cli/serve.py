"""``rune serve``: the OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from rune import paths
from rune.cli.common import FOLDER, ask, json_option


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Another port than serve.port.")
@click.option("--project", type=FOLDER, help="The project that the key opens; without it, any, by a header.")
@click.option("--rotate", is_flag=True, help="Replace the key; the old one opens nothing any more.")
@click.option("--stop", is_flag=True, help="Close the endpoint.")
@json_option
def serve(port: int | None, project: Path | None, rotate: bool, stop: bool, as_json: bool) -> None:
    """Open the endpoint for clients of the OpenAI API; print its address and key."""
    from rune import client
    from rune.records import api_key
    from rune.records.message import Serve, Serving

    home = paths.home()
    if stop:
        if client.running(home.socket):
            ask(Serve(stop=True), Serving, 30.0, start=False)
        click.echo("the endpoint is closed")
        return
    root = str(paths.project_root(project)) if project else ""
    key = (api_key.rotate if rotate else api_key.ensure)(home.api_keys, root, time.time())
    url = ask(Serve(port or 0), Serving, 30.0).url
    if as_json:
        click.echo(json.dumps({"base_url": url, "api_key": key.key, "project": root}, indent=1))
        return
    click.echo(f"base URL {url}")
    click.echo(f"API key  {key.key}")
    click.echo(f"project  {root or 'as the header X-Rune-Project says'}")
