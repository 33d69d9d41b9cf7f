"""Read the value that text assigns to a name: where it starts, in which form, and where it ends.

No regular expressions: the time is linear and nothing is compiled in a hook. Standard library, Python 3.9.
"""

from rune.redact.plausible import LITERAL, NAME, SPACE

BARE_STOP = SPACE | frozenset("\"'`,;&<>()[]{}|\\")
ENV_STOP = SPACE | frozenset("\"'`<>\\")
HEADER_STOP = SPACE | frozenset("\"'`,<>\\)")
REACH = 4096
"""Characters of a value that are looked at."""
_QUOTES = frozenset("\"'`")
_AFTER = frozenset(" .)}],;:+\\")
_WRAPPERS = (
    "String::from(", "SecretString::from(", "SecretString::new(", "Secret::new(", "SecretStr(", "Secret(",
    "[]byte(", "bytes(", "str(", "Buffer.from(", "new String(",
)  # fmt: skip
"""Calls around a literal that is data all the same."""
_SETTERS = ("define", "set", "setenv", "putenv", "setdefault", "setproperty", "setheader", "setitem", "put")
"""Functions of a name and its value."""
_TYPES = ("string", "[]byte", "String", "str", "text")
_ATTRIBUTES = ("type", "description", "sensitive", "nullable")
"""What stands before the default of a Terraform variable."""


def separator(text: str, left: int, right: int) -> "tuple[int, str] | None":
    """Where the value starts behind ``=``, ``:``, ``:=``, ``=>``, ``==``, XML bracket or flag's space."""
    apart = _beside(text, right) or _passed(text, left, right)
    if apart:
        return apart, "json"
    at = near = _skip_colour(text, right)
    while at < near + 6 and text[at : at + 1] in ("\\", '"', "'", "`", "]"):
        at += 1
    at = _skip_length(text, at)
    gap = at
    at = skip_space(text, at)
    spaced = at > gap
    at = _skip_type(text, at) if spaced else at
    if text[at : at + 2] in ("==", "!="):
        at = skip_space(text, at + 2 + (text[at + 2 : at + 3] == "="))
        opens = text[at : at + 1] in ('"', "'") and text[at + 1 : at + 2] not in _AFTER  # print("= pass ==")
        return (at, "bare") if opens else None
    end = _operator(text, at)
    if end:
        plain = text[at:end] == "=" and not spaced and text[end : end + 1] not in SPACE
        form = _form(text, left, text[left:right], plain)
    elif text[at : at + 1] == "|" and _line(text, left).strip() in ("|", "| `", "|`"):
        end, form = at + 1, "cell"
    elif text[at : at + 1] == ">" and text[left - 1 : left] == "<":
        return at + 1, "xml"
    elif spaced and text[left : left + 2] == "--" and gap == right:
        end, form = at, "flag-word"
    else:
        return None
    return _skip_annotation(text, _skip_block(text, skip_space(text, end))), form


def _operator(text: str, at: int) -> int:
    """Where an assignment ends: ``=``, ``:``, ``=>`` and ``=`` behind any of ``: ? + . |``; else 0."""
    end = at
    while end < at + 3 and text[end : end + 1] in (":", "?", "+", ".", "|"):
        end += 1
    if text[end : end + 1] == "=" and text[end + 1 : end + 2] not in ("~", "="):
        return end + 1 + (text[end + 1 : end + 2] == ">")
    if text[at : at + 2] == "?:":
        return at + 2
    return at + 1 if text[at : at + 1] == ":" and end == at + 1 and text[end : end + 1] != "=" else 0


def _form(text: str, left: int, name: str, plain: bool) -> str:
    if text[left - 1 : left] in ("?", "&"):
        return "url"
    if name[:2] == "--":
        return "flag"
    return "env" if plain and name == name.upper() else "bare"


def _line(text: str, at: int) -> str:
    """What stands on the line before this place."""
    return text[max(0, at - 40) : at].rpartition("\n")[2]


def _skip_length(text: str, at: int) -> int:
    """Past the brackets of C's ``char secret[25]``."""
    end = at + 1
    while end < at + 8 and text[end : end + 1].isdigit():
        end += 1
    return end + 1 if text[at : at + 1] == "[" and text[end : end + 1] == "]" else at


def _skip_type(text: str, at: int) -> int:
    """Past the type in Go's ``var token string = "x"``."""
    for name in _TYPES:
        if text.startswith(name, at):
            after = skip_space(text, at + len(name))
            return after if text[after : after + 1] == "=" else at
    return at


