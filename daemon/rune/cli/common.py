"""What every command of the command line shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import click

from rune import paths, printable
from rune.errors import DaemonUnavailable, RuneError

T = TypeVar("T")


class Group(click.Group):
    """Prints Rune's own errors, and those of the disk, as one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a RuneError or an OSError becomes its message and exit status 1."""
        try:
            return super().invoke(ctx)
        except RuneError as error:
            raise click.ClickException(printable.lines(str(error))) from None
        except OSError as error:
            if error.filename is None:  # a reader that went away, and what names no place to look at
                raise
            what = f"{error.filename}: {error.strerror}; see that it can be read and written"
            raise click.ClickException(printable.lines(what)) from None


def say(text: str, err: bool = False) -> None:
    """Print for a person; of stored text, what a terminal would act on is left out."""
    click.echo(printable.lines(text), err=err)


MANY = click.IntRange(min=1)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
project_option = click.option(
    "--project", type=FOLDER, default=".", show_default="this folder", help="A folder of the project."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def ask(request: Any, wanted: type[T], timeout: float = 60.0, start: bool = True) -> T:
    """One call to the daemon, which is started if it is not there."""
    from rune import app, client
    from rune.records.message import Failed

    home = paths.home()
    if start:
        client.ensure(home.socket, [*app.RUNE, "daemon", "run"])
    answer = client.call(home.socket, request, timeout)
    if isinstance(answer, Failed):
        raise DaemonUnavailable(answer.message)
    assert isinstance(answer, wanted), answer
    return answer


def plain(value: Any) -> str:
    """A record as JSON."""
    from dataclasses import asdict

    return printable.escaped(json.dumps(asdict(value), indent=1, ensure_ascii=False))
