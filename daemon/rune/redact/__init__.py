"""Take secrets out of text before it is written down; what was learned stays, the secret becomes its type.

Covered: keys with a known shape (AWS, GitHub, GitLab, OpenAI, Anthropic, Google, Slack, Stripe, npm, PyPI and
the others of ``rune.redact.shapes``), JWTs, PEM private keys (whole, cut at either end, with escaped line
ends), passwords and tokens in URLs, Authorization, API-key and cookie headers, values assigned to names that
look secret (``rune.redact.assigned``) or told beside them (``rune.redact.spoken``), .netrc, passwords in SQL
and on curl, mysql, docker, redis, openssl, keytool and sshpass command lines and, where asked for, e-mail
addresses. ``rune bench echoes`` measures it.
Not covered: secrets without shape and name ("try hunter2"), secrets split over several strings (but for
private keys, line by line) or encoded once more, arguments whose function says nothing
(``login("hunter2")``), YAML scalars of several lines, plain words after "the password is", keys of services
that nobody listed, password hashes, images.

Hook and daemon share this package, so it is standard library only, in Python 3.9 syntax. Compiling a pattern
costs more than the rest of a hook: it is compiled when one of its literal triggers occurs in the text. Every
pattern starts at a boundary of its own alphabet or is bounded, so the time is linear in the text.
"""

from rune.redact import assigned, shapes
from rune.redact.plausible import MARK, is_secret

TYPE_CHECKING = False  # what typing exports under this name; importing typing would double a hook's start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Counts = dict[str, int]
    Redactor = Callable[[str], tuple[str, Counts]]

_PASSES = 8
"""A replacement may uncover another secret; text without secrets takes one pass."""


def redact(text: str, emails: bool = False) -> "tuple[str, dict[str, int]]":
    """The text with every secret replaced by ``[redacted:<type>]``, and how many of each type there were.

    Redacting twice changes nothing; no input raises; commit hashes, UUIDs, paths and prose stay as they are.

    >>> redact("curl -H 'Authorization: Bearer f3a9c1d27b' https://api.example.com")[1]
    {'bearer-token': 1}
    """
    counts: dict[str, int] = {}
    for _ in range(_PASSES):
        spans = _merged(_spans(text))
        if emails:
            spans = _merged(spans + shapes.emails(text))
        if not spans:
            break
        text = _replaced(text, spans, counts)
    return text, counts


def redact_value(value: "Any", text: "Redactor" = redact) -> "tuple[Any, dict[str, int]]":
    """A JSON value with the secrets in its strings replaced, and those that stand under a secret-looking key.

    ``text`` redacts one string; a caller with a budget passes its own.
    """
    counts: dict[str, int] = {}
    return _walk(value, None, text, counts), counts


def _spans(text: str) -> "list[shapes.Span]":
    """Every secret, the most specific type first."""
    keys = shapes.known(text)
    return shapes.private_keys(text) + keys + shapes.urls(text) + assigned.spans(text)


def _merged(spans: "list[shapes.Span]") -> "list[shapes.Span]":
    """In order and without overlap; where two overlap, both are covered and the more specific names it."""
    merged: list[tuple[int, int, int, str]] = []
    for start, end, rank, name in sorted((s, e, rank, name) for rank, (s, e, name) in enumerate(spans)):
        if merged and start < merged[-1][1]:
            first, last, best, kept = merged[-1]
            merged[-1] = (first, max(last, end), min(best, rank), kept if best < rank else name)
        else:
            merged.append((start, end, rank, name))
    return [(start, end, name) for start, end, _, name in merged]


def _replaced(text: str, spans: "list[shapes.Span]", counts: "Counts") -> str:
    parts, done = [], 0
    for start, end, name in spans:
        parts += [text[done:start], MARK, name, "]"]
        counts[name] = counts.get(name, 0) + 1
        done = end
    return "".join(parts) + text[done:]


def _walk(value: "Any", sort: "str | None", text: "Redactor", counts: "Counts") -> "Any":
    """``sort`` is the kind of secret that the key above announced."""
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        for key, inner in value.items():
            name = _string(key, None, text, counts)
            while name in made:
                name += "'"
            announced = assigned.kind(key[:-1] if isinstance(inner, list) and key[-1:] == "s" else key)
            made[name] = _walk(inner, announced, text, counts)
        return made
    if isinstance(value, list):
        return [_walk(inner, sort, text, counts) for inner in _keyless(value, counts)]
    if isinstance(value, str):
        return _string(value, sort, text, counts)
    if sort == "password" and isinstance(value, int) and value > 999:
        return _string(str(value), sort, text, counts)
    return value


def _keyless(lines: "list[Any]", counts: "Counts") -> "list[Any]":
    """Lines of a patch without the private key that is spread over them; as many as before."""
    if not any(isinstance(line, str) and "PRIVATE KEY" in line for line in lines):
        return lines
    texts = [line if isinstance(line, str) else "" for line in lines]
    spans = shapes.private_keys("\n".join(texts))
    if spans:
        counts["private-key"] = counts.get("private-key", 0) + len(spans)
    made, begin = [], 0
    for line, text in zip(lines, texts):
        left = text
        for start, end, name in sorted(spans, reverse=True):
            first, last = max(0, start - begin), min(len(text), end - begin)
            if first < last:
                left = left[:first] + (f"{MARK}{name}]" if start >= begin else "") + left[last:]
        made.append(left if isinstance(line, str) else line)
        begin += len(text) + 1
    return made


def _string(value: str, sort: "str | None", text: "Redactor", counts: "Counts") -> str:
    header = f"{sort}: " if sort in ("authorization", "cookie") else ""  # their values need their name
    value, found = text(header + value)
    value = value[len(header) :]
    for name, count in found.items():
        counts[name] = counts.get(name, 0) + count
    if sort and MARK not in value and is_secret(sort, value):
        name = assigned.TYPES.get(sort, sort)
        counts[name] = counts.get(name, 0) + 1
        return f"{MARK}{name}]"
    return value