def _skip_block(text: str, at: int) -> int:
    """Past the ``|`` or ``>-`` of a YAML block of one line, to its line."""
    if text[at : at + 1] not in ("|", ">"):
        return at
    end = at + 1 + (text[at + 1 : at + 2] in ("-", "+"))
    start = end
    while start < end + 40 and text[start : start + 1] in (" ", "\n", "\r"):
        start += 1
    return start if "\n" in text[end:start] else at


def _beside(text: str, right: int) -> int:
    """Where the value starts in ``"name": "DB_PASSWORD", "value": "hunter2"``, its YAML or XML, and in
    ``variable "db_password" { default = "hunter2" }``; else 0.
    """
    rest = text[right : right + 60]
    left = rest.lstrip(" \t\r\n\"',\\{")
    between = rest[: len(rest) - len(left)]
    word = "value"
    if "{" in between:
        word = "default"
        rest = text[right : right + 300]
        left = rest[len(between) :]
        while left.startswith(_ATTRIBUTES) and "\n" in left:
            left = left.partition("\n")[2].lstrip()
    if not left.startswith(word) or not any(c in "\"'\n" for c in between):
        return 0
    after = left[len(word) :].lstrip("\"'\\ ")
    return right + len(rest) - len(after[1:].lstrip(" ")) if after[:1] in (":", "=") and after[1:] else 0


def _passed(text: str, left: int, right: int) -> int:
    """Where the value starts in ``define('DB_PASSWORD', 'hunter2')`` or ``setenv("X", "y")``; else 0."""
    quote = text[left - 1 : left]
    if not quote or quote not in _QUOTES or text[left - 2 : left - 1] != "(":
        return 0
    if text[right : right + 2] != quote + ",":
        return 0
    start = left - 2
    while start > max(0, left - 24) and text[start - 1] in NAME and text[start - 1] != ".":
        start -= 1
    at = skip_space(text, right + 2)
    function = text[max(0, left - 12) : left - 2].lower()
    known = text[start : left - 2].lower() in _SETTERS
    known = known or function.endswith(("header.add", "ordefault", "orelse"))
    return at if known and text[at : at + 1] in _QUOTES else 0


def _skip_colour(text: str, at: int) -> int:
    """Past the sequences of a terminal that end the colour of a name."""
    while text[at : at + 2] == "\x1b[":
        end = at + 2
        while end < at + 12 and text[end : end + 1] in tuple("0123456789;"):
            end += 1
        at = end + 1
    return at


def skip_space(text: str, at: int) -> int:
    """Past blanks and tabs."""
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


def value_at(text: str, at: int, form: str) -> tuple[int, int, str]:
    """The value that starts here: in quotes of any escape level, or bare up to where its form ends."""
    if form == "xml":
        end = text.find("<", at, at + 512)
        inner = text[at:end].strip() if end > at else ""
        start = at + text[at:end].find(inner) if inner else at
        return (start, start + len(inner), form) if "\n" not in inner else (at, at, form)
    for wrapper in _WRAPPERS:
        if text.startswith(wrapper, at) and text[at + len(wrapper) : at + len(wrapper) + 1] in _QUOTES:
            at += len(wrapper)
            break
    if text[at : at + 1] in ("b", "r", "f", "u", "@") and text[at + 1 : at + 2] in ('"', "'"):
        at += 1
    quote = at
    while quote < at + 8 and text[quote : quote + 1] == "\\":
        quote += 1
    if text[quote : quote + 1] in ('"', "'", "`"):
        start = quote + 1
        end = _closing(text, start, text[at:start])
        return start, end, form if form in LITERAL else "quoted"
    end = run(text, at, ENV_STOP if form == "env" else BARE_STOP)
    head, call, _ = text[at : end + 1].partition("(")
    if all(c in NAME for c in head) and (call or text[end : end + 1] in ("[", "{")):
        return at, at, form  # a call or an index: code
    if text[end : end + 1] in ("(", "[", "{"):
        end = run(text, end, ENV_STOP)
    return at, trimmed(text, at, end), form


def trimmed(text: str, at: int, end: int) -> int:
    """Without the punctuation that follows a value; a bracket that it opened itself stays."""
    while end > at and (text[end - 1] in ",;&|." or (text[end - 1] == ")" and "(" not in text[at:end])):
        end -= 1
    return end


def run(text: str, at: int, stop: frozenset[str]) -> int:
    """The end of the run that holds none of these characters."""
    limit = min(len(text), at + REACH)
    while at < limit and text[at] not in stop:
        at += 1
    return at


def _closing(text: str, start: int, quote: str) -> int:
    """The end of a quoted value: its closing quote, else the end of the line or of what there is."""
    limit = min(len(text), start + REACH)
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
