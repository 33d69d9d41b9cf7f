"""Find the values that text assigns to names which look secret: ``DB_PASSWORD=...``, ``"api_key": "..."``.

Covered: env, ini, YAML, JSON (also escaped once more), string literals in code, XML elements, long flags on a
command line, URL queries, Authorization and cookie headers, "the password is hunter2", "the password
hunter2secret! was wrong".
Not covered: see ``rune.redact``. A value that reads like code, type, path, placeholder or prose is kept.

No regular expressions: a scan forward from each name stem is linear, needs no compiling in the hook, and its
rules can be read. Standard library, Python 3.9.
"""

from rune.redact.plausible import (
    LITERAL,
    MARK,
    NAME,
    SPACE,
    WORDS,
    beside,
    is_cookie,
    is_secret,
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
_SCHEMES = ("bearer", "basic", "token", "apikey", "api-key", "bot", "key")
_ALGORITHMS = ("sha", "md5", "base64", "utf", "bcrypt", "argon", "oauth", "aes", "rsa", "x509", "v1", "v2")
_BARE_STOP = SPACE | frozenset("\"'`,;&<>()[]{}|\\")
_SPOKEN_STOP = _BARE_STOP - {"&"}
_ENV_STOP = SPACE | frozenset("\"'`<>\\")
_HEADER_STOP = SPACE | frozenset("\"'`,<>\\)")
_SIGNS = "!@#$%^&*~?"
"""What passwords have inside, and words only around them."""
_AFTER_PROSE = frozenset(" .)}],;:+\\")
"""What follows the quote in ``print("Enter the password:")``: it closes a string and opens no value."""
_REACH = 4096
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
    if joined.endswith(("credential", "credentials")):
        return "secret"
    for ending in ("secret", "token", "authorization"):
        if joined.endswith(ending):
            return ending
    exact = {"pass": "pass", "auth": "auth", "cookie": "cookie", "setcookie": "cookie", "bearer": "bearer"}
    return exact.get(joined)


def _name_bounds(text: str, at: int) -> tuple[int, int]:
    left, right = at, at
    while left > max(0, at - 64) and text[left - 1] in NAME:
        left -= 1
    if 0 < left < at and text[left - 1] == "\\" and text[left] in "nrt":
        left += 1  # the n of an escaped line end is no part of the name
    while right < min(len(text), at + 64) and text[right] in NAME:
        right += 1
    return left, right


def _span(text: str, lower: str, left: int, right: int) -> tuple[int, int, str]:
    """The secret assigned to the name between left and right; else an empty type and where to go on."""
    query = text[left - 1 : left] in ("?", "&") and text[right : right + 1] == "="
    sort = kind(lower[left:right])
    if query and sort is None and lower[left:right].endswith(("key", "sig", "signature")):
        sort = "token"
    if sort is None or text[max(0, left - len(MARK)) : left] == MARK:
        return _NOTHING
    if sort == "bearer":
        return _credential(text, right, "bearer", 12) if text[right : right + 1] in (" ", "\t") else _NOTHING
    place = _separator(text, left, right)
    if place is None:
        spoken = sort == "password" and _spoken(text, lower, left, right)
        return spoken or _argument(text, left, right, sort)
    start, form = place
    if sort == "authorization":
        return _header(text, start)
    if sort == "cookie":
        return _cookies(text, start) if ":" in text[right : right + 3] else _NOTHING
    touching = text[right : right + 1] == ":" and start == right + 1
    start, end, form = _value(text, start, form)
    if touching and form == "quoted" and text[start : start + 1] in _AFTER_PROSE:
        return _NOTHING
    if form == "bare" and end > start and text[end : end + 1] not in (";", ",") and _starts_line(text, left):
        line = _run(text, start, _ENV_STOP)  # an unquoted value that has its line for itself goes to its end
        end = max(end, _trimmed(text, start, line)) if text[line : line + 1] in ("", "\n", "\r") else end
    value = text[start:end].partition(MARK)[0]
    if is_secret(sort, value, form, _alone(text, left, right, end)):
        sort = "url-token" if query else {"pass": "password", "auth": "basic-auth"}.get(sort, sort)
        return start, start + len(value), sort
    # long and no secret: what is inside is not looked at again, or the time would be quadratic
    return start, end if form == "bare" and end - start > 128 else start, ""


def _cookies(text: str, start: int) -> tuple[int, int, str]:
    while text[start : start + 1] in ("\\", '"', "'"):
        start += 1
    header = text[start : start + _REACH].split("\n")[0].split('"')[0].split("'")[0].rstrip()
    return start, start + len(header), "cookie" if is_cookie(header) else ""


def _separator(text: str, left: int, right: int) -> "tuple[int, str] | None":
    """Where the value starts behind ``=``, ``:``, ``:=``, ``=>``, ``==``, XML bracket or flag's space."""
    if apart := beside(text, right):
        return apart, "json"
    at = near = _skip_colour(text, right)
    while at < near + 6 and text[at : at + 1] in ("\\", '"', "'", "`", "]", "?"):
        at += 1
    gap = at
    at = _skip_space(text, at)
    spaced, two = at > gap, text[at : at + 2]
    if two in ("::", "=~"):
        return None
    form = "bare"
    if two in ("==", "!="):
        at = _skip_space(text, at + len(two) + (text[at + 2 : at + 3] == "="))
        return (at, form) if text[at : at + 1] in ('"', "'") else None
    if two in (":=", "=>"):
        at += 2
    elif two[:1] in ("=", ":"):
        at += 1
        name = text[left:right]
        if text[left - 1 : left] in ("?", "&"):
            form = "url"
        elif text[left : left + 2] == "--":
            form = "flag"
        elif two[0] == "=" and not spaced and name == name.upper() and two[1:] not in SPACE:
            form = "env"
    elif two[:1] == ">" and text[left - 1 : left] == "<":
        return at + 1, "xml"
    elif not (spaced and text[left : left + 2] == "--" and gap == right):
        return None
    else:
        form = "flag-word"
    at = _skip_space(text, at)
    return _skip_annotation(text, at), form


def _skip_colour(text: str, at: int) -> int:
    """Past the sequences of a terminal that end the colour of a name."""
    while text[at : at + 2] == "\x1b[":
        end = at + 2
        while end < at + 12 and text[end : end + 1] in tuple("0123456789;"):
            end += 1
        at = end + 1
    return at


def _skip_space(text: str, at: int) -> int:
    end = at + 32
    while at < end and text[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def _skip_annotation(text: str, at: int) -> int:
    """Past the type in ``password: str = "hunter2"``."""
    head, equals, rest = text[at : at + 80].split("\n", 1)[0].partition("=")
    typed = equals and head.strip() and all(c in NAME or c in "[]| ,&<>" for c in head)
    opened = text[max(0, at - 200) : at].rpartition("\n")[2]
    closes = rest[:1] in ('"', "'") and opened.count(rest[0]) % 2  # "X-Key: Zm9vYmE=" ends in base64
    if typed and rest.lstrip()[:1] in ('"', "'") and not closes:
        return at + len(head) + 1 + len(rest) - len(rest.lstrip())
    return at


def _value(text: str, at: int, form: str) -> tuple[int, int, str]:
    """The value that starts here: in quotes of any escape level, or bare up to where its form ends."""
    if form == "xml":
        end = text.find("<", at, at + 512)
        return (at, end, form) if end > at and "\n" not in text[at:end] else (at, at, form)
    if text[at : at + 1] in ("b", "r", "f", "u", "@") and text[at + 1 : at + 2] in ('"', "'"):
        at += 1
    quote = at
    while quote < at + 8 and text[quote : quote + 1] == "\\":
        quote += 1
    if text[quote : quote + 1] in ('"', "'", "`"):
        start = quote + 1
        end = _closing(text, start, text[at:start])
        return start, end, form if form in LITERAL else "quoted"
    end = _run(text, at, _ENV_STOP if form == "env" else _BARE_STOP)
    head, call, _ = text[at : end + 1].partition("(")
    if all(c in NAME for c in head) and (call or text[end : end + 1] in ("[", "{")):
        return at, at, form  # a call or an index: code
    if text[end : end + 1] in ("(", "[", "{"):
        end = _run(text, end, _ENV_STOP)
    return at, _trimmed(text, at, end), form


def _trimmed(text: str, at: int, end: int) -> int:
    """Without the punctuation that follows a value; a bracket that it opened itself stays."""
    while end > at and (text[end - 1] in ",;&|." or (text[end - 1] == ")" and "(" not in text[at:end])):
        end -= 1
    return end


def _run(text: str, at: int, stop: frozenset[str]) -> int:
    limit = min(len(text), at + _REACH)
    while at < limit and text[at] not in stop:
        at += 1
    return at


def _closing(text: str, start: int, quote: str) -> int:
    """The end of a quoted value: its closing quote, else the end of the line or of what there is."""
    limit = min(len(text), start + _REACH)
    line = text.find("\n", start, limit)
    limit = line if line >= 0 else limit
    at = text.find(quote, start, limit)
    while at >= 0:
        backslashes = 0
        while text[at - 1 - backslashes] == "\\" and at - backslashes > start:
            backslashes += 1
        if backslashes % 2 == 0:
            return at
        at = text.find(quote, at + 1, limit)
    return limit


def _header(text: str, at: int) -> tuple[int, int, str]:
    """The credential of an Authorization header or setting, after its scheme if it has one."""
    while text[at : at + 1] in ("\\", '"', "'", "`", "f"):
        at += 1
    word = text[at : at + 12].split(" ")[0]
    if word.lower() in _SCHEMES and text[at + len(word) : at + len(word) + 1] == " ":
        return _credential(text, at + len(word), word.lower(), 6)
    return _credential(text, at, "", 16)


def _credential(text: str, at: int, scheme: str, least: int) -> tuple[int, int, str]:
    start = _skip_space(text, at)
    end = _run(text, start, _HEADER_STOP)
    value = text[start:end]
    if len(value) < least or value.lower() in WORDS or placeholder(value) or MARK in value:
        return _NOTHING
    if not (strong(value) or mixed(value) or len(value) >= 24):
        return _NOTHING
    return start, end, "basic-auth" if scheme == "basic" else "bearer-token"


def _argument(text: str, left: int, right: int, sort: str) -> tuple[int, int, str]:
    """``aws configure set aws_secret_access_key wJa...``; ``ENV SECRET_KEY 9f8...`` of a Dockerfile."""
    name = text[left:right]
    start, end = right + 1, _run(text, right + 1, _ENV_STOP)
    constant = sort == "aws-secret-key" or ("_" in name and name == name.upper())
    value = text[start:end]
    fits = constant and text[right : right + 1] == " " and len(value) >= 16 and MARK not in value
    fits = fits and mixed(value) and strong(value) and is_secret(sort, value)
    return (start, end, sort) if fits else _NOTHING


def _spoken(text: str, lower: str, left: int, right: int) -> tuple[int, int, str]:
    """``login me password hunter2`` (.netrc); ``the password is hunter2``, ``password hunter2x!``."""
    if lower[max(0, left - 200) : left].split()[-2:-1] in (["login"], ["account"], ["machine"]):
        start = right + len(text[right : right + 32]) - len(text[right : right + 32].lstrip())
        end = _run(text, start, SPACE)
        fits = start > right and end > start and not text.startswith(MARK, start)
        return (start, end, "password") if fits else _NOTHING
    verb = next((verb for verb in (" is ", " is: ", " was ") if lower.startswith(verb, right)), None)
    named = verb is None and lower[left:right] in ("password", "passphrase", "passcode")
    if verb is None and not (named and text[right : right + 1] == " "):
        return _NOTHING
    start = right + len(verb or " ")
    if text[start : start + 1] in ('"', "'", "`"):
        start, end, _ = _value(text, start, "bare")
        value = text[start:end]
        fits = _blurted(value, 8) if named else len(value) >= 4 and is_secret("password", value, "quoted")
    else:
        end = _trimmed(text, start, _run(text, start, _SPOKEN_STOP))
        value = text[start:end]
        code = text[end : end + 1] in ("(", "[", "{")
        code = code or (named and ("=" in value or not value[:1].isalnum()))
        fits = not code and _blurted(value, 8 if named else 6)
    return (start, end, "password") if fits and MARK not in value else _NOTHING


def _blurted(value: str, least: int) -> bool:
    """Whether a word of prose is a password: letters and digits, or signs inside; no name or algorithm."""
    if any(c in "./:_-" or c in SPACE for c in value) or value.lower().startswith(_ALGORITHMS):
        return False
    if not value or placeholder(value):
        return False
    if any(c.isdigit() for c in value):
        return len(value) >= least and mixed(value)
    return len(value) >= 8 and any(c in _SIGNS for c in value.strip(_SIGNS))


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
