"""Find the values that text assigns to names which look secret: ``DB_PASSWORD=...``, ``"api_key": "..."``.

Covered: env, ini, YAML, JSON (also escaped once more), string literals in code, XML elements, tables,
long flags on a command line, URL queries, parts of a connection string, Authorization and cookie headers. A
name that ends with ``key`` or has ``secret`` or ``password`` inside needs a value that looks random.
Not covered: see ``rune.redact``. A value that reads like code, type, path, placeholder or prose is kept.

No regular expressions: a scan forward from each name stem is linear, needs no compiling in the hook, and its
rules can be read. Standard library, Python 3.9.
"""

from rune.redact import reading, spoken
from rune.redact.plausible import (
    MARK,
    NAME,
    SPACE,
    WORDS,
    is_cookie,
    is_secret,
    jumbled,
    mixed,
    placeholder,
    strong,
)

_STEMS = ("pass", "pwd", "secret", "token", "key", "auth", "cred", "cookie", "bearer", "sig=", "signature=")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode", "pwd")
_KEYS = tuple(
    f"{kind}key"
    for kind in (
        "api", "access", "secret", "private", "signing", "encryption", "auth", "account", "master", "service",
        "role", "shared", "webhook", "session", "consumer", "app", "client", "license", "deploy", "admin",
        "root", "jwt", "hmac", "subscription", "functions", "anon", "crypt",
    )
)  # fmt: skip
_SUFFIXES = ("production", "prod", "dev", "staging", "test", "live", "value", "old", "new", "base")
_SCHEMES = ("bearer", "basic", "token", "apikey", "api-key", "api-token", "bot", "key")
_AFTER_PROSE = frozenset(" .)}],;:+\\")
"""What follows the quote in ``print("Enter the password:")``: it closes a string and opens no value."""
_OPEN_KEYS = tuple(
    f"{kind}key"
    for kind in (
        "public", "pub", "publishable", "primary", "foreign", "partition", "sort", "unique", "cache", "etag",
        "object", "idempotency", "routing", "row", "map", "group", "dedup", "shard", "hash", "index", "query",
        "host",
    )
)  # fmt: skip
"""Keys shown to everybody, or that name a thing; any other ``..._KEY`` is a secret if it looks random."""
_HINTS = ("secret", "password", "passwd", "apikey", "dbpass")
_ABOUT = (
    "id", "name", "arn", "hash", "hasher", "hashers", "path", "file", "url", "uri", "version", "length",
    "size", "manager", "ref", "type", "field", "input", "label", "policy", "hint", "prompt", "error",
    "message", "page", "form", "view", "regex", "pattern", "digest", "salt", "tokens", "keys", "secrets",
    "account", "store", "provider",
)  # fmt: skip
"""What names end with that tell about a secret instead of holding one."""
_PARTS = ("host=", "server=", "user=", "username=", "user id=", "uid=", "database=", "data source=")
"""What stands before ``;Password=`` in a connection string."""
TYPES = {
    "pass": "password", "auth": "basic-auth", "key": "api-key", "hinted": "secret", "bearer": "bearer-token",
}  # fmt: skip
"""What the sorts are called whose names differ from their type."""
_NOTHING = (0, 0, "")
_LOWER = {code: code + 32 for code in range(65, 91)}


def spans(text: str) -> list[tuple[int, int, str]]:
    """Start, end and type of every assigned secret, in order and without overlap."""
    lower = text.lower()
    if len(lower) != len(text):  # a few capitals grow when lowered; positions must stay
        lower = text.translate(_LOWER)
    places = []
    for stem in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            places.append(at)
            at = lower.find(stem, at + len(stem))
    found: list[tuple[int, int, str]] = []
    done = 0
    for at in sorted(places):
        if at >= done:
            left, done = _name_bounds(text, at)
            start, end, sort = _span(text, lower, left, done)
            done = max(done, end)
            if sort:
                found.append((start, end, sort))
    return found


def kind(name: str) -> "str | None":
    """What sort of secret a name announces, if any: the type that a redaction carries."""
    plain = name.strip("-_.").lower()
    joined = plain.replace("-", "").replace("_", "").replace(".", "").rstrip("0123456789")
    for suffix in _SUFFIXES:
        if joined.endswith(suffix):
            joined = joined[: -len(suffix)]
            break
    if joined.endswith(_PASSWORDS) or plain[-5:] in ("_pass", "-pass", ".pass"):
        return "password"
    if joined.endswith(("secretaccesskey", "awssecretkey")):
        return "aws-secret-key"
    if joined.endswith(_KEYS):
        return "api-key"
    if joined.endswith("key") and len(joined) > 3:
        return None if joined.endswith(_OPEN_KEYS) else "key"
    if joined == "publictoken":
        return None
    if joined.endswith(("credential", "credentials", "creds")):
        return "secret"
    for ending in ("secret", "token", "authorization"):
        if joined.endswith(ending):
            return ending
    if "." not in plain and any(stem in joined for stem in _HINTS) and not joined.endswith(_ABOUT):
        return "hinted"  # my_secret_string
    exact = {"pass": "pass", "auth": "auth", "cookie": "cookie", "setcookie": "cookie", "bearer": "bearer"}
    return exact.get(joined)


def _name_bounds(text: str, at: int) -> tuple[int, int]:
    left, right = at, at
    while left > max(0, at - 64) and text[left - 1] in NAME:
        left -= 1
    if 0 < left < at and text[left - 1] == "[" and text[left - 2 : left - 1] == "\x1b":
        left = max(left, text.find("m", left, at) + 1)  # behind the colour of a terminal
    if 0 < left < at and text[left - 1] == "\\" and text[left] in "nrt":
        left += 1  # the n of an escaped line end is no part of the name
    while right < min(len(text), at + 64) and text[right] in NAME:
        right += 1
    return left, right


