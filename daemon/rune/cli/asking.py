"""How a command that changes the text memory asks: the plan, then its code, or a person's word."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from rune import paths, printable
from rune.cli.common import say
from rune.echoes import activity, person
from rune.echoes.operations import questions
from rune.echoes.operations.proposal import Done, Outdated, PersonNeeded, Proposal, outdated
from rune.echoes.person import Caller, Nobody, Person
from rune.echoes.store import Store
from rune.records.question import Question

R = TypeVar("R")
TYPED = "/rune:echoes"
SHELL = "rune echoes"
_WORD = re.compile(r"""(--[\w-]+=|)(?:"([^"]*)"|'([^']*)')(?=\s|$)|(\S+)""")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who runs a command, and which question of Rune's they said yes to."""

    caller: Caller
    agreed: str = ""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the command line says about the plan."""

    code: str = ""
    """The code that the plan showed; empty where none was given."""
    dry_run: bool = False
    """Only show the plan."""


def current() -> Asking:
    """Who runs this command: as the hook found out, or whoever sits at this terminal."""
    found = click.get_current_context().find_object(Asking)
    return found or Asking(person.at_terminal())


def words_of(typed: str) -> list[str]:
    """A typed line as words; a quotation mark quotes only where a word begins.

    >>> words_of("show 'a b' it's --label='House rule'")
    ['show', 'a b', "it's", '--label=House rule']
    """
    found = (match.groups() for match in _WORD.finditer(typed))
    return [
        plain or f"{option}{double if double is not None else single}"
        for option, double, single, plain in found
    ]


def store_of(project: Path, asking: Asking) -> Store:
    """The project's text memory; the session whose person types counts as resting."""
    from rune.capture import client_alive

    home, echoes = paths.home(), paths.Echoes(paths.project_root(project))
    typing = asking.caller.session if isinstance(asking.caller, Person) else ""
    return Store(
        echoes,
        time.time,
        lambda: activity.active(home, echoes, time.time(), typing=typing, alive=client_alive),
    )


def decide(
    propose: Callable[[], Proposal[R]],
    carry_out: Callable[[str], Done],
    render: Callable[[R], str],
    confirmation: Confirmation,
    project: Path,
    direct: bool = False,
    after: str = "`undo` takes it back",
) -> None:
    """Show the plan; do it once it is confirmed.

    Args:
        propose: plans.
        carry_out: does what has this code, or raises Outdated.
        render: the report as text.
        confirmation: what the command line says about it.
        project: for a question to the person.
        direct: a typed slash command is enough by itself: nothing is lost by it.
        after: what can be done about it then.
    """
    asking, proposal = current(), propose()
    plan = printable.lines(render(proposal.report))
    if asking.agreed and not questions.same(asking.agreed, questions.text_of(proposal.code, project, plan)):
        raise Outdated("the question that was answered is not about what would be done now; nothing was done")
    if confirmation.dry_run or not proposal.code:
        say(plan)
        return
    if proposal.person and isinstance(asking.caller, Nobody):
        say(plan)
        raise _blocked(proposal, asking.caller, plan, project)
    code = confirmation.code
    if code and code.lower() != proposal.code:
        raise Outdated(outdated(code, proposal.code))
    if not (code or asking.agreed):
        say(plan)
        at_once = direct and isinstance(asking.caller, Person) and asking.caller.way == "slash command"
        if not at_once and not _typed_code(asking.caller, proposal.code):
            return
    _tell(carry_out(proposal.code), proposal.what, after)


def _tell(done: Done, what: str, after: str) -> None:
    lines = [*(f"changed  {path}" for path in done.changed), *(f"copied   {path}" for path in done.backups)]
    say("\n".join([*lines, f"done: {what}; {after}"]))


def _typed_code(caller: Caller, code: str) -> bool:
    """Whether the code is typed at a terminal; elsewhere it is said how to confirm."""
    if isinstance(caller, Person) and caller.way == "terminal":
        if click.prompt(f"Type {code} to do this", default="", show_default=False).strip().lower() == code:
            return True
        raise click.ClickException("another code was typed; nothing was done")
    line = f"{TYPED if isinstance(caller, Person) else SHELL} {_line(click.get_current_context())}"
    say(f"\nNothing is done yet. To do exactly this: {line} --confirm {code}")
    return False


def _blocked(proposal: Proposal[Any], caller: Nobody, plan: str, project: Path) -> PersonNeeded:
    """The refusal, with the ways that are open; it leaves a question for the agent to ask."""
    context = click.get_current_context()
    said = f"BLOCKED: {proposal.person}, and {caller.reason}. A person types {TYPED} {_line(context)}"
    said += f", or runs `{SHELL} {context.info_name}` in a terminal of their own."
    text = questions.text_of(proposal.code, project, plan)
    if text:
        question = Question(proposal.code, str(project), tuple(_words(context)), time.time())
        questions.ask(questions.folder(paths.home()), question)
        asked = printable.escaped(json.dumps(questions.input_of(text), ensure_ascii=False))
        said += f" Or an agent calls AskUserQuestion with exactly this, and Rune acts on the answer:\n{asked}"
    return PersonNeeded(said)


def _line(context: click.Context) -> str:
    """The command as it would be typed, options of asking aside.

    The typed form has no use for a shell's escapes: quotation marks are enough.
    """
    return " ".join(f'"{word}"' if re.search(r"\s", word) else word for word in _words(context))


def _words(context: click.Context) -> list[str]:
    words = [str(context.info_name)]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT
        if name in ("confirm", "dry_run", "project") or not given:
            continue
        value = context.params[name]
        values = value if isinstance(value, tuple) else (value,)
        if not isinstance(parameter, click.Option):
            words += map(str, values)
        elif not parameter.is_flag:
            words += [word for one in values for word in (parameter.opts[0], str(one))]
        elif value == parameter.flag_value:  # two flags may set one parameter
            words.append(parameter.opts[0])
    return words
