"""``rune echoes``: what the project's text memory holds, and its lifecycle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from rune.cli.common import Group, json_option, project_option

CATEGORIES = (
    "build-errors, test-failures, runtime-errors, configuration, performance, security, architecture, tooling"
)
role_argument = click.argument("role", required=False)


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that shows its plan first."""
    confirm = click.option(
        "--confirm", metavar="CODE", default="", help="Do it: the code that the plan showed."
    )
    dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be done.")
    return confirm(dry_run(command))


@click.group(cls=Group)
def echoes() -> None:
    """The project's text memory.

    prune, reset, migrate, promote and undo show what they will do, with a code; nothing is done until that
    code comes back, typed at the terminal or with --confirm. It stands for exactly the plan that was shown.
    Only a person etches, removes an etched entry, resets, and verifies a security remembrance.
    """


@echoes.command()
@project_option
def init(project: Path) -> None:
    """Make the folders and headers; what is there is left alone."""
    from rune.cli import memory

    memory.run_init(project)


@echoes.command()
@role_argument
@project_option
@json_option
def show(role: str | None, project: Path, as_json: bool) -> None:
    """Sessions, adapters and every role in numbers; with a ROLE, its entries with id, score and evidence."""
    from rune.cli import memory

    memory.run_show(role, project, as_json)


@echoes.command()
@role_argument
@guarded
@project_option
def prune(role: str | None, confirm: str, dry_run: bool, project: Path) -> None:
    """Archive or compress what is stale, where a MEMORY.md is over 150 lines.

    Etched entries never leave. Each MEMORY.md is copied to archive/ first, and `undo` brings everything back;
    the code is asked for all the same, because what leaves is no longer recalled.
    """
    from rune.cli import asking, memory

    memory.run_prune(role, project, asking.Confirmation(confirm, dry_run))


@echoes.command()
@role_argument
@guarded
@project_option
def reset(role: str | None, confirm: str, dry_run: bool, project: Path) -> None:
    """Let a ROLE, or every role, forget everything; only a person may. It all goes to archive/."""
    from rune.cli import asking, memory

    memory.run_reset(role, project, asking.Confirmation(confirm, dry_run))


@echoes.command()
@click.argument("wanted", nargs=-1, metavar="[CATEGORY | WORDS...]")
@project_option
@json_option
def remembrance(wanted: tuple[str, ...], project: Path, as_json: bool) -> None:
    """Find solved problems in docs/solutions, by category or by words."""
    from rune.cli import memory

    memory.run_remembrance(" ".join(wanted), project, as_json)


@echoes.command()
@click.argument("ref")
@click.option("--category", required=True, help=f"Folder of docs/solutions: {CATEGORIES}.")
@click.option("--symptom", default="", help="What people see; default: the entry's symptom bullet.")
@click.option("--root-cause", default="", help="Why it happens; default: the entry's root_cause bullet.")
@click.option("--solution", default="", help="What helps; default: the entry's solution bullet.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@click.option("--for-agents", is_flag=True, help="Of use to agents alone: then it is not promoted.")
@click.option("--anyway", is_flag=True, help="Also where a remembrance says nearly the same.")
@guarded
@project_option
def promote(
    ref: str, category: str, symptom: str, root_cause: str, solution: str, tags: tuple[str, ...],
    for_agents: bool, anyway: bool, confirm: str, dry_run: bool, project: Path,
) -> None:  # fmt: skip
    """Turn an etched echo into a remembrance for people; a security one needs a person to verify it."""
    from rune.cli import asking, memory
    from rune.echoes.promote import Facts

    given = Facts(category, symptom, root_cause, solution, tags, for_agents)
    memory.run_promote(ref, given, anyway, project, asking.Confirmation(confirm, dry_run))


@echoes.command()
@guarded
@project_option
def migrate(confirm: str, dry_run: bool, project: Path) -> None:
    """Rename what agents and concepts are called today, on the lines of source and evidence alone."""
    from rune.cli import asking, memory

    memory.run_migrate(project, asking.Confirmation(confirm, dry_run))


@echoes.command()
@click.argument("role")
@click.argument("words", nargs=-1, metavar="TITLE: LEARNING...")
@click.option("--evidence", multiple=True, help="`file:lines` and what was found there; may be repeated.")
@click.option("--agent", default="agent", show_default=True, help="Whose findings; in team only lead.")
@click.option("--label", default="Observation", show_default=True, help="The word before the title.")
@click.option("--supersedes", default="", help="Title of the entry that this one replaces.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@project_option
def note(
    role: str, words: tuple[str, ...], evidence: tuple[str, ...], agent: str, label: str, supersedes: str,
    tags: tuple[str, ...], project: Path,
) -> None:  # fmt: skip
    """For agents, a finding: `note workers Ports: only 8443 is open. --evidence "a.py:3 the listener"`

    It has to have evidence, and becomes a traced entry of that role when the session ends.
    """
    from rune.cli import memory
    from rune.echoes.operations.etch import Draft

    fields = (("tags", ", ".join(tags)),) if tags else ()
    memory.run_note(role, agent, Draft(" ".join(words), evidence, label, supersedes, fields), project)


@echoes.command()
@click.argument("role", metavar="ROLE | ID")
@click.argument("words", nargs=-1, metavar="[TITLE: LEARNING...]")
@click.option("--evidence", multiple=True, help="`file:lines` and what was found there; may be repeated.")
@click.option("--label", default="Architecture", show_default=True, help="The word before the title.")
@click.option("--supersedes", default="", help="Title of the entry that this one replaces.")
@click.option("--symptom", default="", help="Kept as a bullet, for promote.")
@click.option("--root-cause", default="", help="Kept as a bullet, for promote.")
@click.option("--solution", default="", help="Kept as a bullet, for promote.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@click.option("--entry", "how", flag_value="entry", help="Make the entry with this ID permanent.")
@click.option("--remove", "how", flag_value="remove", help="Take the etched entry with this ID out.")
@guarded
@project_option
def etch(
    role: str, words: tuple[str, ...], evidence: tuple[str, ...], label: str, supersedes: str, symptom: str,
    root_cause: str, solution: str, tags: tuple[str, ...], how: str | None, confirm: str, dry_run: bool,
    project: Path,
) -> None:  # fmt: skip
    """Write permanent knowledge: `etch workers Postgres only: we use Postgres 16, SQLite is not supported.`

    Only a person may. Typed as a slash command it is done at once; a terminal asks for the shown code.
    """
    from rune.cli import asking, memory
    from rune.echoes.operations.etch import Draft

    tag_line = ", ".join(tags)
    bullets = (("symptom", symptom), ("root_cause", root_cause), ("solution", solution), ("tags", tag_line))
    fields = tuple((name, value) for name, value in bullets if value)
    draft = Draft(" ".join(words), evidence, label, supersedes, fields)
    asked = memory.Etching(role, draft, how or "write")
    memory.run_etch(asked, project, asking.Confirmation(confirm, dry_run))


@echoes.command()
@guarded
@project_option
def undo(confirm: str, dry_run: bool, project: Path) -> None:
    """Take the last change back, byte for byte; once more, the one before."""
    from rune.cli import asking, memory

    memory.run_undo(project, asking.Confirmation(confirm, dry_run))


@echoes.command(hidden=True)
def event() -> None:
    """Take an event of the client from standard input; the plugin's hook runs this."""
    from rune.cli import memory

    memory.run_event(echoes)
