"""Random values by pattern: ``fill(dice, "ghp_{w36}")``; the alphabet of every corpus text.

``{w36}`` is 36 characters of an alphabet below, ``{w20-40}`` 20 to 40 of them; ``{host}`` and the like are
picked from a list. All else, JSON's braces too, stays as it is.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid

ALPHABETS = {
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "n": string.digits,
    "a": string.ascii_lowercase,
    "A": string.ascii_uppercase,
    "B": string.ascii_uppercase + "234567",
    "x": string.ascii_lowercase + string.digits,
    "X": string.ascii_uppercase + string.digits,
    "w": string.ascii_letters + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "u": string.ascii_letters + string.digits + "-_",
}
_WORDS = {
    "user": "admin root deploy alice bob svc_app app postgres ci reporting jenkins grafana",
    "host": "db.internal db01.prod.example.net localhost 10.0.3.17 cache redis-master api.example.com "
    "pg.eu-west-1.rds.amazonaws.com mq.staging.example.org registry.example.com",
    "service": "stripe sendgrid datadog algolia mapbox cloudflare heroku fastly codecov okta zendesk "
    "intercom segment mixpanel pagerduty snyk launchdarkly netlify asana bitbucket contentful "
    "rapidapi coinbase weather maps",
    "word": "parser session cache index migration worker queue handler router loader config schema profile "
    "widget invoice order ledger report upload render layout editor search filter",
    "verb": "parse load read write build merge resolve refresh rotate validate render fetch expire revoke",
    "file": "src/auth/session.py src/api/token.ts internal/store/keys.go app/models/user.rb lib/config.js "
    "tests/test_login.py cmd/serve/main.go src/secrets/reader.rs web/components/PasswordField.tsx "
    "deploy/values.yaml",
    "package": "react lodash express vite typescript eslint webpack axios jest next zod prisma",
    "first": "jane marek aisha tom li.wei sofia.r henrik o.brien priya kenji",
    "last": "doe novak khan muller chen rossi larsen brien nair sato",
    "company": "acme initech globex umbra hooli northwind contoso",
    "tld": "com io net org dev co.uk de",
    "level": "INFO WARN ERROR DEBUG",
    "secret": "swordfish dragon falcon monkey orange winter tiger purple lantern copper saddle thunder maple "
    "rocket harbor cactus velvet pepper summit walnut",
}
LISTS = {name: words.split() for name, words in _WORDS.items()}
_NAMES = "|".join(("uuid", "ident", "camel", "day", "time", "WORD", *LISTS))
_HOLE = re.compile(rf"\{{(?:([hHnaABxXwbu])(\d+)(?:-(\d+))?|({_NAMES}))\}}")


def fill(dice: random.Random, pattern: str) -> str:
    """The pattern with every hole filled by chance."""
    return _HOLE.sub(lambda hole: _one(dice, hole), pattern)


def _one(dice: random.Random, hole: re.Match[str]) -> str:
    alphabet, least, most, name = hole.groups()
    if name == "WORD":
        return dice.choice(LISTS["word"]).upper()
    if alphabet:
        length = dice.randint(int(least), int(most or least))
        return "".join(dice.choices(ALPHABETS[alphabet], k=length))
    if name == "uuid":
        return str(uuid.UUID(int=dice.getrandbits(128), version=4))
    if name == "day":
        return f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    if name == "time":
        return f"{dice.randint(0, 23):02}:{dice.randint(0, 59):02}:{dice.randint(0, 59):02}"
    if name in ("ident", "camel"):
        words = [dice.choice(LISTS["verb"]), *dice.choices(LISTS["word"], k=dice.randint(2, 5))]
        return "_".join(words) if name == "ident" else words[0] + "".join(map(str.capitalize, words[1:]))
    return dice.choice(LISTS[name])


WORDS = LISTS["secret"]
_LEET = str.maketrans("aeiost", "4310$7")
_SIGNS = "!@#%^*-_+=?~."


def password(dice: random.Random, style: str = "any") -> str:
    """A password as people and generators make them; begins with a letter or a digit, holds no blank.

    Style ``any`` includes plain words, ``mixed`` has digits or signs inside, as prose needs it.
    """
    kinds = ["dated", "leet", "random", "signs", "phrase"] + (["plain"] if style == "any" else [])
    kind = dice.choice(kinds)
    word = dice.choice(WORDS)
    if kind == "plain":
        return word + dice.choice(WORDS) * dice.randint(0, 1)
    if kind == "dated":
        return word.capitalize() + fill(dice, "{n4}") + dice.choice(["", "!", "#", "$"])
    if kind == "leet":
        made = word.capitalize().translate(_LEET) + dice.choice(WORDS).translate(_LEET)
        return made + fill(dice, "{n2}")
    if kind == "phrase":
        return "-".join(dice.choices(WORDS, k=3)) + fill(dice, "-{n2}")
    if kind == "random":
        return fill(dice, "{w1}{w8-20}{n1}{a1}")
    middle = "".join(dice.choices(ALPHABETS["w"] + _SIGNS, k=dice.randint(9, 20)))
    return fill(dice, "{w1}") + middle + fill(dice, "{n1}{a1}")


def jwt(dice: random.Random) -> str:
    """A signed token with a real header and real claims."""
    algorithm = dice.choice(["HS256", "RS256", "ES256"])
    plain, keyed = {"alg": algorithm, "typ": "JWT"}, {"typ": "JWT", "alg": algorithm, "kid": "k1"}
    header: dict[str, object] = {**(plain if dice.random() < 0.7 else keyed)}
    issued = 1700000000 + dice.randrange(10**8)
    claims: dict[str, object] = {"sub": fill(dice, "{n10}"), "name": fill(dice, "{first}"), "iat": issued}
    return ".".join([_part(header), _part(claims), fill(dice, "{u43}" if algorithm == "HS256" else "{u86}")])


def _part(value: dict[str, object]) -> str:
    raw = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def basic(dice: random.Random) -> str:
    """``user:password`` in base64."""
    return base64.b64encode(f"{fill(dice, '{user}')}:{password(dice)}".encode()).decode()


def pem(dice: random.Random) -> tuple[str, list[str]]:
    """A private key as a block, and the lines of its body."""
    kind = dice.choice(["RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED ", "DSA "])
    starts = {"OPENSSH ": "b3BlbnNzaC1rZXktdjEA", "": "MIIEvQIBADANBgkq", "RSA ": "MIIEpAIBAAKCAQEA"}
    start = starts.get(kind, "MHcCAQEE")
    length = dice.randint(180, 1600)
    body = start + fill(dice, f"{{b{length}}}") + dice.choice(["", "=", "=="])
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    begin, end = (f"-----{word} {kind}PRIVATE KEY-----" for word in ("BEGIN", "END"))
    return "\n".join([begin, *lines, end]), lines
