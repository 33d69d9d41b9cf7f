"""``rune adapters``: what a project's adapters are, where they come from, and what becomes of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rune import paths, printable
from rune.cli.common import Group, ask, json_option, plain, project_option, say

if TYPE_CHECKING:
    from rune.config import EvolutionConfig
    from rune.evolution.actions import Action, Standing
    from rune.evolving.standing import Outlook
    from rune.library import Library


@click.group(cls=Group)
def adapters() -> None:
    """The adapters of a project: look at them, put them away, let them evolve."""


def _library(project: Path) -> Library:
    from rune.library import Library

    return Library(paths.Echoes(paths.project_root(project)), time.time)


def _settings() -> EvolutionConfig:
    from rune import config

    return config.load(paths.home().config).evolution


def _standings(project: Path) -> list[Standing]:
    from rune.evolving import standing

    return standing.current(_library(project), _settings(), time.time())


def _one(project: Path, id: str) -> Standing:
    """The adapter whose id begins so."""
    from rune.errors import AdapterError

    found = [one for one in _standings(project) if id and one.id.startswith(id)]
    unreadable = () if found or not id else _library(project).unreadable().items()
    if error := next((error for name, error in unreadable if name.startswith(id)), None):
        raise error
    if len(found) != 1:
        what = "several" if found else "no"
        raise AdapterError(f"{what} adapters begin with {id!r}; `rune adapters list --all` shows them")
    return found[0]


def _share(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "   ?"


@adapters.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Also those out of service.")
@project_option
@json_option
def list_(everything: bool, project: Path, as_json: bool) -> None:
    """The adapters in service, with their fitness."""
    found = [one for one in _standings(project) if everything or one.state.status == "active"]
    if as_json:
        click.echo("[" + ",\n".join(plain(one) for one in found) + "]")
        return
    for one in found:
        card = one.card
        say(
            f"{one.id}  {one.state.status:10} {card.level:7} fitness {_share(one.fitness.phi)}  "
            f"{len(card.lessons):3} lessons  {card.bytes / 1e6:5.1f} MB  "
            f"{printable.line(card.session)[:20]}: {printable.line(card.summary)[:40]}"
        )
    size = sum(one.card.bytes for one in found if one.state.status == "active")
    say(f"{len(found)} adapters, {size / 1e6:.1f} MB in service")


@adapters.command()
@click.argument("id")
@project_option
@json_option
def show(id: str, project: Path, as_json: bool) -> None:
    """One adapter: what it was taught, how fit it is and why."""
    one = _one(project, id)
    if as_json:
        click.echo(plain(one))
        return
    card, fit = one.card, one.fitness
    say(f"adapter     {one.id}, {card.level}, {one.state.status} {printable.line(one.state.reason)}".rstrip())
    say(f"made of     {', '.join(card.parents or card.origins)}")
    say(f"fitness     {_share(fit.phi)}: pass rate {_share(fit.pass_rate)}, "
               f"generalization {_share(fit.generalization)}")  # fmt: skip
    say(f"rests on    {fit.passed:.1f} of {fit.trials:.1f} trials, {fit.outcomes} outcomes among them")
    say(f"probes      {one.state.probes or card.probes_after}")
    if isinstance(gate := card.settings.get("gate"), dict):
        child, best, interference, leakage = (
            _share(gate.get(name)) for name in ("child", "best", "interference", "leakage")
        )
        say(f"gate        fitness {child}, best parent {best}, "
                   f"interference {interference}, leakage {leakage}")  # fmt: skip
    for place, lesson in enumerate(card.lessons):
        by = one.state.retired.get(place)
        say(f"  {f'(no longer true: {by}) ' if by else ''}{printable.line(lesson.answer)[:140]}")


@adapters.command()
@click.argument("id", default="")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw it into this file.")
@project_option
def lineage(id: str, svg: Path | None, project: Path) -> None:
    """Which adapter was made of which."""
    from rune.evolution import drawing

    root = _one(project, id).id if id else ""
    found = _standings(project)
    if svg:
        svg.write_text(drawing.svg(found, root), "utf-8")
        say(f"drawn: {svg}")
    else:
        say(drawing.tree(found, root, _library(project).unreadable()) or "no adapters yet")


@adapters.command()
@click.argument("id")
@click.option("--reason", default="put away by hand", show_default=True)
@project_option
def archive(id: str, reason: str, project: Path) -> None:
    """Take an adapter out of service; its files stay."""
    from rune.evolving import carrying

    one, library = _one(project, id), _library(project)
    library.archive(one.id, reason)
    say(f"archived {one.id}; back with: rune adapters reactivate {one.id[:8]}")
    for line in carrying.retire(library, _settings()):
        say(line)


@adapters.command()
@click.argument("id")
@project_option
def reactivate(id: str, project: Path) -> None:
    """Put an adapter back into service; where nothing else had taken it out, its retired lessons, too."""
    from rune.evolving import carrying

    one, library = _one(project, id), _library(project)
    library.verify(one.id)
    library.reactivate(one.id, "by hand")
    say(f"{one.id} serves again")
    for line in carrying.retire(library, _settings()):
        say(line)
    retired = library.states()[one.id].retired
    if told := one.state.retired.keys() - retired.keys():
        say(f"{len(told)} lesson(s) that had been retired are told again")
    if retired:
        again = f"to have them told: rune adapters reactivate {one.id[:8]}"
        say(f"{len(retired)} of its {len(one.card.lessons)} lessons are no longer true; {again}")


@adapters.command()
@click.option("--apply/--dry-run", "applied", default=False, help="Do it, or only show the plan (default).")
@project_option
def evolve(applied: bool, project: Path) -> None:
    """Show what evolution would do, and why; or do it."""
    from rune.evolving import carrying, examining, standing

    echoes, settings = paths.Echoes(paths.project_root(project)), _settings()
    if applied:
        for line in carrying.finish(_library(project)):
            say(line)
    found = (standing.settle if applied else standing.look)(echoes, settings, time.time())
    for action in found.actions:
        say(carrying.describe(action))
        for answer in _retired(action, found):
            say(f"            no longer true: {printable.line(answer)[:80]}")
    unasked = examining.waiting(found.standings)
    for id in unasked:
        say(f"ask         {id} what other sessions ask of the same")
    if not found.actions and not unasked:
        say("nothing to do")
    elif applied:
        _apply(echoes, found, bool(unasked))
    else:
        say("nothing was done; to do it: rune adapters evolve --apply")


def _retired(action: Action, found: Outlook) -> list[str]:
    """What is no longer true: a person should see it, but the reasons, which are kept, hold no answer."""
    from rune.evolution.actions import Update

    if not isinstance(action, Update):
        return []
    lessons = next(one.card.lessons for one in found.standings if one.id == action.old)
    return [lessons[place].answer for place in action.lessons]


def _apply(echoes: paths.Echoes, found: Outlook, asking: bool) -> None:
    """Do what needs no model and queue the rest; ``asking``: whether adapters are to be asked, too."""
    from rune.evolving import carrying
    from rune.library import Library
    from rune.records.message import Done, Evolve

    for line in carrying.carry(Library(echoes, time.time), found.actions):
        say(f"done: {line}")
    if carrying.heavy(found.actions) or asking:
        say(f"to be learnt: {ask(Evolve(str(echoes.project)), Done).note}; `rune status` shows the job")


@adapters.command()
@click.argument("ids", nargs=-1)
@click.option("--to", required=True, help="URL of the shared store: file:///..., s3://..., memory://...")
@project_option
def publish(ids: tuple[str, ...], to: str, project: Path) -> None:
    """Copy adapters in service, all or some, into a store that other machines read."""
    from rune.backends.store import Store

    library, store = _library(project), Store(to)
    wanted = [_one(project, id).id for id in ids] or [card.id for card in library.cards()]
    copied = [id for id in wanted if store.publish(library, id)]
    for id in copied:
        say(f"published {id}")
    say(f"{len(copied)} published, {len(wanted) - len(copied)} there already")


@adapters.command()
@click.argument("id")
@click.option("--from", "store", required=True, help="URL of the shared store.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Cache; else in RUNE_HOME.")
def fetch(id: str, store: str, into: Path | None) -> None:
    """Bring a published adapter into a local cache and print its folder."""
    from rune.backends.store import Store

    say(str(Store(store).fetch(id, (into or paths.home().fetched).resolve())))
