"""The tasks: small procedures that exist nowhere but in one made session, with inputs nobody has seen run.

Every procedure is an idiom or an algorithm of everyday code with constants drawn by a seed, so that no base
model can know it. Results are those of real executions of the source.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rune.bench.gate import execution

SHOWN = 3
"""Inputs whose results the session shows."""
WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "flint", "grove", "heron", "indigo", "juniper", "kelp",
    "larch", "maple", "north", "ochre", "pine", "quartz", "raven", "slate", "tulip", "umber", "violet",
    "willow", "yarrow",
)  # fmt: skip

Pair = tuple[str, str]
"""A call's argument and its result, both as Python writes them."""


@dataclass(frozen=True, slots=True)
class Task:
    """One procedure."""

    name: str
    kind: str
    """idiom or algorithm."""
    about: str
    """What the person asked for, without saying how it is done."""
    source: str
    wrong: str
    """The first attempt, which the session repairs."""
    shown: tuple[Pair, ...]
    """Run in the session."""
    held_out: tuple[Pair, ...]
    """Never run in it, and never taught."""
    more: tuple[Pair, ...]
    """For the arms that are taught pairs; none is held out."""

    def question(self, argument: str) -> str:
        """What every arm is asked."""
        return f"What does {self.name}({argument}) return? Answer with the value only."


Draft = tuple[str, str, str, str, str]
"""kind, name, about, expression, wrong expression; the argument is ``x``."""


def _labels(dice: random.Random) -> Draft:
    start, end = dice.choice(WORDS), dice.choice(WORDS)
    return ("idiom", "queue_label", "give every worker's queue its label",
            f'"{start}-" + x.lower() + "-{end}"', f'"{start}-" + x')  # fmt: skip


def _padded(dice: random.Random) -> Draft:
    start, width = dice.choice(WORDS)[:3].upper(), dice.randint(5, 7)
    return ("idiom", "ticket_id", "write ticket numbers the way the archive wants them",
            f'"{start}" + str(x).zfill({width})', f'"{start}" + str(x)')  # fmt: skip


def _linear(dice: random.Random) -> Draft:
    times, plus = dice.randint(3, 9), dice.randint(11, 40)
    return ("algorithm", "shard_seed", "derive the seed of a shard from its number",
            f"x * {times} + {plus}", f"x * {times}")  # fmt: skip


def _capped(dice: random.Random) -> Draft:
    first, cap = dice.randint(2, 5), dice.randint(40, 90)
    return ("algorithm", "retry_delay", "say how many seconds to wait before a retry",
            f"min({cap}, {first} * x)", f"{first} * x")  # fmt: skip


def _modulo(dice: random.Random) -> Draft:
    names = dice.sample(WORDS, 3)
    return ("idiom", "shard_of", "choose the shard of a customer", f"{names!r}[x % 3]", f"{names!r}[x % 2]")


def _reversed(dice: random.Random) -> Draft:
    mark = dice.choice("#@%&")
    return ("idiom", "mirror_key", "make the key under which a mirror is kept",
            f'x[::-1] + "{mark}"', "x[::-1]")  # fmt: skip


def _initials(dice: random.Random) -> Draft:
    mark = dice.choice(("_", ".", "/"))
    return ("idiom", "short_name", "shorten a name for the log",
            f'x[:2].upper() + "{mark}" + x[-2:]', "x[:2].upper() + x[-2:]")  # fmt: skip


def _parity(dice: random.Random) -> Draft:
    even, odd = dice.sample(WORDS, 2)
    return ("idiom", "lane_of", "send a job down its lane",
            f'"{even}" if x % 2 == 0 else "{odd}"', f'"{even}"')  # fmt: skip


def _digits(dice: random.Random) -> Draft:
    base = dice.choice((7, 11, 13))
    return ("algorithm", "check_digit", "compute the check digit of an order",
            f"sum(int(d) for d in str(x)) % {base}", "sum(int(d) for d in str(x))")  # fmt: skip


def _bands(dice: random.Random) -> Draft:
    low, high = dice.randint(20, 40), dice.randint(60, 80)
    names = dice.sample(WORDS, 3)
    expression = f'"{names[0]}" if x < {low} else "{names[1]}" if x < {high} else "{names[2]}"'
    return ("algorithm", "load_band", "name the band of a machine's load",
            expression, f'"{names[0]}" if x < {low} else "{names[2]}"')  # fmt: skip


DRAFTS: tuple[tuple[Callable[[random.Random], Draft], str], ...] = (
    (_labels, "word"), (_padded, "number"), (_linear, "number"), (_capped, "small"), (_modulo, "number"),
    (_reversed, "word"), (_initials, "word"), (_parity, "number"), (_digits, "number"), (_bands, "small"),
)  # fmt: skip


def tasks(seed: int, number: int, inputs: int, more: int = 100) -> tuple[Task, ...]:
    """``number`` procedures with their inputs, drawn by the seed, results by execution."""
    dice = random.Random(seed)
    return tuple(_task(dice, draft, takes, inputs, more) for draft, takes in DRAFTS[:number])


def _task(
    dice: random.Random, draft: Callable[[random.Random], Draft], takes: str, inputs: int, more: int
) -> Task:
    kind, name, about, right, wrong = draft(dice)
    source = f"def {name}(x):\n    return {right}\n"
    arguments = _arguments(dice, takes, SHOWN + inputs + more)
    pairs = list(zip(arguments, execution.results(source, name, arguments), strict=True))
    return Task(
        name, kind, about, source, f"def {name}(x):\n    return {wrong}\n",
        tuple(pairs[:SHOWN]), tuple(pairs[SHOWN : SHOWN + inputs]), tuple(pairs[SHOWN + inputs :]),
    )  # fmt: skip


def _arguments(dice: random.Random, takes: str, number: int) -> Sequence[str]:
    """So many different arguments as Python writes them; fewer where there are not so many."""
    if takes == "word":
        made = [f"{one}{other}".capitalize() for one in WORDS for other in WORDS if one != other]
        return [repr(word) for word in dice.sample(made, number)]
    upper = 1000 if takes == "number" else 100
    return [repr(n) for n in dice.sample(range(upper), min(number, upper))]
