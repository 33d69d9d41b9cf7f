"""``rune echoes``: what the project's text memory holds, and its lifecycle."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rune import paths
from rune.cli.asking import Asking, current, decide, guarded, store_of, words_of
from rune.cli.common import Group, json_option, project_option
from rune.echoes import gitignore, person, promote, settings
from rune.echoes.operations import etch as etching
from rune.echoes.operations import migration, proposal, pruning, questions, solutions, tree
from rune.echoes.operations import reset as resetting
from rune.echoes.operations import show as showing
from rune.echoes.operations import undo as undoing
from rune.echoes.operations.proposal import Operation
from rune.echoes.person import Person
from rune.echoes.store import Change, Store
from rune.echoes.uses import Uses
from rune.errors import RuneError
from rune.records.remembrance import CATEGORIES

role_argument = click.argument("role", required=False)


class NotPromoted(RuneError):
    """The rules, or a remembrance that says the same, stand against a promotion."""


@click.group(cls=Group)
def echoes() -> None:
    """The project's text memory.

    prune, reset, migrate, promote and undo show what they will do, with a code; nothing is done until that
    code comes back, typed at the terminal or with --confirm. It stands for exactly the plan that was shown.
    Only a person etches, removes an etched entry, resets, and verifies a security remembrance.
    """


def _uses(store: Store) -> Uses:
    return Uses(store.echoes.uses, store.clock)


def _roles(store: Store, role: str | None) -> tuple[str, ...]:
    return (showing.known_role(store.echoes, role),) if role else showing.roles_of(store.echoes)


def _run(
    store: Store, operation: Operation[Any], render: Callable[[Any], str], project: Path, **options: Any
) -> None:
    decide(
        lambda: proposal.propose(store, operation),
        lambda code: proposal.carry_out(store, operation, code),
        render,
        project=project,
        **options,
    )


@echoes.command()
@project_option
def init(project: Path) -> None:
    """Make the folders and headers; what is there is left alone."""
    store = store_of(project, current())
    with store.change("init", anytime=True) as change:
        begun = tree.begin(change)
    chosen = settings.read(store.echoes)
    gitignore.apply(store.echoes, chosen.version_controlled)
    click.echo(tree.render(begun, str(store.echoes.root), chosen.version_controlled))


@echoes.command()
@role_argument
@project_option
@json_option
def show(role: str | None, project: Path, as_json: bool) -> None:
    """Sessions, adapters and every role in numbers; with a ROLE, its entries with id, score and evidence."""
    store = store_of(project, current())
    if role:
        entries = showing.role(store, role, _uses(store).read())
        text = json.dumps(asdict(entries), ensure_ascii=False, indent=1, default=str)
        click.echo(text if as_json else showing.render_role(entries))
        return
    from rune import show as shown

    overview = shown.collect(store.echoes.project, paths.home())
    table = showing.table(store)
    if as_json:
        memory = json.loads(json.dumps(asdict(table), default=str))
        click.echo(
            json.dumps(
                {**json.loads(shown.to_json(overview)), "memory": memory}, ensure_ascii=False, indent=1
            )
        )
        return
    click.echo(shown.render(overview, time.time()))
    click.echo(showing.render_table(table))


@echoes.command()
@role_argument
@guarded
@project_option
def prune(role: str | None, confirm: str, dry_run: bool, project: Path) -> None:
    """Archive or compress what is stale, where a MEMORY.md is over 150 lines.

    Etched entries never leave. Each MEMORY.md is copied to archive/ first, and `undo` brings everything back;
    the code is asked for all the same, because what leaves is no longer recalled.
    """
    store = store_of(project, current())
    roles, uses = _roles(store, role), _uses(store).read()
    what = Operation("prune " + (role or "all roles"), lambda c: pruning.run(c, roles, uses), backups=True)
    _run(store, what, pruning.render, project, confirm=confirm, dry_run=dry_run)


@echoes.command()
@role_argument
@guarded
@project_option
def reset(role: str | None, confirm: str, dry_run: bool, project: Path) -> None:
    """Let a ROLE, or every role, forget everything; only a person may. It all goes to archive/."""
    store = store_of(project, current())
    roles = _roles(store, role)
    what = Operation(
        "reset " + (role or "all roles"),
        lambda c: resetting.run(c, roles),
        "only a person resets",
        backups=True,
    )
    _run(store, what, resetting.render, project, confirm=confirm, dry_run=dry_run)


@echoes.command()
@click.argument("wanted", nargs=-1, metavar="[CATEGORY | WORDS...]")
@project_option
@json_option
def remembrance(wanted: tuple[str, ...], project: Path, as_json: bool) -> None:
    """Find solved problems in docs/solutions, by category or by words."""
    store = store_of(project, current())
    store.settle()
    found = solutions.search(Change(store.echoes, store.today), " ".join(wanted))
    text = json.dumps(asdict(found), ensure_ascii=False, indent=1, default=str)
    click.echo(text if as_json else solutions.render_search(found))


@echoes.command(name="promote")
@click.argument("ref")
@click.option("--category", required=True, type=click.Choice(CATEGORIES), help="Folder of docs/solutions.")
@click.option("--symptom", default="", help="What people see; default: the entry's symptom bullet.")
@click.option("--root-cause", default="", help="Why it happens; default: the entry's root_cause bullet.")
@click.option("--solution", default="", help="What helps; default: the entry's solution bullet.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@click.option("--for-agents", is_flag=True, help="Of use to agents alone: then it is not promoted.")
@click.option("--anyway", is_flag=True, help="Also where a remembrance says nearly the same.")
@guarded
@project_option
def promote_(
    ref: str, category: str, symptom: str, root_cause: str, solution: str, tags: tuple[str, ...],
    for_agents: bool, anyway: bool, confirm: str, dry_run: bool, project: Path,
) -> None:  # fmt: skip
    """Turn an etched echo into a remembrance for people; a security one needs a person to verify it."""
    asking = current()
    store = store_of(project, asking)
    given = promote.Facts(category, symptom, root_cause, solution, tags, for_agents)
    uses, secure = _uses(store).read(), category == solutions.SECURITY
    human = secure or isinstance(asking.caller, Person)

    def make(change: Change) -> solutions.Promotion:
        done = solutions.run(change, ref, given, uses, human, anyway)
        if not change.edits:
            raise NotPromoted(solutions.render(done))
        return done

    why = "only a person verifies a security remembrance" if secure else ""
    _run(
        store,
        Operation(f"promote {ref}", make, why),
        solutions.render,
        project,
        confirm=confirm,
        dry_run=dry_run,
    )


@echoes.command()
@guarded
@project_option
def migrate(confirm: str, dry_run: bool, project: Path) -> None:
    """Rename what agents and concepts are called today, on the lines of source and evidence alone."""
    store = store_of(project, current())
    what = Operation("migrate", migration.run, backups=True)
    _run(store, what, migration.render, project, confirm=confirm, dry_run=dry_run)


@echoes.command()
@click.argument("role")
@click.argument("words", nargs=-1, metavar="TITLE: LEARNING...")
@click.option("--evidence", multiple=True, help="`file:lines` and what was found there; may be repeated.")
@click.option("--label", default="Architecture", show_default=True, help="The word before the title.")
@click.option("--supersedes", default="", help="Title of the entry that this one replaces.")
@click.option("--symptom", default="", help="Kept as a bullet, for promote.")
@click.option("--root-cause", default="", help="Kept as a bullet, for promote.")
@click.option("--solution", default="", help="Kept as a bullet, for promote.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@click.option("--entry", is_flag=True, help="ROLE is an entry's id: make that entry permanent.")
@click.option("--remove", is_flag=True, help="ROLE is an etched entry's id: take that out, into the archive.")
@guarded
@project_option
def etch(
    role: str, words: tuple[str, ...], evidence: tuple[str, ...], label: str, supersedes: str, symptom: str,
    root_cause: str, solution: str, tags: tuple[str, ...], entry: bool, remove: bool, confirm: str,
    dry_run: bool, project: Path,
) -> None:  # fmt: skip
    """Write permanent knowledge: `etch workers Postgres only: we use Postgres 16, SQLite is not supported.`

    Only a person may. Typed as a slash command it is done at once; a terminal asks for the shown code.
    """
    store = store_of(project, current())
    tag_line = ", ".join(tags)
    bullets = (("symptom", symptom), ("root_cause", root_cause), ("solution", solution), ("tags", tag_line))
    fields = tuple((name, value) for name, value in bullets if value)
    make: Callable[[Change], etching.Etched]
    if remove:
        make = functools.partial(etching.remove, ref=role)
    elif entry:
        make = functools.partial(etching.raise_to_etched, ref=role)
    else:
        draft = etching.Draft(" ".join(words), evidence, label, supersedes, fields)
        make = functools.partial(etching.write, role=showing.known_role(store.echoes, role), draft=draft)
    name = f"etch {'--remove ' if remove else ''}{role}"
    what = Operation(name, make, "only a person etches", anytime=True)
    _run(store, what, etching.render, project, confirm=confirm, dry_run=dry_run, direct=not remove)


@echoes.command()
@guarded
@project_option
def undo(confirm: str, dry_run: bool, project: Path) -> None:
    """Take the last change back, byte for byte; once more, the one before."""
    store = store_of(project, current())

    decide(
        lambda: undoing.propose(store),
        lambda code: undoing.carry_out(store, code),
        undoing.render,
        confirm,
        dry_run,
        project,
        after="`undo` once more takes back the change before it",
    )


@echoes.command(hidden=True)
def event() -> None:
    """Take an event of the client from standard input; the plugin's hook runs this."""
    found = person.receive()
    if Path(found.folder).is_dir():
        os.chdir(found.folder)
    if (typed := found.typed) is not None:
        echoes.main(
            words_of(typed) or ["show"], prog_name="/rune:echoes", obj=Asking(found.caller("slash command"))
        )
    answered = questions.answered(questions.folder(paths.home()), found.payload, time.time())
    if answered is not None:
        words = [*answered.question.words, "--project", answered.question.project]
        echoes.main(words, prog_name="/rune:echoes", obj=Asking(found.caller("question"), answered.text))
