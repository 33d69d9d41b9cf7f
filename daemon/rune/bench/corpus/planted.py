"""Lines with one secret each: shapes put by chance into places, a quarter of them held out of development."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rune.bench.corpus import foreign, places, shapes
from rune.bench.corpus.values import basic, fill, jwt, password, pem


def rows(table: str) -> list[str]:
    """The lines of a table."""
    return table.strip("\n").split("\n")


WINDOW = 8
"""So many characters of a secret in a row are a leak; of a shorter secret, all of it."""
HELD_OUT = 4
"""One place of so many is left out of development."""


_MARK = re.compile(r"\[redacted:[\w-]+\]")


@dataclass(frozen=True, slots=True)
class Item:
    """One text of the corpus."""

    kind: str
    text: str
    secrets: tuple[str, ...] = ()
    """The pieces of the one secret in it (a private key has many lines); none in a clean text."""
    evidence: bool = False
    """Evidence of an entry, where e-mail addresses do not belong."""
    unseen: bool = False
    """Its place is none that development has seen."""
    template: str = ""
    """The place that it was made from."""

    def leaked(self, text: str) -> bool:
        """Whether a piece of the secret is left in what became of the text, the names of types aside."""
        text = _MARK.sub("", text)
        return any(window in text for piece in self.secrets for window in _windows(piece))


def _windows(piece: str) -> Iterator[str]:
    size = min(WINDOW, len(piece))
    return (piece[at : at + size] for at in range(len(piece) - size + 1))


_KEYS, _OPAQUE = rows(shapes.KEYS), rows(shapes.OPAQUE)
_ALONE, _NAMED = rows(places.ALONE), rows(places.NAMED)
_NAMES = ("{service}_api_key", "{service}_token", "api_key", "access_token", "{service}_key")
_PREFIXES = ("", "", "PROD_", "MY_", "CI_")

Maker = Callable[[random.Random], tuple[str, tuple[str, ...], str]]
"""Makes a text, the pieces of the secret and the place."""


def items(dice: random.Random, number: int) -> list[Item]:
    """So many texts with a secret each, of every kind by its share."""
    return [item for kind, share in SHARES.items() for item in _some(dice, kind, round(number * share))]


def beyond(dice: random.Random, number: int) -> list[Item]:
    """Texts with secrets that no rule can tell from words: counted, and no part of the recall."""
    return _some(dice, "beyond", number)


def held_out(line: str) -> bool:
    """Whether this line of a table is left out of development, drawn by the lot of its digest."""
    return hashlib.sha256(line.encode()).digest()[0] % HELD_OUT == 0


def _some(dice: random.Random, kind: str, number: int) -> list[Item]:
    make = MAKERS[kind]
    made: list[Item] = []
    while len(made) < number:
        text, secrets, place = make(dice)
        item = Item(kind, text, secrets, kind == "e-mail", held_out(place), place)
        without = text
        for piece in secrets:
            without = without.replace(piece, "\0")
        if not item.leaked(without):  # a secret that shows beside itself could not be called found
            made.append(item)
    return made


def _put(dice: random.Random, place: str, secret: str, name: str = "") -> str:
    """The place with everything filled but the secret, which goes in last and as it is."""
    text = fill(dice, place).replace("⏎", "\n").replace("\\u001b", "\x1b")
    return text.replace("¤", name).replace("¢", name.lower()).replace("§", secret)


def _key(dice: random.Random) -> tuple[str, tuple[str, ...], str]:
    shape = dice.choice(_KEYS)
    place = dice.choice(_ALONE if dice.random() < 0.6 else _NAMED)
    secret = fill(dice, shape)
    name = fill(dice, dice.choice(_NAMES))
    return _put(dice, place, secret, name.upper()), (secret,), place


def _opaque(dice: random.Random) -> tuple[str, tuple[str, ...], str]:
    shape, place = dice.choice(_OPAQUE), dice.choice(_NAMED)
    name, _, pattern = shape.partition(" | ")
    secret = fill(dice, pattern)
    return _put(dice, place, secret, dice.choice(_PREFIXES) + name), (secret,), place


def _from(table: str, secret: Callable[[random.Random], str]) -> Maker:
    lines = rows(table)

    def make(dice: random.Random) -> tuple[str, tuple[str, ...], str]:
        place, value = dice.choice(lines), secret(dice)
        return _put(dice, place, value), (value,), place

    return make


def _account(dice: random.Random) -> tuple[str, tuple[str, ...], str]:
    place, _, pattern = dice.choice(rows(places.ACCOUNTS)).rpartition(" | ")
    secret = fill(dice, pattern)
    return _put(dice, place, secret), (secret,), place


def _private_key(dice: random.Random) -> tuple[str, tuple[str, ...], str]:
    block, lines = pem(dice)
    if dice.random() < 0.4:
        place, block = dice.choice(rows(places.KEY_BLOCKS)), _shown(dice, block)
    else:
        place, block = dice.choice(rows(places.KEY_LINES)), json.dumps(block)[1:-1]
        block = json.dumps(block)[1:-1] if dice.random() < 0.3 else block
    return _put(dice, place, block), tuple(line for line in lines if len(line) >= WINDOW), place


def _shown(dice: random.Random, block: str) -> str:
    """A block as tools show it: indented, in a patch, numbered, cut at its end."""
    lines = block.split("\n")
    how = dice.randrange(5)
    if how == 1:
        return "\n".join("    " + line for line in lines)
    if how == 2:
        return "\n".join("+" + line for line in lines)
    if how == 3:
        return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 1))
    return "\n".join(lines[: max(2, len(lines) // 2)]) if how == 4 else block


def _token(dice: random.Random) -> str:
    return fill(dice, dice.choice(places.OPAQUE_TOKENS))


def _mixed(dice: random.Random) -> str:
    return password(dice, "mixed")


def _keyword(dice: random.Random) -> tuple[str, tuple[str, ...], str]:
    place = dice.choice(rows(foreign.KEYWORDS))
    secret = _mixed(dice) if "pass" in place else _token(dice)
    return _put(dice, place, secret), (secret,), place


def _address(dice: random.Random) -> str:
    return fill(dice, dice.choice(places.ADDRESSES))


def _in_address(dice: random.Random) -> str:
    return password(dice).replace("#", "!").replace("?", "!").replace("%", "!")  # must be escaped in a URL


MAKERS: dict[str, Maker] = {
    "service key": _key,
    "named key": _opaque,
    "password": _from(places.PASSWORDS, password),
    "password in prose": _from(places.SPOKEN, _mixed),
    "bearer token": _from(places.HEADERS, _token),
    "basic credentials": _from(places.BASIC, basic),
    "connection string": _from(places.CONNECTIONS, _in_address),
    "account string": _account,
    "private key": _private_key,
    "jwt": _from(places.TOKENS, jwt),
    "e-mail": _from(places.EMAILS, _address),
    "gitleaks' tests: token": _from(foreign.ASSIGNED, _token),
    "gitleaks' tests: password": _from(foreign.COMMANDS, _mixed),
    "detect-secrets' tests": _keyword,
    "beyond": _from(places.BEYOND, _mixed),
}
SHARES = {
    "service key": 0.2, "named key": 0.1, "password": 0.15, "password in prose": 0.05, "bearer token": 0.1,
    "basic credentials": 0.02, "connection string": 0.08, "account string": 0.03, "private key": 0.04,
    "jwt": 0.04, "e-mail": 0.04, "gitleaks' tests: token": 0.08, "gitleaks' tests: password": 0.02,
    "detect-secrets' tests": 0.05,
}  # fmt: skip
"""How much of the corpus each kind is."""
