"""The arms: who answers the held-out inputs, and what each of them is given.

``vanilla`` gets the question, ``in_context`` the session before it, ``text_rag`` the session's best snippets.
``gradient`` and ``hypernetwork`` get the question, and an adapter that was made of the session's lessons;
``pairs_n`` an adapter that was taught n pairs of input and result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rune import lessons, reader
from rune.bench.distil import passages, reading
from rune.bench.distil.answers import Tools
from rune.bench.distil.passages import Nearest
from rune.bench.gate import execution, leaks, story
from rune.bench.gate.procedures import Pair, Task
from rune.errors import RuneError
from rune.ml.lora import Adapter
from rune.ports import Distilled, Distiller
from rune.records.card import Lesson

TOKENS, CODE_TOKENS = 32, 96
"""New tokens of a value, and of a function."""
OPEN = ("in_context", "text_rag")
"""Arms whose prompts may hold the source."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one arm said about one task."""

    arm: str
    task: str
    answers: tuple[str, ...]
    right: tuple[bool, ...]
    code: str
    """The function as the arm writes it."""
    runs: bool
    """Whether that code gives every held-out result when it is run."""
    seconds: float = 0.0
    """Of making the adapter."""


def value(answer: str) -> str:
    """The value that an answer names: what follows "returns", "is" or "=", else its first line; unquoted.

    >>> value("queue_label('Oak') returns `'amber-oak'`."), value("41"), value("It is 41.\\nBecause")
    ('amber-oak', '41', '41')
    """
    line = answer.strip().partition("\n")[0]
    told = re.split(r"\breturns\b|\bis\b|=>?", line)[-1] or line
    return told.strip().rstrip(".").strip("`\"' ")


def right(answer: str, result: str) -> bool:
    """Exact match of the value."""
    return value(answer) == value(result)


def code(answer: str) -> str:
    """The Python of an answer: the fenced block, else all of it."""
    found = re.search(r"```(?:python)?\n(.*?)(?:```|\Z)", answer, re.S)
    return (found[1] if found else answer).strip()


def questions(task: Task) -> list[str]:
    """The held-out inputs, and last the function itself."""
    asked = [task.question(argument) for argument, _ in task.held_out]
    return [*asked, f"Write the Python function {task.name}(x) of this project. Answer with code only."]


def readers(task: Task, tools: Tools) -> dict[str, Callable[[], Sequence[str]]]:
    """The arms without an adapter."""
    asked = questions(task)
    text = passages.session_text(story.session(task))
    pieces = passages.snippets(text, tools.encode, tools.decode)
    nearest = Nearest(pieces, tools.embedder)
    read = [passages.GAP.join(pieces[n] for n in nearest.best(one, passages.TOP)) for one in asked]
    base = tools.engine.base
    whole = [base.prompt(reader.prompt(text, one)) for one in asked]
    told = [reader.prompt(snippets, one) for snippets, one in zip(read, asked, strict=True)]
    return {
        "vanilla": partial(closed, task, tools, None),
        "in_context": lambda: both(partial(reading.answers, base), whole),
        "text_rag": lambda: both(lambda some, tokens: tools.ask(some, None, tokens), told),
    }


def both(ask: Callable[[Sequence[Any], int], Sequence[str]], prompts: Sequence[Any]) -> list[str]:
    """Answers to all prompts: values are short, the function that comes last is longer."""
    return [*ask(prompts[:-1], TOKENS), *ask(prompts[-1:], CODE_TOKENS)]


def closed(task: Task, tools: Tools, adapter: Adapter | None) -> list[str]:
    """Answers to the questions alone.

    Raises:
        RuneError: a prompt holds the source; it never may.
    """
    asked = questions(task)
    if any(leaks.source_in(one, task) for one in asked):
        raise RuneError(f"{task.name}: a prompt holds the source")
    return both(lambda some, tokens: tools.ask(some, adapter, tokens), asked)


def judged(arm: str, task: Task, answers: Sequence[str], seconds: float = 0.0) -> Answered:
    """Held against the results, and the code run."""
    *values, last = answers
    marks = tuple(right(said, result) for said, (_, result) in zip(values, task.held_out, strict=True))
    got = execution.attempt(code(last), task.name, [argument for argument, _ in task.held_out])
    runs = got == [result for _, result in task.held_out]
    return Answered(arm, task.name, tuple(values), marks, code(last), runs, seconds)


def taught(task: Task, pairs: Sequence[int]) -> Mapping[str, list[Lesson]]:
    """What each arm with an adapter is taught."""
    past = story.session(task)
    found = {"gradient": lessons.find(past, 24), "hypernetwork": lessons.find(past, 24)}
    return {**found, **{f"pairs_{n}": [_pair(task, pair) for pair in task.more[:n]] for n in pairs}}


def _pair(task: Task, pair: Pair) -> Lesson:
    argument, result = pair
    asked = (task.question(argument), f"{task.name}({argument})", f"Result of {task.name} for {argument}?")
    return Lesson("fact", f"{task.name}({argument}) returns {result}.", asked, (), keys=(result,))


def adapted(
    arm: str, task: Task, tools: Tools, distiller: Distiller, lessons: Sequence[Lesson], folder: Path
) -> Answered:
    """Make the adapter, then ask it."""
    made = None
    for state in distiller.distil(lessons, folder):
        made = state if isinstance(state, Distilled) else None
    if made is None:
        raise RuneError(f"{arm}: expected an adapter of {task.name}")
    return judged(arm, task, closed(task, tools, tools.engine.adapter(made.folder)), made.seconds)
