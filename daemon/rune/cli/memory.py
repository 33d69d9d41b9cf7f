"""What the commands of ``rune echoes`` do; their declarations stand apart, so that others start fast."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from rune import forget, paths, printable, show
from rune.cli.asking import Asking, Confirmation, current, decide, store_of, words_of
from rune.cli.common import say
from rune.echoes import gitignore, known, person, promote, settings
from rune.echoes.operations import (
    etch,
    migration,
    note,
    proposal,
    pruning,
    questions,
    reset,
    solutions,
    tree,
    undo,
)
from rune.echoes.operations import show as entries
from rune.echoes.operations.proposal import Operation
from rune.echoes.person import Person
from rune.echoes.store import Change, Store
from rune.echoes.uses import Uses
from rune.errors import RuneError


class NotPromoted(RuneError):
    """The rules, or a remembrance that says the same, stand against a promotion."""


@dataclass(frozen=True, slots=True)
class Etching:
    """What is to be etched: an entry of a role, or by its id the entry that becomes permanent or goes."""

    target: str
    """A role, or an id where ``how`` is not ``write``."""
    draft: etch.Draft
    how: str = "write"
    """write, entry or remove."""


def run_init(project: Path) -> None:
    """Make the tree, and let git see of it what the project wants."""
    store = store_of(project, current())
    with store.change("init", anytime=True) as change:
        begun = tree.begin(change)
    chosen = settings.read(store.echoes)
    gitignore.apply(store.echoes, chosen.version_controlled)
    hint = gitignore.hint(store.echoes) if chosen.version_controlled else ""
    say(tree.render(begun, str(store.echoes.root), chosen.version_controlled, hint))


def run_show(role: str | None, project: Path, as_json: bool) -> None:
    """Print the overview, or the entries of a role."""
    store = store_of(project, current())
    if role:
        uses = _uses(store)
        shown = entries.role(store, role, uses.read(), uses.unused())
        say(_json(asdict(shown)) if as_json else entries.render_role(shown))
        return
    overview, table = show.collect(store.echoes.project, paths.home()), entries.table(store)
    if as_json:
        say(_json({**json.loads(show.to_json(overview)), "memory": asdict(table)}))
        return
    say(show.render(overview, time.time()))
    say(entries.render_table(table))


def run_prune(role: str | None, project: Path, confirmation: Confirmation) -> None:
    """Prune one role or all of them."""
    store = store_of(project, current())
    roles, uses = _roles(store, role), _uses(store).read()
    make = functools.partial(pruning.run, roles=roles, uses=uses)
    _run(store, Operation(f"prune {role or 'all roles'}", make, backups=True), pruning.render, confirmation)


def run_reset(role: str | None, project: Path, confirmation: Confirmation) -> None:
    """Empty one role or all of them."""
    store = store_of(project, current())
    make = functools.partial(reset.run, roles=_roles(store, role))
    what = Operation(f"reset {role or 'all roles'}", make, "only a person resets", backups=True)
    _take_out(store, what, reset.render, confirmation)


def run_remembrance(words: str, project: Path, as_json: bool) -> None:
    """Print the documents of a category, or those with every word."""
    store = store_of(project, current())
    store.settle()
    found = solutions.search(Change(store.echoes, store.today), words)
    say(_json(asdict(found)) if as_json else solutions.render_search(found))


def run_promote(
    ref: str, given: promote.Facts, anyway: bool, project: Path, confirmation: Confirmation
) -> None:
    """Write the remembrance of an echo."""
    asking = current()
    store = store_of(project, asking)
    uses, secure = _uses(store).read(), given.category == solutions.SECURITY
    human = secure or isinstance(asking.caller, Person)

    def make(change: Change) -> solutions.Promotion:
        done = solutions.run(change, ref, given, uses, human, anyway)
        if not change.edits:
            raise NotPromoted(solutions.render(done))
        return done

    why = "only a person verifies a security remembrance" if secure else ""
    _run(store, Operation(f"promote {ref}", make, why), solutions.render, confirmation)


def run_migrate(project: Path, confirmation: Confirmation) -> None:
    """Rename what is called otherwise today."""
    store = store_of(project, current())
    _run(store, Operation("migrate", migration.run, backups=True), migration.render, confirmation)


def run_note(role: str, agent: str, draft: etch.Draft, project: Path) -> None:
    """Write down what an agent found."""
    store = store_of(project, current())
    say(note.render(note.write(store, role, agent, draft)))


def run_etch(asked: Etching, project: Path, confirmation: Confirmation) -> None:
    """Write, raise or remove a permanent entry."""
    store = store_of(project, current())
    make: Callable[[Change], etch.Etched]
    if asked.how == "remove":
        make = functools.partial(etch.remove, ref=asked.target)
    elif asked.how == "entry":
        make = functools.partial(etch.raise_to_etched, ref=asked.target)
    else:
        role = entries.known_role(store.echoes, asked.target)
        make = functools.partial(etch.write, role=role, draft=asked.draft)
    name = f"etch {'--remove ' if asked.how == 'remove' else ''}{asked.target}"
    why = "only a person removes an etched entry" if asked.how == "remove" else "only a person etches"
    what = Operation(name, make, why, anytime=True)
    if asked.how == "remove":
        _take_out(store, what, etch.render, confirmation)
    else:
        _run(store, what, etch.render, confirmation, direct=True)


def run_undo(project: Path, confirmation: Confirmation) -> None:
    """Take the last change back."""
    store = store_of(project, current())
    propose, carry_out = functools.partial(undo.propose, store), functools.partial(undo.carry_out, store)
    after = "`undo` once more takes back the change before it"
    decide(propose, carry_out, undo.render, confirmation, store.echoes.project, after=after)


def run_event(echoes: click.Group) -> None:
    """Run what a person typed in the client, or what they answered Rune's question with."""
    found = person.receive()
    if Path(found.folder).is_dir():
        os.chdir(found.folder)
    if (typed := found.typed) is not None:
        asking = Asking(found.caller("slash command"))
        echoes.main(words_of(typed) or ["show"], prog_name="/rune:echoes", obj=asking)
    answered = questions.answered(questions.folder(paths.home()), found.payload, time.time())
    if answered is not None:
        words = [*answered.question.words, "--project", answered.question.project]
        asking = Asking(found.caller("question"), answered.text)
        echoes.main(words, prog_name="/rune:echoes", obj=asking)