def _span(text: str, lower: str, left: int, right: int) -> tuple[int, int, str]:
    """The secret assigned to the name between left and right; else an empty type and where to go on."""
    query = text[left - 1 : left] in ("?", "&") and text[right : right + 1] == "="
    sort = kind(lower[left:right])
    if query and sort is None and lower[left:right].endswith(("sig", "signature")):
        sort = "token"
    if sort is None or text[max(0, left - len(MARK)) : left] == MARK or _in_arn(text, left, right):
        return _NOTHING
    if sort == "bearer" and text[right : right + 1] not in ("'", '"', "="):
        return _credential(text, right, "bearer", 12) if text[right : right + 1] in (" ", "\t") else _NOTHING
    place = reading.separator(text, left, right)
    if place is None:
        told = spoken.compared(text, left, sort) or spoken.called(text, left, right, sort)
        told = told or (spoken.spoken(text, lower, left, right) if sort == "password" else None)
        return told or spoken.argument(text, left, right, sort)
    start, form = place
    if sort == "authorization":
        return _header(text, start)
    if sort == "cookie":
        return _cookies(text, start) if ":" in text[right : right + 3] else _NOTHING
    if form == "bare" and sort == "password" and _in_connection(text, lower, left):
        form = "url"
    if sort == "auth" and lower[left:right] == "_auth":
        form = "flag"  # of an .npmrc
    return _assigned("token" if query and sort == "key" else sort, text, (left, right), (start, form), query)


def _assigned(
    sort: str, text: str, name: tuple[int, int], place: tuple[int, str], query: bool
) -> tuple[int, int, str]:
    """The value at this place, if it is a secret of this sort."""
    (left, right), (start, form) = name, place
    touching = text[right : right + 1] == ":" and start == right + 1
    start, end, form = reading.value_at(text, start, form)
    if touching and form == "quoted" and text[start : start + 1] in _AFTER_PROSE:
        return _NOTHING
    if form == "bare" and end > start and text[end : end + 1] not in (";", ",") and _starts_line(text, left):
        line = reading.run(text, start, reading.ENV_STOP)  # it has its line for itself and goes to its end
        if text[line : line + 1] in ("", "\n", "\r"):
            end = max(end, reading.trimmed(text, start, line))
    value = text[start:end].partition(MARK)[0]
    if place[1] == "cell" and not (len(value) >= 8 and (strong(value) or jumbled(value))):
        return _NOTHING  # tables of names and types are common
    if is_secret(sort, value, form, _alone(text, left, right, end)):
        return start, start + len(value), "url-token" if query else TYPES.get(sort, sort)
    # long and no secret: what is inside is not looked at again, or the time would be quadratic
    return start, end if form == "bare" and end - start > 128 else start, ""


def _in_arn(text: str, left: int, right: int) -> bool:
    """Whether this is the ``secret`` of ``arn:aws:secretsmanager:eu-west-1:1234:secret:name``."""
    inner = text[left - 1 : left] == text[right : right + 1] == ":"
    return inner and "arn:" in text[max(0, left - 80) : left]


def _in_connection(text: str, lower: str, left: int) -> bool:
    """Whether ``password`` is a part of ``Host=x;Username=y;Password=z`` or ``host=x user=y password=z``."""
    before = text[max(0, left - 2) : left]
    parts = before[-1:] == ";" or (before[-1:] == " " and before[:1].isalnum())
    return parts and any(part in lower[max(0, left - 200) : left] for part in _PARTS)


def _cookies(text: str, start: int) -> tuple[int, int, str]:
    while text[start : start + 1] in ("\\", '"', "'"):
        start += 1
    header = text[start : start + reading.REACH].split("\n")[0].split('"')[0].split("'")[0].rstrip()
    return start, start + len(header), "cookie" if is_cookie(header) else ""


def _header(text: str, at: int) -> tuple[int, int, str]:
    """The credential of an Authorization header or setting, after its scheme if it has one."""
    while text[at : at + 1] in ("\\", '"', "'", "`", "f"):
        at += 1
    word = text[at : at + 12].split(" ")[0]
    if word.lower() in _SCHEMES and text[at + len(word) : at + len(word) + 1] == " ":
        return _credential(text, at + len(word), word.lower(), 6)
    return _credential(text, at, "", 16)


def _credential(text: str, at: int, scheme: str, least: int) -> tuple[int, int, str]:
    start = reading.skip_space(text, at)
    end = reading.run(text, start, reading.HEADER_STOP)
    value = text[start:end]
    if len(value) < least or value.lower() in WORDS or placeholder(value) or MARK in value:
        return _NOTHING
    if not (strong(value) or mixed(value) or len(value) >= 24):
        return _NOTHING
    return start, end, "basic-auth" if scheme == "basic" else "bearer-token"


def _starts_line(text: str, left: int) -> bool:
    return not text[max(0, left - 80) : left].rpartition("\n")[2].strip(" \t-\"'")


def _alone(text: str, left: int, right: int, end: int) -> bool:
    """Whether ``name=value`` or a YAML line ``name: value`` ends here, so that the value is no expression."""
    if text[end : end + 1] not in ("", " ", "\t", "\r", "\n", "&", ";"):
        return False
    if text[right : right + 1] == "=" and text[right + 1 : right + 2] not in SPACE:
        return True
    after = text[end : end + 80].partition("\n")[0]
    if text[left : left + 2] == "--" and (not after.strip() or after.startswith((" -", " |", " &"))):
        return True
    return ":" in text[right : right + 2] and _starts_line(text, left) and not after.strip()