def _run(
    store: Store,
    operation: Operation[Any],
    render: Callable[[Any], str],
    confirmation: Confirmation,
    direct: bool = False,
) -> None:
    decide(
        functools.partial(proposal.propose, store, operation),
        functools.partial(proposal.carry_out, store, operation),
        render,
        confirmation,
        store.echoes.project,
        direct,
    )


def _take_out(
    store: Store, operation: Operation[Any], render: Callable[[Any], str], confirmation: Confirmation
) -> None:
    """Run what takes echoes out for good: adapters that were taught them go, too; plan and report say so."""
    before = known.read(store.echoes)

    def shown(report: reset.Reset | etch.Etched) -> str:
        gone = reset.digests_of(report) if isinstance(report, reset.Reset) else {report.entry.digest}
        lost = tuple(pair for pair in before.entries if pair[1].digest in gone)
        cards = forget.resting_on(store.echoes, known.Known(lost, ()))
        said = [f"adapter {c.id} of session {c.session} was taught it and will be deleted" for c in cards]
        return "\n".join([render(report), *said])

    def carry_out(code: str) -> proposal.Done:
        done = proposal.carry_out(store, operation, code)
        if text := forget.render(forget.echoes_gone(paths.home(), store.echoes, before)):
            say(text)
        return done

    propose = functools.partial(proposal.propose, store, operation)
    decide(propose, carry_out, shown, confirmation, store.echoes.project)


def _uses(store: Store) -> Uses:
    return Uses(store.echoes.uses, store.clock)


def _roles(store: Store, role: str | None) -> tuple[str, ...]:
    return (entries.known_role(store.echoes, role),) if role else entries.roles_of(store.echoes)


def _json(value: object) -> str:
    return printable.escaped(json.dumps(value, ensure_ascii=False, indent=1, default=str))
